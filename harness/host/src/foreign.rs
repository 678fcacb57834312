//! Envoy's foreign functions, by name.

mod crypto;
mod filter_state;
mod zlib;

use crate::status::Status;
use crate::worker::{Place, Worker};

/// Takes the argument bytes, gives the result bytes.
pub(crate) type Function = fn(&mut Worker, Place, &[u8]) -> Result<Vec<u8>, Status>;

/// What Envoy registers. Its `expr_*` functions evaluate CEL; they are not
/// here, so a guest finds them missing, as in an Envoy built without CEL.
const FUNCTIONS: [(&str, Function); 7] = [
    ("clear_route_cache", clear_route_cache),
    ("compress", zlib::compress),
    ("declare_property", filter_state::declare_property),
    (
        "set_envoy_filter_state",
        filter_state::set_envoy_filter_state,
    ),
    ("sign", crypto::sign),
    ("uncompress", zlib::uncompress),
    ("verify_signature", crypto::verify_signature),
];

/// The function of this name.
pub(crate) fn find(name: &[u8]) -> Option<Function> {
    FUNCTIONS
        .iter()
        .find(|(known, _)| known.as_bytes() == name)
        .map(|(_, function)| *function)
}

fn clear_route_cache(
    worker: &mut Worker,
    place: Place,
    _argument: &[u8],
) -> Result<Vec<u8>, Status> {
    if let Some(stream) = place.stream.and_then(|index| worker.stream_mut(index)) {
        stream.route_cache_cleared = true;
    }
    Ok(Vec::new())
}
