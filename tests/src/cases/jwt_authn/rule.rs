//! One `jwtRules` entry: where its tokens are and what they must say.

use serde_json::{Map, Value, json};
use sluice_policy::Workload;

use super::token::Token;
use super::{CLOCK_SKEW_S, Refusal, signature};
use crate::cases::scenario::Header;

/// Claims that Istio always splits on spaces.
const SPACE_DELIMITED: [&str; 2] = ["scope", "permission"];

/// Where a token may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In a header, after a prefix.
    Header {
        /// Lower case.
        name: String,
        /// Searched anywhere in the value.
        prefix: String,
    },
    /// In a query parameter.
    Parameter(String),
}

/// A rule that can be staged.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Compared with `iss`; empty takes any.
    pub issuer: String,
    /// Empty takes any.
    pub audiences: Vec<String>,
    /// The JWKS document.
    pub key_set: Value,
    /// Where tokens are looked for.
    pub locations: Vec<Location>,
    /// `forwardOriginalToken`.
    pub forward: bool,
    /// Claims split on spaces in the metadata, Istio's own included.
    pub space_delimited: Vec<String>,
}

/// Whether a RequestAuthentication applies to `workload`.
pub fn applies(resource: &Value, workload: &Workload, root_namespace: &str) -> bool {
    let namespace = resource["metadata"]["namespace"]
        .as_str()
        .unwrap_or("default");
    let labels = resource["spec"]["selector"]["matchLabels"].as_object();
    let selected = labels.is_none_or(|labels| {
        labels
            .iter()
            .all(|(key, value)| workload.labels.get(key).map(String::as_str) == value.as_str())
    });
    selected && (namespace == root_namespace || namespace == workload.namespace)
}

/// Every rule of one `spec`.
pub fn parse_all(spec: &Value, key_sets: &Value) -> Result<Vec<Rule>, String> {
    let rules = spec["jwtRules"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    rules.iter().map(|rule| parse(rule, key_sets)).collect()
}

fn parse(rule: &Value, key_sets: &Value) -> Result<Rule, String> {
    for field in [
        "fromCookies",
        "outputPayloadToHeader",
        "outputClaimToHeaders",
    ] {
        if !rule[field].is_null() {
            return Err(format!("the model of jwt_authn has no `{field}`"));
        }
    }
    let mut space_delimited = strings(&rule["spaceDelimitedClaims"]);
    space_delimited.extend(SPACE_DELIMITED.map(str::to_owned));
    Ok(Rule {
        issuer: rule["issuer"].as_str().unwrap_or_default().to_owned(),
        audiences: strings(&rule["audiences"]),
        key_set: key_set(rule, key_sets)?,
        locations: locations(rule),
        forward: rule["forwardOriginalToken"] == json!(true),
        space_delimited,
    })
}

fn key_set(rule: &Value, key_sets: &Value) -> Result<Value, String> {
    if let Some(inline) = rule["jwks"].as_str() {
        return serde_json::from_str(inline).map_err(|error| format!("jwks: {error}"));
    }
    let uri = rule["jwksUri"].as_str().unwrap_or_default();
    let found = key_sets.get(uri).cloned();
    found.ok_or_else(|| format!("the case holds no key set for `{uri}`"))
}

fn locations(rule: &Value) -> Vec<Location> {
    let headers = rule["fromHeaders"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|header| Location::Header {
            name: header["name"]
                .as_str()
                .unwrap_or_default()
                .to_ascii_lowercase(),
            prefix: header["prefix"].as_str().unwrap_or_default().to_owned(),
        });
    let parameters = strings(&rule["fromParams"])
        .into_iter()
        .map(Location::Parameter);
    let configured: Vec<Location> = headers.chain(parameters).collect();
    if !configured.is_empty() {
        return configured;
    }
    vec![
        Location::Header {
            name: "authorization".to_owned(),
            prefix: "Bearer ".to_owned(),
        },
        Location::Parameter("access_token".to_owned()),
    ]
}

fn strings(list: &Value) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Rule {
    /// A rule with Istio's defaults that takes tokens of any issuer.
    pub fn of_any_issuer(key_set: Value) -> Self {
        Self {
            issuer: String::new(),
            audiences: Vec::new(),
            key_set,
            locations: locations(&Value::Null),
            forward: false,
            space_delimited: SPACE_DELIMITED.map(str::to_owned).to_vec(),
        }
    }

    /// Time, audience, signature: Envoy's order.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn check(&self, token: &Token, now: i64) -> Result<(), Refusal> {
        let claim = |name: &str| token.payload.get(name).and_then(Value::as_f64);
        // `now` and a claim are far below 2^53, so a double holds them.
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds since 1970 fit a double"
        )]
        let (early, late) = ((now - CLOCK_SKEW_S) as f64, (now + CLOCK_SKEW_S) as f64);
        if claim("nbf").is_some_and(|nbf| late < nbf) {
            return Err(Refusal::unauthorized("Jwt not yet valid"));
        }
        // 0 means that it never expires.
        if claim("exp").is_some_and(|exp| exp != 0.0 && early > exp) {
            return Err(Refusal::unauthorized("Jwt is expired"));
        }
        if !self.takes_audience(token.payload.get("aud")) {
            return Err(Refusal {
                status: 403,
                text: "Audiences in Jwt are not allowed",
            });
        }
        signature::verify(token, &self.key_set)
    }

    fn takes_audience(&self, aud: Option<&Value>) -> bool {
        let of_token: Vec<&str> = match aud {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let accepted = |aud: &&str| self.audiences.iter().any(|own| bare(own) == bare(aud));
        self.audiences.is_empty() || of_token.iter().any(accepted)
    }

    /// The payload as Envoy puts it into dynamic metadata.
    pub fn metadata(&self, payload: &Map<String, Value>) -> Value {
        let mut copy = payload.clone();
        for claim in &self.space_delimited {
            if let Some(Value::String(text)) = copy.get(claim) {
                let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
                let words = json!(words);
                copy.insert(claim.clone(), words);
            }
        }
        Value::Object(copy)
    }
}

/// An audience without scheme and without one trailing slash.
fn bare(audience: &str) -> &str {
    let scheme = audience
        .strip_prefix("http://")
        .or_else(|| audience.strip_prefix("https://"));
    let rest = scheme.unwrap_or(audience);
    rest.strip_suffix('/').unwrap_or(rest)
}

/// A token and where it was.
#[derive(Debug)]
pub struct Found {
    /// The token itself.
    pub text: String,
    location: Location,
}

impl Found {
    /// Removes the token from the request.
    pub fn strip(&self, headers: &mut Vec<Header>, path: &mut String) {
        match &self.location {
            Location::Header { name, .. } => headers.retain(|(header, _)| header != name),
            Location::Parameter(name) => *path = without_parameter(path, name),
        }
    }
}

/// Tokens in every location of every rule, each location once.
pub fn tokens(rules: &[Rule], headers: &[Header], path: &str) -> Vec<Found> {
    let mut seen: Vec<&Location> = Vec::new();
    let mut found = Vec::new();
    for location in rules.iter().flat_map(|rule| &rule.locations) {
        if seen.contains(&location) {
            continue;
        }
        seen.push(location);
        if let Some(text) = token_at(location, headers, path) {
            found.push(Found {
                text,
                location: location.clone(),
            });
        }
    }
    found
}

fn token_at(location: &Location, headers: &[Header], path: &str) -> Option<String> {
    match location {
        Location::Header { name, prefix } => {
            // Envoy joins repeated authorization lines before it looks.
            let lines = headers.iter().filter(|(header, _)| header == name);
            let lines: Vec<&[u8]> = lines.map(|(_, value)| value.as_slice()).collect();
            let value = String::from_utf8_lossy(&lines.join(&b',')).into_owned();
            let (_, token) = value
                .split_once(prefix.as_str())
                .filter(|_| !lines.is_empty())?;
            let token = token.trim_start();
            (!token.is_empty() || prefix.is_empty()).then(|| token.to_owned())
        }
        Location::Parameter(name) => parameters(path)
            .find_map(|parameter| parameter.strip_prefix(name.as_str())?.strip_prefix('='))
            .map(str::to_owned),
    }
}

fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split_once('?')
        .map(|(_, query)| query)
        .into_iter()
        .flat_map(|query| query.split('&'))
}

fn without_parameter(path: &str, name: &str) -> String {
    let Some((bare, _)) = path.split_once('?') else {
        return path.to_owned();
    };
    let is_token = |parameter: &&str| parameter.split('=').next() == Some(name);
    let kept: Vec<&str> = parameters(path)
        .filter(|parameter| !is_token(parameter))
        .collect();
    if kept.is_empty() {
        bare.to_owned()
    } else {
        format!("{bare}?{}", kept.join("&"))
    }
}
