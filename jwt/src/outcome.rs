//! What is to happen with a request, and what others learn about who sent it.

use std::rc::Rc;

use sluice_policy::HeaderEdit;

use crate::key_source::SourceId;
use crate::status::Status;

/// How far [`authenticate`](crate::authenticate) came.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is over.
    Done(Outcome),
    /// The keys of that source are being fetched. To be called again, from the start,
    /// when they have changed or when the time to wait for them is over.
    Wait(SourceId),
}

/// What is to happen with the request.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it passes.
    pub verdict: Verdict,
    /// Changes to its headers, in order. They remove what a client may not send and
    /// are part of passing; a refused request needs none.
    pub edits: Vec<HeaderEdit>,
    /// Who sent it, as far as a token says; none for a request without tokens.
    pub identity: Option<Rc<Identity>>,
}

/// Whether a request passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No token, or every token is to be believed.
    Pass,
    /// For that reason not.
    Refuse(Status),
}

/// What a verified token says, for filters behind this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The issuer of the rule that believes the token; empty if that takes any.
    pub issuer: Rc<str>,
    /// `iss` and `sub` with a slash between, which policies know as the request
    /// principal; none if the token lacks one of them.
    pub principal: Option<String>,
    /// `{"payload":{…}}`: what Envoy keeps in the dynamic metadata of its JWT filter,
    /// as JSON. Shorter than twice the token: only lists in one text grow.
    pub json: Vec<u8>,
}
