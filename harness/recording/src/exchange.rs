//! One recorded exchange.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::fields::{is_field_name, is_field_value};
use crate::object::impl_object;
use crate::section::{Section, is_latency, is_status};
use crate::text::owned_text;
use crate::{Attributes, Body, Expectation, Field, Fields, Recorded, Timestamp};

impl_object!(
    Exchange<'a>,
    Request<'a> if is_possible,
    Response<'a> if is_possible,
    Partial<'a> if is_possible
);

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
    /// Whether a reader accepts it: Envoy can have recorded it.
    pub(crate) fn is_possible(&self) -> bool {
        self.attributes.is_possible()
            && self.request.is_possible()
            && self
                .response
                .as_ref()
                .known()
                .is_none_or(Response::is_possible)
            && self
                .expect
                .as_ref()
                .is_none_or(|expect| expect.is_possible())
    }

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
    fn is_possible(&self) -> bool {
        let is_whole = self.partial.is_none();
        are_possible(&self.headers, Section::Request, is_whole)
            && self.partial.as_ref().is_none_or(Partial::is_possible)
            && trailers_are_possible(&self.trailers)
    }

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
    fn is_possible(&self) -> bool {
        let is_whole = self.partial.is_none();
        are_possible(&self.headers, Section::Response, is_whole)
            && self.headers.all(":status").all(is_status)
            && self.partial.as_ref().is_none_or(Partial::is_possible)
            && trailers_are_possible(&self.trailers)
            && self.latency_ms.is_none_or(is_latency)
    }

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
    fn is_possible(&self) -> bool {
        self.absent.iter().all(|name| is_field_name(name))
    }

    /// The same list without borrowing.
    pub fn into_owned(self) -> Partial<'static> {
        Partial {
            absent: self.absent.into_iter().map(owned_text).collect(),
        }
    }
}

fn trailers_are_possible(trailers: &Recorded<Fields<'_>>) -> bool {
    let trailers = trailers.as_ref().known();
    trailers.is_none_or(|trailers| are_possible(trailers, Section::Trailers, false))
}

/// Each line for itself, and the pseudo-headers together.
fn are_possible(fields: &Fields<'_>, section: Section, is_whole: bool) -> bool {
    let line = |field: &Field<'_>| is_field_name(&field.name) && is_field_value(&field.value);
    let mut are_possible = fields.iter().all(line);
    let names = fields.iter().map(|field| field.name.as_ref());
    section.check(names, is_whole, |_| are_possible = false);
    are_possible
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
