//! A recorded exchange as the host takes it.

use sluice_host::{Attributes, Exchange, Headers, Message, Value};
use sluice_recording::{
    AttributeKind, AttributeValue, Body, Exchange as Recorded, Fields, Recorded as Fact, Request,
    Response,
};

/// Details of a response that came from the upstream, in Envoy's words.
const VIA_UPSTREAM: &str = "via_upstream";

/// What the host takes of a recorded exchange.
///
/// `response.*` attributes are left out: they tell of the recorded response,
/// and the replay makes its own. A response that the recorded proxy gave
/// itself is left out too, for nobody knows what the upstream would have said.
pub fn to_host(recorded: &Recorded<'_>) -> Exchange {
    let response = recorded
        .response
        .as_ref()
        .known()
        .filter(|_| is_from_upstream(recorded));
    Exchange {
        attributes: attributes(recorded),
        request: request(&recorded.request),
        response: response.map(message_of_response),
        upstream_latency_ns: response
            .and_then(|response| response.latency_ms)
            .map_or(0, milliseconds),
    }
}

fn is_from_upstream(recorded: &Recorded<'_>) -> bool {
    match recorded.attributes.get("response.code_details") {
        Fact::Known(details) => details.as_text() == Some(VIA_UPSTREAM),
        Fact::Absent | Fact::Unknown => true,
    }
}

fn attributes(recorded: &Recorded<'_>) -> Attributes {
    recorded
        .attributes
        .iter()
        .filter(|(name, _)| !name.starts_with("response."))
        .map(|(name, value)| (name, typed(name, value)))
        .collect()
}

/// A JSON value with the type that Envoy gives the attribute.
fn typed(name: &str, value: &AttributeValue<'_>) -> Value {
    let typed = match AttributeKind::of(name) {
        Some(AttributeKind::Timestamp) => value
            .as_timestamp()
            .map(|time| Value::Timestamp(time.as_nanos())),
        Some(AttributeKind::Duration) => value.as_duration_nanos().map(Value::Duration),
        Some(AttributeKind::Uint) => value.as_u64().map(Value::Uint),
        // Numbers in metadata are doubles: protobuf's Struct has no other.
        Some(AttributeKind::Any) => return untyped(value, true),
        _ => None,
    };
    typed.unwrap_or_else(|| untyped(value, false))
}

fn untyped(value: &AttributeValue<'_>, numbers_are_double: bool) -> Value {
    match value {
        AttributeValue::Absent => Value::Absent,
        AttributeValue::Bool(value) => Value::Bool(*value),
        AttributeValue::Int(value) if numbers_are_double => Value::Double(to_double(*value)),
        AttributeValue::Int(value) => Value::Int(*value),
        AttributeValue::Uint(value) => Value::Uint(*value),
        AttributeValue::Double(value) => Value::Double(*value),
        AttributeValue::Text(text) => Value::Bytes(text.as_bytes().to_vec()),
        AttributeValue::Bytes(bytes) => Value::Bytes(bytes.clone()),
        AttributeValue::List(items) => Value::List(
            items
                .iter()
                .map(|item| untyped(item, numbers_are_double))
                .collect(),
        ),
        AttributeValue::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|(key, value)| (key.to_string(), untyped(value, numbers_are_double)))
                .collect(),
        ),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "JSON numbers in protobuf's Struct are doubles, precision lost alike"
)]
fn to_double(value: i64) -> f64 {
    value as f64
}

fn request(request: &Request<'_>) -> Message {
    message(
        &request.headers,
        request.body.as_ref().known(),
        request.trailers.as_ref().known(),
    )
}

fn message_of_response(response: &Response<'_>) -> Message {
    message(
        &response.headers,
        response.body.as_ref().known(),
        response.trailers.as_ref().known(),
    )
}

fn message(
    headers: &Fields<'_>,
    body: Option<&Body<'_>>,
    trailers: Option<&Fields<'_>>,
) -> Message {
    Message {
        headers: lines(headers),
        body: body
            .filter(|body| !body.bytes.is_empty())
            .map(|body| body.bytes.to_vec())
            .into_iter()
            .collect(),
        trailers: trailers.map(lines),
    }
}

fn lines(fields: &Fields<'_>) -> Headers {
    fields
        .0
        .iter()
        .map(|field| (field.name.as_bytes(), field.value.as_ref()))
        .collect()
}

/// Nanoseconds; a recorded latency that is negative, not a number or longer
/// than a year is a broken clock and counts as none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range check before leaves 0 to 3.2e16, exact enough for a latency"
)]
fn milliseconds(latency: f64) -> u64 {
    const YEAR_MS: f64 = 365.0 * 86_400_000.0;
    if (0.0..YEAR_MS).contains(&latency) {
        (latency * 1e6) as u64
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(json: &str) -> Exchange {
        to_host(&serde_json::from_str(json).unwrap())
    }

    const REQUEST: &str =
        r#""request":{"headers":[[":method","GET"],["a","1"],["a","2"]],"body":{"text":"hi"}}"#;

    #[test]
    fn attributes_get_envoys_types() {
        let exchange = converted(&format!(
            r#"{{"id":"1","attributes":{{"connection.mtls":true,"connection.id":7,"destination.port":8080,
            "request.time":"1970-01-01T00:00:01Z","source.address":null,"response.code":200,
            "metadata.filter_metadata":{{"a":{{"n":1}}}}}},{REQUEST}}}"#
        ));
        let get = |name: &str| exchange.attributes.get(name.as_bytes());
        assert_eq!(get("connection.mtls"), Some(&Value::Bool(true)));
        assert_eq!(get("connection.id"), Some(&Value::Uint(7)));
        assert_eq!(get("destination.port"), Some(&Value::Int(8080)));
        assert_eq!(get("request.time"), Some(&Value::Timestamp(1_000_000_000)));
        assert_eq!(get("source.address"), Some(&Value::Absent));
        assert_eq!(get("response.code"), None);
        assert_eq!(get("source.port"), None);
        let metadata = get("metadata.filter_metadata").unwrap();
        assert_eq!(
            metadata.member(b"a").unwrap().member(b"n"),
            Some(&Value::Double(1.0))
        );
    }

    #[test]
    fn messages_keep_lines_and_bodies() {
        let exchange = converted(&format!(r#"{{"id":"1",{REQUEST}}}"#));
        assert_eq!(
            exchange.request.headers.get_all(b"a").collect::<Vec<_>>(),
            [b"1", b"2"]
        );
        assert_eq!(exchange.request.body, [b"hi"]);
        assert_eq!(exchange.response, None);
    }

    #[test]
    fn a_reply_of_the_recorded_proxy_is_not_the_upstreams() {
        let with = |details: &str| {
            converted(&format!(
                r#"{{"id":"1","attributes":{{"response.code_details":"{details}"}},{REQUEST},
                "response":{{"headers":[[":status","403"]],"latency_ms":1.5}}}}"#
            ))
        };
        assert_eq!(
            with("rbac_access_denied_matched_policy[none]").response,
            None
        );
        assert!(with("via_upstream").response.is_some());
        assert_eq!(with("via_upstream").upstream_latency_ns, 1_500_000);
    }
}
