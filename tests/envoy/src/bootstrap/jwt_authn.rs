//! Native `jwt_authn` as istiod writes it for the `jwtRules` of RequestAuthentication.

use serde_json::{Map, Value, json};

use super::http_filter;

/// Claims that Istio splits on spaces in every rule.
const SPACE_DELIMITED: [&str; 2] = ["scope", "permission"];
/// Of a key fetch, unless the rule says otherwise.
const FETCH_TIMEOUT: &str = "5s";

/// The filter of one workload.
///
/// A rule with `jwks` gets its keys inline, which is also what istiod makes of a
/// `jwksUri` after it has fetched it. A rule with `jwksUri` leaves the fetching to Envoy,
/// as istiod does with `PILOT_JWT_ENABLE_REMOTE_JWKS=hybrid`.
#[derive(Debug, Clone)]
pub struct JwtAuthn {
    rules: Vec<Value>,
    caches_tokens: bool,
}

impl JwtAuthn {
    /// Of the rules of every resource that applies to the workload.
    ///
    /// The sort is stable, as istiod's is: rules of one issuer stay in their order.
    #[must_use]
    pub fn new(rules: impl IntoIterator<Item = Value>) -> Self {
        let mut rules: Vec<Value> = rules.into_iter().collect();
        rules.sort_by(|a, b| text(&a["issuer"]).cmp(text(&b["issuer"])));
        Self {
            rules,
            caches_tokens: false,
        }
    }

    /// With `jwt_cache_config`, which Istio never sets: verified tokens are remembered.
    #[must_use]
    pub fn caching_tokens(mut self) -> Self {
        self.caches_tokens = true;
        self
    }

    /// The HTTP filter.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let providers = self.rules.iter().enumerate();
        let providers: Map<String, Value> = providers
            .map(|(index, rule)| (name(index), self.provider(rule)))
            .collect();
        http_filter::jwt_authn(json!({
            "providers": providers,
            "rules": [{"match": {"prefix": "/"}, "requires": requirement(self.rules.len())}],
            "bypass_cors_preflight": true,
        }))
    }

    fn provider(&self, rule: &Value) -> Value {
        let mut provider = json!({
            "issuer": text(&rule["issuer"]),
            "audiences": list(&rule["audiences"]),
            "forward": rule["forwardOriginalToken"] == json!(true),
            "forward_payload_header": text(&rule["outputPayloadToHeader"]),
            "payload_in_metadata": "payload",
            "normalize_payload_in_metadata": {"space_delimited_claims": space_delimited(rule)},
            "claim_to_headers": objects(&rule["outputClaimToHeaders"], &CLAIM_TO_HEADER),
            "from_headers": objects(&rule["fromHeaders"], &FROM_HEADER),
            "from_params": list(&rule["fromParams"]),
            "from_cookies": list(&rule["fromCookies"]),
        });
        let (field, keys) = keys(rule);
        provider[field] = keys;
        if self.caches_tokens {
            provider["jwt_cache_config"] = json!({});
        }
        provider
    }
}

/// Istio's field and Envoy's.
type Renamed = (&'static str, &'static str);

const FROM_HEADER: [Renamed; 2] = [("name", "name"), ("prefix", "value_prefix")];
const CLAIM_TO_HEADER: [Renamed; 2] = [("header", "header_name"), ("claim", "claim_name")];

fn name(index: usize) -> String {
    format!("origins-{index}")
}

/// A token need not be there, but must be valid if it is. With several rules, any one
/// that succeeds is enough; else none of them may have found a bad token.
fn requirement(rules: usize) -> Value {
    let provider = |index| json!({"provider_name": name(index)});
    let lenient = |index| any([provider(index), json!({"allow_missing": {}})]);
    if rules == 1 {
        return lenient(0);
    }
    let all: Vec<Value> = (0..rules).map(lenient).collect();
    let all = json!({"requires_all": {"requirements": all}});
    any((0..rules).map(provider).chain([all]))
}

fn any(requirements: impl IntoIterator<Item = Value>) -> Value {
    let requirements: Vec<Value> = requirements.into_iter().collect();
    json!({"requires_any": {"requirements": requirements}})
}

fn keys(rule: &Value) -> (&'static str, Value) {
    if let Some(inline) = rule["jwks"].as_str() {
        return ("local_jwks", json!({"inline_string": inline}));
    }
    let uri = text(&rule["jwksUri"]);
    let timeout = rule["timeout"].as_str().unwrap_or(FETCH_TIMEOUT);
    let http_uri = json!({"uri": uri, "cluster": cluster_of(uri), "timeout": timeout});
    (
        "remote_jwks",
        json!({"http_uri": http_uri, "cache_duration": "300s"}),
    )
}

/// Istio's name for the cluster that leads to the host of `uri`.
#[must_use]
pub fn cluster_of(uri: &str) -> String {
    let (port, rest) = match uri.strip_prefix("https://") {
        Some(rest) => ("443", rest),
        None => ("80", uri.strip_prefix("http://").unwrap_or(uri)),
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, port));
    format!("outbound|{port}||{host}")
}

fn space_delimited(rule: &Value) -> Value {
    let of_rule = rule["spaceDelimitedClaims"].as_array();
    let of_rule = of_rule.into_iter().flatten().cloned();
    SPACE_DELIMITED
        .map(Value::from)
        .into_iter()
        .chain(of_rule)
        .collect()
}

fn objects(of_rule: &Value, fields: &[Renamed]) -> Value {
    let renamed = |object: &Value| -> Value {
        let fields = fields.iter();
        let fields =
            fields.map(|(istio, envoy)| ((*envoy).to_owned(), text(&object[istio]).into()));
        Value::Object(fields.collect())
    };
    of_rule
        .as_array()
        .into_iter()
        .flatten()
        .map(renamed)
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> Value {
    value.as_array().cloned().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{JwtAuthn, cluster_of};

    #[test]
    fn rules_are_named_in_the_order_of_their_issuers() {
        let rule = |issuer| json!({"issuer": issuer, "jwks": "{}"});
        let filter = JwtAuthn::new([rule("b"), rule("a")]).to_json();
        let config = &filter["typed_config"];
        assert_eq!(config["providers"]["origins-0"]["issuer"], "a");
        assert_eq!(config["providers"]["origins-1"]["issuer"], "b");
        let any = &config["rules"][0]["requires"]["requires_any"]["requirements"];
        assert_eq!(any[1], json!({"provider_name": "origins-1"}));
        let all = &any[2]["requires_all"]["requirements"];
        assert_eq!(all.as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn the_cluster_is_named_by_port_and_host() {
        for (uri, cluster) in [
            ("https://accounts.test/keys", "outbound|443||accounts.test"),
            ("http://accounts.test", "outbound|80||accounts.test"),
            (
                "http://accounts.test:8080?a",
                "outbound|8080||accounts.test",
            ),
        ] {
            assert_eq!(cluster_of(uri), cluster, "{uri}");
        }
    }
}
