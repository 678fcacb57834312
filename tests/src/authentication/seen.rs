//! What client and upstream saw of one request.

use serde_json::Value;
use sluice_envoy::client::{HeaderLines, Response};
use sluice_envoy::service::Received;

use super::row::{Expected, Row, Traits};
use super::stage::{AUTHORITY, DETAILS, IDENTITY};
use super::words::Words;

/// Most bytes of path and query that Envoy shows in a challenge.
const MOST_PATH_BYTES: usize = 256;
/// Differ from request to request.
const VOLATILE: [&str; 2] = ["x-request-id", "x-envoy-expected-rq-timeout-ms"];

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What the client got.
    pub status: u16,
    /// The request that went upstream, if it did.
    pub upstream: Option<Upstream>,
    /// The lines and the body that the client got, where no upstream answered.
    pub reply: Option<(HeaderLines, Vec<u8>)>,
}

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    path: String,
    /// Sorted; lines of one name in their order.
    headers: HeaderLines,
    /// The claims that were handed over; null if there are none.
    claims: Value,
}

impl Seen {
    pub(super) fn new(response: Response, received: Option<Received>, claims_at: &str) -> Self {
        let reply = || {
            let mut headers = response.headers;
            headers.retain(|(name, _)| name != b"date");
            headers.sort();
            (headers, response.body)
        };
        Self {
            status: response.status,
            reply: received.is_none().then(reply),
            upstream: received.map(|request| Upstream::new(request, claims_at)),
        }
    }

    /// What is not as expected of the row; nothing if all is.
    #[must_use]
    pub fn faults(&self, row: &Row, expected: Expected, words: &Words) -> Vec<String> {
        match expected {
            Expected::Passes(traits) => self.faults_of_passed(traits, words),
            Expected::Refused(status, text) => self.faults_of_refused(row, words, status, text),
            Expected::RefusedCall(code, text) => self.compare(&[
                ("status", self.status.to_string(), "200"),
                ("grpc-status", self.line("grpc-status"), code),
                ("grpc-message", self.line("grpc-message"), text),
            ]),
            Expected::Fails(status) => {
                self.compare(&[("status", self.status.to_string(), &status.to_string())])
            }
        }
    }

    /// In what they differ, one line each.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let (these, those) = (self.parts(), other.parts());
        let only = |who: &str, some: &[String], others: &[String]| -> Vec<String> {
            let missing = some.iter().filter(|part| !others.contains(part));
            missing.map(|part| format!("only {who}: {part}")).collect()
        };
        let mut found = only("in the first", &these, &those);
        found.extend(only("in the second", &those, &these));
        if found.is_empty() && self != other {
            found.push("the same in another order or number".to_owned());
        }
        found
    }

    /// Everything about it, in words.
    fn parts(&self) -> Vec<String> {
        let line = |(name, value): &(Vec<u8>, Vec<u8>)| {
            format!("{}: {}", name.escape_ascii(), value.escape_ascii())
        };
        let mut parts = vec![format!("status {}", self.status)];
        if let Some((headers, body)) = &self.reply {
            parts.extend(headers.iter().map(line));
            parts.push(format!("body {}", body.escape_ascii()));
        }
        if let Some(upstream) = &self.upstream {
            parts.push(format!("path {}", upstream.path));
            parts.extend(upstream.headers.iter().map(line));
            let claims = upstream.claims.as_object().into_iter().flatten();
            parts.extend(claims.map(|(name, value)| format!("claim {name}: {value}")));
        }
        parts
    }

    fn faults_of_passed(&self, traits: Traits, words: &Words) -> Vec<String> {
        let Some(upstream) = &self.upstream else {
            return vec![format!("refused: {self}")];
        };
        let differs = |(name, expected): &(&str, Option<&str>)| {
            let expected = expected.map(|text| words.expand(text));
            let found = upstream.find(name);
            (found != expected).then(|| format!("{name}: found {found:?}, expected {expected:?}"))
        };
        traits.iter().filter_map(differs).collect()
    }

    fn faults_of_refused(&self, row: &Row, words: &Words, status: u16, text: &str) -> Vec<String> {
        let body = self.reply.as_ref().map(|(_, body)| body.as_slice());
        let body = String::from_utf8_lossy(body.unwrap_or_default()).into_owned();
        let challenge = challenge(&words.expand(row.target));
        self.compare(&[
            ("status", self.status.to_string(), &status.to_string()),
            ("body", body, text),
            ("content-type", self.line("content-type"), "text/plain"),
            (
                "www-authenticate",
                self.line("www-authenticate"),
                &challenge,
            ),
            ("details", self.line(DETAILS), &details(text)),
        ])
    }

    fn compare(&self, pairs: &[(&str, String, &str)]) -> Vec<String> {
        let mut faults = Vec::new();
        if self.upstream.is_some() {
            faults.push("it went upstream".to_owned());
        }
        for (what, found, expected) in pairs {
            if found != expected {
                faults.push(format!("{what}: found `{found}`, expected `{expected}`"));
            }
        }
        faults
    }

    fn line(&self, name: &str) -> String {
        let lines = self.reply.iter().flat_map(|(lines, _)| lines);
        joined(lines, name).unwrap_or_default()
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = self.reply.as_ref().map(|(_, body)| body.as_slice());
        let body = String::from_utf8_lossy(body.unwrap_or_default());
        write!(f, "{} `{body}`", self.status)
    }
}

/// RFC 6750, section 3, as Envoy writes it.
fn challenge(target: &str) -> String {
    let shown = target.get(..MOST_PATH_BYTES).unwrap_or(target);
    format!("Bearer realm=\"http://{AUTHORITY}{shown}\", error=\"invalid_token\"")
}

/// Access logs are split at blanks.
fn details(text: &str) -> String {
    format!("jwt_authn_access_denied{{{}}}", text.replace(' ', "_"))
}

impl Upstream {
    fn new(received: Received, claims_at: &str) -> Self {
        let handed_over = received.header(IDENTITY).unwrap_or_default();
        let handed_over: Value = serde_json::from_slice(handed_over).unwrap_or_default();
        let claims = handed_over
            .pointer(claims_at)
            .map(as_struct)
            .unwrap_or_default();
        let mut headers = received.headers;
        headers.retain(|(name, _)| {
            let is = |known: &&str| known.as_bytes() == name;
            name != IDENTITY.as_bytes() && !VOLATILE.iter().any(is)
        });
        headers.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self {
            path: received.path,
            headers,
            claims,
        }
    }

    fn find(&self, name: &str) -> Option<String> {
        if name == ":path" {
            return Some(self.path.clone());
        }
        if name.starts_with('/') {
            return self.claims.pointer(name).map(Value::to_string);
        }
        joined(&self.headers, name)
    }
}

/// As `google.protobuf.Struct` has it, which Envoy's metadata is: every number a double.
fn as_struct(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(list) => list.iter().map(as_struct).collect(),
        Value::Object(object) => {
            let members = object.iter();
            let members = members.map(|(name, value)| (name.clone(), as_struct(value)));
            Value::Object(members.collect())
        }
        other => other.clone(),
    }
}

fn joined<'a>(
    lines: impl IntoIterator<Item = &'a (Vec<u8>, Vec<u8>)>,
    name: &str,
) -> Option<String> {
    let of_name = lines
        .into_iter()
        .filter(|(line, _)| line == name.as_bytes());
    let values: Vec<_> = of_name
        .map(|(_, value)| String::from_utf8_lossy(value))
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}
