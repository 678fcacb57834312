//! The messages of `envoy/data/tap/v3/{wrapper,http,common}.proto` and what they
//! use of `envoy/config/core/v3`, as far as an exchange needs them.
//!
//! The same structs read protobuf (prost) and protobuf's JSON form (serde). A
//! `oneof` is written as optional fields, which is the same on the wire. JSON takes
//! the names of the .proto files, which Envoy writes, and their camelCase forms,
//! which other printers write; fields that Envoy may add later are passed over, as
//! protobuf does.

use serde::de::{self, Unexpected};
use serde::{Deserialize, Deserializer};

use crate::Timestamp;
use crate::object::impl_object_reading;

impl_object_reading!(
    TraceWrapper,
    SocketTrace,
    BufferedTrace,
    TracedMessage,
    TraceSegment,
    HeaderMap,
    HeaderValue,
    TracedBody,
    Connection,
    Address,
    SocketAddress,
    Pipe
);

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, remote = "Self")]
pub(super) struct TraceWrapper {
    #[prost(message, optional, tag = "1")]
    #[serde(alias = "httpBufferedTrace")]
    pub(super) http_buffered_trace: Option<BufferedTrace>,
    #[prost(message, optional, tag = "2")]
    #[serde(alias = "httpStreamedTraceSegment")]
    pub(super) http_streamed_trace_segment: Option<TraceSegment>,
    #[prost(message, optional, tag = "3")]
    #[serde(alias = "socketBufferedTrace")]
    pub(super) socket_buffered_trace: Option<SocketTrace>,
    #[prost(message, optional, tag = "4")]
    #[serde(alias = "socketStreamedTraceSegment")]
    pub(super) socket_streamed_trace_segment: Option<SocketTrace>,
}

/// Bytes of a TCP connection: no exchange to import, but told apart from nothing.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct SocketTrace {}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, remote = "Self")]
pub(super) struct BufferedTrace {
    #[prost(message, optional, tag = "1")]
    pub(super) request: Option<TracedMessage>,
    #[prost(message, optional, tag = "2")]
    pub(super) response: Option<TracedMessage>,
    #[prost(message, optional, tag = "3")]
    #[serde(alias = "downstreamConnection")]
    pub(super) downstream_connection: Option<Connection>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, remote = "Self")]
pub(super) struct TracedMessage {
    #[prost(message, repeated, tag = "1")]
    pub(super) headers: Vec<HeaderValue>,
    #[prost(message, optional, tag = "2")]
    pub(super) body: Option<TracedBody>,
    #[prost(message, repeated, tag = "3")]
    pub(super) trailers: Vec<HeaderValue>,
    #[prost(message, optional, tag = "4")]
    #[serde(alias = "headersReceivedTime", deserialize_with = "time_from_json")]
    pub(super) headers_received_time: Option<TracedTime>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, remote = "Self")]
pub(super) struct TraceSegment {
    #[prost(uint64, tag = "1")]
    #[serde(alias = "traceId", deserialize_with = "uint64_from_json")]
    pub(super) trace_id: u64,
    #[prost(message, optional, tag = "2")]
    #[serde(alias = "requestHeaders")]
    pub(super) request_headers: Option<HeaderMap>,
    #[prost(message, optional, tag = "3")]
    #[serde(alias = "requestBodyChunk")]
    pub(super) request_body_chunk: Option<TracedBody>,
    #[prost(message, optional, tag = "4")]
    #[serde(alias = "requestTrailers")]
    pub(super) request_trailers: Option<HeaderMap>,
    #[prost(message, optional, tag = "5")]
    #[serde(alias = "responseHeaders")]
    pub(super) response_headers: Option<HeaderMap>,
    #[prost(message, optional, tag = "6")]
    #[serde(alias = "responseBodyChunk")]
    pub(super) response_body_chunk: Option<TracedBody>,
    #[prost(message, optional, tag = "7")]
    #[serde(alias = "responseTrailers")]
    pub(super) response_trailers: Option<HeaderMap>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, remote = "Self")]
pub(super) struct HeaderMap {
    #[prost(message, repeated, tag = "1")]
    pub(super) headers: Vec<HeaderValue>,
}

/// `value` is a `string` in the .proto, but Envoy puts the bytes of the wire there
/// unchecked; read as `bytes`, which is the same encoding, nothing can be refused.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, remote = "Self")]
pub(super) struct HeaderValue {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(bytes = "vec", tag = "2")]
    #[serde(deserialize_with = "bytes_of_text")]
    pub(super) value: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    #[serde(alias = "rawValue", deserialize_with = "bytes_from_json")]
    pub(super) raw_value: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, remote = "Self")]
pub(super) struct TracedBody {
    #[prost(bytes = "vec", tag = "1")]
    #[serde(alias = "asBytes", deserialize_with = "bytes_from_json")]
    pub(super) as_bytes: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    #[serde(alias = "asString", deserialize_with = "bytes_of_text")]
    pub(super) as_string: Vec<u8>,
    #[prost(bool, tag = "3")]
    pub(super) truncated: bool,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, remote = "Self")]
pub(super) struct Connection {
    #[prost(message, optional, tag = "1")]
    #[serde(alias = "localAddress")]
    pub(super) local_address: Option<Address>,
    #[prost(message, optional, tag = "2")]
    #[serde(alias = "remoteAddress")]
    pub(super) remote_address: Option<Address>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, remote = "Self")]
pub(super) struct Address {
    #[prost(message, optional, tag = "1")]
    #[serde(alias = "socketAddress")]
    pub(super) socket_address: Option<SocketAddress>,
    #[prost(message, optional, tag = "2")]
    pub(super) pipe: Option<Pipe>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, remote = "Self")]
pub(super) struct SocketAddress {
    #[prost(string, tag = "2")]
    pub(super) address: String,
    #[prost(uint32, tag = "3")]
    #[serde(alias = "portValue")]
    pub(super) port_value: u32,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, remote = "Self")]
pub(super) struct Pipe {
    #[prost(string, tag = "1")]
    pub(super) path: String,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct TracedTime {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

fn bytes_of_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    String::deserialize(deserializer).map(String::into_bytes)
}

/// Protobuf's JSON form of `bytes`: base64 of either alphabet, padded or not.
fn bytes_from_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    use base64::Engine as _;
    use base64::alphabet::STANDARD;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let text = String::deserialize(deserializer)?;
    let standard = text.replace('-', "+").replace('_', "/");
    let refuse = |_| de::Error::invalid_value(Unexpected::Str(&text), &"base64");
    ENGINE.decode(standard).map_err(refuse)
}

/// Protobuf's JSON form of `uint64`: a string, or a number where it is small.
fn uint64_from_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => text
            .parse()
            .map_err(|_| de::Error::invalid_value(Unexpected::Str(&text), &"u64")),
        value => value.as_u64().ok_or_else(|| {
            de::Error::invalid_type(Unexpected::Other(&format!("`{value}`")), &"u64")
        }),
    }
}

/// Protobuf's JSON form of a timestamp: RFC 3339.
fn time_from_json<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<TracedTime>, D::Error> {
    let time = Option::<Timestamp>::deserialize(deserializer)?;
    Ok(time.map(|time| {
        let nanos = time.as_nanos();
        let (seconds, nanos) = (
            nanos.div_euclid(1_000_000_000),
            nanos.rem_euclid(1_000_000_000),
        );
        TracedTime {
            seconds,
            nanos: i32::try_from(nanos).unwrap_or_default(),
        }
    }))
}
