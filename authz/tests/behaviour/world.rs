//! Resources and requests in few words.

use serde_json::{Map, Value, json};
use sluice_authz::{Decision, Program, Resume, Scratch, Verdict, configure, decide};
use sluice_policy::{Connection, Diagnostics, Fact, HeaderLine, Request, Workload};

/// A policy of namespace `a`.
pub fn policy(name: &str, spec: Value) -> Value {
    policy_in("a", name, spec)
}

/// A policy of another namespace.
pub fn policy_in(namespace: &str, name: &str, spec: Value) -> Value {
    resource("AuthorizationPolicy", namespace, name, spec)
}

/// Any resource.
pub fn resource(kind: &str, namespace: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    })
}

/// An ALLOW policy with one rule.
pub fn allow(rule: Value) -> Value {
    policy("p", json!({"rules": [rule]}))
}

/// A DENY policy with one rule.
pub fn deny(rule: Value) -> Value {
    policy("p", json!({"action": "DENY", "rules": [rule]}))
}

/// A rule with one operation.
pub fn to(operation: Value) -> Value {
    json!({"to": [{"operation": operation}]})
}

/// A rule with one source.
pub fn from(source: Value) -> Value {
    json!({"from": [{"source": source}]})
}

/// A rule with one condition.
pub fn when(key: &str, values: Value) -> Value {
    json!({"when": [{"key": key, "values": values}]})
}

/// A workload of namespace `a`.
pub fn workload() -> Workload {
    Workload {
        namespace: "a".to_owned(),
        labels: [("app".to_owned(), "x".to_owned())].into(),
        ..Workload::default()
    }
}

/// Compiles a whole pluginConfig.
pub fn configured(config: &Value) -> (Program, Diagnostics) {
    configure(config.to_string().as_bytes(), Some(&workload()))
}

/// Compiles resources that must be in order.
pub fn program(resources: impl Into<Value>) -> Program {
    let (program, diagnostics) = configured(&json!({"resources": resources.into()}));
    assert!(!diagnostics.has_errors(), "{diagnostics}");
    program
}

/// A request with defaults: a plaintext `GET /` of `host`.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: &'static str,
    pub path: &'static str,
    pub authority: &'static str,
    pub headers: Vec<(&'static str, &'static str)>,
    pub identity: Option<&'static str>,
    pub remote: &'static str,
    pub destination: &'static str,
    pub server_name: Option<&'static str>,
    pub token: Option<Value>,
    /// Dynamic metadata `envoy.filters.http.x`.
    pub metadata: Option<Value>,
}

impl Default for Call {
    fn default() -> Self {
        Self {
            method: "GET",
            path: "/",
            authority: "host",
            headers: Vec::new(),
            identity: None,
            remote: "10.0.0.1:40000",
            destination: "10.0.0.2:8080",
            server_name: None,
            token: None,
            metadata: None,
        }
    }
}

/// `GET` of a path.
pub fn get(path: &'static str) -> Call {
    Call {
        path,
        ..Call::default()
    }
}

/// A request over mutual TLS.
pub fn by(identity: &'static str) -> Call {
    Call {
        identity: Some(identity),
        ..Call::default()
    }
}

/// A request with a validated token.
pub fn bearing(token: Value) -> Call {
    Call {
        token: Some(token),
        ..Call::default()
    }
}

/// A request with header lines.
pub fn with_headers(headers: &[(&'static str, &'static str)]) -> Call {
    Call {
        headers: headers.to_vec(),
        ..Call::default()
    }
}

impl Call {
    /// Lends the request.
    pub fn with<R>(&self, use_it: impl FnOnce(&Request<'_>) -> R) -> R {
        let lines: Vec<HeaderLine<'_>> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        let mut metadata = Map::new();
        if let Some(token) = &self.token {
            metadata.insert(
                "envoy.filters.http.jwt_authn".to_owned(),
                json!({"payload": token}),
            );
        }
        if let Some(written) = &self.metadata {
            metadata.insert("envoy.filters.http.x".to_owned(), written.clone());
        }
        let text = |text: Option<&'static str>| {
            text.map_or(Fact::Absent, |text| Fact::Present(text.as_bytes()))
        };
        use_it(&Request {
            method: Fact::Present(self.method.as_bytes()),
            path: Fact::Present(self.path.as_bytes()),
            authority: Fact::Present(self.authority.as_bytes()),
            headers: Fact::Present(&lines),
            connection: Connection {
                remote_address: Fact::Present(self.remote.parse().unwrap()),
                destination_address: Fact::Present(self.destination.parse().unwrap()),
                mtls: Fact::Present(self.identity.is_some()),
                peer_uri_san: text(self.identity),
                peer_dns_san: Fact::Absent,
                peer_subject: Fact::Absent,
                peer_principal: Fact::Absent,
                requested_server_name: text(self.server_name),
            },
            metadata: Fact::Present(&metadata),
        })
    }
}

/// Decides from the beginning.
pub fn decided<'p>(program: &'p Program, call: &Call) -> Decision<'p> {
    call.with(|request| decide(program, &mut Scratch::default(), request, Resume::default()))
}

/// Whether resources let a request pass.
pub fn passes(resources: impl Into<Value>, call: &Call) -> bool {
    decided(&program(resources), call).verdict == Verdict::Allow
}

/// Whether one ALLOW rule lets a request pass.
pub fn matches(rule: &Value, call: &Call) -> bool {
    passes(vec![allow(rule.clone())], call)
}
