//! Answers that Envoy gives on a plugin's behalf.

use super::Chain;
use crate::headers::Headers;
use crate::outcome::OutcomeKind;
use crate::property::derived::grpc_status_of_http;
use crate::stream::{Direction, Ending, Stream};
use crate::worker::LocalReply;

/// Details of a stream that a failed plugin ended.
const FAIL_STREAM: &[u8] = b"wasm_fail_stream";

/// Details of a response that lost what it needs.
const REMOVED_HEADERS: &str = "filter_removed_required_response_headers";

/// Details of a request that cannot be sent upstream.
const UNSENDABLE_HEADERS: &str = "filter_removed_required_request_headers";

/// gRPC status `UNAVAILABLE`.
const UNAVAILABLE: u32 = 14;

impl Chain {
    /// Refuses a stream because a plugin failed closed; says whether it was
    /// still to be refused.
    pub(super) fn fail_stream(&mut self, stream: usize, plugin: usize) -> bool {
        let reply = LocalReply {
            status: 503,
            details: FAIL_STREAM.to_vec(),
            body: Vec::new(),
            headers: Vec::new(),
            grpc_status: Some(UNAVAILABLE),
        };
        self.reply(stream, plugin, reply)
    }

    /// Answers in place of the upstream. The answer passes the response
    /// callbacks of every plugin that saw the request, also of the one that
    /// replied; once a response is on its way through them it goes straight to
    /// the client, and once the client has seen headers the stream is reset.
    pub(super) fn reply(&mut self, stream: usize, plugin: usize, reply: LocalReply) -> bool {
        let plugins = self.plugins.len();
        let Some(found) = self
            .worker
            .streams
            .get_mut(stream)
            .filter(|stream| !stream.finished)
        else {
            return false;
        };
        let Some(seat) = found.seats.get_mut(plugin) else {
            return false;
        };
        // Envoy sends one local reply for a filter.
        if std::mem::replace(&mut seat.replied, true) {
            return false;
        }
        found.request.closed = true;
        if found.response.sent.started {
            self.reset(stream, plugin, FAIL_STREAM);
            return true;
        }
        let direct = found.response.arrived;
        found.ending = Some(Ending {
            kind: OutcomeKind::Replied,
            plugin: Some(plugin),
        });
        found.details = Some(reply.details.clone());
        found.response.reset(plugins);
        let body = found.compose(reply);
        let end = body.is_empty();
        let serving = self.worker.serving.replace(stream);
        if direct {
            self.send_directly(stream, body);
        } else {
            self.pass_reply(stream, body, end);
        }
        self.worker.serving = serving;
        true
    }

    fn pass_reply(&mut self, stream: usize, body: Vec<u8>, end: bool) {
        let Some(lane) = self.open_lane(stream, Direction::Response) else {
            return;
        };
        lane.arrived = true;
        lane.end_seen = true;
        lane.bytes = body.len() as u64;
        let epoch = lane.epoch;
        self.note_status(stream);
        self.pass_headers(stream, Direction::Response, 0, end);
        let Some(found) = self.worker.streams.get(stream) else {
            return;
        };
        if !end && !found.finished && !found.halted(Direction::Response, epoch) {
            self.pass_data(stream, Direction::Response, 0, body, true);
        }
    }

    fn send_directly(&mut self, stream: usize, body: Vec<u8>) {
        let Some(found) = self.worker.streams.get_mut(stream) else {
            return;
        };
        let lane = &mut found.response;
        (lane.arrived, lane.end_seen) = (true, true);
        (lane.sent.started, lane.sent.ended) = (true, true);
        lane.bytes = body.len() as u64;
        if !body.is_empty() {
            lane.sent.body.push(body);
        }
        self.note_status(stream);
        self.finish_stream(stream);
    }

    /// Answers 502 when the plugins left a response without its status.
    pub(super) fn refuse_headless(&mut self, stream: usize) {
        let message = "missing required header: :status";
        if let Some(body) = self.compose_own(stream, 502, REMOVED_HEADERS, message) {
            self.send_directly(stream, body);
        }
    }

    /// Answers 503 when the plugins left a request with a value that no header can have:
    /// Envoy's router does not send it. The answer passes the plugins.
    pub(super) fn refuse_unsendable(&mut self, stream: usize, name: &str) {
        if let Some(found) = self.worker.streams.get_mut(stream) {
            found.request.closed = true;
        }
        let message = format!("invalid header value for: {name}");
        if let Some(body) = self.compose_own(stream, 503, UNSENDABLE_HEADERS, &message) {
            let end = body.is_empty();
            self.pass_reply(stream, body, end);
        }
    }

    /// Makes the answer that Envoy itself gives about headers, and its body; none if the
    /// stream is gone.
    fn compose_own(
        &mut self,
        stream: usize,
        status: u32,
        details: &str,
        message: &str,
    ) -> Option<Vec<u8>> {
        let plugins = self.plugins.len();
        let found = self.worker.streams.get_mut(stream)?;
        let reply = LocalReply {
            status,
            details: format!("{details}{{{}}}", message.replace(' ', "_")).into_bytes(),
            body: message.as_bytes().to_vec(),
            headers: Vec::new(),
            grpc_status: None,
        };
        found.ending = Some(Ending {
            kind: OutcomeKind::Replied,
            plugin: None,
        });
        found.details = Some(reply.details.clone());
        found.response.reset(plugins);
        Some(found.compose(reply))
    }

    /// Ends a stream without an answer.
    pub(super) fn reset(&mut self, stream: usize, plugin: usize, details: &[u8]) {
        let Some(found) = self
            .worker
            .streams
            .get_mut(stream)
            .filter(|stream| !stream.finished)
        else {
            return;
        };
        found.details.get_or_insert_with(|| details.to_vec());
        found.ending = Some(Ending {
            kind: OutcomeKind::Reset,
            plugin: Some(plugin),
        });
        self.finish_stream(stream);
    }

    /// What `proxy_close_stream` does.
    pub(super) fn close_by_plugin(&mut self, stream: usize, plugin: usize) {
        self.reset(stream, plugin, FAIL_STREAM);
    }
}

impl Stream {
    /// Writes the headers of a local reply and gives its body, as
    /// `Utility::sendLocalReply` does.
    fn compose(&mut self, reply: LocalReply) -> Vec<u8> {
        let head = self.request.headers.get(":method") == Some(b"HEAD");
        let headers = &mut self.response.headers;
        if is_grpc(&self.request.headers) {
            compose_grpc(headers, &reply);
            return Vec::new();
        }
        headers.set(":status", reply.status.to_string());
        headers.extend(reply.headers.iter().map(|(name, value)| (name, value)));
        if reply.body.is_empty() {
            headers.remove("content-length");
            headers.remove("content-type");
            return Vec::new();
        }
        headers.set("content-length", reply.body.len().to_string());
        if headers.get("content-type").is_none() {
            headers.set("content-type", "text/plain");
        }
        if head { Vec::new() } else { reply.body }
    }
}

/// Trailers-only: the status travels in the headers of an HTTP 200.
fn compose_grpc(headers: &mut Headers, reply: &LocalReply) {
    let http = u16::try_from(reply.status).unwrap_or_default();
    let status = reply
        .grpc_status
        .map_or_else(|| grpc_status_of_http(http), i64::from);
    headers.set("grpc-status", status.to_string());
    headers.extend(reply.headers.iter().map(|(name, value)| (name, value)));
    // Set last: what the guest says of them does not count.
    headers.set(":status", "200");
    headers.set("content-type", "application/grpc");
    headers.remove("content-length");
    if !reply.body.is_empty() {
        headers.set("grpc-message", percent_encoded(&reply.body));
    }
}

/// `application/grpc`, alone or with a suffix after `+`.
fn is_grpc(headers: &Headers) -> bool {
    let rest = headers
        .get("content-type")
        .and_then(|kind| kind.strip_prefix(b"application/grpc"));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"+"))
}

/// As a gRPC message must be: printable ASCII but `%` stands for itself.
fn percent_encoded(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text {
        match byte {
            b' '..=b'~' if *byte != b'%' => out.push(char::from(*byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
