//! What the JWT filter says of a token: the engine decides on a request that carries
//! nothing else.

use std::rc::Rc;

use serde_json::{Value, json};
use sluice_jwt::{
    Identity, KeySet, KeySource, Keys, NoHostCrypto, Outcome, Program, Progress, Recalled,
    SourceId, Status, Verdict, World, authenticate, configure,
};
use sluice_policy::{Connection, Diagnostics, Fact, HeaderEdit, HeaderLine, Request, Workload};

use super::reading::Pasted;
use super::resources::Resources;

/// Where a rule finds a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a header, after a prefix.
    Header {
        /// Lower-case.
        name: String,
        /// What stands before the token.
        prefix: String,
    },
    /// In a query parameter.
    Parameter(String),
    /// In a cookie.
    Cookie(String),
}

impl Place {
    /// Where tokens are when a rule names no place.
    pub fn usual() -> Self {
        Self::Header {
            name: "authorization".to_owned(),
            prefix: "Bearer ".to_owned(),
        }
    }

    /// The first place of the rule of that issuer, or the usual one.
    pub fn of_issuer<'v>(resources: impl Iterator<Item = &'v Value>, issuer: Option<&str>) -> Self {
        let rules = resources
            .filter_map(|resource| resource.pointer("/spec/jwtRules")?.as_array())
            .flatten();
        let mut of_issuer =
            rules.filter(|rule| rule.get("issuer").and_then(Value::as_str) == issuer);
        let place = of_issuer.next().and_then(Self::first);
        place.unwrap_or_else(Self::usual)
    }

    fn first(rule: &Value) -> Option<Self> {
        let text = |pointer: &str| Some(rule.pointer(pointer)?.as_str()?.to_owned());
        if let Some(name) = text("/fromHeaders/0/name") {
            let prefix = text("/fromHeaders/0/prefix").unwrap_or_default();
            let name = name.to_ascii_lowercase();
            return Some(Self::Header { name, prefix });
        }
        let parameter = text("/fromParams/0").map(Self::Parameter);
        parameter.or_else(|| text("/fromCookies/0").map(Self::Cookie))
    }

    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Header { name, .. } => format!("the header {name}"),
            Self::Parameter(name) => format!("the query parameter {name}"),
            Self::Cookie(name) => format!("the cookie {name}"),
        }
    }

    /// Path and header line of a request with the token there. What was pasted as the
    /// whole value of a header is one.
    fn request(&self, pasted: &Pasted<'_>) -> (String, Option<(String, String)>) {
        let root = || "/".to_owned();
        let token = pasted.token;
        match self {
            Self::Header { name, prefix } => {
                let value = pasted.otherwise.map(|(_, value)| value.to_owned());
                let value = value.unwrap_or_else(|| format!("{prefix}{token}"));
                (root(), Some((name.clone(), value)))
            }
            Self::Parameter(name) => (format!("/?{name}={token}"), None),
            Self::Cookie(name) => (
                root(),
                Some(("cookie".to_owned(), format!("{name}={token}"))),
            ),
        }
    }
}

/// What the filter says.
#[derive(Debug)]
pub enum Judgement {
    /// The request passes with the token's identity.
    Passes {
        /// Who sent it.
        identity: Rc<Identity>,
        /// Headers that change.
        edits: Vec<HeaderEdit>,
    },
    /// It passes because no rule looked at the token.
    Ignored,
    /// It is refused.
    Refused(Status),
    /// Nothing is wrong but for the keys of these sources, which are not known.
    NoKeys(Vec<String>),
}

/// The resources for a token when none are given: one rule of its own issuer, whose
/// keys are somewhere.
pub fn own_rule(issuer: Option<&str>) -> Value {
    let issuer = issuer.unwrap_or_default();
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "RequestAuthentication",
        "metadata": {"name": "inspected", "namespace": "default"},
        "spec": {"jwtRules": [{"issuer": issuer, "jwksUri": "https://keys.invalid/"}]},
    })
}

/// The program of some resources, and what is wrong with them.
pub fn program(resources: &Resources, workload: &Workload) -> (Program, Diagnostics) {
    let config = resources.configuration().to_string();
    configure(config.as_bytes(), Some(workload))
}

/// Asks the filter about a token. `keys` stand for every set that it would have to fetch.
pub fn judge(
    program: &Program,
    pasted: &Pasted<'_>,
    place: &Place,
    keys: Option<&Rc<KeySet>>,
    now: u64,
) -> Judgement {
    let (path, line) = place.request(pasted);
    let lines: Vec<HeaderLine<'_>> = line
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let request = Request {
        method: Fact::Present(b"GET"),
        path: Fact::Present(path.as_bytes()),
        authority: Fact::Present(b"service"),
        headers: Fact::Present(&lines),
        connection: Connection::default(),
        metadata: Fact::Absent,
    };
    let keys = |source: SourceId| match program.sources().get(source.0) {
        Some(KeySource::Inline(text)) => {
            let set = KeySet::parse(text.as_bytes());
            set.map_or_else(Keys::Failed, |set| Keys::Ready(Rc::new(set)))
        }
        Some(KeySource::Remote(_)) => keys.map_or(NOT_THERE, |set| Keys::Ready(Rc::clone(set))),
        None => NOT_THERE,
    };
    ask(program, &request, &keys, now)
}

/// Asks the filter about any request, with the keys of each source.
pub fn ask(
    program: &Program,
    request: &Request<'_>,
    keys: &dyn Fn(SourceId) -> Keys,
    now: u64,
) -> Judgement {
    let mut world = Offline {
        keys,
        missing: Vec::new(),
    };
    let progress = authenticate(program, request, now, &mut world);
    let missing = world.missing.iter().filter_map(|id| url(program, *id));
    let missing: Vec<String> = missing.collect();
    match progress {
        Progress::Done(Outcome {
            verdict: Verdict::Refuse(Status::FetchFailed),
            ..
        })
        | Progress::Wait(_)
            if !missing.is_empty() =>
        {
            Judgement::NoKeys(missing)
        }
        Progress::Wait(_) => Judgement::Refused(Status::FetchFailed),
        Progress::Done(Outcome {
            verdict: Verdict::Refuse(status),
            ..
        }) => Judgement::Refused(status),
        Progress::Done(Outcome {
            edits, identity, ..
        }) => match identity {
            Some(identity) => Judgement::Passes { identity, edits },
            None => Judgement::Ignored,
        },
    }
}

fn url(program: &Program, source: SourceId) -> Option<String> {
    match program.sources().get(source.0)? {
        KeySource::Inline(_) => None,
        KeySource::Remote(remote) => Some(format!(
            "{}://{}{}",
            remote.scheme, remote.authority, remote.path
        )),
    }
}

/// Keys that nobody gave.
const NOT_THERE: Keys = Keys::Failed(Status::FetchFailed);

/// Keys without a network.
struct Offline<'k> {
    keys: &'k dyn Fn(SourceId) -> Keys,
    /// Sources that were asked for and are not there.
    missing: Vec<SourceId>,
}

impl World for Offline<'_> {
    fn recall(&mut self, _: &[u8]) -> Option<Recalled> {
        None
    }

    fn keys(&mut self, source: SourceId) -> Keys {
        let keys = (self.keys)(source);
        if matches!(keys, Keys::Failed(Status::FetchFailed)) {
            self.missing.push(source);
        }
        keys
    }

    fn verify(&mut self, token: &Recalled, _: SourceId, keys: &KeySet) -> Result<(), Status> {
        sluice_jwt::verify(&token.token, keys, &mut NoHostCrypto).0
    }

    fn unknown_key(&mut self, _: SourceId, _: &str) -> bool {
        false
    }
}
