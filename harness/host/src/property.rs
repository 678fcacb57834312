//! Properties: Envoy's attributes as a guest reads and writes them.

pub(crate) mod derived;
mod encode;
mod message;

use crate::attributes::Attributes;
use crate::status::Status;
use crate::stream::{State, Stream};
use crate::value::Value;
use crate::worker::{Place, Worker};
use derived::Derived;
use encode::encode;

/// Objects that properties set by plugins are kept in.
const OWN_STATE: &str = "wasm.";

/// Attribute trees whose values a recording may know.
const RECORDED: [&[u8]; 10] = [
    b"connection",
    b"connection_id",
    b"destination",
    b"filter_state",
    b"metadata",
    b"request",
    b"response",
    b"source",
    b"upstream",
    b"upstream_filter_state",
];

/// Reads the property at `path`, whose segments are separated by zero bytes,
/// and writes its encoding to `out`.
pub(crate) fn read(
    worker: &mut Worker,
    place: Place,
    path: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Status> {
    let path = path.strip_suffix(b"\0").unwrap_or(path);
    let segments: Vec<&[u8]> = path.split(|byte| *byte == 0).collect();
    let value = match find(worker, place, &segments) {
        Found::Value(value) => return encode(&value, out),
        Found::Raw(bytes) => bytes,
        Found::Refused(status) => return Err(status),
        Found::Unknown => {
            note_unknown(worker, place, &segments);
            return Err(Status::NotFound);
        }
    };
    out.extend_from_slice(&value);
    Ok(())
}

/// What became of a look-up.
enum Found {
    Value(Value),
    Raw(Vec<u8>),
    Refused(Status),
    /// Envoy has such an attribute, but nobody knows its value here.
    Unknown,
}

const NOT_FOUND: Found = Found::Refused(Status::NotFound);

impl From<Option<Value>> for Found {
    fn from(value: Option<Value>) -> Self {
        match value {
            Some(Value::Absent) => NOT_FOUND,
            Some(value) => Self::Value(value),
            None => Self::Unknown,
        }
    }
}

fn find(worker: &Worker, place: Place, segments: &[&[u8]]) -> Found {
    let Some((first, rest)) = segments.split_first() else {
        return NOT_FOUND;
    };
    match *first {
        b"" if rest.is_empty() => Found::Refused(Status::SerializationFailure),
        b"plugin_name" | b"plugin_root_id" | b"plugin_vm_id" => {
            plugin_fact(worker, place, first, rest)
        }
        b"xds" => xds(worker, place, rest),
        first if RECORDED.contains(&first) => {
            match place.stream.and_then(|index| worker.stream(index)) {
                Some(stream) => of_stream(worker, place, stream, segments),
                None => NOT_FOUND,
            }
        }
        _ => own_state(worker, place, segments),
    }
}

fn plugin_fact(worker: &Worker, place: Place, name: &[u8], rest: &[&[u8]]) -> Found {
    let Some(root) = worker.root(place).filter(|_| rest.is_empty()) else {
        return NOT_FOUND;
    };
    let text = match name {
        b"plugin_name" => root.name.as_bytes(),
        b"plugin_root_id" => root.root_id.as_bytes(),
        _ => root.vm_id.as_bytes(),
    };
    Found::Raw(text.to_vec())
}

/// `xds`: the node is known everywhere, the rest only in a stream.
fn xds(worker: &Worker, place: Place, rest: &[&[u8]]) -> Found {
    let Some((field, deeper)) = rest.split_first() else {
        return Found::Refused(Status::SerializationFailure);
    };
    let stream = place.stream.and_then(|index| worker.stream(index));
    if *field == b"node" {
        let node = stream
            .and_then(|stream| node_of(&stream.attributes))
            .or_else(|| node_of(&worker.proxy));
        return match (node, deeper) {
            (None, _) => Found::Unknown,
            (Some(Value::Absent), _) => NOT_FOUND,
            (Some(node), []) => Found::Raw(message::node(&node)),
            (Some(node), deeper) => descend(&node, deeper),
        };
    }
    let Some(stream) = stream else {
        return NOT_FOUND;
    };
    if field.starts_with(b"upstream_host_") && !stream.request.sent.started {
        return NOT_FOUND;
    }
    let path = [&[&b"xds"[..]], rest].concat();
    recorded(&stream.attributes, &path)
        .or_else(|| recorded(&worker.proxy, &path))
        .unwrap_or(Found::Unknown)
}

fn node_of(attributes: &Attributes) -> Option<Value> {
    let whole = attributes.get(b"xds.node").cloned();
    whole.or_else(|| message::gather(attributes, "xds.node.", 2))
}

fn of_stream(worker: &Worker, place: Place, stream: &Stream, segments: &[&[u8]]) -> Found {
    let Some((first, rest)) = segments.split_first() else {
        return NOT_FOUND;
    };
    let Some(seat) = stream.seats.get(place.plugin) else {
        return NOT_FOUND;
    };
    let derived = match *first {
        b"metadata" => return metadata(stream, rest),
        b"connection_id" if rest.is_empty() => return connection_id(stream),
        // A wrapper object has no encoding of its own.
        _ if rest.is_empty() => return Found::Refused(Status::SerializationFailure),
        b"request" => derived::request(stream, seat, rest),
        b"response" => derived::response(stream, seat, rest),
        b"upstream" if rest == [b"request_attempt_count"] && !stream.request.sent.started => {
            Derived::Value(Value::Uint(0))
        }
        // Whatever a recording knows at its end, Envoy chooses the upstream
        // after its last filter.
        b"upstream" | b"upstream_filter_state" if !stream.request.sent.started => Derived::None,
        b"filter_state" => match state_object(stream, rest) {
            Some(value) => return Found::Raw(value),
            None => Derived::Elsewhere,
        },
        _ => Derived::Elsewhere,
    };
    match derived {
        Derived::Value(value) => Found::Value(value),
        Derived::None => NOT_FOUND,
        Derived::Elsewhere => recorded(&stream.attributes, segments)
            .unwrap_or_else(|| implied(worker, stream, segments)),
    }
}

/// A value at this path, or inside a value at a shorter one.
fn recorded(attributes: &Attributes, segments: &[&[u8]]) -> Option<Found> {
    for length in (1..=segments.len()).rev() {
        let (path, deeper) = segments.split_at_checked(length)?;
        if let Some(value) = attributes.get(&path.join(&b'.')) {
            return Some(match (value, deeper) {
                (Value::Absent, _) => NOT_FOUND,
                (value, []) => Found::Value(value.clone()),
                (value, deeper) => descend(value, deeper),
            });
        }
    }
    None
}

fn descend(value: &Value, path: &[&[u8]]) -> Found {
    let mut value = value;
    for segment in path {
        match value.member(segment) {
            Some(member) => value = member,
            None => return NOT_FOUND,
        }
    }
    // A null deep inside is there, but Envoy cannot encode it.
    Found::Value(value.clone())
}

/// Facts that a recording need not spell out.
fn implied(worker: &Worker, stream: &Stream, segments: &[&[u8]]) -> Found {
    match segments {
        [b"connection", b"id"] => connection_id(stream),
        [b"request", b"time"] => Found::Value(Value::Timestamp(stream.started_ns.cast_signed())),
        [b"request", b"duration"] => {
            let elapsed_ns = worker.now_ns.saturating_sub(stream.started_ns);
            Found::Value(Value::Duration(elapsed_ns.cast_signed()))
        }
        // It got there, or the recording would say by a flag why not.
        [b"upstream", b"request_attempt_count"] => Found::Value(Value::Uint(1)),
        [b"response", b"backend_latency"] => NOT_FOUND,
        [b"response", b"flags"] => Found::Value(Value::Int(0)),
        [side @ (b"source" | b"destination"), b"port"] => port_of(stream, side),
        _ => Found::Unknown,
    }
}

/// Envoy numbers its connections; without a recorded number every stream
/// counts as a connection of its own.
fn connection_id(stream: &Stream) -> Found {
    let known = stream
        .attributes
        .get(b"connection.id")
        .or_else(|| stream.attributes.get(b"connection_id"));
    match known {
        Some(value) => Some(value.clone()).into(),
        None => Found::Value(Value::Uint(stream.connection_id)),
    }
}

/// The port inside an address of the form `ip:port`.
fn port_of(stream: &Stream, side: &[u8]) -> Found {
    let path = [side, b"address"].join(&b'.');
    let Some(Value::Bytes(address)) = stream.attributes.get(&path) else {
        return Found::Unknown;
    };
    let port = std::str::from_utf8(address)
        .ok()
        .and_then(|address| address.rsplit_once(':'));
    let port = port.and_then(|(_, port)| port.parse::<u16>().ok());
    port.map_or(Found::Unknown, |port| Found::Value(Value::Int(port.into())))
}

/// Dynamic metadata: whole as a message, in parts as values.
fn metadata(stream: &Stream, rest: &[&[u8]]) -> Found {
    let attributes = &stream.attributes;
    let known = attributes.get(b"metadata.filter_metadata").cloned();
    let known = known.or_else(|| {
        attributes
            .get(b"metadata")
            .and_then(|all| all.member(b"filter_metadata"))
            .cloned()
    });
    let known = known.or_else(|| message::gather(attributes, "metadata.filter_metadata.", 0));
    let known = known.or_else(|| attributes.get(b"metadata").map(|_| Value::Map(Vec::new())));
    match (known, rest) {
        (None, _) => Found::Unknown,
        (Some(Value::Absent), []) => Found::Raw(Vec::new()),
        (Some(namespaces), []) => Found::Raw(message::metadata(&namespaces)),
        (Some(namespaces), [b"filter_metadata", deeper @ ..]) => descend(&namespaces, deeper),
        _ => NOT_FOUND,
    }
}

fn state_object(stream: &Stream, rest: &[&[u8]]) -> Option<Vec<u8>> {
    let [name] = rest else { return None };
    let found = stream.filter_state.iter().find(|(known, _)| known == name);
    found.map(|(_, state)| state.value.clone())
}

/// Any other name is a property that a plugin set.
fn own_state(worker: &Worker, place: Place, segments: &[&[u8]]) -> Found {
    let Some(stream) = place.stream.and_then(|index| worker.stream(index)) else {
        return NOT_FOUND;
    };
    let Some((first, [])) = segments.split_first() else {
        return NOT_FOUND;
    };
    let name = [OWN_STATE.as_bytes(), first].concat();
    match state_object(stream, &[&name]) {
        Some(value) => Found::Raw(value),
        None => NOT_FOUND,
    }
}

/// Sets a property, which lands in filter state under `wasm.` and its name.
pub(crate) fn set(
    worker: &mut Worker,
    place: Place,
    path: &[u8],
    value: &[u8],
) -> Result<(), Status> {
    let declared = worker
        .root(place)
        .and_then(|root| root.declared.iter().find(|(name, _)| name == path));
    let readonly = declared.is_some_and(|(_, declared)| declared.readonly);
    let stream = place
        .stream
        .and_then(|index| worker.stream_mut(index))
        .ok_or(Status::NotFound)?;
    let name = [OWN_STATE.as_bytes(), path].concat();
    match stream
        .filter_state
        .iter_mut()
        .find(|(known, _)| *known == name)
    {
        Some((_, state)) if state.readonly => return Err(Status::BadArgument),
        Some((_, state)) => state.value = value.to_vec(),
        None => stream.filter_state.push((
            name,
            State {
                value: value.to_vec(),
                readonly,
            },
        )),
    }
    Ok(())
}

/// Remembers that a plugin asked for what nobody knows.
fn note_unknown(worker: &mut Worker, place: Place, segments: &[&[u8]]) {
    let path = String::from_utf8_lossy(&segments.join(&b'.')).into_owned();
    if let Some(stream) = place.stream.and_then(|index| worker.stream_mut(index)) {
        let reads = &mut stream.tally.unknown_reads;
        if !reads.contains(&path) {
            reads.push(path);
        }
    }
}
