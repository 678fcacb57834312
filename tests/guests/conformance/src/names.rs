//! The ABI's numbers by name.

const STATUSES: [&str; 13] = [
    "ok",
    "not-found",
    "bad-argument",
    "serialization-failure",
    "parse-failure",
    "bad-expression",
    "invalid-memory-access",
    "empty",
    "cas-mismatch",
    "result-mismatch",
    "internal-failure",
    "broken-connection",
    "unimplemented",
];

const MAPS: [&str; 8] = [
    "request_headers",
    "request_trailers",
    "response_headers",
    "response_trailers",
    "grpc_initial_metadata",
    "grpc_trailing_metadata",
    "call_headers",
    "call_trailers",
];

const BUFFERS: [&str; 9] = [
    "request_body",
    "response_body",
    "downstream_data",
    "upstream_data",
    "call_body",
    "grpc_message",
    "vm_configuration",
    "plugin_configuration",
    "call_data",
];

const METRICS: [&str; 3] = ["counter", "gauge", "histogram"];

/// The name of a status, or its number if it has none.
pub(crate) fn status(number: u32) -> String {
    let name = usize::try_from(number)
        .ok()
        .and_then(|index| STATUSES.get(index));
    name.map_or_else(|| number.to_string(), |name| (*name).to_owned())
}

pub(crate) fn map(name: &str) -> u32 {
    number(&MAPS, name)
}

pub(crate) fn buffer(name: &str) -> u32 {
    number(&BUFFERS, name)
}

pub(crate) fn metric(name: &str) -> u32 {
    number(&METRICS, name)
}

/// The position of a name; a number stands for itself, so that a script can
/// try one that does not exist.
fn number(names: &[&str], name: &str) -> u32 {
    let position = names.iter().position(|known| *known == name);
    position
        .and_then(|index| u32::try_from(index).ok())
        .or_else(|| name.parse().ok())
        .unwrap_or(u32::MAX)
}
