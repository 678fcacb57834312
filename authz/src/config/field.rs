//! Fields: what an entry of a rule compares.

use std::fmt;

/// What a list of values is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// `principals`, `source.principal`.
    Principal,
    /// `requestPrincipals`, `request.auth.principal`.
    RequestPrincipal,
    /// `namespaces`, `source.namespace`.
    Namespace,
    /// `serviceAccounts`, `source.serviceAccount`.
    ServiceAccount,
    /// `trustDomains`, `source.trustDomain`.
    TrustDomain,
    /// `ipBlocks`, `source.ip`.
    ///
    /// Envoy compares the address of the socket's peer. No attribute of a wasm
    /// filter has it: `source.address` is the *effective* address, after
    /// `x-forwarded-for` or PROXY protocol. That address is compared here, with
    /// a warning at load. Both are one and the same on a sidecar's inbound
    /// listener, which trusts no such header (`use_remote_address` false and no
    /// trusted hops). They differ on a gateway that trusts proxies in front of
    /// it, where `remoteIpBlocks` is what people mean.
    IpBlock,
    /// `remoteIpBlocks`, `remote.ip`.
    RemoteIpBlock,
    /// `hosts`.
    Host,
    /// `ports`, `destination.port`.
    Port,
    /// `methods`.
    Method,
    /// `paths`.
    Path,
    /// `request.headers[NAME]`.
    Header(Box<str>),
    /// `request.experimental.inline.headers[NAME]`: each comma-separated piece.
    HeaderPiece(Box<str>),
    /// `request.auth.audiences`.
    Audience,
    /// `request.auth.presenter`.
    Presenter,
    /// `request.auth.claims[A][B]…`.
    Claim(Vec<Box<str>>),
    /// `destination.ip`.
    DestinationIp,
    /// `connection.sni`.
    ServerName,
    /// `experimental.envoy.filters.…[KEY]`.
    Metadata {
        /// Name of the filter that wrote the metadata.
        filter: Box<str>,
        /// Key within it.
        key: Box<str>,
    },
}

/// Fields of a `source` and the key of each; the negation has `not` before it.
pub(super) const SOURCE: [(&str, &str, Field); 7] = [
    ("principals", "notPrincipals", Field::Principal),
    (
        "requestPrincipals",
        "notRequestPrincipals",
        Field::RequestPrincipal,
    ),
    ("namespaces", "notNamespaces", Field::Namespace),
    (
        "serviceAccounts",
        "notServiceAccounts",
        Field::ServiceAccount,
    ),
    ("trustDomains", "notTrustDomains", Field::TrustDomain),
    ("ipBlocks", "notIpBlocks", Field::IpBlock),
    ("remoteIpBlocks", "notRemoteIpBlocks", Field::RemoteIpBlock),
];

/// Fields of an `operation`.
pub(super) const OPERATION: [(&str, &str, Field); 4] = [
    ("hosts", "notHosts", Field::Host),
    ("ports", "notPorts", Field::Port),
    ("methods", "notMethods", Field::Method),
    ("paths", "notPaths", Field::Path),
];

/// Keys of `when` that stand for one field.
pub(super) const WHEN: [(&str, Field); 12] = [
    ("source.ip", Field::IpBlock),
    ("remote.ip", Field::RemoteIpBlock),
    ("source.namespace", Field::Namespace),
    ("source.serviceAccount", Field::ServiceAccount),
    ("source.principal", Field::Principal),
    ("source.trustDomain", Field::TrustDomain),
    ("request.auth.principal", Field::RequestPrincipal),
    ("request.auth.audiences", Field::Audience),
    ("request.auth.presenter", Field::Presenter),
    ("destination.ip", Field::DestinationIp),
    ("destination.port", Field::Port),
    ("connection.sni", Field::ServerName),
];

impl Field {
    /// Whether only HTTP requests have it. A DENY rule of such fields alone
    /// would deny every TCP connection, of which Istio warns.
    pub(super) fn is_http_only(&self) -> bool {
        matches!(
            self,
            Self::RequestPrincipal
                | Self::Host
                | Self::Method
                | Self::Path
                | Self::Header(_)
                | Self::HeaderPiece(_)
                | Self::Audience
                | Self::Presenter
                | Self::Claim(_)
        )
    }

    /// Whether it needs the peer's or the request's identity, which CUSTOM
    /// policies may not use: they run before authentication.
    pub(super) fn is_identity(&self) -> bool {
        matches!(
            self,
            Self::Principal
                | Self::RequestPrincipal
                | Self::Namespace
                | Self::ServiceAccount
                | Self::TrustDomain
                | Self::Audience
                | Self::Presenter
                | Self::Claim(_)
        )
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => out.write_str("hosts"),
            Self::Method => out.write_str("methods"),
            Self::Path => out.write_str("paths"),
            Self::Header(name) => write!(out, "request.headers[{name}]"),
            Self::HeaderPiece(name) => write!(out, "request.experimental.inline.headers[{name}]"),
            Self::Claim(path) => {
                out.write_str("request.auth.claims")?;
                path.iter().try_for_each(|key| write!(out, "[{key}]"))
            }
            Self::Metadata { filter, key } => write!(out, "experimental.{filter}[{key}]"),
            plain => {
                let key = WHEN.iter().find(|(_, field)| field == plain);
                out.write_str(key.map_or("", |(key, _)| key))
            }
        }
    }
}
