//! A compiled configuration: what one workload demands of tokens.

use std::rc::Rc;

use sluice_policy::{Attribute, AttributeSet};

use crate::audience::Audiences;
use crate::claims::ClaimPath;
use crate::key_source::{KeySource, SourceId};

/// Everything that [`authenticate`](crate::authenticate) goes by, immutable and
/// shareable.
#[derive(Debug, Default)]
pub struct Program {
    pub(crate) refusal: Option<Box<str>>,
    /// Names of the headers that rules read or write, lower-case.
    pub(crate) names: Vec<Box<[u8]>>,
    /// In the order of their issuers.
    pub(crate) rules: Vec<Rule>,
    /// Every header that rules write: no client may send one.
    pub(crate) outputs: Vec<NameId>,
    pub(crate) sources: Vec<KeySource>,
}

/// Index into [`Program::names`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NameId(pub(crate) usize);

/// One rule: Envoy calls it a provider.
#[derive(Debug)]
pub(crate) struct Rule {
    /// What `iss` must be; anything when empty.
    pub(crate) issuer: Rc<str>,
    pub(crate) audiences: Audiences,
    pub(crate) source: SourceId,
    pub(crate) locations: Locations,
    pub(crate) payload_header: Option<NameId>,
    pub(crate) claim_headers: Vec<(NameId, ClaimPath)>,
    /// The headers of the two above, each once.
    pub(crate) outputs: Vec<NameId>,
    pub(crate) forwards_token: bool,
    /// Claims that others see as lists.
    pub(crate) space_delimited: Vec<Box<str>>,
}

/// Where a rule looks for tokens, in the order in which Envoy collects them: each
/// list sorted, because Envoy keeps them in ordered maps.
#[derive(Debug, Default)]
pub(crate) struct Locations {
    /// Headers with what stands before the token.
    pub(crate) headers: Vec<(NameId, Box<[u8]>)>,
    pub(crate) parameters: Vec<Box<[u8]>>,
    pub(crate) cookies: Vec<Box<[u8]>>,
    /// The header `cookie`, if there are any.
    pub(crate) cookie_header: Option<NameId>,
}

impl Program {
    /// The program of a configuration that did not compile: refuses everything.
    ///
    /// A security filter that does not know its rules must not let requests through.
    pub fn refuse_all(reason: impl Into<Box<str>>) -> Self {
        Self {
            refusal: Some(reason.into()),
            ..Self::default()
        }
    }

    /// Why nothing passes, if nothing does.
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// Where keys come from; [`SourceId`] counts through them.
    pub fn sources(&self) -> &[KeySource] {
        &self.sources
    }

    /// How many rules apply to the workload.
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// The issuers of the rules, in the order in which they are tried.
    pub fn issuers(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| &*rule.issuer)
    }

    /// The attributes that [`authenticate`](crate::authenticate) and
    /// [`refusal`](crate::refusal) look at.
    pub fn demand(&self) -> AttributeSet {
        let mut demand = AttributeSet::EMPTY;
        if self.refusal.is_none() && self.rules.is_empty() {
            return demand;
        }
        for attribute in [
            Attribute::Method,
            Attribute::Path,
            Attribute::Authority,
            Attribute::Headers,
        ] {
            demand.insert(attribute);
        }
        demand
    }

    pub(crate) fn name(&self, id: NameId) -> &[u8] {
        self.names.get(id.0).map_or(&[], |name| name)
    }
}
