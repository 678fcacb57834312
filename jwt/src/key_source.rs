//! Where the keys of an issuer come from.

mod address;
mod uri;

use std::fmt;

use sluice_policy::diagnostic::quote;

use uri::Uri;

/// Where an OpenID provider describes itself, below its issuer URL (OpenID Connect
/// Discovery 1.0 section 4).
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// Index into the program's key sources. Rules with equal `jwksUri` share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub usize);

/// Where keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// `jwks`: the text of the key set, which was checked when it was compiled.
    Inline(String),
    /// `jwksUri`, or discovery by the issuer when neither is given.
    Remote(Remote),
}

/// A URL that the host can fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Envoy cluster that leads to the host of the URL.
    pub cluster: String,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// `:authority`: host and, when it is not the scheme's own, port.
    pub authority: String,
    /// `:path`, query included.
    pub path: String,
    /// Limit of one fetch: `timeout` of the rule, 5 s by default.
    pub timeout_ms: u32,
    /// Whether the URL is of an OpenID configuration document whose `jwks_uri`
    /// leads on.
    pub is_discovery: bool,
    /// Of discovery: what leads to the host of that `jwks_uri`. Otherwise empty.
    pub clusters: Vec<ClusterMapping>,
}

/// An item of the option `jwksClusters`: the cluster for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterMapping {
    /// Host of the URL, without regard to case.
    pub host: String,
    /// Port of the URL; any when it is not given.
    pub port: Option<u16>,
    /// Envoy cluster.
    pub cluster: String,
}

/// Why a URL cannot be fetched, in the words of a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadUri {
    /// What was found, quoted.
    pub found: String,
    /// What is expected instead.
    pub expected: &'static str,
}

impl BadUri {
    fn new(found: &str, expected: &'static str) -> Self {
        Self {
            found: quote(found),
            expected,
        }
    }
}

impl fmt::Display for BadUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "found {}, expected {}",
            self.found, self.expected
        )
    }
}

impl Remote {
    /// What `jwksUri` names.
    ///
    /// # Errors
    ///
    /// Anything but an http or https URL, one with credentials in it, and one whose
    /// host is a link-local address or a cloud's metadata service, which Istio
    /// refuses too. A mapping cannot permit those: who may write a resource is not
    /// always who may write the plugin's configuration.
    pub fn of(uri: &str, clusters: &[ClusterMapping], timeout_ms: u32) -> Result<Self, BadUri> {
        let uri = Uri::parse(uri)?;
        Ok(Self {
            cluster: cluster(&uri, clusters),
            scheme: uri.scheme.name(),
            authority: uri.authority(),
            path: uri.path.into_owned(),
            timeout_ms,
            is_discovery: false,
            clusters: Vec::new(),
        })
    }

    /// The OpenID configuration document of an issuer.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of): an issuer that is no URL needs a `jwksUri`.
    pub fn discovery(
        issuer: &str,
        clusters: &[ClusterMapping],
        timeout_ms: u32,
    ) -> Result<Self, BadUri> {
        if issuer.contains(['?', '#']) {
            let expected = "an issuer without query and fragment, or a jwksUri beside it";
            return Err(BadUri::new(issuer, expected));
        }
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let document = Self::of(&[base, WELL_KNOWN].concat(), clusters, timeout_ms);
        let document = document.map_err(|bad| match bad.found == uri::WITH_CREDENTIALS {
            true => bad,
            // Without the path that nobody wrote.
            false => BadUri::new(issuer, bad.expected),
        })?;
        Ok(Self {
            is_discovery: true,
            clusters: clusters.to_vec(),
            ..document
        })
    }

    /// What tells this source from any other: text, so that no digest can collide.
    pub(crate) fn identity(&self) -> String {
        let kind = if self.is_discovery { "openid" } else { "jwks" };
        let Self {
            cluster,
            scheme,
            authority,
            path,
            ..
        } = self;
        [kind, "/", cluster, "/", scheme, "://", authority, path].concat()
    }
}

/// The first mapping that fits, or the cluster that Istio makes for a service of
/// that host name: `outbound|PORT|SUBSET|HOST`.
fn cluster(uri: &Uri<'_>, clusters: &[ClusterMapping]) -> String {
    let port = uri.port();
    let fits = |mapping: &&ClusterMapping| {
        mapping.host.eq_ignore_ascii_case(&uri.host)
            && mapping.port.is_none_or(|mapped| mapped == port)
    };
    // The one that names the port is the more specific, wherever it stands.
    let fitting = || clusters.iter().filter(fits);
    let chosen = fitting()
        .find(|mapping| mapping.port.is_some())
        .or_else(|| fitting().next());
    match chosen {
        Some(mapping) => mapping.cluster.clone(),
        None => format!("outbound|{port}||{}", uri.host),
    }
}

#[cfg(test)]
mod tests;
