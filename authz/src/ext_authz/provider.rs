//! Providers: where to ask, what to send, what to take over.

/// A compiled `extensionProviders` entry of an external authorizer.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    /// Envoy cluster, `outbound|PORT||HOST`.
    pub(crate) cluster: Box<str>,
    /// Limit of the whole call.
    pub(crate) timeout_ms: u32,
    /// Whether a failed check lets the request pass.
    pub(crate) fail_open: bool,
    /// HTTP status for a failed check otherwise.
    pub(crate) status_on_error: u32,
    /// Whether the request's body goes along.
    pub(crate) body: Option<BodyWanted>,
    /// The protocol.
    pub(crate) protocol: Protocol,
}

/// `includeRequestBodyInCheck`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyWanted {
    /// At most that many bytes are sent.
    pub max_bytes: u32,
    /// Whether the start of a longer body will do; if not, a longer body is
    /// refused with 413.
    pub allow_partial: bool,
    /// gRPC: send as bytes instead of as text.
    pub as_bytes: bool,
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
