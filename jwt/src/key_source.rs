//! Where the keys of an issuer come from.

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
}
