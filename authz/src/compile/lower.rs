//! From the rules of a policy to literals.

use sluice_policy::matcher::{
    IpMatcher, NamespaceMatcher, PathMatcher, RequestPrincipalMatcher, ServiceAccountMatcher,
    StringMatcher, TrustDomainMatcher, TrustDomains, parse_port,
};

use super::intern::Interner;
use crate::config::{Conjunction, Field, Rule, Test};
use crate::predicate::Value;
use crate::rules::{Alternative, Group};
use crate::subject::{Shape, Subject};

/// What some values are compared with. Most fields make one comparison; the
/// values of a metadata condition may make two.
pub(crate) type Comparison = (Subject, Vec<Value>);

/// Lowers a rule of a policy in `namespace`.
pub(super) fn rule(
    rule: &Rule,
    namespace: &str,
    domains: &TrustDomains,
    interner: &mut Interner,
) -> Vec<Group> {
    let mut lowering = Lowering {
        namespace,
        domains,
        interner,
    };
    let mut groups = Vec::new();
    for disjunction in [&rule.from, &rule.to] {
        if !disjunction.is_empty() {
            let mut group = Group::new();
            for conjunction in disjunction {
                group.append(&mut lowering.conjunction(conjunction));
            }
            groups.push(group);
        }
    }
    if !rule.when.is_empty() {
        groups.push(lowering.conjunction(&rule.when));
    }
    groups
}

struct Lowering<'l> {
    namespace: &'l str,
    domains: &'l TrustDomains,
    interner: &'l mut Interner,
}

impl Lowering<'_> {
    /// A conjunction, multiplied out if a test makes several comparisons.
    fn conjunction(&mut self, tests: &Conjunction) -> Vec<Alternative> {
        let mut alternatives = vec![Alternative::new()];
        for test in tests {
            let comparisons = comparisons(test, self.namespace, self.domains).into_iter();
            let literals: Alternative = comparisons
                .map(|(subject, values)| self.interner.literal(subject, values, test.negated))
                .collect();
            alternatives = if test.negated {
                with_all(alternatives, &literals)
            } else {
                with_any(&alternatives, &literals)
            };
        }
        alternatives
    }
}

/// The comparisons that a test of a policy in `namespace` makes: it succeeds if
/// any of them does, or if none does when it is negated.
pub(crate) fn comparisons(test: &Test, namespace: &str, domains: &TrustDomains) -> Vec<Comparison> {
    match &test.field {
        Field::Metadata { filter, key } => metadata(filter, key, &test.values),
        field => {
            let mut all = Vec::new();
            for value in &test.values {
                all.append(&mut values(field, value, namespace, domains));
            }
            vec![(subject(field), all)]
        }
    }
}

/// What one configured value means; several if it names a trust domain.
fn values(field: &Field, value: &str, namespace: &str, domains: &TrustDomains) -> Vec<Value> {
    let one = match field {
        Field::Principal => {
            let principals = domains.expand_principal(value).into_iter();
            return principals
                .map(|value| Value::Text(StringMatcher::principal(&value)))
                .collect();
        }
        Field::TrustDomain => {
            let domains = domains.expand_trust_domain(value).into_iter();
            return domains
                .map(|value| Value::TrustDomain(TrustDomainMatcher::new(&value)))
                .collect();
        }
        Field::RequestPrincipal => Value::RequestPrincipal(RequestPrincipalMatcher::new(value)),
        Field::Namespace => Value::Namespace(NamespaceMatcher::new(value)),
        Field::ServiceAccount => {
            Value::ServiceAccount(ServiceAccountMatcher::new(value, namespace))
        }
        Field::Host => Value::Text(StringMatcher::host(value)),
        Field::Method | Field::Header(_) | Field::HeaderPiece(_) => {
            Value::Text(StringMatcher::header(value))
        }
        Field::Path => {
            return PathMatcher::new(value)
                .map(Value::Path)
                .into_iter()
                .collect();
        }
        Field::IpBlock | Field::RemoteIpBlock | Field::DestinationIp => {
            return IpMatcher::new(value).map(Value::Ip).into_iter().collect();
        }
        Field::Port => return parse_port(value).map(Value::Port).into_iter().collect(),
        _ => Value::Text(StringMatcher::text(value)),
    };
    vec![one]
}

/// Every alternative with every literal.
fn with_all(mut alternatives: Vec<Alternative>, literals: &Alternative) -> Vec<Alternative> {
    for alternative in &mut alternatives {
        alternative.extend(literals);
    }
    alternatives
}

/// Every alternative with each of the literals.
fn with_any(alternatives: &[Alternative], literals: &Alternative) -> Vec<Alternative> {
    let mut longer = Vec::new();
    for alternative in alternatives {
        for literal in literals {
            longer.push([alternative.as_slice(), &[*literal]].concat());
        }
    }
    longer
}

/// A value `[v]` is looked for in a list, a plain one compared with a string.
fn metadata(filter: &str, key: &str, values: &[Box<str>]) -> Vec<Comparison> {
    let is_list = |value: &&str| value.starts_with('[') && value.ends_with(']');
    let (in_list, plain): (Vec<&str>, Vec<&str>) =
        values.iter().map(AsRef::as_ref).partition(is_list);
    let path: Box<[Box<str>]> = [filter.into(), key.into()].into();
    let comparison = |shape, values: Vec<&str>| {
        // Istio trims every bracket, not one pair.
        let texts = values.into_iter().map(|value| {
            if shape == Shape::List {
                value.trim_matches(['[', ']'])
            } else {
                value
            }
        });
        let values: Vec<Value> = texts
            .map(|text| Value::Text(StringMatcher::text(text)))
            .collect();
        (
            Subject::Metadata {
                path: path.clone(),
                shape,
            },
            values,
        )
    };
    let comparisons = [
        comparison(Shape::Text, plain),
        comparison(Shape::List, in_list),
    ];
    comparisons
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .collect()
}

fn subject(field: &Field) -> Subject {
    let claim = |name: &str| Subject::claim([name.into()], Shape::TextOrList);
    match field {
        Field::Principal | Field::Namespace | Field::ServiceAccount | Field::TrustDomain => {
            Subject::Identity
        }
        Field::RequestPrincipal => Subject::RequestPrincipal,
        Field::IpBlock | Field::RemoteIpBlock => Subject::RemoteAddress,
        Field::DestinationIp => Subject::DestinationAddress,
        Field::Host => Subject::Host,
        Field::Port => Subject::DestinationPort,
        Field::Method => Subject::Method,
        Field::Path => Subject::Path,
        Field::Header(name) => Subject::header(name),
        Field::HeaderPiece(name) => {
            Subject::HeaderPiece(name.to_ascii_lowercase().into_bytes().into())
        }
        Field::Audience => claim("aud"),
        Field::Presenter => claim("azp"),
        Field::Claim(path) => Subject::claim(path.iter().cloned(), Shape::TextOrList),
        Field::ServerName => Subject::ServerName,
        Field::Metadata { filter, key } => Subject::Metadata {
            path: Box::new([filter.clone(), key.clone()]),
            shape: Shape::Text,
        },
    }
}
