//! `envoy.service.auth.v3.Authorization/Check`: what is asked, and answers in
//! words. Field numbers are those of Envoy's data-plane API.

use sluice_host::{GrpcCall, Headers};
use sluice_policy::Diagnostics;
use sluice_policy::json::{Node, Object};
use sluice_policy::protobuf::{Message, Value, read};

use super::answer::final_status;
use super::headers::{self, Lines};

/// Name of the gRPC service.
pub(super) const SERVICE: &str = "envoy.service.auth.v3.Authorization";
/// Name of its only method.
pub(super) const METHOD: &str = "Check";

/// `google.rpc.Code.PERMISSION_DENIED`.
const PERMISSION_DENIED: u64 = 7;

/// What Envoy answers where an authorizer names no status.
const FORBIDDEN: u16 = 403;

/// Whether a call asks an authorizer.
pub(super) fn is_check(call: &GrpcCall) -> bool {
    call.service == SERVICE && call.method == METHOD
}

/// The request that an authorizer is asked about, pseudo-headers first; `None`
/// if the call is another, or its message no `CheckRequest`.
pub(super) fn asked(call: &GrpcCall) -> Option<Headers> {
    if !is_check(call) {
        return None;
    }
    let mut headers = Headers::new();
    // CheckRequest.attributes, AttributeContext.request, Request.http.
    inside(1, &call.message, &mut |attributes| {
        inside(4, attributes, &mut |request| {
            inside(2, request, &mut |http| read_http(http, &mut headers))
        })
    })?;
    Some(headers)
}

/// Hands every message in field `number` to `then`.
fn inside<'b>(
    number: u64,
    message: &'b [u8],
    then: &mut dyn FnMut(&'b [u8]) -> Option<()>,
) -> Option<()> {
    read(message, &mut |field, value| {
        if field == number {
            then(value.bytes()?)?;
        }
        Some(())
    })
}

/// `AttributeContext.HttpRequest`.
fn read_http(message: &[u8], headers: &mut Headers) -> Option<()> {
    read(message, &mut |field, value| {
        match field {
            2 => headers.set(":method", value.bytes()?),
            3 => read_header(value, headers)?,
            4 => headers.set(":path", value.bytes()?),
            5 => headers.set(":authority", value.bytes()?),
            _ => {}
        }
        Some(())
    })
}

/// One entry of the map of headers, which holds the pseudo-headers again.
fn read_header(entry: Value<'_>, headers: &mut Headers) -> Option<()> {
    let (mut name, mut text): (&[u8], &[u8]) = (b"", b"");
    read(entry.bytes()?, &mut |field, value| {
        match field {
            1 => name = value.bytes()?,
            2 => text = value.bytes()?,
            _ => {}
        }
        Some(())
    })?;
    if !name.starts_with(b":") {
        headers.push(name, text);
    }
    Some(())
}

/// What an authorizer says.
#[derive(Debug, Clone)]
pub(super) enum Verdict {
    /// The request may pass.
    Allow(Allow),
    /// It may not.
    Deny(Deny),
}

/// `OkHttpResponse`.
#[derive(Debug, Clone, Default)]
pub(super) struct Allow {
    headers_to_set: Lines,
    headers_to_append: Lines,
    headers_to_remove: Vec<String>,
    response_headers_to_add: Lines,
}

/// `DeniedHttpResponse`.
#[derive(Debug, Clone)]
pub(super) struct Deny {
    status: u16,
    headers: Lines,
    body: String,
}

impl Verdict {
    /// Reads `allow`.
    pub(super) fn read_allow(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut allow = node.object(diagnostics)?;
        let read = Allow {
            headers_to_set: lines(&mut allow, "headersToSet", diagnostics),
            headers_to_append: lines(&mut allow, "headersToAppend", diagnostics),
            headers_to_remove: names(&mut allow, "headersToRemove", diagnostics),
            response_headers_to_add: lines(&mut allow, "responseHeadersToAdd", diagnostics),
        };
        allow.finish(diagnostics);
        Some(Self::Allow(read))
    }

    /// Reads `deny`.
    pub(super) fn read_deny(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut deny = node.object(diagnostics)?;
        let status = deny.take("status");
        let headers = lines(&mut deny, "headers", diagnostics);
        let body = deny.take("body");
        deny.finish(diagnostics);
        let status = status.map_or(Some(FORBIDDEN), |node| final_status(&node, diagnostics));
        let body = body.map_or(Some(""), |node| node.string(diagnostics));
        Some(Self::Deny(Deny {
            status: status?,
            headers,
            body: body?.to_owned(),
        }))
    }

    /// In a word or two.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Allow(_) => "allow".to_owned(),
            Self::Deny(deny) => format!("deny {}", deny.status),
        }
    }

    /// The `CheckResponse` that says so.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut response = Message::default();
        match self {
            Self::Allow(allow) => {
                response.message(1, &code(0));
                response.message(3, &allow.encode());
            }
            Self::Deny(deny) => {
                response.message(1, &code(PERMISSION_DENIED));
                response.message(2, &deny.encode());
            }
        }
        response.into_bytes()
    }
}

impl Allow {
    fn encode(&self) -> Message {
        let mut ok = Message::default();
        options(&mut ok, 2, &self.headers_to_set, false);
        options(&mut ok, 2, &self.headers_to_append, true);
        for name in &self.headers_to_remove {
            ok.bytes(5, name.as_bytes());
        }
        options(&mut ok, 6, &self.response_headers_to_add, true);
        ok
    }
}

impl Deny {
    fn encode(&self) -> Message {
        let mut denied = Message::default();
        denied.message(1, &code(self.status.into()));
        options(&mut denied, 2, &self.headers, false);
        denied.bytes(3, self.body.as_bytes());
        denied
    }
}

/// `google.rpc.Status` or `envoy.type.v3.HttpStatus`: the code is field 1 of both.
fn code(code: u64) -> Message {
    let mut status = Message::default();
    status.varint(1, code);
    status
}

/// `HeaderValueOption`s, whose `append` is what Envoy's ext_authz obeys.
fn options(message: &mut Message, field: u8, lines: &Lines, append: bool) {
    for (name, value) in lines {
        let mut header = Message::default();
        header.bytes(1, name.as_bytes());
        header.bytes(2, value.as_bytes());
        let mut option = Message::default();
        option.message(1, &header);
        if append {
            // A google.protobuf.BoolValue: true in field 1, as a code 1 is.
            option.message(2, &code(1));
        }
        message.message(field, &option);
    }
}

fn lines(object: &mut Object<'_>, key: &'static str, diagnostics: &mut Diagnostics) -> Lines {
    object
        .take(key)
        .and_then(|node| headers::lines(&node, diagnostics))
        .unwrap_or_default()
}

fn names(object: &mut Object<'_>, key: &'static str, diagnostics: &mut Diagnostics) -> Vec<String> {
    let items = object
        .take(key)
        .and_then(|node| node.texts(diagnostics))
        .unwrap_or_default();
    let named: Vec<Option<String>> = items
        .iter()
        .map(|(name, node)| headers::name(name, node, diagnostics))
        .collect();
    named.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn call(message: Vec<u8>) -> GrpcCall {
        GrpcCall {
            cluster: String::new(),
            service: SERVICE.to_owned(),
            method: METHOD.to_owned(),
            metadata: Headers::new(),
            message,
            timeout_ms: None,
        }
    }

    fn nested(fields: &[u8], inner: Message) -> Vec<u8> {
        let wrap = |inner: Message, field: &u8| {
            let mut outer = Message::default();
            outer.message(*field, &inner);
            outer
        };
        fields.iter().fold(inner, wrap).into_bytes()
    }

    fn encoded(text: &str, read: fn(&Node<'_>, &mut Diagnostics) -> Option<Verdict>) -> Vec<u8> {
        let mut diagnostics = Diagnostics::new();
        let value = yaml::parse(text).unwrap()[0].to_json();
        let verdict = read(&Node::new(&value, "answer"), &mut diagnostics);
        assert_eq!(diagnostics.to_string(), "");
        verdict.unwrap().encode()
    }

    #[test]
    fn the_request_in_a_check_is_read() {
        let mut http = Message::default();
        http.bytes(2, b"GET");
        for (name, value) in [(":method", "PUT"), ("a", "1"), ("b", "")] {
            let mut entry = Message::default();
            entry.bytes(1, name.as_bytes());
            entry.bytes(2, value.as_bytes());
            http.message(3, &entry);
        }
        http.bytes(4, b"/x");
        http.bytes(5, b"shop");
        let asked = asked(&call(nested(&[2, 4, 1], http))).unwrap();
        let lines = [
            (":method", "GET"),
            ("a", "1"),
            ("b", ""),
            (":path", "/x"),
            (":authority", "shop"),
        ];
        assert_eq!(asked, lines.into_iter().collect());
    }

    #[test]
    fn what_is_no_check_asks_about_no_request() {
        let mut other = call(Vec::new());
        assert!(asked(&other).is_some());
        other.method = "Other".to_owned();
        assert!(asked(&other).is_none());
        assert!(asked(&call(vec![0x0a, 9])).is_none());
    }

    #[test]
    fn a_bare_verdict_has_a_status_and_a_response() {
        assert_eq!(encoded("{}", Verdict::read_allow), b"\x0a\x00\x1a\x00");
        // status {code: 7}, denied_response {status {code: 403}}.
        assert_eq!(
            encoded("{}", Verdict::read_deny),
            b"\x0a\x02\x08\x07\x12\x05\x0a\x03\x08\x93\x03"
        );
    }

    #[test]
    fn headers_go_into_the_fields_of_their_kind() {
        let allow = "{headersToSet: {a: x}, headersToAppend: {b: x}, headersToRemove: [C], \
                     responseHeadersToAdd: {d: x}}";
        let set = |name: u8| vec![0x12, 8, 0x0a, 6, 0x0a, 1, name, 0x12, 1, b'x'];
        let append = |field: u8, name: u8| {
            let header = [0x0a, 6, 0x0a, 1, name, 0x12, 1, b'x'];
            [&[field, 12][..], &header, &[0x12, 2, 8, 1]].concat()
        };
        let removal = vec![0x2a, 1, b'c'];
        let ok = [set(b'a'), append(0x12, b'b'), removal, append(0x32, b'd')].concat();
        let size = u8::try_from(ok.len()).unwrap();
        let expected = [&[0x0a, 0, 0x1a, size][..], &ok].concat();
        assert_eq!(encoded(allow, Verdict::read_allow), expected);

        let deny = encoded(
            "{status: 401, headers: {a: x}, body: nay}",
            Verdict::read_deny,
        );
        let denied = [&[0x0a, 3, 8, 0x91, 3][..], &set(b'a'), &[0x1a, 3], b"nay"].concat();
        assert!(deny.ends_with(&denied), "{deny:x?}");
    }
}
