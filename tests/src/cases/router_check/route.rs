//! A route of Envoy as an item of `http`.

use serde_json::{Map, Value, json};

use super::{Converted, matches};

/// The service that all clusters are subsets of: the hint names the subset.
const HOST: &str = "clusters.example";

/// What stands for `_` in names of subsets, which DNS does not take.
const UNDERSCORE: &str = "--";

/// The subset that a cluster is.
fn subset(cluster: &str) -> String {
    cluster.replace('_', UNDERSCORE)
}

/// The cluster that a subset is.
pub fn cluster(subset: &str) -> String {
    subset.replace(UNDERSCORE, "_")
}

/// Refuses every other key, by name.
pub fn only(value: &Value, known: &[&str]) -> Converted<()> {
    let keys = value.as_object().into_iter().flatten();
    let mut unknown = keys.filter(|(key, _)| !known.contains(&key.as_str()));
    match unknown.next() {
        Some((key, _)) => Err(format!("{key}: no field of VirtualService")),
        None => Ok(()),
    }
}

/// Converts a route; `host` and `config` are what it stands in.
pub fn convert(name: &str, route: &Value, host: &Value, config: &Value) -> Converted<Value> {
    const KNOWN: [&str; 11] = [
        "name",
        "match",
        "route",
        "redirect",
        "direct_response",
        "request_headers_to_add",
        "request_headers_to_remove",
        "response_headers_to_add",
        "response_headers_to_remove",
        // They only describe it.
        "decorator",
        "metadata",
    ];
    only(route, &KNOWN)?;
    let mut http = Map::new();
    let mut set = |key: &str, value: Value| drop(http.insert(key.to_owned(), value));
    set("name", json!(name));
    set("match", json!([matches::convert(&route["match"])?]));
    set("headers", headers(&[route, host, config])?);
    match (
        &route["route"],
        &route["redirect"],
        &route["direct_response"],
    ) {
        (action @ Value::Object(_), Value::Null, Value::Null) => {
            set("route", destinations(action)?);
            set("rewrite", rewrite(action)?);
        }
        (Value::Null, redirect @ Value::Object(_), Value::Null) => {
            set("redirect", self::redirect(redirect)?);
        }
        (Value::Null, Value::Null, response @ Value::Object(_)) => {
            set("directResponse", answer(response)?);
        }
        _ => return Err("a route of no known action".to_owned()),
    }
    http.retain(|_, value| *value != json!({}));
    Ok(Value::Object(http))
}

/// From the nearest to the farthest, as Envoy goes through them.
fn headers(levels: &[&Value]) -> Converted<Value> {
    let mut headers = Map::new();
    for direction in ["request", "response"] {
        let mut operations = Map::new();
        for level in levels {
            add(
                &level[format!("{direction}_headers_to_add")],
                &mut operations,
            )?;
            let names = &level[format!("{direction}_headers_to_remove")];
            if let Some(names) = names.as_array() {
                let list = operations.entry("remove").or_insert_with(|| json!([]));
                list.as_array_mut()
                    .into_iter()
                    .for_each(|list| list.extend(names.clone()));
            }
        }
        if !operations.is_empty() {
            headers.insert(direction.to_owned(), Value::Object(operations));
        }
    }
    Ok(Value::Object(headers))
}

fn add(lines: &Value, operations: &mut Map<String, Value>) -> Converted<()> {
    for line in lines.as_array().into_iter().flatten() {
        only(line, &["header", "append", "append_action"])?;
        let sets =
            line["append"] == json!(false) || line["append_action"] == "OVERWRITE_IF_EXISTS_OR_ADD";
        let adds =
            line["append_action"].is_null() || line["append_action"] == "APPEND_IF_EXISTS_OR_ADD";
        let operation = match (sets, adds) {
            (true, _) => "set",
            (_, true) => "add",
            _ => return Err("append_action: VirtualService knows set and add".to_owned()),
        };
        let name = line["header"]["key"].as_str().unwrap_or_default();
        let map = operations.entry(operation).or_insert_with(|| json!({}));
        if !map[name].is_null() {
            return Err("a header added twice: VirtualService has a map of them".to_owned());
        }
        map[name] = line["header"]["value"].clone();
    }
    Ok(())
}

fn destinations(action: &Value) -> Converted<Value> {
    const KNOWN: [&str; 12] = [
        "cluster",
        "weighted_clusters",
        "prefix_rewrite",
        "regex_rewrite",
        "host_rewrite",
        "host_rewrite_literal",
        // How long, how often, which endpoint: nothing that a line pins.
        "timeout",
        "idle_timeout",
        "retry_policy",
        "priority",
        "hash_policy",
        "request_mirror_policies",
    ];
    only(action, &KNOWN)?;
    if let Some(cluster) = action["cluster"].as_str() {
        return Ok(json!([{"destination": {"host": HOST, "subset": subset(cluster)}}]));
    }
    let weighted = &action["weighted_clusters"];
    // A key of runtime settings, of which the tool has none.
    only(
        weighted,
        &["clusters", "total_weight", "runtime_key_prefix"],
    )?;
    let clusters = weighted["clusters"].as_array().into_iter().flatten();
    let clusters: Converted<Vec<Value>> = clusters.map(weighted_destination).collect();
    Ok(json!(clusters?))
}

fn weighted_destination(cluster: &Value) -> Converted<Value> {
    const KNOWN: [&str; 6] = [
        "name",
        "weight",
        "request_headers_to_add",
        "request_headers_to_remove",
        "response_headers_to_add",
        "response_headers_to_remove",
    ];
    only(cluster, &KNOWN)?;
    Ok(json!({
        "destination": {"host": HOST, "subset": subset(cluster["name"].as_str().unwrap_or_default())},
        "weight": cluster["weight"],
        "headers": headers(&[cluster])?,
    }))
}

fn rewrite(action: &Value) -> Converted<Value> {
    let mut rewrite = Map::new();
    if !action["prefix_rewrite"].is_null() {
        rewrite.insert("uri".to_owned(), action["prefix_rewrite"].clone());
    }
    if !action["regex_rewrite"].is_null() {
        only(&action["regex_rewrite"], &["pattern", "substitution"])?;
        let substitution = &action["regex_rewrite"];
        let regex = json!({
            "match": substitution["pattern"]["regex"],
            "rewrite": substitution["substitution"],
        });
        rewrite.insert("uriRegexRewrite".to_owned(), regex);
    }
    for key in ["host_rewrite", "host_rewrite_literal"] {
        if !action[key].is_null() {
            rewrite.insert("authority".to_owned(), action[key].clone());
        }
    }
    Ok(Value::Object(rewrite))
}

fn redirect(redirect: &Value) -> Converted<Value> {
    const FIELDS: [(&str, &str); 5] = [
        ("host_redirect", "authority"),
        ("path_redirect", "uri"),
        ("prefix_rewrite", "prefixRewrite"),
        ("scheme_redirect", "scheme"),
        ("port_redirect", "port"),
    ];
    const CODES: [(&str, u16); 5] = [
        ("MOVED_PERMANENTLY", 301),
        ("FOUND", 302),
        ("SEE_OTHER", 303),
        ("TEMPORARY_REDIRECT", 307),
        ("PERMANENT_REDIRECT", 308),
    ];
    let mut fields = Map::new();
    for (key, value) in redirect.as_object().into_iter().flatten() {
        let field = FIELDS.iter().find(|(theirs, _)| theirs == key);
        let code = CODES.iter().find(|(name, _)| value == name);
        let (name, value) = match (key.as_str(), field, code) {
            (_, Some((_, ours)), _) => (*ours, value.clone()),
            ("response_code", _, Some((_, code))) => ("redirectCode", json!(code)),
            ("https_redirect", ..) if *value == json!(true) => ("scheme", json!("https")),
            ("https_redirect" | "strip_query", ..) if *value == json!(false) => continue,
            (key, ..) => return Err(format!("{key}: no field of VirtualService")),
        };
        fields.insert(name.to_owned(), value);
    }
    Ok(Value::Object(fields))
}

fn answer(response: &Value) -> Converted<Value> {
    only(response, &["status", "body"])?;
    let mut answer = json!({"status": response["status"]});
    if !response["body"].is_null() {
        only(&response["body"], &["inline_string"])?;
        answer["body"] = json!({"string": response["body"]["inline_string"]});
    }
    Ok(answer)
}
