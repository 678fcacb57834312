//! What the resources say: checked and typed, not yet bound to a workload.

mod condition;
mod field;
mod peer;
mod policy;
mod rule;
mod value;

use sluice_policy::diagnostic::{quote, suggest};
use sluice_policy::mesh::ExtensionProvider;
use sluice_policy::resource::{AUTHORIZATION_POLICY, Kind, PEER_AUTHENTICATION};
use sluice_policy::{
    Attachment, DiagnosticCode, Diagnostics, Mesh, Resource, Workload, plugin_config,
};

pub use field::Field;
pub use value::has_one_wildcard_at_an_end;

/// The kinds of resources that this engine implements.
pub const KINDS: [&Kind; 2] = [&AUTHORIZATION_POLICY, &PEER_AUTHENTICATION];

/// Everything that a filter was configured with.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// AuthorizationPolicies, in no particular order.
    pub policies: Vec<AuthorizationPolicy>,
    /// PeerAuthentications, in no particular order.
    pub peer_authentications: Vec<PeerAuthentication>,
    /// Mesh-wide settings.
    pub mesh: Mesh,
    /// `mesh.extensionProviders`: external authorizers.
    pub extension_providers: Vec<ExtensionProvider>,
    /// The workload, where the configuration names it.
    pub workload: Option<Workload>,
    /// Whether a workload may have CUSTOM policies of several providers. Istio
    /// refuses their requests unless its control plane runs with
    /// `PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS`, and so does sluice
    /// unless `multipleCustomProviders` is true.
    pub multiple_custom_providers: bool,
}

/// One AuthorizationPolicy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationPolicy {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `metadata.namespace`.
    pub namespace: Box<str>,
    /// Where it applies.
    pub attachment: Attachment,
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
    pub attachment: Attachment,
    /// `mtls.mode`.
    pub mode: MtlsMode,
    /// `portLevelMtls`.
    pub ports: Vec<(u16, MtlsMode)>,
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
            attachment: Attachment::default(),
            action,
            dry_run: false,
            rules: Vec::new(),
        }
    }

    /// The id that Istio gives to a rule of this policy.
    pub(crate) fn rule_id(&self, number: usize) -> String {
        format!(
            "ns[{}]-policy[{}]-rule[{number}]",
            self.namespace, self.name
        )
    }

    /// The provider of a CUSTOM policy.
    pub(crate) fn provider(&self) -> Option<&str> {
        match &self.action {
            Action::Custom(provider) => Some(provider),
            Action::Allow | Action::Deny | Action::Audit => None,
        }
    }

    /// Whether the policy applies to a workload.
    pub(crate) fn applies_to(&self, workload: &Workload, mesh: &Mesh) -> bool {
        self.attachment
            .applies_to(&self.namespace, workload, &mesh.root_namespace)
    }
}

impl Config {
    /// Reads a pluginConfig; [`Diagnostics::has_errors`] says whether it may be
    /// used. No bytes are an empty configuration: Istio sends `{}` so.
    pub fn parse(bytes: &[u8], diagnostics: &mut Diagnostics) -> Self {
        let mut config = Self::default();
        let mut asked = Vec::new();
        let common = plugin_config::read(bytes, &KINDS, diagnostics, |resource, diagnostics| {
            let number = config.policies.len();
            config.add(resource, diagnostics);
            let policy = config.policies.get(number);
            if let Some(name) = policy.and_then(AuthorizationPolicy::provider) {
                asked.push((resource.path.clone(), name.to_owned()));
            }
        });
        config.extension_providers = common.extension_providers(diagnostics);
        let mut options = common.options();
        let multiple = options.take("multipleCustomProviders");
        options.finish(diagnostics);
        config.multiple_custom_providers = multiple
            .and_then(|node| node.boolean(diagnostics))
            .unwrap_or(false);
        config.mesh = common.mesh;
        config.workload = common.workload;
        for (path, name) in &asked {
            config.check_provider(path, name, diagnostics);
        }
        config
    }

    /// Reads one resource of one of the [`KINDS`] and adds it.
    pub fn add(&mut self, resource: &Resource<'_>, diagnostics: &mut Diagnostics) {
        if *resource.kind == PEER_AUTHENTICATION {
            self.peer_authentications
                .push(peer::read(resource, diagnostics));
        } else {
            self.policies.push(policy::read(resource, diagnostics));
        }
    }

    /// The external authorizer of that name.
    pub(crate) fn provider(&self, name: &str) -> Option<&ExtensionProvider> {
        self.extension_providers
            .iter()
            .find(|provider| provider.name == name)
    }

    /// Warns of a provider that nobody defined: Istio makes such a policy refuse
    /// what it matches, and so does [`compile`](crate::compile()).
    fn check_provider(&self, resource: &str, name: &str, diagnostics: &mut Diagnostics) {
        // A policy that names none has an error for that.
        if name.is_empty() || self.provider(name).is_some() {
            return;
        }
        let path = [resource, ".spec.provider.name"].concat();
        let expected = "one of mesh.extensionProviders; what the policy matches is refused";
        let known = self
            .extension_providers
            .iter()
            .map(|provider| provider.name.as_str());
        diagnostics
            .warning(
                DiagnosticCode::UnknownProvider,
                &path,
                quote(name),
                expected,
            )
            .help = suggest(name, known);
    }
}
