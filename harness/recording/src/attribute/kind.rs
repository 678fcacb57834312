//! Which attributes Envoy has, and the type of each.

use std::sync::LazyLock;

use crate::{AttributeValue, Timestamp};

/// The type that Envoy gives an attribute, and its form in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttributeKind {
    /// A string, or `{"base64":"…"}` where it is not UTF-8.
    Text,
    /// `true` or `false`.
    Bool,
    /// A signed integer.
    Int,
    /// An integer that is not negative.
    Uint,
    /// An RFC 3339 string.
    Timestamp,
    /// Seconds as a string with the unit: `"0.25s"`.
    Duration,
    /// An object of strings.
    Map,
    /// Metadata, filter state and what plugins set themselves: any JSON.
    Any,
}

/// Roots under which Envoy knows every name; elsewhere any name may exist.
const CLOSED_ROOTS: [&str; 6] = [
    "connection",
    "destination",
    "request",
    "response",
    "source",
    "upstream",
];

/// Sorted by name. From Envoy's list of attributes and its CEL context, 1.40.
const KINDS: [(&str, AttributeKind); 75] = {
    use AttributeKind::{Bool, Duration, Int, Map, Text, Timestamp, Uint};
    [
        ("connection.dns_san_local_certificate", Text),
        ("connection.dns_san_peer_certificate", Text),
        ("connection.id", Uint),
        ("connection.mtls", Bool),
        ("connection.peer_certificate", Text),
        ("connection.requested_server_name", Text),
        ("connection.sha256_peer_certificate_digest", Text),
        ("connection.subject_local_certificate", Text),
        ("connection.subject_peer_certificate", Text),
        ("connection.termination_details", Text),
        ("connection.tls_version", Text),
        ("connection.transport_failure_reason", Text),
        ("connection.uri_san_local_certificate", Text),
        ("connection.uri_san_peer_certificate", Text),
        ("destination.address", Text),
        ("destination.port", Int),
        ("plugin_name", Text),
        ("plugin_root_id", Text),
        ("plugin_vm_id", Text),
        ("request.duration", Duration),
        ("request.headers", Map),
        ("request.headers_bytes", Int),
        ("request.host", Text),
        ("request.id", Text),
        ("request.method", Text),
        ("request.path", Text),
        ("request.protocol", Text),
        ("request.query", Text),
        ("request.referer", Text),
        ("request.scheme", Text),
        ("request.size", Int),
        ("request.time", Timestamp),
        ("request.total_size", Int),
        ("request.url_path", Text),
        ("request.useragent", Text),
        ("response.backend_latency", Duration),
        ("response.code", Int),
        ("response.code_details", Text),
        ("response.flags", Int),
        ("response.grpc_status", Int),
        ("response.headers", Map),
        ("response.headers_bytes", Int),
        ("response.size", Int),
        ("response.total_size", Int),
        ("response.trailers", Map),
        ("source.address", Text),
        ("source.port", Int),
        ("upstream.address", Text),
        ("upstream.cx_pool_ready_duration", Duration),
        ("upstream.dns_san_local_certificate", Text),
        ("upstream.dns_san_peer_certificate", Text),
        ("upstream.local_address", Text),
        ("upstream.locality", Text),
        ("upstream.num_endpoints", Uint),
        ("upstream.port", Int),
        ("upstream.request_attempt_count", Uint),
        ("upstream.sha256_peer_certificate_digest", Text),
        ("upstream.subject_local_certificate", Text),
        ("upstream.subject_peer_certificate", Text),
        ("upstream.tls_version", Text),
        ("upstream.transport_failure_reason", Text),
        ("upstream.uri_san_local_certificate", Text),
        ("upstream.uri_san_peer_certificate", Text),
        ("xds.cluster_metadata", AttributeKind::Any),
        ("xds.cluster_name", Text),
        ("xds.filter_chain_name", Text),
        ("xds.listener_direction", Int),
        ("xds.listener_metadata", AttributeKind::Any),
        ("xds.node", AttributeKind::Any),
        ("xds.route_metadata", AttributeKind::Any),
        ("xds.route_name", Text),
        ("xds.upstream_host_locality_metadata", AttributeKind::Any),
        ("xds.upstream_host_metadata", AttributeKind::Any),
        ("xds.virtual_host_metadata", AttributeKind::Any),
        ("xds.virtual_host_name", Text),
    ]
};

/// The table by length, then name. Names share long beginnings, so most steps of a
/// search that compares lengths first need not look at the text: a replay asks for
/// every attribute of every exchange.
static BY_LENGTH: LazyLock<Vec<(&str, AttributeKind)>> = LazyLock::new(|| {
    let mut kinds = KINDS.to_vec();
    kinds.sort_unstable_by_key(|(name, _)| (name.len(), *name));
    kinds
});

impl AttributeKind {
    /// The kind of an attribute, or nothing for a name that Envoy cannot have.
    pub fn of(name: &str) -> Option<Self> {
        let order = |known: &str| (known.len(), known).cmp(&(name.len(), name));
        match BY_LENGTH.binary_search_by(|(known, _)| order(known)) {
            Ok(index) => BY_LENGTH.get(index).map(|(_, kind)| *kind),
            Err(_) => (!is_closed(name)).then_some(Self::Any),
        }
    }

    /// Every name with a fixed kind, in byte order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|(name, _)| *name)
    }

    /// Whether a value has this kind. `null` always has.
    pub fn accepts(self, value: &AttributeValue<'_>) -> bool {
        use AttributeValue as Value;
        match (self, value) {
            (_, Value::Absent) | (Self::Any, _) => true,
            (Self::Text, Value::Text(_) | Value::Bytes(_)) => true,
            (Self::Bool, Value::Bool(_)) | (Self::Int, Value::Int(_)) => true,
            (Self::Uint, Value::Int(value)) => *value >= 0,
            (Self::Uint, Value::Uint(_)) | (Self::Map, Value::Map(_)) => true,
            (Self::Timestamp, Value::Text(text)) => text.parse::<Timestamp>().is_ok(),
            (Self::Duration, Value::Text(text)) => parse_duration_nanos(text).is_some(),
            _ => false,
        }
    }

    /// What an error message says was expected.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Text => "a string, {\"base64\": string} or null",
            Self::Bool => "true, false or null",
            Self::Int => "an integer or null",
            Self::Uint => "an integer of 0 or more, or null",
            Self::Timestamp => "an RFC 3339 time or null",
            Self::Duration => "seconds such as \"0.25s\", or null",
            Self::Map => "an object or null",
            Self::Any => "any JSON value",
        }
    }
}

fn is_closed(name: &str) -> bool {
    let root = name.split('.').next().unwrap_or(name);
    name.is_empty() || CLOSED_ROOTS.contains(&root)
}

/// Nanoseconds of protobuf's JSON form of a duration: `-?digits[.1-9 digits]s`.
pub(super) fn parse_duration_nanos(text: &str) -> Option<i64> {
    let number = text.strip_suffix('s')?;
    let (sign, number) = number
        .strip_prefix('-')
        .map_or((1, number), |rest| (-1, rest));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
    seconds
        .checked_mul(1_000_000_000)?
        .checked_add(nanos)?
        .checked_mul(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_row_is_found() {
        assert!(KINDS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (name, kind) in KINDS {
            assert_eq!(AttributeKind::of(name), Some(kind), "{name}");
        }
    }

    #[test]
    fn a_closed_root_has_no_other_names() {
        assert_eq!(
            AttributeKind::of("connection.mtls"),
            Some(AttributeKind::Bool)
        );
        assert_eq!(AttributeKind::of("connection.mtsl"), None);
        assert_eq!(AttributeKind::of("request"), None);
        assert_eq!(AttributeKind::of(""), None);
        assert_eq!(
            AttributeKind::of("filter_state.io.istio.peer_principal"),
            Some(AttributeKind::Any)
        );
    }

    #[test]
    fn durations_have_a_unit_and_at_most_nine_decimals() {
        let cases = [
            ("0.25s", Some(250_000_000)),
            ("-1.5s", Some(-1_500_000_000)),
            ("3s", Some(3_000_000_000)),
            ("3", None),
            ("3ms", None),
            (".5s", None),
            ("1.s", None),
            ("1.0123456789s", None),
            ("99999999999s", None),
        ];
        for (text, nanos) in cases {
            assert_eq!(parse_duration_nanos(text), nanos, "{text}");
        }
    }
}
