//! Stand-in for the matchers of layer 0.

use std::net::IpAddr;

/// A text pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum StringMatcher {
    /// Equal.
    Exact { text: Box<[u8]>, ignore_case: bool },
    /// Starts with.
    Prefix { text: Box<[u8]>, ignore_case: bool },
    /// Ends with.
    Suffix { text: Box<[u8]>, ignore_case: bool },
    /// Anything, even empty.
    Any,
    /// Regex `.+`.
    NonEmpty,
    /// Regex `prefix.*suffix`.
    Around { prefix: Box<[u8]>, suffix: Box<[u8]> },
}

fn bytes(text: &str) -> Box<[u8]> {
    Box::from(text.as_bytes())
}

fn eq(left: &[u8], right: &[u8], ignore_case: bool) -> bool {
    if ignore_case { left.eq_ignore_ascii_case(right) } else { left == right }
}

impl StringMatcher {
    fn wild(value: &str, star: Self, ignore_case: bool) -> Self {
        if value == "*" {
            return star;
        }
        match (value.strip_prefix('*'), value.strip_suffix('*')) {
            (Some(suffix), _) => Self::Suffix { text: bytes(suffix), ignore_case },
            (None, Some(prefix)) => Self::Prefix { text: bytes(prefix), ignore_case },
            (None, None) => Self::Exact { text: bytes(value), ignore_case },
        }
    }

    pub(crate) fn text(value: &str) -> Self {
        Self::wild(value, Self::NonEmpty, false)
    }

    pub(crate) fn header(value: &str) -> Self {
        Self::wild(value, Self::Any, false)
    }

    pub(crate) fn host(value: &str) -> Self {
        Self::wild(value, Self::Any, true)
    }

    pub(crate) fn principal(value: &str) -> Self {
        match Self::text(value) {
            Self::Suffix { text, .. } => Self::Around { prefix: bytes("spiffe://"), suffix: text },
            Self::Prefix { text, .. } => {
                Self::Prefix { text: [b"spiffe://", &text[..]].concat().into(), ignore_case: false }
            }
            Self::Exact { text, .. } => {
                Self::Exact { text: [b"spiffe://", &text[..]].concat().into(), ignore_case: false }
            }
            other => other,
        }
    }

    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        let newline = |part: &[u8]| part.contains(&b'\n');
        match self {
            Self::Exact { text: exact, ignore_case } => eq(exact, text, *ignore_case),
            Self::Prefix { text: prefix, ignore_case } => {
                text.get(..prefix.len()).is_some_and(|head| eq(head, prefix, *ignore_case))
            }
            Self::Suffix { text: suffix, ignore_case } => text
                .len()
                .checked_sub(suffix.len())
                .and_then(|at| text.get(at..))
                .is_some_and(|tail| eq(tail, suffix, *ignore_case)),
            Self::Any => true,
            Self::NonEmpty => !text.is_empty() && !newline(text),
            Self::Around { prefix, suffix } => text
                .strip_prefix(&prefix[..])
                .and_then(|rest| rest.strip_suffix(&suffix[..]))
                .is_some_and(|middle| !newline(middle)),
        }
    }
}

/// `.` of Envoy's regexes does not match a line break.
fn any_char(text: &[u8]) -> bool {
    !text.contains(&b'\n')
}

/// A namespace pattern: regex `.*/ns/V/.*`, each `*` of V meaning `.*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct NamespaceMatcher(Box<[u8]>);

impl NamespaceMatcher {
    pub(crate) fn new(value: &str) -> Self {
        Self(bytes(value))
    }

    pub(crate) fn literal(&self) -> Option<&[u8]> {
        (!self.0.contains(&b'*') && !self.0.contains(&b'/')).then_some(&self.0)
    }

    pub(crate) fn matches(&self, identity: &[u8]) -> bool {
        let pattern = [b"*/ns/", &self.0[..], b"/*"].concat();
        any_char(identity) && glob(&pattern, identity)
    }
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let mut parts = pattern.split(|&byte| byte == b'*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&[u8]> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let found = (0..=rest.len()).find(|&at| rest.get(at..).is_some_and(|tail| tail.starts_with(part)));
        let Some(at) = found else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// Regex `spiffe://.+/ns/NS/(.+/)?sa/SA(/.+)?`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ServiceAccountMatcher {
    pub(crate) namespace: Box<[u8]>,
    pub(crate) name: Box<[u8]>,
}

impl ServiceAccountMatcher {
    pub(crate) fn new(value: &str, own_namespace: &str) -> Self {
        let (namespace, name) = value.split_once('/').unwrap_or((own_namespace, value));
        Self { namespace: bytes(namespace), name: bytes(name) }
    }

    pub(crate) fn matches(&self, identity: &[u8]) -> bool {
        let Some(rest) = identity.strip_prefix(b"spiffe://").filter(|rest| any_char(rest)) else { return false };
        let namespace = [b"/ns/", &self.namespace[..], b"/"].concat();
        let account = [b"sa/", &self.name[..]].concat();
        (1..rest.len()).any(|at| {
            let Some(tail) = rest.get(at..).and_then(|tail| tail.strip_prefix(&namespace[..])) else { return false };
            (0..tail.len()).any(|at| {
                let before = at == 0 || (at >= 2 && tail.get(at - 1) == Some(&b'/'));
                let after = tail.get(at..).and_then(|tail| tail.strip_prefix(&account[..]));
                before && after.is_some_and(|after| after.is_empty() || (after.len() >= 2 && after[0] == b'/'))
            })
        })
    }
}

/// A trust domain with at most one `*`, at either end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TrustDomainMatcher(StringMatcher);

impl TrustDomainMatcher {
    pub(crate) fn new(value: &str) -> Self {
        Self(StringMatcher::wild(value, StringMatcher::Any, false))
    }

    pub(crate) fn pattern(&self) -> &StringMatcher {
        &self.0
    }

    pub(crate) fn matches(&self, identity: &[u8]) -> bool {
        let Some(rest) = identity.strip_prefix(b"spiffe://") else { return false };
        if self.0 == StringMatcher::Any {
            return true;
        }
        let domain = rest.split(|&byte| byte == b'/').next().unwrap_or_default();
        let has_slash = domain.len() < rest.len();
        let tail_ok = matches!(self.0, StringMatcher::Exact { .. }) || any_char(&rest[domain.len()..]);
        has_slash && tail_ok && self.0.matches(domain)
    }
}

/// One segment of a template.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Segment {
    Literal(Box<[u8]>),
    One,
    Any,
}

/// A path template.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PathTemplate(Box<[Segment]>);

const EXTRA: &[u8] = b"!$%&'()*+,-.:;=@_~";

impl PathTemplate {
    pub(crate) fn is_template(value: &str) -> bool {
        value.contains("{*}") || value.contains("{**}")
    }

    pub(crate) fn new(value: &str) -> Self {
        Self(
            value
                .split('/')
                .map(|piece| match piece {
                    "{*}" => Segment::One,
                    "{**}" => Segment::Any,
                    literal => Segment::Literal(bytes(literal)),
                })
                .collect(),
        )
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.0
    }

    pub(crate) fn matches(&self, path: &[u8]) -> bool {
        matches_segments(&self.0, path)
    }
}

fn matches_segments(segments: &[Segment], path: &[u8]) -> bool {
    let Some((first, rest)) = segments.split_first() else { return false };
    let pchar = |byte: &u8| byte.is_ascii_alphanumeric() || EXTRA.contains(byte);
    let next = |tail: &[u8]| match tail.split_first() {
        None => rest.is_empty(),
        Some((b'/', tail)) => !rest.is_empty() && matches_segments(rest, tail),
        Some(_) => false,
    };
    match first {
        Segment::Literal(literal) => path.strip_prefix(&literal[..]).is_some_and(next),
        Segment::One => {
            let end = path.iter().position(|byte| !pchar(byte)).unwrap_or(path.len());
            end > 0 && next(&path[end..])
        }
        Segment::Any => {
            let end = path.iter().position(|byte| !pchar(byte) && *byte != b'/').unwrap_or(path.len());
            (0..=end).rev().any(|end| next(&path[end..]))
        }
    }
}

/// An address or a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct IpMatcher(ipnet::IpNet);

impl IpMatcher {
    pub(crate) fn new(value: &str) -> Option<Self> {
        match value.contains('/') {
            true => value.parse().ok().map(Self),
            false => value.parse::<IpAddr>().ok().map(|address| Self(address.into())),
        }
    }

    pub(crate) fn network(&self) -> ipnet::IpNet {
        self.0
    }

    pub(crate) fn matches(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

/// Issuer and subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RequestPrincipalMatcher {
    pub(crate) issuer: StringMatcher,
    pub(crate) subject: StringMatcher,
}

impl RequestPrincipalMatcher {
    pub(crate) fn new(value: &str) -> Self {
        let exact = |text: &str| StringMatcher::Exact { text: bytes(text), ignore_case: false };
        let suffix = |text: &str| StringMatcher::Suffix { text: bytes(text), ignore_case: false };
        let prefix = |text: &str| StringMatcher::Prefix { text: bytes(text), ignore_case: false };
        let any = StringMatcher::NonEmpty;
        let (issuer, subject) = match value.rsplit_once('/') {
            _ if value == "*" => (any.clone(), any),
            Some(("*", subject)) => (any, exact(subject)),
            Some((issuer, subject)) if issuer.starts_with('*') => (suffix(&issuer[1..]), exact(subject)),
            None if value.starts_with('*') => (any, suffix(&value[1..])),
            Some((issuer, "*")) => (exact(issuer), any),
            Some((issuer, subject)) if subject.ends_with('*') => (exact(issuer), prefix(&subject[..subject.len() - 1])),
            None if value.ends_with('*') => (prefix(&value[..value.len() - 1]), any),
            Some((issuer, subject)) => (exact(issuer), exact(subject)),
            None => (exact(value), exact("")),
        };
        Self { issuer, subject }
    }

    pub(crate) fn matches(&self, issuer: &[u8], subject: &[u8]) -> bool {
        self.issuer.matches(issuer) && self.subject.matches(subject)
    }
}

use std::fmt;

impl fmt::Display for StringMatcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact { text, .. } => write!(out, "{}", text.escape_ascii()),
            Self::Prefix { text, .. } => write!(out, "{}*", text.escape_ascii()),
            Self::Suffix { text, .. } => write!(out, "*{}", text.escape_ascii()),
            Self::Any | Self::NonEmpty => out.write_str("*"),
            Self::Around { prefix, suffix } => write!(out, "{}*{}", prefix.escape_ascii(), suffix.escape_ascii()),
        }
    }
}
impl fmt::Display for PathTemplate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, segment) in self.0.iter().enumerate() {
            if n > 0 { out.write_str("/")?; }
            match segment {
                Segment::Literal(text) => write!(out, "{}", text.escape_ascii())?,
                Segment::One => out.write_str("{*}")?,
                Segment::Any => out.write_str("{**}")?,
            }
        }
        Ok(())
    }
}
impl fmt::Display for NamespaceMatcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result { write!(out, "{}", self.0.escape_ascii()) }
}
impl fmt::Display for ServiceAccountMatcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.namespace.escape_ascii(), self.name.escape_ascii())
    }
}
impl fmt::Display for TrustDomainMatcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(out) }
}
impl fmt::Display for IpMatcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(out) }
}
impl fmt::Display for RequestPrincipalMatcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result { write!(out, "{}/{}", self.issuer, self.subject) }
}
