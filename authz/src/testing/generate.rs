//! Generators: small worlds, so that policies and requests often meet.

use std::net::{IpAddr, SocketAddr};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};
use sluice_policy::{Attribute, AttributeSet, Connection, Fact, Request};

use crate::config::{Action, AuthorizationPolicy, Config, Conjunction, Field, Rule, Test};

/// Values that make sense for a field, matching and not.
fn values_of(field: &Field) -> &'static [&'static str] {
    match field {
        Field::Principal => &[
            "td/ns/a/sa/x",
            "td/ns/b/sa/y",
            "old/ns/a/sa/x",
            "*",
            "td/ns/a/*",
            "*/sa/x",
            "td2/ns/a/sa/x",
        ],
        Field::RequestPrincipal => &[
            "*", "iss/sub", "iss/*", "*/sub", "is*", "*ub", "iss/s*", "*s/sub", "iss",
        ],
        Field::Namespace => &["a", "b", "*", "a*", "*b", "c"],
        Field::ServiceAccount => &["x", "a/x", "b/y", "b/x"],
        Field::TrustDomain => &["td", "old", "*", "t*", "*d", "td2"],
        Field::IpBlock | Field::RemoteIpBlock | Field::DestinationIp => &[
            "10.0.0.1",
            "10.0.0.0/8",
            "0.0.0.0/0",
            "192.168.0.0/16",
            "::/0",
            "2001:db8::1",
            "10.0.0.9/31",
        ],
        Field::Host => &["a.com", "A.com", "*.com", "a.*", "*", "b.org", "a.com:80"],
        Field::Port => &["80", "8080", "0", "443"],
        Field::Method => &["GET", "POST", "*", "P*", "*T", "get"],
        Field::Path => &[
            "/a",
            "/a/b",
            "/a*",
            "*b",
            "*",
            "/",
            "/{*}",
            "/a/{*}",
            "/a/{**}",
            "/{*}/b",
            "/{**}/b",
            "/a/{*}/c/{**}",
            "/{*}/{*}",
        ],
        Field::Header(_) | Field::HeaderPiece(_) => &["1", "2", "*", "1*", "*2", "1,2"],
        Field::Audience | Field::Presenter | Field::Claim(_) => &["x", "y", "*", "x*", "*y"],
        Field::ServerName => &["a.com", "*.com", "*", "a*"],
        Field::Metadata { .. } => &["v", "[v]", "v*", "*", "[w]"],
    }
}

fn fields() -> Vec<Field> {
    vec![
        Field::Principal,
        Field::RequestPrincipal,
        Field::Namespace,
        Field::ServiceAccount,
        Field::TrustDomain,
        Field::IpBlock,
        Field::RemoteIpBlock,
        Field::Host,
        Field::Port,
        Field::Method,
        Field::Path,
        Field::Header("x-a".into()),
        Field::Header("X-B".into()),
        Field::Header(":authority".into()),
        Field::Header(":path".into()),
        Field::Header(":scheme".into()),
        Field::HeaderPiece("x-a".into()),
        Field::Audience,
        Field::Presenter,
        Field::Claim(vec!["groups".into()]),
        Field::Claim(vec!["nested".into(), "key".into()]),
        Field::DestinationIp,
        Field::ServerName,
        Field::Metadata {
            filter: "envoy.filters.http.other".into(),
            key: "k".into(),
        },
    ]
}

fn test() -> impl Strategy<Value = Test> {
    let values = |field: Field| {
        let pool = values_of(&field);
        let values = subsequence(pool, 1..=3.min(pool.len()));
        (Just(field), any::<bool>(), values)
    };
    let parts = select(fields()).prop_flat_map(values);
    parts.prop_map(|(field, negated, values)| {
        let values = values.into_iter().map(Box::from).collect();
        Test {
            field,
            negated,
            values,
        }
    })
}

fn conjunction() -> impl Strategy<Value = Conjunction> {
    vec(test(), 1..=3)
}

/// A rule of a policy.
pub fn rule() -> impl Strategy<Value = Rule> {
    let parts = (
        vec(conjunction(), 0..=2),
        vec(conjunction(), 0..=2),
        vec(test(), 0..=2),
    );
    parts.prop_map(|(from, to, when)| Rule { from, to, when })
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![4 => Just(Action::Allow), 4 => Just(Action::Deny), 1 => Just(Action::Audit)]
}

/// Policies with distinct names, most of them with few rules, some with more
/// than ten, whose ids do not sort by number.
pub fn policies() -> impl Strategy<Value = Vec<AuthorizationPolicy>> {
    let rules = prop_oneof![6 => vec(rule(), 0..=3), 1 => vec(rule(), 10..=13)];
    let policy = (
        action(),
        prop::bool::weighted(0.15),
        select(vec!["a", "b", "istio-system"]),
        rules,
    );
    vec(policy, 0..=8).prop_map(|policies| {
        let named = (0..).zip(policies);
        named
            .map(
                |(number, (action, dry_run, namespace, rules))| AuthorizationPolicy {
                    dry_run,
                    rules,
                    ..AuthorizationPolicy::named(&format!("p{number}"), namespace, action)
                },
            )
            .collect()
    })
}

/// A configuration with one trust domain alias.
pub fn config() -> impl Strategy<Value = Config> {
    policies().prop_map(|policies| {
        let mut config = Config {
            policies,
            ..Config::default()
        };
        config.mesh.trust_domain = "td".into();
        config.mesh.trust_domain_aliases = vec!["old".into()];
        config
    })
}

/// A request that owns what a [`Request`] borrows.
#[derive(Debug, Clone)]
pub struct OwnedRequest {
    method: Fact<&'static str>,
    path: Fact<&'static str>,
    authority: Fact<&'static str>,
    headers: Fact<Vec<(&'static str, &'static str)>>,
    mtls: Fact<bool>,
    identities: [Fact<&'static str>; 4],
    remote_address: Fact<SocketAddr>,
    destination_address: Fact<SocketAddr>,
    server_name: Fact<&'static str>,
    metadata: Fact<Map<String, Value>>,
}

impl OwnedRequest {
    /// The same request, each time with one fact less. The lesser identities
    /// of a certificate with a URI SAN stay: nobody is expected to read them.
    pub fn blinded(&self) -> Vec<Self> {
        let [uri, ..] = self.identities;
        let lesser =
            |attribute| matches!(attribute, Attribute::PeerDnsSan | Attribute::PeerSubject);
        let blinding = |attribute: &Attribute| uri.present().is_none() || !lesser(*attribute);
        Attribute::ALL
            .into_iter()
            .filter(blinding)
            .map(|attribute| self.without(attribute))
            .collect()
    }

    /// The same request with the demanded facts only.
    #[must_use]
    pub fn only(&self, demand: AttributeSet) -> Self {
        let others = Attribute::ALL
            .into_iter()
            .filter(|&attribute| !demand.contains(attribute));
        others.fold(self.clone(), |request, attribute| {
            request.without(attribute)
        })
    }

    fn without(&self, attribute: Attribute) -> Self {
        let mut less = self.clone();
        let [uri, dns, subject, principal] = &mut less.identities;
        match attribute {
            Attribute::Method => less.method = Fact::Unavailable,
            Attribute::Path => less.path = Fact::Unavailable,
            Attribute::Authority => less.authority = Fact::Unavailable,
            Attribute::Headers => less.headers = Fact::Unavailable,
            Attribute::SourceAddress => less.remote_address = Fact::Unavailable,
            Attribute::DestinationAddress => less.destination_address = Fact::Unavailable,
            Attribute::Mtls => less.mtls = Fact::Unavailable,
            Attribute::PeerUriSan => *uri = Fact::Unavailable,
            Attribute::PeerDnsSan => *dns = Fact::Unavailable,
            Attribute::PeerSubject => *subject = Fact::Unavailable,
            Attribute::PeerPrincipal => *principal = Fact::Unavailable,
            Attribute::RequestedServerName => less.server_name = Fact::Unavailable,
            Attribute::Metadata => less.metadata = Fact::Unavailable,
        }
        less
    }

    /// Lends the request.
    pub fn with<R>(&self, use_it: impl FnOnce(&Request<'_>) -> R) -> R {
        let bytes = |fact: &Fact<&'static str>| fact.map(str::as_bytes);
        let lines: Fact<Vec<_>> = self.headers.as_ref().map(|lines| {
            lines
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
                .collect()
        });
        let [peer_uri_san, peer_dns_san, peer_subject, peer_principal] =
            self.identities.each_ref().map(bytes);
        use_it(&Request {
            method: bytes(&self.method),
            path: bytes(&self.path),
            authority: bytes(&self.authority),
            headers: lines.as_ref().map(Vec::as_slice),
            connection: Connection {
                remote_address: self.remote_address,
                destination_address: self.destination_address,
                mtls: self.mtls,
                peer_uri_san,
                peer_dns_san,
                peer_subject,
                peer_principal,
                requested_server_name: bytes(&self.server_name),
            },
            metadata: self.metadata.as_ref(),
        })
    }
}

/// A fact that is mostly there.
fn fact<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Fact<T>> {
    prop_oneof![
        12 => value.prop_map(Fact::Present),
        1 => Just(Fact::Absent),
        1 => Just(Fact::Unavailable),
    ]
}

fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    select(values)
}

fn address() -> impl Strategy<Value = SocketAddr> {
    let ips = select(vec![
        "10.0.0.1",
        "10.9.9.9",
        "10.0.0.8",
        "192.168.1.1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
    ]);
    (ips, select(vec![80u16, 8080, 0])).prop_map(|(ip, port)| {
        SocketAddr::new(
            ip.parse::<IpAddr>()
                .unwrap_or(IpAddr::V4([0, 0, 0, 0].into())),
            port,
        )
    })
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let line = (
        one_of(&["x-a", "x-b", ":scheme", "x-c"]),
        one_of(&["1", "2", "1,2", "", "12"]),
    );
    vec(line, 0..=4)
}

fn claim() -> impl Strategy<Value = Value> {
    select(vec![
        json!("x"),
        json!("y"),
        json!(["z", "x"]),
        json!([]),
        json!(true),
        json!(["xy", 1]),
        json!(""),
    ])
}

fn metadata() -> impl Strategy<Value = Map<String, Value>> {
    let token = (
        option::of(claim()),
        option::of(claim()),
        option::of(claim()),
        option::of(one_of(&["sub", "", "su"])),
    );
    let token = token.prop_map(|(aud, groups, key, sub)| {
        json!({"iss": "iss", "sub": sub, "aud": aud, "azp": "x", "groups": groups, "nested": {"key": key}})
    });
    let other = select(vec![json!("v"), json!(["v", "w"]), json!({"k": "v"})]);
    (option::of(token), option::of(other)).prop_map(|(token, other)| {
        let mut metadata = Map::new();
        if let Some(token) = token {
            metadata.insert(
                "envoy.filters.http.jwt_authn".into(),
                json!({"payload": token}),
            );
        }
        if let Some(other) = other {
            metadata.insert("envoy.filters.http.other".into(), json!({"k": other}));
        }
        metadata
    })
}

/// A request.
pub fn request() -> impl Strategy<Value = OwnedRequest> {
    let message = (
        fact(one_of(&["GET", "POST", "PUT", ""])),
        fact(one_of(&[
            "/a", "/a/b", "/a?q=/b", "/a/x/c/d", "/", "/b", "", "/a/b#f", "/a\nb",
        ])),
        fact(one_of(&["a.com", "A.COM", "a.com:80", "b.org", ""])),
        fact(headers()),
        fact(metadata()),
    );
    let identity = || {
        fact(one_of(&[
            "spiffe://td/ns/a/sa/x",
            "spiffe://old/ns/a/sa/x",
            "spiffe://td/ns/b/sa/y",
            "CN=x",
            "spiffe://td2/ns/a/z/ns/b/sa/x",
        ]))
    };
    let connection = (
        fact(prop::bool::weighted(0.8)),
        [identity(), identity(), identity(), identity()],
        fact(address()),
        fact(address()),
        fact(one_of(&["a.com", "b.org", ""])),
    );
    (message, connection).prop_map(|(message, connection)| {
        let (method, path, authority, headers, metadata) = message;
        let (mtls, mut identities, remote_address, destination_address, server_name) = connection;
        if matches!(mtls, Fact::Present(false) | Fact::Absent) {
            // Without a client certificate there is nothing in it.
            identities[..3].fill(Fact::Absent);
        }
        OwnedRequest {
            method,
            path,
            authority,
            headers,
            mtls,
            identities,
            remote_address,
            destination_address,
            server_name,
            metadata,
        }
    })
}
