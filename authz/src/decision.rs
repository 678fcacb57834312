//! What the engine says about a request.

use sluice_policy::AttributeSet;

/// What to do with the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Let it pass.
    Allow,
    /// Refuse it.
    Deny,
    /// Ask an external authorizer, then decide again from [`Decision::resume`].
    Ask(ProviderId),
}

/// Which part of the configuration decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The configuration is unusable, so everything is refused.
    Invalid,
    /// A PeerAuthentication demands mutual TLS.
    PeerAuthentication,
    /// CUSTOM policies.
    Custom,
    /// DENY policies.
    Deny,
    /// ALLOW policies: one matched, or some exist and none did.
    Allow,
    /// No policy had anything to say.
    Default,
}

/// An external authorizer of a program, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderId(pub(crate) u32);

/// Where to go on after an external authorizer allowed the request. To a
/// program with other CUSTOM providers it is the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resume {
    /// How many CUSTOM layers are done; 0 also stands for the beginning.
    pub(crate) done: u32,
    /// [`Program::custom_mark`](crate::Program) of the program that said so.
    pub(crate) mark: u64,
}

/// Outcome of the dry-run policies of one action. Istio reports ALLOW and DENY
/// apart and never combines them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DryRun<'p> {
    /// Whether the policies of this action alone would let the request pass.
    pub allowed: bool,
    /// Id of the first rule that matched.
    pub rule: Option<&'p str>,
}

/// The engine's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision<'p> {
    /// What to do.
    pub verdict: Verdict,
    /// Who decided.
    pub stage: Stage,
    /// Id of the deciding rule, `ns[NS]-policy[NAME]-rule[INDEX]`; for
    /// PeerAuthentication its `ns[NS]-peerauthentication[NAME]`, for an invalid
    /// configuration the reason. None when an ALLOW layer had no match, or when
    /// there was nothing to match.
    pub rule: Option<&'p str>,
    /// The first AUDIT rule that matched, if the AUDIT policies were reached.
    pub audit: Option<&'p str>,
    /// What the dry-run ALLOW policies say, if there are any and they were
    /// reached.
    pub dry_run_allow: Option<DryRun<'p>>,
    /// What the dry-run DENY policies say, likewise.
    pub dry_run_deny: Option<DryRun<'p>>,
    /// Facts that could not be had and would have changed the verdict: an ALLOW
    /// that failed, or a DENY that fired, for want of them.
    pub unavailable: AttributeSet,
    /// Where to go on if the verdict is [`Verdict::Ask`] and the answer is yes.
    pub resume: Resume,
}

impl Decision<'_> {
    /// A decision that nothing has contributed to yet.
    pub(crate) fn new(verdict: Verdict, stage: Stage) -> Self {
        Self {
            verdict,
            stage,
            rule: None,
            audit: None,
            dry_run_allow: None,
            dry_run_deny: None,
            unavailable: AttributeSet::EMPTY,
            resume: Resume::default(),
        }
    }
}
