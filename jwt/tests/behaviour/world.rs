//! Issuers, resources and requests in few words.

use std::collections::BTreeMap;
use std::rc::Rc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sluice_jwt::{
    KeySet, KeySource, Keys, NoHostCrypto, Outcome, Program, Progress, Recalled, SourceId, Status,
    Verdict, World, authenticate, configure, verify,
};
use sluice_policy::{Diagnostics, Fact, HeaderEdit, HeaderLine, Request, Workload};

/// The time of all tests, in seconds since 1970.
pub const NOW: u64 = 1_800_000_000;

/// The header under which tokens usually come.
pub const AUTHORIZATION: &str = "authorization";

/// Signs anything with a secret of its own: whose tokens they are, others decide.
fn signed(secret: &str, header: &Value, claims: &str) -> String {
    let encode = |text: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(text);
    let content = [
        encode(header.to_string().as_bytes()),
        encode(claims.as_bytes()),
    ]
    .join(".");
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, long(secret).as_bytes());
    let signature = ring::hmac::sign(&key, content.as_bytes());
    [content, encode(signature.as_ref())].join(".")
}

/// Long enough for HS256.
fn long(secret: &str) -> String {
    format!("{secret:-<32}")
}

/// A token of an issuer for somebody.
pub fn token(issuer: &str) -> String {
    token_with(issuer, json!({}))
}

/// The same with more claims, or others.
pub fn token_with(issuer: &str, claims: Value) -> String {
    token_of_text(issuer, &claims_of(issuer, claims).to_string())
}

/// The claims of [`token_with`].
pub fn claims_of(issuer: &str, more: Value) -> Value {
    let mut claims = json!({"iss": issuer, "sub": "somebody", "exp": NOW + 600});
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

/// A token of an issuer with claims as they are written.
pub fn token_of_text(issuer: &str, claims: &str) -> String {
    let header = json!({"alg": "HS256", "kid": issuer});
    signed(issuer, &header, claims)
}

/// A token that says to be of an issuer, signed by somebody else.
pub fn forged(issuer: &str) -> String {
    let claims = claims_of(issuer, json!({}));
    let header = json!({"alg": "HS256", "kid": issuer});
    signed("somebody else", &header, &claims.to_string())
}

/// A token of an issuer by a key of that name.
pub fn token_by_key(issuer: &str, key_id: &str) -> String {
    let claims = claims_of(issuer, json!({}));
    let header = json!({"alg": "HS256", "kid": key_id});
    signed(key_id, &header, &claims.to_string())
}

/// `jwks` of an issuer.
pub fn jwks(issuer: &str) -> String {
    let secret = BASE64_URL_SAFE_NO_PAD.encode(long(issuer));
    json!({"keys": [{"kty": "oct", "kid": issuer, "k": secret}]}).to_string()
}

/// The payload segment of a token.
pub fn payload(token: &str) -> String {
    token.split('.').nth(1).unwrap().to_owned()
}

/// A rule for an issuer, whose keys are inline.
pub fn rule(issuer: &str) -> Value {
    rule_with(issuer, json!({}))
}

/// The same with more fields.
pub fn rule_with(issuer: &str, fields: Value) -> Value {
    let mut rule = json!({"issuer": issuer, "jwks": jwks(issuer)});
    for (name, value) in fields.as_object().unwrap() {
        rule[name] = value.clone();
    }
    rule
}

/// A resource of namespace `a` with rules.
pub fn resource(name: &str, rules: Value) -> Value {
    resource_with("a", name, json!({"jwtRules": rules}))
}

/// Any resource.
pub fn resource_with(namespace: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "RequestAuthentication",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    })
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
pub fn program_of(resources: impl Into<Value>) -> Program {
    let (program, diagnostics) = configured(&json!({"resources": resources.into()}));
    assert!(!diagnostics.has_errors(), "{diagnostics}");
    program
}

/// Compiles one resource with rules.
pub fn program(rules: Value) -> Program {
    program_of(vec![resource("r", rules)])
}

/// A request with defaults: `GET /` of `host`.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(String, String)>,
}

/// `GET` of a path.
pub fn get(path: &str) -> Call {
    Call {
        method: "GET",
        path: path.to_owned(),
        headers: Vec::new(),
    }
}

/// `GET /` with a bearer token.
pub fn bearing(token: &str) -> Call {
    get("/").with(AUTHORIZATION, &format!("Bearer {token}"))
}

impl Call {
    /// With one more header line.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lends the request.
    pub fn lend<R>(&self, use_it: impl FnOnce(&Request<'_>) -> R) -> R {
        let lines: Vec<HeaderLine<'_>> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        use_it(&Request {
            method: Fact::Present(self.method.as_bytes()),
            path: Fact::Present(self.path.as_bytes()),
            authority: Fact::Present(b"host"),
            headers: Fact::Present(&lines),
            ..Request::default()
        })
    }
}

/// What the engine asks: keys as they are set, and a memory.
#[derive(Default)]
pub struct Desk {
    pub keys: Vec<Option<Keys>>,
    pub remembered: BTreeMap<Vec<u8>, Recalled>,
    /// Keys that were asked for and are not there.
    pub unknown: Vec<(SourceId, String)>,
    /// Whether those are fetched anew.
    pub refetches: bool,
    pub verifications: usize,
}

impl Desk {
    /// With the inline keys of a program; those of URLs are on their way.
    pub fn of(program: &Program) -> Self {
        let keys = program.sources().iter().map(|source| match source {
            KeySource::Inline(text) => Some(match KeySet::parse(text.as_bytes()) {
                Ok(keys) => Keys::Ready(Rc::new(keys)),
                Err(status) => Keys::Failed(status),
            }),
            KeySource::Remote(_) => None,
        });
        Self {
            keys: keys.collect(),
            ..Self::default()
        }
    }
}

impl World for Desk {
    fn recall(&mut self, token: &[u8]) -> Option<Recalled> {
        self.remembered.get(token).cloned()
    }

    fn keys(&mut self, source: SourceId) -> Keys {
        let keys = self.keys.get(source.0).cloned().flatten();
        keys.unwrap_or(Keys::Pending)
    }

    fn verify(&mut self, token: &Recalled, _: SourceId, keys: &KeySet) -> Result<(), Status> {
        self.verifications += 1;
        let text = token.token.text().to_vec();
        self.remembered.insert(text, token.clone());
        verify(&token.token, keys, &mut NoHostCrypto).0
    }

    fn unknown_key(&mut self, source: SourceId, key_id: &str) -> bool {
        self.unknown.push((source, key_id.to_owned()));
        self.refetches
    }
}

/// Decides with inline keys.
pub fn judged(program: &Program, call: &Call) -> Outcome {
    let mut desk = Desk::of(program);
    match call.lend(|request| authenticate(program, request, NOW, &mut desk)) {
        Progress::Done(outcome) => outcome,
        Progress::Wait(source) => panic!("waits for {source:?}"),
    }
}

/// The verdict alone, by rules of one resource.
pub fn verdict(rules: Value, call: &Call) -> Verdict {
    judged(&program(rules), call).verdict
}

/// The request as the upstream sees it: its path and its header lines.
pub fn forwarded(call: &Call, outcome: &Outcome) -> (String, Vec<(String, String)>) {
    assert_eq!(outcome.verdict, Verdict::Pass);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (mut path, mut lines) = (call.path.clone(), call.headers.clone());
    for edit in &outcome.edits {
        match edit {
            HeaderEdit::Set(name, value) if name == b":path" => path = text(value),
            HeaderEdit::Set(name, value) => {
                lines.retain(|(known, _)| *known != text(name));
                lines.push((text(name), text(value)));
            }
            HeaderEdit::Append(name, value) => lines.push((text(name), text(value))),
            HeaderEdit::Remove(name) => lines.retain(|(known, _)| *known != text(name)),
        }
    }
    (path, lines)
}

/// The lines of one header that the upstream sees.
pub fn upstream(call: &Call, outcome: &Outcome, name: &str) -> Vec<String> {
    let (_, lines) = forwarded(call, outcome);
    let lines = lines.into_iter().filter(|(known, _)| known == name);
    lines.map(|(_, value)| value).collect()
}

/// What is handed to other filters.
pub fn handed_over(outcome: &Outcome) -> Option<Value> {
    let identity = outcome.identity.as_ref()?;
    Some(serde_json::from_slice(&identity.json).unwrap())
}

/// `iss` of the identity.
pub fn identity(outcome: &Outcome) -> Option<String> {
    let issuer = &handed_over(outcome)?["payload"]["iss"];
    issuer.as_str().map(str::to_owned)
}
