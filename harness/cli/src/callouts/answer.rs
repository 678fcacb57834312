//! What comes back of a call.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sluice_host::{GrpcCall, GrpcEvent, HttpAnswer, HttpCall, Message, Timed};
use sluice_policy::json::{Node, Object, one_of};
use sluice_policy::{DiagnosticCode, Diagnostics, duration};

use super::{check, headers, out_of_place};

/// gRPC status of a call that was refused or cut off, which is also what
/// Envoy's router makes of an upstream that it cannot reach.
const UNAVAILABLE: u32 = 14;

/// Later than any timeout.
const NEVER_NS: u64 = u64::MAX;

/// A scripted answer, and when it comes.
#[derive(Debug, Clone)]
pub struct Answer {
    what: What,
    /// Virtual time after the call.
    delay_ns: u64,
}

#[derive(Debug, Clone)]
enum What {
    /// A response over HTTP.
    Http { status: u16, message: Message },
    /// The end of a gRPC call, after a message perhaps.
    Grpc {
        message: Option<Vec<u8>>,
        status: u32,
        text: String,
    },
    /// What a gRPC authorizer says.
    Check(check::Verdict),
    /// No response: refused, or cut off.
    Reset,
    /// Nothing until the call's own timeout.
    Timeout,
}

/// What has to be spoken for an answer to make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP.
    Http,
    /// gRPC.
    Grpc,
    /// gRPC, to an authorizer.
    Check,
}

type Reader = fn(&mut Object<'_>, &mut Diagnostics) -> Option<What>;

/// The key that says what kind of answer it is. The keys of other kinds mean
/// nothing beside it.
const KINDS: [(&str, Reader); 6] = [
    ("status", read_http),
    ("allow", read_allow),
    ("deny", read_deny),
    ("grpcStatus", read_grpc),
    ("messageBase64", read_grpc),
    ("failure", read_failure),
];

impl Answer {
    /// A call that is cut off at once, which Envoy also makes of an upstream that it
    /// cannot reach.
    pub const CUT_OFF: Self = Self {
        what: What::Reset,
        delay_ns: 0,
    };

    /// Reads `answer`.
    pub(super) fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut answer = node.object(diagnostics)?;
        let is_there = |key: &str| node.value().get(key).is_some_and(|value| !value.is_null());
        let what = match KINDS.into_iter().find(|(key, _)| is_there(key)) {
            Some((_, read)) => read(&mut answer, diagnostics),
            None => no_answer(&mut answer, diagnostics),
        };
        let delay = answer.take("delay");
        answer.finish(diagnostics);
        if let (Some(node), Some(What::Timeout)) = (&delay, &what) {
            let expected = "none beside a timeout, which comes when the call's own does";
            out_of_place(node, expected, diagnostics);
        }
        let delay_ms = delay.and_then(|node| duration::milliseconds(&node, diagnostics));
        Some(Self {
            what: what?,
            delay_ns: u64::from(delay_ms.unwrap_or(0)) * 1_000_000,
        })
    }

    /// What has to be spoken; `None` if it does not matter.
    pub(super) fn protocol(&self) -> Option<Protocol> {
        match self.what {
            What::Http { .. } => Some(Protocol::Http),
            What::Grpc { .. } => Some(Protocol::Grpc),
            What::Check(_) => Some(Protocol::Check),
            What::Reset | What::Timeout => None,
        }
    }

    /// The answer in a word or two: `403`, `gRPC 14`, `allow`, `timeout`.
    pub fn name(&self) -> String {
        match &self.what {
            What::Http { status, .. } => status.to_string(),
            What::Grpc { status, .. } => format!("gRPC {status}"),
            What::Check(verdict) => verdict.name(),
            What::Reset => "reset".to_owned(),
            What::Timeout => "timeout".to_owned(),
        }
    }

    /// The answer to a call over HTTP.
    pub fn to_http(&self, call: &HttpCall) -> Timed<HttpAnswer> {
        let (after_ns, what) = match &self.what {
            What::Http { message, .. } => (self.delay_ns, HttpAnswer::Response(message.clone())),
            // The host makes of it what Envoy does when time is up.
            What::Timeout if call.timeout_ms > 0 => (NEVER_NS, HttpAnswer::Reset),
            _ => (self.delay_ns, HttpAnswer::Reset),
        };
        Timed { after_ns, what }
    }

    /// The answer to a gRPC call or stream.
    pub fn to_grpc(&self, call: &GrpcCall) -> Vec<Timed<GrpcEvent>> {
        let ended = |status, text: &str| GrpcEvent::Close(status, text.to_owned());
        let mut after_ns = self.delay_ns;
        let (message, end) = match &self.what {
            What::Check(verdict) => (Some(verdict.encode()), ended(0, "")),
            What::Grpc {
                message,
                status,
                text,
            } => (message.clone(), ended(*status, text)),
            What::Timeout if call.timeout_ms.is_some_and(|timeout| timeout > 0) => {
                after_ns = NEVER_NS;
                (None, ended(UNAVAILABLE, ""))
            }
            _ => (None, ended(UNAVAILABLE, "")),
        };
        let events = message.map(GrpcEvent::Message).into_iter().chain([end]);
        events.map(|what| Timed { after_ns, what }).collect()
    }
}

/// Keys that say more of an answer, and are none alone.
const COMPANIONS: [&str; 3] = ["headers", "body", "grpcMessage"];

/// Takes every key that would say something, so that only a misspelt one is unknown.
fn no_answer(answer: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Option<What> {
    let keys = KINDS.map(|(key, _)| key);
    let expected = one_of(keys.into_iter());
    diagnostics.error(
        DiagnosticCode::MissingKey,
        answer.path(),
        "no answer",
        expected,
    );
    answer.ignore(&keys);
    answer.ignore(&COMPANIONS);
    None
}

fn read_http(answer: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Option<What> {
    let status = answer
        .take("status")
        .and_then(|node| final_status(&node, diagnostics));
    let lines = answer
        .take("headers")
        .and_then(|node| headers::lines(&node, diagnostics))
        .unwrap_or_default();
    let body = answer
        .take("body")
        .and_then(|node| node.string(diagnostics))
        .unwrap_or_default();
    let status = status?;
    let first = (":status".to_owned(), status.to_string());
    let mut message = Message::of_headers([first].into_iter().chain(lines));
    if !body.is_empty() {
        message.body = vec![body.as_bytes().to_vec()];
    }
    Some(What::Http { status, message })
}

/// A status that ends an exchange: those below 200 only precede another.
pub(super) fn final_status(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<u16> {
    node.integer(200..=599_u16, diagnostics)
}

fn read_allow(answer: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Option<What> {
    let node = answer.take("allow")?;
    check::Verdict::read_allow(&node, diagnostics).map(What::Check)
}

fn read_deny(answer: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Option<What> {
    let node = answer.take("deny")?;
    check::Verdict::read_deny(&node, diagnostics).map(What::Check)
}

fn read_grpc(answer: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Option<What> {
    let status = answer
        .take("grpcStatus")
        .map_or(Some(0), |node| node.integer(0..=16_u32, diagnostics));
    let text = answer
        .take("grpcMessage")
        .map_or(Some(""), |node| node.string(diagnostics));
    let message = answer
        .take("messageBase64")
        .map(|node| base64(&node, diagnostics));
    Some(What::Grpc {
        message: match message {
            None => None,
            Some(read) => Some(read?),
        },
        status: status?,
        text: text?.to_owned(),
    })
}

fn base64(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Vec<u8>> {
    match STANDARD.decode(node.string(diagnostics)?) {
        Ok(bytes) => Some(bytes),
        Err(_) => {
            let expected = "the bytes of a message in base64";
            node.error(DiagnosticCode::WrongType, expected, diagnostics);
            None
        }
    }
}

fn read_failure(answer: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Option<What> {
    let kinds = [("timeout", What::Timeout), ("reset", What::Reset)];
    answer.take("failure")?.one_of(&kinds, diagnostics)
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;
    use super::*;
    use crate::yaml;

    fn answer(text: &str) -> Answer {
        let mut diagnostics = Diagnostics::new();
        let value = yaml::parse(text).unwrap()[0].to_json();
        let read = Answer::read(&Node::new(&value, "answer"), &mut diagnostics);
        assert_eq!(diagnostics.to_string(), "");
        read.unwrap()
    }

    fn http(text: &str, timeout_ms: u32) -> Timed<HttpAnswer> {
        answer(text).to_http(&HttpCall {
            cluster: String::new(),
            message: Message::default(),
            timeout_ms,
        })
    }

    fn grpc(text: &str, timeout_ms: Option<u32>) -> Vec<(u64, GrpcEvent)> {
        let call = GrpcCall {
            cluster: String::new(),
            service: String::new(),
            method: String::new(),
            metadata: sluice_host::Headers::new(),
            message: Vec::new(),
            timeout_ms,
        };
        let events = answer(text).to_grpc(&call).into_iter();
        events.map(|event| (event.after_ns, event.what)).collect()
    }

    #[test]
    fn a_response_has_a_status_headers_and_a_body() {
        let got = http(
            "{status: 403, headers: {A: [x, w], b: z}, body: nay, delay: 5ms}",
            0,
        );
        let lines = [(":status", "403"), ("a", "x"), ("a", "w"), ("b", "z")];
        let expected = Message {
            body: vec![b"nay".to_vec()],
            ..Message::of_headers(lines)
        };
        assert_eq!(got.what, HttpAnswer::Response(expected));
        assert_eq!(got.after_ns, 5_000_000);
    }

    #[test]
    fn a_call_without_a_timeout_cannot_time_out() {
        assert_eq!(http("{failure: timeout}", 7).after_ns, NEVER_NS);
        assert_eq!(http("{failure: timeout}", 0).after_ns, 0);
        let reset = GrpcEvent::Close(14, String::new());
        for timeout in [None, Some(0)] {
            assert_eq!(grpc("{failure: timeout}", timeout), [(0, reset.clone())]);
        }
        assert_eq!(grpc("{failure: timeout}", Some(7))[0].0, NEVER_NS);
        assert_eq!(
            grpc("{failure: reset, delay: 1s}", Some(7)),
            [(1_000_000_000, reset)]
        );
    }

    #[test]
    fn a_grpc_call_ends_with_a_status() {
        let end = |status, text: &str| (0, GrpcEvent::Close(status, text.to_owned()));
        assert_eq!(
            grpc("{grpcStatus: 8, grpcMessage: full}", None),
            [end(8, "full")]
        );
        assert_eq!(
            grpc("{messageBase64: aGk=}", None),
            [(0, GrpcEvent::Message(b"hi".to_vec())), end(0, "")]
        );
    }

    #[test]
    fn an_answer_is_of_one_kind() {
        let of = |answer: &str| findings(&format!("callouts: [{{cluster: a, answer: {answer}}}]"));
        assert_eq!(
            of("{}"),
            "callouts[0].answer: found no answer, expected one of \"status\", \"allow\", \"deny\", \
             \"grpcStatus\", \"messageBase64\", \"failure\" [missing-key]"
        );
        for (answer, code) in [
            ("{grpcMessage: hi}", "missing-key"),
            ("{headers: {a: b}, body: hi, delay: 1s}", "missing-key"),
            ("{status: 200, grpcStatus: 0}", "unknown-key"),
            ("{allow: {}, deny: {}}", "unknown-key"),
            ("{failure: timeout, delay: 1s}", "unknown-key"),
            ("{failure: resett}", "unknown-value"),
            ("{status: 100}", "out-of-range"),
            ("{grpcStatus: 17}", "out-of-range"),
            ("{messageBase64: '*'}", "wrong-type"),
            ("{status: 200, delay: 1}", "wrong-type"),
            ("{status: 200, delay: soon}", "invalid-duration"),
            ("{status: 200, headers: {a: \"b\\nc\"}}", "wrong-type"),
            ("{status: 200, headers: {a: []}}", "empty-value"),
        ] {
            let found = of(answer);
            assert!(found.ends_with(&format!("[{code}]")), "{answer}: {found}");
            assert_eq!(found.lines().count(), 1, "{answer}: {found}");
        }
    }
}
