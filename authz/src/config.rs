//! What the resources say: checked and typed, not yet bound to a workload.

mod condition;
mod field;

use std::collections::BTreeMap;

pub use field::Field;

/// Everything that a filter was configured with.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// AuthorizationPolicies, in no particular order.
    pub policies: Vec<AuthorizationPolicy>,
    /// PeerAuthentications, in no particular order.
    pub peer_authentications: Vec<PeerAuthentication>,
    /// Mesh-wide settings.
    pub mesh: Mesh,
    /// Whether a workload may have CUSTOM policies of several providers. Istio
    /// refuses their requests unless its control plane runs with
    /// `PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS`, and so does sluice
    /// unless `multipleCustomProviders` is true.
    pub multiple_custom_providers: bool,
}

/// Stand-in.
#[derive(Debug, Clone)]
pub struct Mesh {
    /// Trust domain of the mesh.
    pub trust_domain: Box<str>,
    /// Its other names.
    pub trust_domain_aliases: Vec<Box<str>>,
    /// Namespace whose policies apply everywhere.
    pub root_namespace: Box<str>,
}

impl Default for Mesh {
    fn default() -> Self {
        Self { trust_domain: "cluster.local".into(), trust_domain_aliases: Vec::new(), root_namespace: "istio-system".into() }
    }
}

/// One AuthorizationPolicy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationPolicy {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `metadata.namespace`.
    pub namespace: Box<str>,
    /// Where it applies.
    pub selector: BTreeMap<String, String>,
    /// What it does.
    pub action: Action,
    /// Annotation `istio.io/dry-run`.
    pub dry_run: bool,
    /// When it does it.
    pub rules: Vec<Rule>,
}

/// What a policy does with a request that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Lets it pass; what no ALLOW policy matches is refused.
    Allow,
    /// Refuses it.
    Deny,
    /// Records it.
    Audit,
    /// Asks the provider of that name.
    Custom(Box<str>),
}

/// One rule: some source, some operation and all conditions must match; what
/// is not listed matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// `from[].source`.
    pub from: Vec<Conjunction>,
    /// `to[].operation`.
    pub to: Vec<Conjunction>,
    /// `when[]`.
    pub when: Conjunction,
}

/// Tests that must all succeed.
pub type Conjunction = Vec<Test>;

/// A field compared with values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// What is compared.
    pub field: Field,
    /// Whether no value may match, rather than some must.
    pub negated: bool,
    /// The values as written, checked.
    pub values: Vec<Box<str>>,
}

/// One PeerAuthentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerAuthentication {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `metadata.namespace`.
    pub namespace: Box<str>,
    /// `metadata.creationTimestamp`, RFC 3339; empty if there is none.
    pub created: Box<str>,
    /// Where it applies.
    pub selector: BTreeMap<String, String>,
    /// `mtls.mode`.
    pub mode: MtlsMode,
    /// `portLevelMtls`.
    pub ports: BTreeMap<u16, MtlsMode>,
}

/// `mtls.mode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MtlsMode {
    /// As the next wider policy says.
    #[default]
    Unset,
    /// Plaintext only.
    Disable,
    /// Both.
    Permissive,
    /// Mutual TLS only.
    Strict,
}

impl AuthorizationPolicy {
    /// A policy without rules, for every workload in scope.
    pub fn named(name: &str, namespace: &str, action: Action) -> Self {
        Self {
            name: name.into(),
            namespace: namespace.into(),
            selector: BTreeMap::new(),
            action,
            dry_run: false,
            rules: Vec::new(),
        }
    }

    /// The id that Istio gives to a rule of this policy.
    pub(crate) fn rule_id(&self, number: usize) -> String {
        format!("ns[{}]-policy[{}]-rule[{number}]", self.namespace, self.name)
    }

    /// The provider of a CUSTOM policy.
    pub(crate) fn provider(&self) -> Option<&str> {
        match &self.action {
            Action::Custom(provider) => Some(provider),
            Action::Allow | Action::Deny | Action::Audit => None,
        }
    }

    /// stand-in
    pub(crate) fn applies_to(&self, workload: &sluice_policy::Workload, mesh: &Mesh) -> bool {
        (*self.namespace == *mesh.root_namespace || *self.namespace == *workload.namespace)
            && self.selector.iter().all(|(key, value)| workload.labels.get(key) == Some(value))
    }
}

impl PeerAuthentication {
    /// stand-in
    pub(crate) fn selects(&self, workload: &sluice_policy::Workload) -> bool {
        self.selector.iter().all(|(key, value)| workload.labels.get(key) == Some(value))
    }
}

impl Config {
    /// stand-in
    pub(crate) fn provider(&self, _name: &str) -> Option<crate::ext_authz::Provider> {
        None
    }
}
