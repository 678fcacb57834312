//! The tables and the derived code refuse the same documents.

use serde_json::json;

use super::shape::Key;
use super::*;
use crate::RecordingHeader;

const PLACE: LinePlace = LinePlace {
    number: 2,
    offset: 0,
    is_terminated: true,
};

fn faults(value: &Value, keys: &'static [Key]) -> Vec<Diagnostic> {
    let mut walk = Walk {
        place: Some(PLACE),
        found: Vec::new(),
    };
    walk.value(value, Shape::Object(keys), "");
    walk.found
}

/// Values to put in place of any other.
fn replacements() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(403),
        json!(70_000),
        json!(u64::MAX),
        json!(""),
        json!("text"),
        json!("sluice/v1"),
        json!("2026-11-21T09:14:00Z"),
        json!("0.25s"),
        json!("-0.25s"),
        json!("10.0.0.7:0"),
        json!("10.0.0.7"),
        json!("a\r\nb"),
        json!("x y"),
        json!(":path"),
        json!(":status"),
        json!([]),
        json!(["a"]),
        json!(["a", "b"]),
        json!(["A", "b"]),
        json!([":method", "PUT"]),
        json!([":status", "99"]),
        json!([":trace", "x"]),
        json!(["a", {"base64": "AA=="}]),
        json!([["a", "b"]]),
        json!({}),
        json!({"text": "a"}),
        json!({"base64": "YQ=="}),
        json!({"base64": "YQ"}),
        json!({"base64": null}),
        json!({"headers": []}),
    ]
}

/// Every document that differs from `value` in one place.
fn mutants(value: &Value) -> Vec<Value> {
    let mut mutants = replacements();
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                mutants.extend(mutants_within(item, |mutant| {
                    let mut items = items.clone();
                    items[index] = mutant;
                    items.into()
                }));
                let mut shorter = items.clone();
                shorter.remove(index);
                mutants.push(shorter.into());
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                mutants.extend(mutants_within(item, |mutant| {
                    let mut map = map.clone();
                    map[key] = mutant;
                    map.into()
                }));
                let mut shorter = map.clone();
                shorter.remove(key);
                mutants.push(shorter.into());
            }
            let mut longer = map.clone();
            longer.insert("unheard-of".to_owned(), json!("x"));
            mutants.push(longer.into());
        }
        _ => {}
    }
    mutants
}

fn mutants_within(item: &Value, put: impl Fn(Value) -> Value) -> Vec<Value> {
    mutants(item).into_iter().map(put).collect()
}

#[test]
fn the_tables_refuse_exactly_what_reading_refuses() {
    let exchange = json!({
        "id": "a",
        "time": "2026-11-21T09:14:00Z",
        "attributes": {
            "connection.id": 7, "connection.mtls": true, "request.duration": "0.25s",
            "request.time": "2026-11-21T09:14:00Z", "request.headers": {"a": "b"},
            "source.address": "10.0.0.7:1", "source.port": 1, "metadata.x": [1, {"k": "v"}],
            "destination.address": "10.0.0.9:1", "destination.port": 1, "response.code": 200,
            "request.size": 1, "request.path": "/"
        },
        "request": {
            "headers": [[":method", "GET"], ["a", "1"], ["b", {"base64": "/w=="}]],
            "partial": {"absent": ["c"]},
            "body": {"text": "x", "truncated": true},
            "trailers": [["t", "1"]]
        },
        "response": {
            "headers": [[":status", "200"]], "partial": null, "body": {"base64": "/w=="}, "trailers": null,
            "latency_ms": 1.5
        },
        "expect": {
            "outcome": "held", "status": 200, "plugin": "p", "rule": "r", "details": "d",
            "request_headers": {"a": null, "b": "1", "c": ["1"]},
            "response_headers": {}
        }
    });
    let mutants = mutants(&exchange);
    assert!(mutants.len() > 1000);
    for mutant in mutants {
        let text = mutant.to_string();
        let refused = serde_json::from_str::<Exchange<'_>>(&text).err();
        let faults = faults(&mutant, EXCHANGE);
        assert_eq!(
            refused.is_none(),
            faults.is_empty(),
            "{text}\n{refused:?}\n{faults:?}"
        );
    }
}

#[test]
fn so_they_do_for_headers() {
    let header = json!({
        "recording": "sluice/v1", "source": "har", "paths": "raw",
        "created": "2026-11-21T09:14:00Z", "creator": "c", "description": "d", "redacted": ["a"]
    });
    for mutant in mutants(&header) {
        let text = mutant.to_string();
        let refused = serde_json::from_str::<RecordingHeader>(&text).err();
        let faults = faults(&mutant, HEADER);
        assert_eq!(
            refused.is_none(),
            faults.is_empty(),
            "{text}\n{refused:?}\n{faults:?}"
        );
    }
}
