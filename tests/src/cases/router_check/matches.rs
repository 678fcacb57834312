//! A match of Envoy as an item of `match`.

use serde_json::{Map, Value, json};

use super::Converted;
use super::route::only;

/// What Envoy takes for gRPC: the media type, perhaps with a suffix.
const GRPC: &str = r"application/grpc(\+.*)?";

/// Converts a match.
pub fn convert(item: &Value) -> Converted<Value> {
    const KNOWN: [&str; 7] = [
        "prefix",
        "path",
        "safe_regex",
        "case_sensitive",
        "headers",
        "query_parameters",
        "grpc",
    ];
    if !item["runtime_fraction"].is_null() {
        return Err("runtime_fraction: no field of VirtualService".to_owned());
    }
    only(item, &KNOWN)?;
    let mut fields = Map::new();
    let uri = match (&item["prefix"], &item["path"], &item["safe_regex"]) {
        (prefix @ Value::String(_), ..) => json!({"prefix": prefix}),
        (_, path @ Value::String(_), _) => json!({"exact": path}),
        (.., regex @ Value::Object(_)) => json!({"regex": regex["regex"]}),
        _ => return Err("a match of no known path".to_owned()),
    };
    fields.insert("uri".to_owned(), uri);
    if item["case_sensitive"] == json!(false) {
        fields.insert("ignoreUriCase".to_owned(), json!(true));
    }
    headers(item, &mut fields)?;
    let mut parameters = Map::new();
    for parameter in item["query_parameters"].as_array().into_iter().flatten() {
        only(parameter, &["name", "string_match", "present_match"])?;
        insert(
            &mut parameters,
            &parameter["name"],
            text(&parameter["string_match"])?,
        )?;
    }
    fields.insert("queryParams".to_owned(), Value::Object(parameters));
    fields.retain(|_, value| *value != json!({}));
    Ok(Value::Object(fields))
}

fn headers(item: &Value, fields: &mut Map<String, Value>) -> Converted<()> {
    let (mut with, mut without) = (Map::new(), Map::new());
    for header in item["headers"].as_array().into_iter().flatten() {
        let into = match header["invert_match"] == json!(true) {
            true => &mut without,
            false => &mut with,
        };
        insert(into, &header["name"], self::header(header)?)?;
    }
    if !item["grpc"].is_null() {
        insert(&mut with, &json!("content-type"), json!({"regex": GRPC}))?;
    }
    fields.insert("headers".to_owned(), Value::Object(with));
    fields.insert("withoutHeaders".to_owned(), Value::Object(without));
    Ok(())
}

fn insert(map: &mut Map<String, Value>, name: &Value, matcher: Value) -> Converted<()> {
    let name = name.as_str().unwrap_or_default().to_ascii_lowercase();
    match map.insert(name, matcher) {
        None => Ok(()),
        Some(_) => Err("a name matched twice: VirtualService has a map of them".to_owned()),
    }
}

fn header(header: &Value) -> Converted<Value> {
    const KNOWN: [&str; 9] = [
        "name",
        "exact_match",
        "prefix_match",
        "suffix_match",
        "contains_match",
        "safe_regex_match",
        "present_match",
        "string_match",
        "invert_match",
    ];
    only(header, &KNOWN)?;
    if header["present_match"] == json!(false) {
        return Err("present_match false: the inverse is withoutHeaders of its own".to_owned());
    }
    let old = [
        ("exact_match", "exact"),
        ("prefix_match", "prefix"),
        ("suffix_match", "suffix"),
        ("contains_match", "contains"),
        ("safe_regex_match", "safe_regex"),
    ];
    let old = old.iter().find(|(theirs, _)| !header[*theirs].is_null());
    match old {
        Some((theirs, new)) => text(&json!({*new: header[*theirs]})),
        None => text(&header["string_match"]),
    }
}

/// A StringMatcher; a missing one is of whatever is there.
fn text(matcher: &Value) -> Converted<Value> {
    only(
        matcher,
        &["exact", "prefix", "suffix", "contains", "safe_regex"],
    )?;
    let quoted = |key: &str| matcher[key].as_str().map(quote);
    Ok(match matcher {
        Value::Null => json!({}),
        _ if !matcher["exact"].is_null() => json!({"exact": matcher["exact"]}),
        _ if !matcher["prefix"].is_null() => json!({"prefix": matcher["prefix"]}),
        _ if !matcher["safe_regex"].is_null() => json!({"regex": matcher["safe_regex"]["regex"]}),
        _ => match (quoted("suffix"), quoted("contains")) {
            (Some(suffix), _) => json!({"regex": format!("(?s).*{suffix}")}),
            (_, Some(middle)) => json!({"regex": format!("(?s).*{middle}.*")}),
            _ => json!({}),
        },
    })
}

/// A regular expression of a text itself.
fn quote(text: &str) -> String {
    let mut quoted = String::new();
    for character in text.chars() {
        if !character.is_ascii_alphanumeric() && character.is_ascii() {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}
