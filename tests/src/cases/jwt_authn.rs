//! Envoy's `jwt_authn` filter as Istio configures it from RequestAuthentication,
//! for the drivers that have no Envoy. Signatures are really verified.

mod rule;
mod signature;
mod token;

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use sluice_policy::Workload;

use super::scenario::{Header, Traffic};
pub use rule::{Location, Rule};
use token::Token;

/// Filter namespace under which the payload is found.
pub const NAMESPACE: &str = "envoy.filters.http.jwt_authn";

/// Envoy's tolerance for `exp` and `nbf`, which Istio has no field for.
const CLOCK_SKEW_S: i64 = 60;

/// The rules of one workload and the time at which tokens are judged.
#[derive(Debug, Clone)]
pub struct JwtAuthn {
    /// Sorted by issuer, as Istio does.
    pub rules: Vec<Rule>,
    /// Seconds since 1970.
    pub now: i64,
}

/// The request ends here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 401, or 403 for an audience.
    pub status: u16,
    /// Envoy's text for the reason.
    pub text: &'static str,
}

impl Refusal {
    pub(crate) const fn unauthorized(text: &'static str) -> Self {
        Self { status: 401, text }
    }
}

impl JwtAuthn {
    /// The rules of every RequestAuthentication that applies to `workload`;
    /// none if there is no rule. `key_sets` holds the JWKS documents by URL.
    ///
    /// # Errors
    /// A rule that cannot be staged.
    pub fn new(
        resources: &[&Value],
        key_sets: &Value,
        workload: &Workload,
        root_namespace: &str,
        now: i64,
    ) -> Result<Option<Self>, String> {
        let mut rules = Vec::new();
        for resource in resources {
            if rule::applies(resource, workload, root_namespace) {
                rules.extend(rule::parse_all(&resource["spec"], key_sets)?);
            }
        }
        rules.sort_by(|a, b| a.issuer.cmp(&b.issuer));
        Ok((!rules.is_empty()).then_some(Self { rules, now }))
    }

    /// Checks every token of the request and strips the valid ones.
    ///
    /// # Errors
    /// The first refusal. A request without token is not refused.
    pub fn authenticate(
        &self,
        headers: &mut Vec<Header>,
        path: &mut String,
    ) -> Result<Map<String, Value>, Refusal> {
        let mut metadata = Map::new();
        for found in rule::tokens(&self.rules, headers, path) {
            let token = Token::parse(&found.text)?;
            let rule = self.rule_for(&token)?;
            rule.check(&token, self.now)?;
            if !rule.forward {
                found.strip(headers, path);
            }
            metadata.insert(
                NAMESPACE.to_owned(),
                json!({"payload": rule.metadata(&token.payload)}),
            );
        }
        Ok(metadata)
    }

    /// Whether the real clock would judge the tokens of `traffic` otherwise.
    pub fn outcome_differs_from_today(&self, traffic: &Traffic) -> bool {
        let today = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let today = Self {
            now: i64::try_from(today).unwrap_or(i64::MAX),
            ..self.clone()
        };
        let outcome =
            |jwt: &Self| jwt.authenticate(&mut traffic.headers.clone(), &mut traffic.path.clone());
        outcome(self) != outcome(&today)
    }

    fn rule_for(&self, token: &Token) -> Result<&Rule, Refusal> {
        let issuer = token
            .payload
            .get("iss")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let rule = self
            .rules
            .iter()
            .find(|rule| rule.issuer.is_empty() || rule.issuer == issuer);
        rule.ok_or(Refusal::unauthorized("Jwt issuer is not configured"))
    }
}
