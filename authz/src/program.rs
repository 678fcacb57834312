//! A compiled configuration: what one workload enforces.

use sluice_policy::AttributeSet;

use crate::ext_authz::Provider;
use crate::layer::Layer;
use crate::peer_authentication::PeerModes;
use crate::predicate::Predicate;
use crate::rules::Literal;
use crate::subject::{Facts, IdentitySource, Subject};
use crate::truth::Truth;

/// Everything that a decision needs, immutable and shareable.
#[derive(Debug, Default)]
pub struct Program {
    pub(crate) refusal: Option<Box<str>>,
    pub(crate) identity: IdentitySource,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) predicates: Vec<Predicate>,
    pub(crate) peers: PeerModes,
    pub(crate) custom: Vec<CustomLayer>,
    /// A hash of the CUSTOM layers' providers, in order. What waits for an
    /// answer carries it along, since numbers of providers and layers mean
    /// nothing to another program. 0 if there are none.
    pub(crate) custom_mark: u64,
    pub(crate) audit: Option<Layer>,
    pub(crate) deny: Option<Layer>,
    pub(crate) allow: Option<Layer>,
    pub(crate) dry_run_deny: Option<Layer>,
    pub(crate) dry_run_allow: Option<Layer>,
    pub(crate) providers: Vec<Provider>,
    pub(crate) demand: AttributeSet,
}

/// CUSTOM policies of one provider.
#[derive(Debug)]
pub(crate) struct CustomLayer {
    pub(crate) layer: Layer,
    pub(crate) on_match: OnMatch,
}

/// What a CUSTOM policy that matches leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnMatch {
    /// Ask the provider with that number.
    Ask(u32),
    /// Refuse: the provider is unknown, or one of too many.
    Refuse,
}

impl Program {
    /// The program of a configuration that did not compile: refuses everything
    /// and says why.
    ///
    /// A security filter without usable policies must not let requests through.
    pub fn refuse_all(reason: impl Into<Box<str>>) -> Self {
        Self {
            refusal: Some(reason.into()),
            ..Self::default()
        }
    }

    /// The attributes that [`decide`](crate::decide) may look at; nothing else
    /// needs to be read.
    pub fn demand(&self) -> AttributeSet {
        self.demand
    }

    /// Whether some request may be sent to an external authorizer.
    pub fn may_ask(&self) -> bool {
        self.custom
            .iter()
            .any(|custom| matches!(custom.on_match, OnMatch::Ask(_)))
    }

    /// How many distinct rules are enforced or tried, over all actions.
    pub fn rule_count(&self) -> usize {
        self.layers().map(|(_, layer)| layer.rules().len()).sum()
    }

    /// All layers with the name of their action, in the order of evaluation.
    pub(crate) fn layers(&self) -> impl Iterator<Item = (&'static str, &Layer)> {
        let custom = self.custom.iter().map(|custom| ("CUSTOM", &custom.layer));
        let others = [
            ("AUDIT", &self.audit),
            ("dry-run DENY", &self.dry_run_deny),
            ("DENY", &self.deny),
            ("dry-run ALLOW", &self.dry_run_allow),
            ("ALLOW", &self.allow),
        ];
        let others = others
            .into_iter()
            .filter_map(|(name, layer)| Some((name, layer.as_ref()?)));
        custom.chain(others)
    }

    /// Evaluates a predicate afresh.
    pub(crate) fn evaluate(&self, predicate: usize, facts: &Facts<'_>) -> Truth {
        let predicate = self.predicates.get(predicate);
        let subject = predicate.and_then(|predicate| self.subjects.get(predicate.subject as usize));
        match (predicate, subject) {
            (Some(predicate), Some(subject)) => predicate.evaluate(subject, facts),
            _ => Truth::Unknown,
        }
    }

    /// What a literal looks at.
    pub(crate) fn subject_of(&self, literal: Literal) -> Option<&Subject> {
        let predicate = self.predicates.get(literal.predicate())?;
        self.subjects.get(predicate.subject as usize)
    }
}
