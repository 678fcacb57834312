//! What a predicate looks at, and how its texts are read from a request.

use std::fmt;
use std::net::IpAddr;

use serde_json::Value;
use sluice_policy::matcher::without_query;
use sluice_policy::{Attribute, AttributeSet, Fact, Request};

use crate::truth::Truth;

/// Where Envoy's and sluice's JWT filters leave the payload of a valid token.
const JWT_NAMESPACE: &str = "envoy.filters.http.jwt_authn";
const JWT_PAYLOAD: &str = "payload";

/// Where the peer identity is read from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IdentitySource {
    /// The client certificate: sidecars and gateways.
    #[default]
    Certificate,
    /// Filter state `io.istio.peer_principal`: waypoints, whose inner
    /// connection carries no certificate.
    FilterState,
}

/// Which values of dynamic metadata count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// A string.
    Text,
    /// The strings of a list.
    List,
    /// Either: Istio generates both tests for claims.
    TextOrList,
}

/// A place in a request that has zero or more texts.
///
/// The last four are parts of others: predicates never look at them, the index
/// does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// `:method`.
    Method,
    /// `:path` without query and fragment.
    Path,
    /// `:path` as it is.
    RawPath,
    /// `:authority`, port included.
    Host,
    /// Every line of a header, by its lower-case name.
    Header(Box<[u8]>),
    /// Every piece between commas of every line of a header.
    HeaderPiece(Box<[u8]>),
    /// The peer's identity, in each form that Envoy tries.
    Identity,
    /// TLS server name; empty on plaintext.
    ServerName,
    /// Effective client address.
    RemoteAddress,
    /// Local address.
    DestinationAddress,
    /// Local port, as two big-endian bytes.
    DestinationPort,
    /// Issuer and subject of the token, tested as a pair.
    RequestPrincipal,
    /// Dynamic metadata of a filter.
    Metadata { path: Box<[Box<str>]>, shape: Shape },
    /// The n-th piece of the path between slashes; piece 0 is before the first.
    PathSegment(u32),
    /// What stands after `/ns/` in an identity.
    IdentityNamespace,
    /// What stands after `/sa/` in an identity.
    IdentityServiceAccount,
}

impl Subject {
    /// A claim of the validated token, by its path.
    pub(crate) fn claim(path: impl IntoIterator<Item = Box<str>>, shape: Shape) -> Self {
        let root = [JWT_NAMESPACE, JWT_PAYLOAD].map(Box::from);
        Self::Metadata {
            path: root.into_iter().chain(path).collect(),
            shape,
        }
    }

    /// The header with that name; the pseudo-headers that a request keeps apart
    /// are read from there. Envoy knows `host` as an alias of `:authority`.
    pub(crate) fn header(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            ":method" => Self::Method,
            ":path" => Self::RawPath,
            ":authority" | "host" => Self::Host,
            other => Self::Header(Box::from(other.as_bytes())),
        }
    }

    /// The attributes that must be read before this can be tested.
    pub(crate) fn demand(&self, identity: IdentitySource) -> AttributeSet {
        let attributes: &[Attribute] = match self {
            Self::Method => &[Attribute::Method],
            Self::Path | Self::RawPath | Self::PathSegment(_) => &[Attribute::Path],
            Self::Host => &[Attribute::Authority],
            Self::Header(_) | Self::HeaderPiece(_) => &[Attribute::Headers],
            Self::Identity | Self::IdentityNamespace | Self::IdentityServiceAccount => {
                match identity {
                    IdentitySource::Certificate => &[
                        Attribute::Mtls,
                        Attribute::PeerUriSan,
                        Attribute::PeerDnsSan,
                        Attribute::PeerSubject,
                    ],
                    IdentitySource::FilterState => &[Attribute::PeerPrincipal],
                }
            }
            Self::ServerName => &[Attribute::RequestedServerName],
            Self::RemoteAddress => &[Attribute::SourceAddress],
            Self::DestinationAddress | Self::DestinationPort => &[Attribute::DestinationAddress],
            Self::RequestPrincipal | Self::Metadata { .. } => &[Attribute::Metadata],
        };
        attributes
            .iter()
            .fold(AttributeSet::EMPTY, |mut set, &attribute| {
                set.insert(attribute);
                set
            })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = match self {
            Self::Method => "method",
            Self::Path => "path",
            Self::RawPath => "request.headers[:path]",
            Self::Host => "host",
            Self::Header(name) => return write!(out, "request.headers[{}]", name.escape_ascii()),
            Self::HeaderPiece(name) => {
                return write!(
                    out,
                    "request.experimental.inline.headers[{}]",
                    name.escape_ascii()
                );
            }
            Self::Identity | Self::IdentityNamespace | Self::IdentityServiceAccount => {
                "source identity"
            }
            Self::ServerName => "connection.sni",
            Self::RemoteAddress => "remote.ip",
            Self::DestinationAddress => "destination.ip",
            Self::DestinationPort => "destination.port",
            Self::RequestPrincipal => "request.auth.principal",
            Self::Metadata { path, .. } => return write_metadata(out, path),
            Self::PathSegment(number) => return write!(out, "path segment {number}"),
        };
        out.write_str(plain)
    }
}

fn write_metadata(out: &mut fmt::Formatter<'_>, path: &[Box<str>]) -> fmt::Result {
    let is_claim = path.len() > 2
        && path
            .iter()
            .map(AsRef::as_ref)
            .take(2)
            .eq([JWT_NAMESPACE, JWT_PAYLOAD]);
    let (name, keys) = if is_claim {
        ("request.auth.claims", path.get(2..))
    } else {
        ("metadata", Some(path))
    };
    out.write_str(name)?;
    keys.unwrap_or_default()
        .iter()
        .try_for_each(|key| write!(out, "[{key}]"))
}

/// A request, read the way policies look at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    /// What was read.
    pub(crate) request: &'a Request<'a>,
    /// Where the peer identity is.
    pub(crate) identity: IdentitySource,
}

impl<'a> Facts<'a> {
    /// Whether any text of the subject satisfies `test`; `Unknown` if none of
    /// the readable ones does and some could not be read.
    pub(crate) fn any_text(&self, subject: &Subject, test: &mut dyn FnMut(&[u8]) -> bool) -> Truth {
        let request = self.request;
        match subject {
            Subject::Method => one(request.method, test),
            Subject::Path => one(request.path.map(without_query), test),
            Subject::RawPath => one(request.path, test),
            Subject::Host => one(request.authority, test),
            Subject::Header(name) => self.any_header(name, test),
            Subject::HeaderPiece(name) => self.any_header(name, &mut |line| {
                line.split(|&byte| byte == b',').any(&mut *test)
            }),
            Subject::Identity => self.any_identity(test),
            Subject::ServerName => self.server_name(test),
            Subject::RemoteAddress | Subject::DestinationAddress => Truth::Unknown,
            Subject::DestinationPort => one(
                self.port()
                    .map(u16::to_be_bytes)
                    .as_ref()
                    .map(|bytes| &bytes[..]),
                test,
            ),
            Subject::RequestPrincipal => self.request_principal(&mut |issuer, _| test(issuer)),
            Subject::Metadata { path, shape } => self.any_metadata(path, *shape, test),
            Subject::PathSegment(number) => one(request.path.map(without_query), &mut |path| {
                segment(path, *number as usize).is_some_and(&mut *test)
            }),
            Subject::IdentityNamespace => {
                self.any_identity(&mut |identity| pieces_after(identity, b"ns").any(&mut *test))
            }
            Subject::IdentityServiceAccount => {
                self.any_identity(&mut |identity| pieces_after(identity, b"sa").any(&mut *test))
            }
        }
    }

    /// The address of an address subject.
    pub(crate) fn address(&self, subject: &Subject) -> Fact<IpAddr> {
        let connection = &self.request.connection;
        let address = match subject {
            Subject::RemoteAddress => connection.remote_address,
            Subject::DestinationAddress => connection.destination_address,
            _ => Fact::Unavailable,
        };
        // An IPv4 peer on a dual-stack socket is an IPv4 peer to Envoy.
        address.map(|address| address.ip().to_canonical())
    }

    /// The local port.
    pub(crate) fn port(&self) -> Fact<u16> {
        self.request
            .connection
            .destination_address
            .map(|address| address.port())
    }

    /// Whether the token's issuer and subject, both strings, satisfy `test`.
    pub(crate) fn request_principal(&self, test: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Truth {
        let Fact::Present(metadata) = self.request.metadata else {
            return missing(self.request.metadata);
        };
        let payload = metadata
            .get(JWT_NAMESPACE)
            .and_then(|filter| filter.get(JWT_PAYLOAD));
        let claim = |name| {
            payload
                .and_then(|payload| payload.get(name))
                .and_then(Value::as_str)
        };
        match (claim("iss"), claim("sub")) {
            (Some(issuer), Some(subject)) => test(issuer.as_bytes(), subject.as_bytes()).into(),
            _ => Truth::False,
        }
    }

    fn any_header(&self, name: &[u8], test: &mut dyn FnMut(&[u8]) -> bool) -> Truth {
        let Fact::Present(lines) = self.request.headers else {
            return missing(self.request.headers);
        };
        if lines
            .iter()
            .filter(|line| line.0 == name)
            .any(|line| test(line.1))
        {
            return Truth::True;
        }
        // Not every source lists the pseudo-headers among the lines.
        let hidden = is_pseudo(name) && !lines.iter().any(|line| is_pseudo(line.0));
        if hidden { Truth::Unknown } else { Truth::False }
    }

    /// Envoy tries the URI SANs, then the DNS SANs, then the subject. Once a
    /// URI SAN is known, the other two count only if they are known too: no
    /// SPIFFE identity hides there.
    fn any_identity(&self, test: &mut dyn FnMut(&[u8]) -> bool) -> Truth {
        let connection = &self.request.connection;
        if self.identity == IdentitySource::FilterState {
            return one(connection.peer_principal, test);
        }
        if matches!(connection.mtls, Fact::Present(false) | Fact::Absent) {
            return Truth::False;
        }
        let uri = one(connection.peer_uri_san, test);
        let others = [connection.peer_dns_san, connection.peer_subject].map(|fact| one(fact, test));
        let [dns, subject] = match connection.peer_uri_san {
            Fact::Present(_) => others.map(|truth| {
                if truth == Truth::Unknown {
                    Truth::False
                } else {
                    truth
                }
            }),
            Fact::Absent | Fact::Unavailable => others,
        };
        // A name from a certificate proves the certificate; no name proves
        // nothing while it is unknown whether there was one.
        let certain = if connection.mtls.is_unavailable() {
            Truth::Unknown
        } else {
            Truth::False
        };
        Truth::any([uri, dns, subject, certain])
    }

    /// Envoy compares an empty string where there is no server name.
    fn server_name(&self, test: &mut dyn FnMut(&[u8]) -> bool) -> Truth {
        match self.request.connection.requested_server_name {
            Fact::Absent => test(b"").into(),
            name => one(name, test),
        }
    }

    fn any_metadata(
        &self,
        path: &[Box<str>],
        shape: Shape,
        test: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Truth {
        let Fact::Present(metadata) = self.request.metadata else {
            return missing(self.request.metadata);
        };
        let Some((first, rest)) = path.split_first() else {
            return Truth::False;
        };
        let mut value = metadata.get(first.as_ref());
        for key in rest {
            value = value
                .and_then(|value| value.as_object())
                .and_then(|object| object.get(key.as_ref()));
        }
        match (value, shape) {
            (Some(Value::String(text)), Shape::Text | Shape::TextOrList) => {
                test(text.as_bytes()).into()
            }
            (Some(Value::Array(list)), Shape::List | Shape::TextOrList) => list
                .iter()
                .filter_map(Value::as_str)
                .any(|text| test(text.as_bytes()))
                .into(),
            _ => Truth::False,
        }
    }
}

/// Whether this is a pseudo-header (`:scheme`, …).
pub(crate) fn is_pseudo(name: &[u8]) -> bool {
    name.starts_with(b":")
}

/// Tests the one text of a fact.
fn one(fact: Fact<&[u8]>, test: &mut dyn FnMut(&[u8]) -> bool) -> Truth {
    match fact {
        Fact::Present(text) => test(text).into(),
        other => missing(other),
    }
}

/// What a test of a fact without value says.
pub(crate) fn missing<T: Copy>(fact: Fact<T>) -> Truth {
    if fact.is_unavailable() {
        Truth::Unknown
    } else {
        Truth::False
    }
}

fn segment(path: &[u8], number: usize) -> Option<&[u8]> {
    path.split(|&byte| byte == b'/').nth(number)
}

/// Every piece between slashes that follows a piece equal to `name`.
fn pieces_after<'t>(text: &'t [u8], name: &'t [u8]) -> impl Iterator<Item = &'t [u8]> {
    let pieces = || text.split(|&byte| byte == b'/');
    pieces()
        .zip(pieces().skip(1))
        .filter(move |(before, _)| *before == name)
        .map(|(_, piece)| piece)
}
