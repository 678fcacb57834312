//! What the resources say: checked and typed, not yet bound to a workload.

mod cluster;
mod header;
mod location;
mod resource;
mod rule;
mod rule_keys;

use sluice_policy::resource::{Kind, REQUEST_AUTHENTICATION};
use sluice_policy::{Attachment, Diagnostics, Mesh, Resource, Workload, plugin_config};

pub use rule_keys::RuleKeys;

use crate::key_source::ClusterMapping;

/// The kinds of resources that this engine implements.
pub const KINDS: [&Kind; 1] = [&REQUEST_AUTHENTICATION];

/// Everything that a filter was configured with.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// RequestAuthentications, in no particular order.
    pub resources: Vec<RequestAuthentication>,
    /// Mesh-wide settings.
    pub mesh: Mesh,
    /// The workload, where the configuration names it.
    pub workload: Option<Workload>,
    /// `jwksClusters`: what leads to the hosts of key sets.
    pub jwks_clusters: Vec<ClusterMapping>,
}

/// One RequestAuthentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestAuthentication {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `metadata.namespace`.
    pub namespace: Box<str>,
    /// Where it applies.
    pub attachment: Attachment,
    /// `jwtRules`.
    pub rules: Vec<JwtRule>,
}

/// One item of `jwtRules`: an issuer whose tokens are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtRule {
    /// `issuer`: what `iss` must be; empty for any.
    pub issuer: Box<str>,
    /// `audiences`: a token must be for one of them, if there are any.
    pub audiences: Vec<Box<str>>,
    /// `jwks`, `jwksUri`, or neither.
    pub keys: RuleKeys,
    /// `timeout` of a fetch of keys.
    pub timeout_ms: u32,
    /// `fromHeaders`: names in lower case, each with what stands before the token.
    pub from_headers: Vec<(Box<str>, Box<str>)>,
    /// `fromParams`.
    pub from_params: Vec<Box<str>>,
    /// `fromCookies`.
    pub from_cookies: Vec<Box<str>>,
    /// `outputPayloadToHeader`, in lower case.
    pub output_payload_to_header: Option<Box<str>>,
    /// `outputClaimToHeaders`: header in lower case, claim.
    pub output_claim_to_headers: Vec<(Box<str>, Box<str>)>,
    /// `forwardOriginalToken`.
    pub forward_original_token: bool,
    /// `spaceDelimitedClaims`.
    pub space_delimited_claims: Vec<Box<str>>,
}

impl RequestAuthentication {
    /// Whether the resource applies to a workload.
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
        let common = plugin_config::read(bytes, &KINDS, diagnostics, |resource, diagnostics| {
            config.add(resource, diagnostics);
        });
        let mut options = common.options();
        let clusters = options.take("jwksClusters");
        options.finish(diagnostics);
        if let Some(clusters) = clusters {
            config.jwks_clusters = cluster::read_all(&clusters, diagnostics);
        }
        config.mesh = common.mesh;
        config.workload = common.workload;
        config
    }

    /// Reads one resource of one of the [`KINDS`] and adds it.
    pub fn add(&mut self, resource: &Resource<'_>, diagnostics: &mut Diagnostics) {
        self.resources.push(resource::read(resource, diagnostics));
    }
}
