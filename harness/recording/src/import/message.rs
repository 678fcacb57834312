//! What every importer does to the messages it builds.

use std::borrow::Cow;

use crate::diagnostic::{Code, Diagnostic, quote};
use crate::fields::is_field_name;
use crate::{Exchange, Field, Fields};

/// The order in which HTTP/2 clients and Envoy write pseudo-headers.
const PSEUDO_HEADERS: [&str; 6] = [
    ":method",
    ":scheme",
    ":authority",
    ":path",
    ":protocol",
    ":status",
];

/// A line under its name in lower case, as Envoy shows it to filters.
pub(super) fn field(
    name: &str,
    value: impl Into<Cow<'static, [u8]>>,
) -> Result<Field<'static>, Diagnostic> {
    let lower = name.to_ascii_lowercase();
    if !is_field_name(&lower) {
        return Err(Diagnostic::new(
            Code::InvalidValue,
            quote(name),
            "the name of a header",
        ));
    }
    Ok(Field::from_bytes(lower, value))
}

/// Pseudo-headers first, each kind in its order.
pub(super) fn sort_pseudo_headers(fields: &mut Fields<'_>) {
    let rank = |name: &str| PSEUDO_HEADERS.iter().position(|pseudo| *pseudo == name);
    fields
        .0
        .sort_by_key(|field| rank(&field.name).unwrap_or(PSEUDO_HEADERS.len()));
}

/// Names an exchange by its `x-request-id`, else by its position in the input.
pub(super) fn name_exchange(exchange: &mut Exchange<'_>, source: &str, ordinal: u64) {
    let request_id = exchange.request.headers.first_text("x-request-id");
    exchange.id = match request_id {
        Some(id) if !id.is_empty() => Cow::Owned(id.to_owned()),
        _ => Cow::Owned(format!("{source}-{ordinal}")),
    };
}

/// Whether a fault is the input's, which then has a place: a full disk is none of its lines'.
pub(super) fn is_of_input(fault: &Diagnostic) -> bool {
    fault.code != Code::Io
}
