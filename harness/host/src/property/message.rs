//! Attributes that are protobuf messages in Envoy: dynamic metadata and the
//! node.

use crate::attributes::Attributes;
use crate::protobuf::{entry, put_bytes, structure};
use crate::value::Value;

/// `envoy.config.core.v3.Metadata`: `filter_metadata` is field 1.
pub(super) fn metadata(filter_metadata: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    if let Value::Map(namespaces) = filter_metadata {
        for (namespace, value) in namespaces {
            let fields = if let Value::Map(fields) = value {
                structure(fields)
            } else {
                Vec::new()
            };
            put_bytes(&mut out, 1, &entry(namespace, &fields));
        }
    }
    out
}

/// `envoy.config.core.v3.Node`: id 1, cluster 2, metadata 3, locality 4,
/// user agent 6. Envoy writes fields in the order of their numbers.
pub(super) fn node(node: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    put_text(&mut out, 1, node.member(b"id"));
    put_text(&mut out, 2, node.member(b"cluster"));
    if let Some(Value::Map(fields)) = node.member(b"metadata") {
        put_bytes(&mut out, 3, &structure(fields));
    }
    if let Some(place @ Value::Map(_)) = node.member(b"locality") {
        put_bytes(&mut out, 4, &locality(place));
    }
    put_text(&mut out, 6, node.member(b"user_agent_name"));
    out
}

/// `envoy.config.core.v3.Locality`: region 1, zone 2, sub-zone 3.
fn locality(place: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    for (field, name) in [(1, "region"), (2, "zone"), (3, "sub_zone")] {
        put_text(&mut out, field, place.member(name.as_bytes()));
    }
    out
}

fn put_text(out: &mut Vec<u8>, field: u64, value: Option<&Value>) {
    if let Some(Value::Bytes(text)) = value {
        // proto3 leaves empty strings out.
        if !text.is_empty() {
            put_bytes(out, field, text);
        }
    }
}

/// A map put together from everything known below `prefix` (which ends with a
/// dot): the rest of each path is a name in it, split at dots `depth` times.
pub(super) fn gather(attributes: &Attributes, prefix: &str, depth: usize) -> Option<Value> {
    let mut map = Vec::new();
    for (path, value) in attributes.iter() {
        if let Some(name) = path.strip_prefix(prefix) {
            insert(&mut map, name, value, depth);
        }
    }
    (!map.is_empty()).then_some(Value::Map(map))
}

fn insert(map: &mut Vec<(String, Value)>, name: &str, value: &Value, depth: usize) {
    let split = name.split_once('.').filter(|_| depth > 0);
    let Some((head, tail)) = split else {
        map.push((name.to_owned(), value.clone()));
        return;
    };
    let known = map.iter().position(|(known, _)| known == head);
    let index = known.unwrap_or_else(|| {
        map.push((head.to_owned(), Value::Map(Vec::new())));
        map.len() - 1
    });
    if let Some((_, Value::Map(inner))) = map.get_mut(index) {
        insert(inner, tail, value, depth - 1);
    }
}
