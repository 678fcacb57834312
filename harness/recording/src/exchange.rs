//! One recorded exchange.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::object::impl_object;
use crate::text::owned_text;
use crate::{Attributes, Body, Expectation, Fields, Recorded, Timestamp};

impl_object!(Exchange<'a>, Request<'a>, Response<'a>, Partial<'a>);

/// A request, what is known of its connection, and the response to it.
///
/// Borrows from the line that it was read from; [`Exchange::into_owned`] lets go.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Exchange<'a> {
    /// What reports call this exchange; unique within a recording by convention.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// When the request arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// Facts by their Envoy names.
    #[serde(borrow, default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes<'a>,
    /// What the client sent.
    #[serde(borrow)]
    pub request: Request<'a>,
    /// What the upstream, or the proxy itself, answered. Absent: nothing was answered.
    #[serde(borrow, default, skip_serializing_if = "Recorded::is_unknown")]
    pub response: Recorded<Response<'a>>,
    /// What a replay must find, in test cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Box<Expectation>>,
}

impl Exchange<'_> {
    /// The same exchange without borrowing.
    pub fn into_owned(self) -> Exchange<'static> {
        Exchange {
            id: owned_text(self.id),
            time: self.time,
            attributes: self.attributes.into_owned(),
            request: self.request.into_owned(),
            response: self.response.map(Response::into_owned),
            expect: self.expect,
        }
    }
}

/// What the client sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Request<'a> {
    /// Lines in wire order, pseudo-headers first.
    #[serde(borrow)]
    pub headers: Fields<'a>,
    /// Present when `headers` is not the whole list.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Partial<'a>>,
    /// Absent: the message ended with its headers.
    #[serde(borrow, default, skip_serializing_if = "Recorded::is_unknown")]
    pub body: Recorded<Body<'a>>,
    /// Lines after the body.
    #[serde(borrow, default, skip_serializing_if = "Recorded::is_unknown")]
    pub trailers: Recorded<Fields<'a>>,
}

impl Request<'_> {
    /// The first value of a header, or why there is none.
    pub fn header(&self, name: &str) -> Recorded<&[u8]> {
        header(&self.headers, self.partial.as_ref(), name)
    }

    /// The same message without borrowing.
    pub fn into_owned(self) -> Request<'static> {
        Request {
            headers: self.headers.into_owned(),
            partial: self.partial.map(Partial::into_owned),
            body: self.body.map(Body::into_owned),
            trailers: self.trailers.map(Fields::into_owned),
        }
    }
}

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Response<'a> {
    /// Lines in wire order, `:status` first.
    #[serde(borrow)]
    pub headers: Fields<'a>,
    /// Present when `headers` is not the whole list.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Partial<'a>>,
    /// Absent: the message ended with its headers.
    #[serde(borrow, default, skip_serializing_if = "Recorded::is_unknown")]
    pub body: Recorded<Body<'a>>,
    /// Lines after the body.
    #[serde(borrow, default, skip_serializing_if = "Recorded::is_unknown")]
    pub trailers: Recorded<Fields<'a>>,
    /// From the end of the request to the response's headers, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
}

impl Response<'_> {
    /// The first value of a header, or why there is none.
    pub fn header(&self, name: &str) -> Recorded<&[u8]> {
        header(&self.headers, self.partial.as_ref(), name)
    }

    /// `:status`, if it is known and a number.
    pub fn status(&self) -> Option<u16> {
        self.headers
            .first_text(":status")
            .and_then(|status| status.parse().ok())
    }

    /// The same message without borrowing.
    pub fn into_owned(self) -> Response<'static> {
        Response {
            headers: self.headers.into_owned(),
            partial: self.partial.map(Partial::into_owned),
            body: self.body.map(Body::into_owned),
            trailers: self.trailers.map(Fields::into_owned),
            latency_ms: self.latency_ms,
        }
    }
}

/// Says that a header list is not whole: a header that is neither listed nor
/// named here is unknown. An access log sees only the headers in its format.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Partial<'a> {
    /// Headers that the capture looked for and did not find.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<Cow<'a, str>>,
}

impl Partial<'_> {
    /// The same list without borrowing.
    pub fn into_owned(self) -> Partial<'static> {
        Partial {
            absent: self.absent.into_iter().map(owned_text).collect(),
        }
    }
}

fn header<'h>(
    headers: &'h Fields<'_>,
    partial: Option<&Partial<'_>>,
    name: &str,
) -> Recorded<&'h [u8]> {
    match (headers.first(name), partial) {
        (Some(value), _) => Recorded::Known(value),
        (None, None) => Recorded::Absent,
        (None, Some(partial)) if partial.absent.iter().any(|absent| absent == name) => {
            Recorded::Absent
        }
        (None, Some(_)) => Recorded::Unknown,
    }
}
