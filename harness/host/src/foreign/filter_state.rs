//! `declare_property` and `set_envoy_filter_state`.

use crate::protobuf::{self, Field};
use crate::status::Status;
use crate::stream::State;
use crate::worker::{Declared, Place, Worker};

/// Filter-state objects that Envoy can make from bytes.
const OBJECTS: [&str; 13] = [
    "envoy.filters.listener.original_dst.local_ip",
    "envoy.filters.listener.original_dst.remote_ip",
    "envoy.hashable_string",
    "envoy.network.application_protocols",
    "envoy.network.transport_socket.original_dst_address",
    "envoy.network.upstream_server_name",
    "envoy.network.upstream_subject_alt_names",
    "envoy.ratelimit.hits_addend",
    "envoy.string",
    "envoy.tcp_proxy.cluster",
    "envoy.tcp_proxy.disable_tunneling",
    "envoy.upstream.dynamic_host",
    "envoy.upstream.dynamic_port",
];

/// `DeclarePropertyArguments`: name 1, readonly 2, type 3, schema 4, span 5.
/// A name can be declared once.
pub(super) fn declare_property(
    worker: &mut Worker,
    place: Place,
    argument: &[u8],
) -> Result<Vec<u8>, Status> {
    let mut name = Vec::new();
    let mut declared = Declared { readonly: false };
    for (number, field) in protobuf::fields(argument).ok_or(Status::BadArgument)? {
        match (number, field) {
            (1, Field::Bytes(text)) => name = text.to_vec(),
            (2, Field::Number(flag)) => declared.readonly = flag != 0,
            _ => {}
        }
    }
    let root = worker.root_mut(place).ok_or(Status::InternalFailure)?;
    if root.declared.iter().any(|(known, _)| *known == name) {
        return Err(Status::BadArgument);
    }
    root.declared.push((name, declared));
    Ok(Vec::new())
}

/// `SetEnvoyFilterStateArguments`: path 1, value 2, span 3.
pub(super) fn set_envoy_filter_state(
    worker: &mut Worker,
    place: Place,
    argument: &[u8],
) -> Result<Vec<u8>, Status> {
    let (mut path, mut value) = (&b""[..], &b""[..]);
    for (number, field) in protobuf::fields(argument).ok_or(Status::BadArgument)? {
        match (number, field) {
            (1, Field::Bytes(text)) => path = text,
            (2, Field::Bytes(text)) => value = text,
            _ => {}
        }
    }
    let object = OBJECTS
        .iter()
        .find(|known| known.as_bytes() == path)
        .ok_or(Status::NotFound)?;
    if *object == "envoy.upstream.dynamic_port" && !is_port(value) {
        return Err(Status::BadArgument);
    }
    let stream = place
        .stream
        .and_then(|index| worker.stream_mut(index))
        .ok_or(Status::NotFound)?;
    let state = State {
        value: value.to_vec(),
        readonly: false,
    };
    match stream
        .filter_state
        .iter_mut()
        .find(|(known, _)| known == path)
    {
        Some((_, known)) => *known = state,
        None => stream.filter_state.push((path.to_vec(), state)),
    }
    Ok(Vec::new())
}

fn is_port(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<u16>().is_ok())
}
