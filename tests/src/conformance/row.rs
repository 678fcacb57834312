//! One behaviour of the table.

use sluice_envoy::client::{Protocol, Request};

use super::traffic::{AUTHORITY, HEALTH_PATH};

/// A host call in a callback, and what it is to say.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The callback, such as `request_headers`.
    pub callback: &'static str,
    /// The operation with its arguments.
    pub operation: &'static str,
    /// Status and value; [`ANYTHING`] where a value differs from run to run.
    pub says: &'static str,
}

/// Fits whatever is said.
pub const ANYTHING: &str = "*";

/// What a host does with requests after the guest has trapped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Failure {
    /// 503.
    #[default]
    Closed,
    /// As if the plugin were not there.
    Open,
}

/// What client and upstream are to see.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Status of each response, in order.
    pub statuses: Vec<u16>,
    /// Response header lines: a value, or none at all.
    pub response_headers: Vec<(&'static str, Option<&'static str>)>,
    /// Body of the first response.
    pub body: Option<&'static str>,
    /// Request header lines upstream: all values joined by `|`, or none at all.
    pub upstream_headers: Vec<(&'static str, Option<&'static str>)>,
    /// Body of the request upstream.
    pub upstream_body: Option<&'static str>,
    /// Whether the request goes upstream at all.
    pub upstream: Option<bool>,
    /// Callbacks of the stream in order, without their arguments.
    pub calls: Option<&'static [&'static str]>,
    /// Callbacks of the stream with their arguments, in order, of one kind.
    pub arguments: Vec<&'static str>,
}

/// One behaviour of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// What happens, as a sentence.
    pub name: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// The request, sent as often as there are statuses.
    pub request: Request,
    /// How it is sent.
    pub protocol: Protocol,
    /// Host calls.
    pub steps: Vec<Step>,
    /// What a callback returns, where it is not the default.
    pub returns: Vec<(&'static str, u32)>,
    /// What is seen outside.
    pub wanted: Wanted,
    /// Whether the guest has a virtual machine of its own.
    pub own_vm: bool,
    /// What follows a trap.
    pub failure: Failure,
    /// `allow_on_headers_stop_iteration`.
    pub stop_iteration: bool,
    /// Hosts that do otherwise: the beginning of their name, and what they do.
    pub otherwise: Vec<(&'static str, &'static str)>,
}

impl Row {
    /// A row whose request is a `GET` that the upstream answers with 200.
    pub fn new(name: &'static str, why: &'static str) -> Self {
        Self {
            name,
            why,
            request: Request::new("GET", AUTHORITY, HEALTH_PATH),
            protocol: Protocol::Http1,
            steps: Vec::new(),
            returns: Vec::new(),
            wanted: Wanted {
                statuses: vec![200],
                ..Wanted::default()
            },
            own_vm: false,
            failure: Failure::Closed,
            stop_iteration: false,
            otherwise: Vec::new(),
        }
    }

    /// A request header line.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Another path.
    pub fn path(mut self, path: &str) -> Self {
        self.request.path = path.as_bytes().to_vec();
        self
    }

    /// A `POST` with this body.
    pub fn post(mut self, body: &str) -> Self {
        self.request.method = "POST".to_owned();
        self.request = self.request.body(body);
        self
    }

    /// A request trailer.
    pub fn trailer(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.trailer(name, value);
        self
    }

    /// Another protocol.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Calls in one callback.
    pub fn steps(mut self, callback: &'static str, steps: &[(&'static str, &'static str)]) -> Self {
        let step = |(operation, says): &(&'static str, &'static str)| Step {
            callback,
            operation,
            says,
        };
        self.steps.extend(steps.iter().map(step));
        self
    }

    /// What a callback returns.
    pub fn returns(mut self, callback: &'static str, value: u32) -> Self {
        self.returns.push((callback, value));
        self
    }

    /// Status of each response; the request is sent once for each.
    pub fn statuses(mut self, statuses: &[u16]) -> Self {
        self.wanted.statuses = statuses.to_vec();
        self
    }

    /// A header line of the response.
    pub fn response_header(mut self, name: &'static str, value: Option<&'static str>) -> Self {
        self.wanted.response_headers.push((name, value));
        self
    }

    /// The body of the response.
    pub fn response_body(mut self, body: &'static str) -> Self {
        self.wanted.body = Some(body);
        self
    }

    /// The lines of one name that go upstream, joined by `|`.
    pub fn upstream_header(mut self, name: &'static str, value: Option<&'static str>) -> Self {
        self.wanted.upstream_headers.push((name, value));
        self
    }

    /// The body that goes upstream.
    pub fn upstream_body(mut self, body: &'static str) -> Self {
        self.wanted.upstream_body = Some(body);
        self
    }

    /// The request does not go upstream.
    pub fn stays_here(mut self) -> Self {
        self.wanted.upstream = Some(false);
        self
    }

    /// The callbacks of the stream, in order.
    pub fn calls(mut self, calls: &'static [&'static str]) -> Self {
        self.wanted.calls = Some(calls);
        self
    }

    /// A callback of the stream with its arguments.
    pub fn call_with(mut self, call: &'static str) -> Self {
        self.wanted.arguments.push(call);
        self
    }

    /// A virtual machine of its own.
    pub fn own_vm(mut self) -> Self {
        self.own_vm = true;
        self
    }

    /// Requests pass after a trap.
    pub fn fail_open(mut self) -> Self {
        self.failure = Failure::Open;
        self
    }

    /// `StopIteration` on headers stops the headers alone.
    pub fn stop_iteration(mut self) -> Self {
        self.stop_iteration = true;
        self
    }

    /// A host whose name begins with `host` is known to do otherwise.
    pub fn otherwise_on(mut self, host: &'static str, what: &'static str) -> Self {
        self.otherwise.push((host, what));
        self
    }

    /// The plugin configuration: see the guest.
    pub fn script(&self, tag: &str) -> String {
        let mut lines = vec![tag.to_owned()];
        for step in &self.steps {
            lines.push(format!("{} {}", step.callback, step.operation));
        }
        for (callback, value) in &self.returns {
            lines.push(format!("{callback} return {value}"));
        }
        lines.join("\n")
    }

    /// Whether a step makes the guest trap, so that its stream has no end to wait for.
    pub fn traps(&self) -> bool {
        self.steps.iter().any(|step| step.operation == "trap")
    }
}
