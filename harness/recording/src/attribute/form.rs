//! What Envoy holds each of its attributes to.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use super::{AttributeKind, AttributeValue};
use crate::fields::is_field_value;
use crate::section;

/// The form of an attribute: its type, and which values of the type it can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `10.0.0.9:8080`, `[::1]:80`, a pipe's path or the name of an internal listener.
    Address,
    Any,
    Bool,
    Duration,
    /// Text that came out of a header.
    HeaderText,
    Int,
    Map,
    /// As `Address`. Where Envoy takes the client from `x-forwarded-for` it has no port
    /// and says 0 (`203.0.113.7:0`, as sidecars do in every Istio log).
    PeerAddress,
    /// As `Port`, or 0.
    PeerPort,
    Port,
    /// A number of bytes, or a set of flags.
    Size,
    /// 0 where there was no response.
    Status,
    Text,
    Timestamp,
    Uint,
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
const FORMS: [(&str, Form); 75] = {
    use Form::{
        Address, Any, Bool, Duration, HeaderText, Int, Map, PeerAddress, PeerPort, Port, Size,
        Status, Text, Timestamp, Uint,
    };
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
        ("destination.address", Address),
        ("destination.port", Port),
        ("plugin_name", Text),
        ("plugin_root_id", Text),
        ("plugin_vm_id", Text),
        ("request.duration", Duration),
        ("request.headers", Map),
        ("request.headers_bytes", Size),
        ("request.host", HeaderText),
        ("request.id", HeaderText),
        ("request.method", HeaderText),
        ("request.path", HeaderText),
        ("request.protocol", Text),
        ("request.query", HeaderText),
        ("request.referer", HeaderText),
        ("request.scheme", HeaderText),
        ("request.size", Size),
        ("request.time", Timestamp),
        ("request.total_size", Size),
        ("request.url_path", HeaderText),
        ("request.useragent", HeaderText),
        ("response.backend_latency", Duration),
        ("response.code", Status),
        ("response.code_details", Text),
        ("response.flags", Size),
        ("response.grpc_status", Int),
        ("response.headers", Map),
        ("response.headers_bytes", Size),
        ("response.size", Size),
        ("response.total_size", Size),
        ("response.trailers", Map),
        ("source.address", PeerAddress),
        ("source.port", PeerPort),
        ("upstream.address", Address),
        ("upstream.cx_pool_ready_duration", Duration),
        ("upstream.dns_san_local_certificate", Text),
        ("upstream.dns_san_peer_certificate", Text),
        ("upstream.local_address", PeerAddress),
        ("upstream.locality", Text),
        ("upstream.num_endpoints", Uint),
        ("upstream.port", Port),
        ("upstream.request_attempt_count", Uint),
        ("upstream.sha256_peer_certificate_digest", Text),
        ("upstream.subject_local_certificate", Text),
        ("upstream.subject_peer_certificate", Text),
        ("upstream.tls_version", Text),
        ("upstream.transport_failure_reason", Text),
        ("upstream.uri_san_local_certificate", Text),
        ("upstream.uri_san_peer_certificate", Text),
        ("xds.cluster_metadata", Any),
        ("xds.cluster_name", Text),
        ("xds.filter_chain_name", Text),
        ("xds.listener_direction", Int),
        ("xds.listener_metadata", Any),
        ("xds.node", Any),
        ("xds.route_metadata", Any),
        ("xds.route_name", Text),
        ("xds.upstream_host_locality_metadata", Any),
        ("xds.upstream_host_metadata", Any),
        ("xds.virtual_host_metadata", Any),
        ("xds.virtual_host_name", Text),
    ]
};

/// The table by name. A replay asks for every attribute of every exchange, and a search
/// among names with long common beginnings took an eighth of its time.
static BY_NAME: LazyLock<HashMap<&str, Form, BuildHasherDefault<Folded>>> =
    LazyLock::new(|| FORMS.into_iter().collect());

/// A quick hash. The table holds these names alone, so no recording can fill it with
/// names that collide.
#[derive(Default)]
struct Folded(u64);

impl Folded {
    fn fold(&mut self, word: u64) {
        // An odd constant with its bits well spread: the golden ratio's.
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        for byte in rest {
            self.fold(u64::from(*byte));
        }
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

const PORTS: RangeInclusive<i64> = 1..=65_535;
const STATUSES: RangeInclusive<i64> = 100..=999;

impl Form {
    /// The form of an attribute, or nothing for a name that Envoy cannot have.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match BY_NAME.get(name) {
            Some(form) => Some(*form),
            None => (!is_closed(name)).then_some(Self::Any),
        }
    }

    /// The type of its values.
    pub(crate) fn kind(self) -> AttributeKind {
        match self {
            Self::Any => AttributeKind::Any,
            Self::Bool => AttributeKind::Bool,
            Self::Duration => AttributeKind::Duration,
            Self::Map => AttributeKind::Map,
            Self::Timestamp => AttributeKind::Timestamp,
            Self::Uint => AttributeKind::Uint,
            Self::Address | Self::HeaderText | Self::PeerAddress | Self::Text => {
                AttributeKind::Text
            }
            Self::Int | Self::PeerPort | Self::Port | Self::Size | Self::Status => {
                AttributeKind::Int
            }
        }
    }

    /// Whether it can have this value of its type. `null` it can always have.
    pub(crate) fn allows(self, value: &AttributeValue<'_>) -> bool {
        let in_range = |range: RangeInclusive<i64>| {
            value.as_i64().is_none_or(|number| range.contains(&number))
        };
        match self {
            Self::Address => value.as_bytes().is_none_or(|text| is_address(text, 1)),
            Self::PeerAddress => value.as_bytes().is_none_or(|text| is_address(text, 0)),
            Self::Duration => value.as_duration_nanos().is_none_or(|nanos| nanos >= 0),
            Self::HeaderText => value.as_bytes().is_none_or(is_field_value),
            Self::PeerPort => in_range(0..=*PORTS.end()),
            Self::Port => in_range(PORTS),
            Self::Size => in_range(0..=i64::MAX),
            Self::Status => in_range(0..=0) || in_range(STATUSES),
            _ => true,
        }
    }

    /// What an error message says was expected of a value of the right type.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Address => {
                "an address with its port from 1, such as \"10.0.0.9:8080\" or \"[::1]:80\""
            }
            Self::PeerAddress => {
                "an address with its port, such as \"10.0.0.7:40412\" or \"[::1]:80\""
            }
            Self::Duration => "a duration of 0 or more, such as \"0.25s\"",
            Self::HeaderText => "text without NUL, CR and LF",
            Self::PeerPort => "a port up to 65535, or 0 where there is none",
            Self::Port => "a port from 1 to 65535",
            Self::Size => "0 or more",
            Self::Status => section::STATUS,
            _ => self.kind().expected(),
        }
    }
}

/// Every name with a form of its own, in byte order.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FORMS.iter().map(|(name, _)| *name)
}

fn is_closed(name: &str) -> bool {
    let root = name.split('.').next().unwrap_or(name);
    name.is_empty() || CLOSED_ROOTS.contains(&root)
}

/// What Envoy writes for an address: IP and port, the path of a pipe, which is absolute
/// or abstract (`@`), or `envoy://` and the name of an internal listener.
fn is_address(text: &[u8], least_port: u16) -> bool {
    if text.starts_with(b"/") || text.starts_with(b"@") || text.starts_with(b"envoy://") {
        return true;
    }
    match std::str::from_utf8(text).map(str::parse::<SocketAddr>) {
        Ok(Ok(address)) => address.port() >= least_port,
        Ok(Err(_)) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_row_is_found() {
        assert!(FORMS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (name, form) in FORMS {
            assert_eq!(Form::of(name), Some(form), "{name}");
        }
    }

    #[test]
    fn addresses_are_what_envoy_writes() {
        let cases = [
            ("10.0.0.9:8080", true, true),
            ("10.0.0.9:0", false, true),
            ("[2001:db8::1]:443", true, true),
            ("[2001:db8::1]:0", false, true),
            ("/var/run/envoy.sock", true, true),
            ("@abstract", true, true),
            ("envoy://connect_originate/10.0.0.1:80", true, true),
            ("10.0.0.9", false, false),
            ("10.0.0.9:65536", false, false),
            ("10.0.0.999:80", false, false),
            ("::1:80", false, false),
            ("localhost:80", false, false),
            ("", false, false),
        ];
        for (text, ours, peers) in cases {
            let value = AttributeValue::from(text);
            let allowed = [Form::Address, Form::PeerAddress].map(|form| form.allows(&value));
            assert_eq!(allowed, [ours, peers], "{text}");
        }
        assert!(!Form::Address.allows(&AttributeValue::Bytes(vec![0xff])));
        assert!(Form::Address.allows(&AttributeValue::Absent));
    }
}
