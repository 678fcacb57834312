//! A body with trailers.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};

/// Data, then trailers. Its length is not known in advance: on HTTP/1.1 a body
/// of known length is sent without chunks, and then without trailers.
#[derive(Debug)]
pub(crate) struct Frames(VecDeque<Frame<Bytes>>);

impl Frames {
    pub(crate) fn new(data: impl Into<Bytes>, trailers: HeaderMap) -> Self {
        Self([Frame::data(data.into()), Frame::trailers(trailers)].into())
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}
