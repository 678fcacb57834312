//! Providers: where to ask, what to send, what to take over.

use sluice_policy::mesh::{AuthorizerProtocol, ExtensionProvider, HttpAuthorizer};
use sluice_policy::{Attribute, AttributeSet};

/// The head of the request goes into every check.
const OF_EVERY_CHECK: [Attribute; 4] = [
    Attribute::Method,
    Attribute::Path,
    Attribute::Authority,
    Attribute::Headers,
];

/// The peers go into gRPC checks as well.
const OF_GRPC_CHECKS: [Attribute; 3] = [
    Attribute::SourceAddress,
    Attribute::DestinationAddress,
    Attribute::PeerUriSan,
];

/// A compiled external authorizer of `mesh.extensionProviders`.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    /// Envoy cluster, `outbound|PORT||HOST`.
    pub(crate) cluster: Box<str>,
    /// Limit of the whole call.
    pub(crate) timeout_ms: u32,
    /// Whether a failed check lets the request pass.
    pub(crate) fail_open: bool,
    /// HTTP status for a failed check otherwise.
    pub(crate) status_on_error: u16,
    /// The protocol.
    pub(crate) protocol: Protocol,
}

/// What the provider speaks.
#[derive(Debug, Clone)]
pub(crate) enum Protocol {
    /// `envoyExtAuthzGrpc`.
    Grpc,
    /// `envoyExtAuthzHttp`.
    Http(Box<HttpOptions>),
}

/// Options of `envoyExtAuthzHttp`.
#[derive(Debug, Clone, Default)]
pub(crate) struct HttpOptions {
    /// Goes before the original path.
    pub(crate) path_prefix: Box<str>,
    /// Request headers to send besides the four that always go along.
    pub(crate) include: Vec<NameMatcher>,
    /// Headers to send whatever the request has.
    pub(crate) additional: Vec<(Box<str>, Box<str>)>,
    /// Response headers to put into the request.
    pub(crate) to_upstream_on_allow: Vec<NameMatcher>,
    /// Response headers to give the client with a refusal; empty: all.
    pub(crate) to_downstream_on_deny: Vec<NameMatcher>,
    /// Response headers to give the client with an allowed request.
    pub(crate) to_downstream_on_allow: Vec<NameMatcher>,
}

impl Provider {
    /// Compiles what the mesh says about it.
    pub(crate) fn new(provider: &ExtensionProvider) -> Self {
        Self {
            cluster: provider.cluster.as_str().into(),
            timeout_ms: provider.timeout_ms,
            fail_open: provider.fail_open,
            status_on_error: provider.status_on_error,
            protocol: match &provider.protocol {
                AuthorizerProtocol::Grpc => Protocol::Grpc,
                AuthorizerProtocol::Http(http) => Protocol::Http(Box::new(HttpOptions::new(http))),
            },
        }
    }

    /// What has to be known of a request to ask about it.
    pub(crate) fn demand(&self) -> AttributeSet {
        let attributes: &[Attribute] = match self.protocol {
            Protocol::Http(_) => &[],
            Protocol::Grpc => &OF_GRPC_CHECKS,
        };
        let mut demand = AttributeSet::EMPTY;
        for &attribute in OF_EVERY_CHECK.iter().chain(attributes) {
            demand.insert(attribute);
        }
        demand
    }
}

impl HttpOptions {
    fn new(http: &HttpAuthorizer) -> Self {
        let names =
            |values: &[String]| values.iter().map(|value| NameMatcher::new(value)).collect();
        let additional = http.include_additional_headers.iter();
        Self {
            path_prefix: http.path_prefix.as_str().into(),
            include: names(&http.include_request_headers),
            additional: additional
                .map(|(name, value)| (name.to_ascii_lowercase().into(), value.as_str().into()))
                .collect(),
            to_upstream_on_allow: names(&http.headers_to_upstream_on_allow),
            to_downstream_on_deny: names(&http.headers_to_downstream_on_deny),
            to_downstream_on_allow: names(&http.headers_to_downstream_on_allow),
        }
    }
}

/// A header name, or with one `*` at either end many, without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NameMatcher {
    Exact(Box<[u8]>),
    Prefix(Box<[u8]>),
    Suffix(Box<[u8]>),
}

impl NameMatcher {
    /// Reads a value of one of the header lists.
    pub(crate) fn new(value: &str) -> Self {
        let lower = value.to_ascii_lowercase();
        let bytes = |text: &str| Box::from(text.as_bytes());
        match (lower.strip_prefix('*'), lower.strip_suffix('*')) {
            (Some(suffix), _) => Self::Suffix(bytes(suffix)),
            (None, Some(prefix)) => Self::Prefix(bytes(prefix)),
            (None, None) => Self::Exact(bytes(&lower)),
        }
    }

    /// Whether a lower-case name matches.
    pub(crate) fn matches(&self, name: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => name == exact.as_ref(),
            Self::Prefix(prefix) => name.starts_with(prefix),
            Self::Suffix(suffix) => name.ends_with(suffix),
        }
    }
}

/// Whether any of the matchers matches.
pub(super) fn matches(matchers: &[NameMatcher], name: &[u8]) -> bool {
    matchers.iter().any(|matcher| matcher.matches(name))
}
