//! One entry of a script: which calls it fits, and what answers them.

use sluice_host::{GrpcCall, Headers, HttpCall};
use sluice_policy::Diagnostics;
use sluice_policy::json::Node;

use super::answer::{Answer, Protocol};
use super::check;
use super::out_of_place;
use super::request::RequestMatcher;

/// One scripted answer.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The Envoy cluster that it is about, by its full name.
    pub cluster: String,
    /// The line of the file that it starts on, counted from 1; 0 where it does
    /// not come from a file.
    pub line: usize,
    /// What comes back.
    pub answer: Answer,
    /// Calls about certain requests only.
    request: Option<RequestMatcher>,
    /// Calls of certain gRPC methods only.
    grpc: Option<Method>,
}

/// gRPC calls by their service and method; what is not named is not looked at.
#[derive(Debug, Clone, Default)]
struct Method {
    service: Option<String>,
    method: Option<String>,
}

impl Entry {
    /// Reads one entry.
    pub(super) fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut entry = node.object(diagnostics)?;
        let cluster = entry
            .require("cluster", diagnostics)
            .and_then(|node| node.text(diagnostics));
        let request = entry
            .take("request")
            .and_then(|node| RequestMatcher::read(&node, diagnostics));
        let grpc_node = entry.take("grpc");
        let grpc = grpc_node
            .as_ref()
            .and_then(|node| Method::read(node, diagnostics));
        let answer = entry
            .require("answer", diagnostics)
            .and_then(|node| Answer::read(&node, diagnostics));
        entry.finish(diagnostics);
        let answer = answer?;
        if let (Some(node), Some(Protocol::Http)) = (&grpc_node, answer.protocol()) {
            out_of_place(node, "none beside an answer over HTTP", diagnostics);
        }
        Some(Self {
            cluster: cluster?.to_owned(),
            line: 0,
            answer,
            request,
            grpc,
        })
    }

    /// Whether it answers a call over HTTP.
    pub(super) fn fits_http(&self, call: &HttpCall) -> bool {
        let speaks = matches!(self.answer.protocol(), None | Some(Protocol::Http));
        let fits = self.grpc.is_none() && self.fits_request(Some(&call.message.headers));
        self.cluster == call.cluster && speaks && fits
    }

    /// Whether it answers a gRPC call; `asked` is the request that an
    /// authorizer is asked about.
    pub(super) fn fits_grpc(&self, call: &GrpcCall, asked: Option<&Headers>) -> bool {
        let speaks = match self.answer.protocol() {
            None | Some(Protocol::Grpc) => true,
            Some(Protocol::Check) => check::is_check(call),
            Some(Protocol::Http) => false,
        };
        let fits = self.grpc.as_ref().is_none_or(|method| method.fits(call));
        self.cluster == call.cluster && speaks && fits && self.fits_request(asked)
    }

    fn fits_request(&self, headers: Option<&Headers>) -> bool {
        let Some(request) = &self.request else {
            return true;
        };
        headers.is_some_and(|headers| request.fits(headers))
    }
}

impl Method {
    fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut grpc = node.object(diagnostics)?;
        let mut text = |key| {
            let text = grpc.take(key)?.text(diagnostics)?;
            Some(text.to_owned())
        };
        let read = Self {
            service: text("service"),
            method: text("method"),
        };
        grpc.finish(diagnostics);
        Some(read)
    }

    fn fits(&self, call: &GrpcCall) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        is(&self.service, &call.service) && is(&self.method, &call.method)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{findings, script};
    use super::*;

    fn grpc_call(service: &str, method: &str) -> GrpcCall {
        GrpcCall {
            cluster: "a".to_owned(),
            service: service.to_owned(),
            method: method.to_owned(),
            metadata: Headers::new(),
            message: Vec::new(),
            timeout_ms: Some(10),
        }
    }

    fn fitting(yaml: &str) -> Option<usize> {
        let script = script(yaml);
        let call = grpc_call(check::SERVICE, check::METHOD);
        script.for_grpc(&call).map(|(place, _)| place)
    }

    #[test]
    fn an_answer_of_one_protocol_fits_no_call_of_the_other() {
        assert_eq!(
            fitting("callouts: [{cluster: a, answer: {status: 200}}]"),
            None
        );
        assert_eq!(
            fitting("callouts: [{cluster: a, answer: {allow: {}}}]"),
            Some(0)
        );
        assert_eq!(
            fitting("callouts: [{cluster: a, answer: {failure: reset}}]"),
            Some(0)
        );
        let http = HttpCall {
            cluster: "a".to_owned(),
            message: sluice_host::Message::default(),
            timeout_ms: 0,
        };
        for entry in [
            "answer: {allow: {}}",
            "answer: {grpcStatus: 0}",
            "grpc: {}, answer: {failure: reset}",
        ] {
            let script = script(&format!("callouts: [{{cluster: a, {entry}}}]"));
            assert!(script.for_http(&http).is_none(), "{entry}");
        }
    }

    #[test]
    fn grpc_calls_are_told_apart_by_service_and_method() {
        let entry = |grpc: &str| {
            format!("callouts: [{{cluster: a, grpc: {grpc}, answer: {{grpcStatus: 0}}}}]")
        };
        assert_eq!(fitting(&entry("{method: Check}")), Some(0));
        assert_eq!(fitting(&entry("{service: a.B, method: Check}")), None);
        assert_eq!(fitting(&entry("{method: Chek}")), None);
    }

    #[test]
    fn a_request_is_behind_checks_alone() {
        let script = script("callouts: [{cluster: a, request: {}, answer: {grpcStatus: 0}}]");
        let fits = |service| {
            script
                .for_grpc(&grpc_call(service, check::METHOD))
                .is_some()
        };
        assert!(fits(check::SERVICE));
        assert!(!fits("a.B"));
    }

    #[test]
    fn an_authorizers_answer_is_for_checks_alone() {
        let script = script("callouts: [{cluster: a, answer: {allow: {}}}]");
        assert!(script.for_grpc(&grpc_call("a.B", "Check")).is_none());
    }

    #[test]
    fn a_grpc_method_beside_an_answer_over_http_is_refused() {
        let found = findings("callouts: [{cluster: a, grpc: {method: M}, answer: {status: 200}}]");
        assert_eq!(
            found,
            "callouts[0].grpc: found an object, expected none beside an answer over HTTP [unknown-key]"
        );
    }
}
