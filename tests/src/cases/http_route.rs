//! Which requests an HTTPRoute has a route for. Envoy answers the others 404, behind all
//! filters.

use serde_json::Value;

/// Whether one of the rules of an HTTPRoute takes a request; nothing where a rule goes by
/// something that is not looked at here.
pub fn takes(route: &Value, method: &str, path: &str) -> Option<bool> {
    let rules = route["spec"]["rules"].as_array()?;
    let mut matches = Vec::new();
    for rule in rules {
        match &rule["matches"] {
            // A rule without matches takes everything.
            Value::Null => return Some(true),
            given => matches.extend(given.as_array()?),
        }
    }
    let taken: Option<Vec<bool>> = matches
        .into_iter()
        .map(|condition| fulfils(condition, method, path))
        .collect();
    Some(taken?.contains(&true))
}

fn fulfils(condition: &Value, method: &str, path: &str) -> Option<bool> {
    let mut fulfilled = true;
    for (key, wanted) in condition.as_object()? {
        fulfilled &= match key.as_str() {
            "method" => wanted == method,
            "path" => is_below(wanted, path)?,
            _ => return None,
        };
    }
    Some(fulfilled)
}

/// Whole segments: `/allow` is a prefix of `/allow/a`, not of `/allowed`.
fn is_below(wanted: &Value, path: &str) -> Option<bool> {
    if wanted["type"] != "PathPrefix" {
        return None;
    }
    let prefix = wanted["value"].as_str()?.trim_end_matches('/');
    let path = path.split(['?', '#']).next()?;
    let rest = path.strip_prefix(prefix);
    Some(rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::takes;
    use serde_json::{Value, json};

    fn route(matches: &Value) -> Value {
        json!({"spec": {"rules": [{"matches": matches, "backendRefs": []}]}})
    }

    #[test]
    fn a_route_goes_by_method_and_path() {
        let prefix = json!({"type": "PathPrefix", "value": "/allow"});
        let get = route(&json!([{"path": prefix, "method": "GET"}]));
        for (method, path, is_taken) in [
            ("GET", "/allow", true),
            ("GET", "/allow/a?b", true),
            ("GET", "/allowed", false),
            ("POST", "/allow", false),
        ] {
            assert_eq!(takes(&get, method, path), Some(is_taken), "{method} {path}");
        }
        let any = json!({"spec": {"rules": [{"backendRefs": []}]}});
        assert_eq!(takes(&any, "GET", "/"), Some(true));
        assert_eq!(takes(&route(&json!([{"headers": []}])), "GET", "/"), None);
    }
}
