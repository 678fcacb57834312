//! Where requests are sent, and with which changes.

mod answers;
mod edits;
mod explained;
mod guards;
mod sticky;
mod upstreams;

use serde_json::{Value, json};
use sluice_policy::{Diagnostics, Fact, HeaderEdit, HeaderLine, Reply, Request, Workload};

use super::*;
use crate::breaker::Upstreams;
use crate::guard::Guard;

/// A configuration with one VirtualService of host `b`.
fn of_service(spec: Value) -> Value {
    let mut spec = spec;
    spec["hosts"] = json!(["b"]);
    json!({"resources": [resource("VirtualService", "s", &spec)]})
}

fn resource(kind: &str, name: &str, spec: &Value) -> Value {
    let version = match kind {
        "StickySplit" | "CanaryGuard" => "sluice/v1alpha1",
        _ => "networking.istio.io/v1",
    };
    json!({"apiVersion": version, "kind": kind,
           "metadata": {"name": name, "namespace": "n"}, "spec": spec})
}

fn configured(config: &Value) -> (Program, Diagnostics) {
    let workload = Workload {
        namespace: "n".into(),
        ..Workload::default()
    };
    configure(config.to_string().as_bytes(), Some(&workload))
}

fn program(config: &Value) -> Program {
    let (program, diagnostics) = configured(config);
    assert!(!diagnostics.has_errors(), "{diagnostics}");
    program
}

/// A proxy under test.
struct Proxy {
    program: Program,
    dice: Dice,
    upstreams: Upstreams,
    guards: Vec<Guard>,
    /// What a guard would count of the request that was sent last.
    watched: Option<Watched>,
    now_ms: u64,
}

/// What became of a request.
#[derive(Debug, PartialEq)]
enum Became {
    Passed(Vec<String>),
    Answered(Reply),
    Refused(&'static str),
    Sent {
        to: String,
        request: Vec<String>,
        response: Vec<String>,
    },
}

impl Proxy {
    fn new(config: &Value) -> Self {
        let program = program(config);
        Self {
            dice: Dice::new(1, program.split_count()),
            upstreams: Upstreams::new(&program.policies(), 0),
            guards: program.guards().iter().cloned().map(Guard::new).collect(),
            program,
            watched: None,
            now_ms: 0,
        }
    }

    fn of(spec: Value) -> Self {
        Self::new(&of_service(spec))
    }

    fn send(&mut self, path: &str, headers: &[(&str, &str)]) -> Became {
        let mut lines: Vec<HeaderLine<'_>> = vec![
            (b":method", b"GET"),
            (b":scheme", b"http"),
            (b":authority", b"b:8080"),
            (b":path", path.as_bytes()),
        ];
        for (name, value) in headers {
            let own = lines
                .iter_mut()
                .find(|(other, _)| *other == name.as_bytes());
            match own {
                Some(line) if name.starts_with(':') => line.1 = value.as_bytes(),
                _ => lines.push((name.as_bytes(), value.as_bytes())),
            }
        }
        let value = |name: &[u8]| {
            let line = lines.iter().find(|(other, _)| *other == name);
            line.map_or(Fact::Absent, |(_, value)| Fact::Present(*value))
        };
        let mut request = Request {
            method: value(b":method"),
            path: value(b":path"),
            authority: value(b":authority"),
            headers: Fact::Present(&lines),
            metadata: Fact::Absent,
            ..Request::default()
        };
        request.connection.remote_address = Fact::Present(([10, 0, 0, 7], 4040).into());
        request.connection.destination_address = Fact::Present(([10, 0, 0, 9], 8080).into());
        self.judge(&request)
    }

    fn judge(&mut self, request: &Request<'_>) -> Became {
        let mut moment = Moment {
            dice: &mut self.dice,
            upstreams: &mut self.upstreams,
            guards: &self.guards,
            now_ms: self.now_ms,
        };
        match decide(&self.program, request, &mut moment).verdict {
            Verdict::Pass(edits) => Became::Passed(words(&edits)),
            Verdict::Reply(reply) => Became::Answered(reply),
            Verdict::Refuse(refusal) => Became::Refused(refusal.name()),
            Verdict::Forward(to) => {
                self.watched = to.watched;
                Became::Sent {
                    to: to.name.to_owned(),
                    request: words(&to.request),
                    response: words(&to.response),
                }
            }
        }
    }

    /// The changes of a request that is sent.
    fn request_of(&mut self, path: &str, headers: &[(&str, &str)]) -> Vec<String> {
        match self.send(path, headers) {
            Became::Sent { request, .. } => request,
            other => panic!("{other:?}"),
        }
    }

    fn destination(&mut self, headers: &[(&str, &str)]) -> String {
        match self.send("/", headers) {
            Became::Sent { to, .. } => to,
            other => panic!("{other:?}"),
        }
    }

    fn reply(&mut self, path: &str, headers: &[(&str, &str)]) -> Reply {
        match self.send(path, headers) {
            Became::Answered(reply) => reply,
            other => panic!("{other:?}"),
        }
    }
}

/// `name=value` sets, `name+=value` adds, `-name` removes.
fn words(edits: &[HeaderEdit]) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    edits
        .iter()
        .map(|edit| match edit {
            HeaderEdit::Set(name, value) => text(name) + "=" + &text(value),
            HeaderEdit::Append(name, value) => text(name) + "+=" + &text(value),
            HeaderEdit::Remove(name) => "-".to_owned() + &text(name),
        })
        .collect()
}

fn header_of<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    let line = reply
        .headers
        .iter()
        .find(|(other, _)| other == name.as_bytes());
    line.map(|(_, value)| std::str::from_utf8(value).unwrap())
}

fn to_b() -> Value {
    json!([{"destination": {"host": "b"}}])
}

/// A request without any header.
fn get_b() -> Request<'static> {
    Request {
        path: Fact::Present(b"/"),
        authority: Fact::Present(b"b"),
        headers: Fact::Present(&[]),
        metadata: Fact::Absent,
        ..Request::default()
    }
}

/// The example that must work verbatim.
fn order_service() -> Value {
    json!({"resources": [
        {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
         "metadata": {"name": "order-service", "namespace": "production"},
         "spec": {"hosts": ["order-service"], "http": [
            {"match": [{"headers": {"x-canary-test": {"exact": "true"}}}],
             "route": [{"destination": {"host": "order-service", "subset": "v2"}}]},
            {"route": [
                {"destination": {"host": "order-service", "subset": "v1"}, "weight": 95},
                {"destination": {"host": "order-service", "subset": "v2"}, "weight": 5}],
             "timeout": "3s",
             "retries": {"attempts": 3, "perTryTimeout": "1s",
                         "retryOn": "gateway-error,connect-failure,refused-stream"}}]}},
        {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
         "metadata": {"name": "order-service", "namespace": "production"},
         "spec": {"host": "order-service", "subsets": [
            {"name": "v1", "labels": {"version": "v1"}},
            {"name": "v2", "labels": {"version": "v2"}}]}}]})
}
