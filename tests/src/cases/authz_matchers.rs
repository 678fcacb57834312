//! Lines of a policy value and the Envoy matcher that Istio makes of it.

use serde_json::{Value, json};
use sluice_policy::matcher::{PathMatcher, StringMatcher, safe_regex};

use super::verdict::Verdict;

/// Istio's helper that wraps a regular expression as it is.
const RAW_REGEX: &str = "TestStringMatcherRegex";

/// Judges one line.
pub fn judge(case: &Value) -> Verdict {
    if case["match"].is_string() {
        return judge_texts(case);
    }
    let expected = if case["expect"].is_null() {
        &case["want"]
    } else {
        &case["expect"]
    };
    match matcher(case) {
        Some(found) => Verdict::equal(&comparable(&found), &comparable(expected)),
        None => Verdict::skipped("no known kind of matcher"),
    }
}

fn text<'c>(case: &'c Value, key: &str) -> Option<&'c str> {
    case[key].as_str()
}

/// Our matcher for the line's value, as Envoy would have it.
fn matcher(case: &Value) -> Option<Value> {
    if case["source"]["test"] == RAW_REGEX {
        return text(case, "v").map(safe_regex);
    }
    if let (Some(name), Some(value)) = (text(case, "k"), text(case, "v")) {
        let matcher = if name == ":authority" {
            StringMatcher::host(value)
        } else {
            StringMatcher::header(value)
        };
        return Some(matcher.to_envoy_header_json(name));
    }
    if let Some(literal) = text(case, "str") {
        return Some(literal_matcher(case, literal)?.to_envoy_json());
    }
    if let (Some(value), Some(prefix)) = (text(case, "v"), text(case, "prefix")) {
        return Some(StringMatcher::with_prefix(value, prefix).to_envoy_json());
    }
    let path = text(case, "path").or_else(|| text(case, "v"))?;
    PathMatcher::new(path)
        .ok()
        .map(|matcher| matcher.to_envoy_json())
}

/// Makes a matcher of a literal.
type Constructor = fn(&str) -> StringMatcher;

/// The constructor is named by the kind of matcher that the line wants.
fn literal_matcher(case: &Value, literal: &str) -> Option<StringMatcher> {
    let constructors: [(&str, Constructor); 3] = [
        ("exact", StringMatcher::exact),
        ("prefix", StringMatcher::prefix),
        ("suffix", StringMatcher::suffix),
    ];
    let wanted = constructors
        .iter()
        .find(|(kind, _)| case["want"].get(kind).is_some());
    let matcher = wanted.map(|(_, constructor)| constructor(literal))?;
    Some(if case["ignoreCase"] == true {
        matcher.ignoring_case()
    } else {
        matcher
    })
}

/// `ignoreCase: false` is the default, which some lines write and some do not;
/// some shorten a regular expression's message to its text.
fn comparable(matcher: &Value) -> Value {
    match matcher {
        Value::Object(fields) => {
            let said = fields
                .iter()
                .filter(|(key, value)| *key != "ignoreCase" || **value != false);
            let compare = |(key, value): (&String, &Value)| match value {
                Value::String(regex) if key == "safeRegex" => {
                    (key.clone(), json!({"regex": regex}))
                }
                value => (key.clone(), comparable(value)),
            };
            Value::Object(said.map(compare).collect())
        }
        other => other.clone(),
    }
}

fn judge_texts(case: &Value) -> Verdict {
    let (Some(value), Some(prefix)) = (text(case, "v"), text(case, "prefix")) else {
        return Verdict::skipped("no known kind of matcher");
    };
    let matcher = StringMatcher::with_prefix(value, prefix);
    let matches = |key| text(case, key).map(|text| matcher.matches(text.as_bytes()));
    let found = (matches("match"), matches("noMatch"));
    Verdict::equal(&found, &(Some(true), text(case, "noMatch").map(|_| false)))
}
