//! The state machine of one check.

use sluice_policy::{Callout, CalloutEvent, Fact, Reply, Request};

use super::edit::Edits;
use super::provider::{Protocol, Provider};
use super::{grpc, http};
use crate::decision::ProviderId;
use crate::program::Program;

/// A header line, name first.
pub type Header = (Vec<u8>, Vec<u8>);

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing more: the check is over.
    Wait,
    /// Apply the edits and decide again.
    Allow(Edits),
    /// Send this and be done.
    Deny(Reply),
}

/// What an answer means.
pub(super) enum Outcome {
    Allowed(Edits),
    Denied {
        status: u16,
        headers: Vec<Header>,
        body: Vec<u8>,
    },
    /// The provider could not say.
    Failed,
}

/// A check that waits for its answer. It outlives the callback that began it,
/// and so holds no part of the program, which may be another one by then.
#[derive(Debug)]
pub struct Check {
    provider: ProviderId,
    /// [`Program::custom_mark`] of the program that it began with.
    mark: u64,
    is_done: bool,
}

/// How a check begins.
#[derive(Debug)]
pub enum Started {
    /// By asking.
    Ask(Callout, Check),
    /// It is over: what is needed to ask is not there.
    Over(Step),
}

/// Begins the check that [`Verdict::Ask`](crate::Verdict::Ask) demands.
///
/// A request whose method, path, authority or headers are unavailable cannot be
/// asked about, and is treated as if the provider had failed.
pub fn start(program: &Program, id: ProviderId, request: &Request<'_>) -> Started {
    let Some(provider) = provider(program, id) else {
        return Started::Over(Step::Deny(error_reply(403)));
    };
    if !http::can_ask(request) {
        return Started::Over(failed(provider));
    }
    Started::Ask(
        callout(provider, request),
        Check {
            provider: id,
            mark: program.custom_mark,
            is_done: false,
        },
    )
}

fn callout(provider: &Provider, request: &Request<'_>) -> Callout {
    let timeout_ms = provider.timeout_ms;
    match &provider.protocol {
        Protocol::Http(options) => Callout::Http {
            cluster: provider.cluster.to_string(),
            headers: http::headers(options, request),
            timeout_ms,
        },
        Protocol::Grpc => Callout::Grpc {
            cluster: provider.cluster.to_string(),
            target: grpc::target(&provider.cluster),
            service: super::proto::SERVICE,
            method: super::proto::METHOD,
            message: grpc::message(request),
            timeout_ms,
        },
    }
}

impl Check {
    /// Takes in what happened. The first event decides; every later one is
    /// [`Step::Wait`], like the end of a gRPC call whose message came.
    ///
    /// Refuses if `program` has other CUSTOM providers than the one that the
    /// check began with: the answer is not one of theirs.
    pub fn on(
        &mut self,
        program: &Program,
        event: &CalloutEvent<'_>,
        request: &Request<'_>,
    ) -> Step {
        if std::mem::replace(&mut self.is_done, true) {
            return Step::Wait;
        }
        let provider = provider(program, self.provider);
        let Some(provider) = provider.filter(|_| self.mark == program.custom_mark) else {
            return Step::Deny(error_reply(403));
        };
        let outcome = match &provider.protocol {
            Protocol::Http(options) => http::outcome(options, event),
            Protocol::Grpc => grpc::outcome(event, request),
        };
        match outcome {
            Outcome::Allowed(edits) => Step::Allow(edits),
            Outcome::Denied {
                status,
                headers,
                body,
            } => Step::Deny(denial(status, headers, body)),
            Outcome::Failed => failed(provider),
        }
    }
}

fn provider(program: &Program, id: ProviderId) -> Option<&Provider> {
    program.providers.get(id.0 as usize)
}

fn failed(provider: &Provider) -> Step {
    if provider.fail_open {
        Step::Allow(Edits::default())
    } else {
        Step::Deny(error_reply(provider.status_on_error))
    }
}

fn denial(status: u16, headers: Vec<Header>, body: Vec<u8>) -> Reply {
    Reply {
        headers,
        body,
        ..reply(status, "ext_authz_denied")
    }
}

fn error_reply(status: u16) -> Reply {
    reply(status, "ext_authz_error")
}

fn reply(status: u16, details: &str) -> Reply {
    Reply {
        status,
        headers: Vec::new(),
        body: Vec::new(),
        details: details.into(),
        grpc_status: None,
    }
}

/// The text of a fact; nothing if there is none.
pub(super) fn text_of(fact: Fact<&[u8]>) -> &[u8] {
    fact.present().unwrap_or_default()
}
