//! Predicates: one field compared with one list of values.

use std::fmt;
use std::net::IpAddr;

use sluice_policy::Fact;
use sluice_policy::matcher::{
    IpMatcher, NamespaceMatcher, PathMatcher, PathTemplate, RequestPrincipalMatcher, Segment,
    ServiceAccountMatcher, StringMatcher, TrustDomainMatcher,
};

use crate::index::key::{Key, Network, Options};
use crate::subject::{Facts, Shape, Subject, missing};
use crate::truth::Truth;

/// The test that some text of a subject matches some value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Predicate {
    /// Number of the subject in the program.
    pub(crate) subject: u32,
    /// The values. Not empty: nothing would ever match.
    pub(crate) values: Box<[Value]>,
}

/// One configured value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    /// A text pattern.
    Text(StringMatcher),
    /// A path, plain or a template.
    Path(PathMatcher),
    /// A namespace of an identity.
    Namespace(NamespaceMatcher),
    /// A service account of an identity.
    ServiceAccount(ServiceAccountMatcher),
    /// The trust domain of an identity.
    TrustDomain(TrustDomainMatcher),
    /// A range of addresses.
    Ip(IpMatcher),
    /// A port.
    Port(u16),
    /// Issuer and subject of a token.
    RequestPrincipal(RequestPrincipalMatcher),
}

impl Predicate {
    /// Whether some value matches.
    pub(crate) fn evaluate(&self, subject: &Subject, facts: &Facts<'_>) -> Truth {
        match subject {
            Subject::RemoteAddress | Subject::DestinationAddress => match facts.address(subject) {
                Fact::Present(address) => self.any(|value| value.matches_address(address)).into(),
                other => missing(other),
            },
            Subject::DestinationPort => match facts.port() {
                Fact::Present(port) => self.any(|value| *value == Value::Port(port)).into(),
                other => missing(other),
            },
            Subject::RequestPrincipal => facts.request_principal(&mut |issuer, subject| {
                self.any(|value| value.matches_request_principal(issuer, subject))
            }),
            _ => facts.any_text(subject, &mut |text| {
                self.any(|value| value.matches_text(text))
            }),
        }
    }

    fn any(&self, test: impl FnMut(&Value) -> bool) -> bool {
        self.values.iter().any(test)
    }

    /// How to look each value up; none if some value cannot be.
    pub(crate) fn keys(&self, subject: &Subject) -> Option<Vec<Options>> {
        let mut keys = Vec::with_capacity(self.values.len());
        for value in &self.values {
            let options = value.options(subject);
            if options.is_empty() {
                return None;
            }
            keys.push(options);
        }
        Some(keys)
    }
}

impl Value {
    fn matches_text(&self, text: &[u8]) -> bool {
        match self {
            Self::Text(matcher) => matcher.matches(text),
            Self::Path(matcher) => matcher.matches(text),
            Self::Namespace(matcher) => matcher.matches(text),
            Self::ServiceAccount(matcher) => matcher.matches(text),
            Self::TrustDomain(matcher) => matcher.matches(text),
            Self::Ip(_) | Self::Port(_) | Self::RequestPrincipal(_) => false,
        }
    }

    fn matches_address(&self, address: IpAddr) -> bool {
        matches!(self, Self::Ip(matcher) if matcher.matches(address))
    }

    fn matches_request_principal(&self, issuer: &[u8], subject: &[u8]) -> bool {
        matches!(self, Self::RequestPrincipal(matcher) if matcher.matches(issuer, subject))
    }
}

impl Value {
    /// Keys, any of which finds every text that the value matches.
    fn options(&self, subject: &Subject) -> Options {
        match self {
            Self::Text(matcher) => text_options(subject, matcher),
            Self::Path(PathMatcher::Text(matcher)) => text_options(subject, matcher),
            Self::Path(PathMatcher::Template(template)) => template_options(template),
            Self::Namespace(matcher) => {
                let literal = matcher
                    .literal()
                    .map(|name| Key::exact(Subject::IdentityNamespace, name));
                literal.into_iter().collect()
            }
            Self::ServiceAccount(matcher) => vec![
                Key::exact(Subject::IdentityServiceAccount, matcher.name()),
                Key::exact(Subject::IdentityNamespace, matcher.namespace()),
            ],
            Self::TrustDomain(matcher) => trust_domain_options(matcher),
            Self::Ip(matcher) => {
                let network = matcher.network();
                let network = Network {
                    address: network.addr(),
                    bits: network.prefix_len(),
                };
                vec![Key::Network {
                    subject: subject.clone(),
                    network,
                }]
            }
            Self::Port(port) => vec![Key::exact(Subject::DestinationPort, port.to_be_bytes())],
            Self::RequestPrincipal(matcher) => {
                let claim = |name: &str| Subject::claim([name.into()], Shape::Text);
                let mut options = text_options(&claim("sub"), &matcher.subject);
                options.extend(text_options(&claim("iss"), &matcher.issuer));
                options
            }
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(matcher) | Self::Path(PathMatcher::Text(matcher)) => {
                write_text(out, matcher)
            }
            Self::Path(PathMatcher::Template(template)) => write_template(out, template),
            Self::Namespace(matcher) => match matcher.literal() {
                Some(name) => write!(out, "namespace {}", name.escape_ascii()),
                None => out.write_str("namespace by pattern"),
            },
            Self::ServiceAccount(matcher) => {
                let (namespace, name) = (
                    matcher.namespace().escape_ascii(),
                    matcher.name().escape_ascii(),
                );
                write!(out, "service account {namespace}/{name}")
            }
            Self::TrustDomain(matcher) => {
                out.write_str("trust domain ")?;
                write_text(out, matcher.pattern())
            }
            Self::Ip(matcher) => matcher.network().fmt(out),
            Self::Port(port) => port.fmt(out),
            Self::RequestPrincipal(matcher) => {
                write_text(out, &matcher.issuer)?;
                out.write_str("/")?;
                write_text(out, &matcher.subject)
            }
        }
    }
}

fn write_text(out: &mut fmt::Formatter<'_>, matcher: &StringMatcher) -> fmt::Result {
    match matcher {
        StringMatcher::Exact { text, .. } => write!(out, "{}", text.escape_ascii()),
        StringMatcher::Prefix { text, .. } => write!(out, "{}*", text.escape_ascii()),
        StringMatcher::Suffix { text, .. } => write!(out, "*{}", text.escape_ascii()),
        StringMatcher::Any | StringMatcher::NonEmpty => out.write_str("*"),
        StringMatcher::Around { prefix, suffix } => {
            write!(out, "{}*{}", prefix.escape_ascii(), suffix.escape_ascii())
        }
    }
}

fn write_template(out: &mut fmt::Formatter<'_>, template: &PathTemplate) -> fmt::Result {
    for (number, segment) in template.segments().iter().enumerate() {
        if number > 0 {
            out.write_str("/")?;
        }
        match segment {
            Segment::Literal(text) => write!(out, "{}", text.escape_ascii())?,
            Segment::One => out.write_str("{*}")?,
            Segment::Any => out.write_str("{**}")?,
        }
    }
    Ok(())
}

fn text_options(subject: &Subject, matcher: &StringMatcher) -> Options {
    let subject = subject.clone();
    match matcher {
        StringMatcher::Exact { text, .. } => vec![Key::exact(subject, &**text)],
        StringMatcher::Prefix { text, .. } => vec![Key::prefix(subject, &**text)],
        StringMatcher::Suffix { text, .. } => vec![Key::suffix(subject, &**text)],
        StringMatcher::Around { suffix, .. } => vec![Key::suffix(subject, &**suffix)],
        StringMatcher::Any | StringMatcher::NonEmpty => Vec::new(),
    }
}

/// Each literal segment stands at a known place of the path, until a `{**}`;
/// after the last operator there is a known end.
fn template_options(template: &PathTemplate) -> Options {
    let segments = template.segments();
    let fixed = (0..)
        .zip(segments)
        .take_while(|(_, segment)| **segment != Segment::Any);
    let mut options: Options = fixed
        .filter_map(|(number, segment)| match segment {
            Segment::Literal(text) if !text.is_empty() => {
                Some(Key::exact(Subject::PathSegment(number), &**text))
            }
            _ => None,
        })
        .collect();
    let end: Vec<&[u8]> = segments
        .iter()
        .rev()
        .map_while(|segment| match segment {
            Segment::Literal(text) => Some(&**text),
            Segment::One | Segment::Any => None,
        })
        .collect();
    if !end.is_empty() {
        let end = end
            .iter()
            .rev()
            .fold(Vec::new(), |end, text| [&end, &b"/"[..], text].concat());
        options.push(Key::suffix(Subject::Path, end));
    }
    options
}

fn trust_domain_options(matcher: &TrustDomainMatcher) -> Options {
    let prefix = |parts: &[&[u8]]| vec![Key::prefix(Subject::Identity, parts.concat())];
    match matcher.pattern() {
        StringMatcher::Exact { text, .. } => prefix(&[b"spiffe://", text, b"/"]),
        StringMatcher::Prefix { text, .. } => prefix(&[b"spiffe://", text]),
        StringMatcher::Any => prefix(&[b"spiffe://"]),
        StringMatcher::Suffix { .. } | StringMatcher::NonEmpty | StringMatcher::Around { .. } => {
            Vec::new()
        }
    }
}
