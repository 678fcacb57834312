//! What goes into a chain: one request, and what the upstream would answer.

use crate::attributes::Attributes;
use crate::headers::Headers;

/// Headers, body and trailers of a request or a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// Header lines in order, pseudo headers first.
    pub headers: Headers,
    /// The body as it arrives, one element per data frame. Chunking is visible
    /// to filters.
    pub body: Vec<Vec<u8>>,
    /// Trailer lines; `None` where the message ends without any.
    pub trailers: Option<Headers>,
}

impl Message {
    /// A message of headers alone.
    pub fn of_headers<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        headers: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self {
            headers: headers.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The body in one piece.
    pub fn body_bytes(&self) -> Vec<u8> {
        self.body.concat()
    }
}

/// One request through the chain.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exchange {
    /// What is known of the connection and the request beyond its headers.
    pub attributes: Attributes,
    /// The request as the client sent it.
    pub request: Message,
    /// What the upstream would answer; `None` leaves a forwarded request
    /// without a response.
    pub response: Option<Message>,
    /// Nanoseconds of virtual time between forwarding and the answer.
    pub upstream_latency_ns: u64,
}
