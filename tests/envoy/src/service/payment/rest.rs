//! `/v1/payments` and `/healthz`.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};
use tonic::body::Body;

use crate::{frames::Frames, service::Received};

/// Every payment is of the same amount.
pub(super) const AMOUNT_CENTS: u64 = 4_999;

/// `pay_` and something.
pub(super) fn is_payment_id(id: &str) -> bool {
    id.strip_prefix("pay_").is_some_and(|rest| !rest.is_empty())
}

pub(super) fn answer(received: &Received) -> Response<Body> {
    let path = received.path.split('?').next().unwrap_or_default();
    let segments: Vec<_> = path.split('/').skip(1).collect();
    match (received.method.as_str(), segments.as_slice()) {
        ("GET" | "HEAD", ["healthz"]) => text(StatusCode::OK, "ok\n"),
        ("GET", ["v1", "payments"]) => {
            json_body(StatusCode::OK, &json!({"payments": [payment("pay_1")]}))
        }
        ("GET", ["v1", "payments", "export"]) => export(),
        ("GET", ["v1", "payments", id]) => get(id),
        ("POST", ["v1", "payments"]) => create(received),
        ("POST", ["v1", "payments", id, "refunds"]) if is_payment_id(id) => json_body(
            StatusCode::ACCEPTED,
            &json!({"refund_of": id, "status": "pending"}),
        ),
        ("DELETE", ["v1", "payments", id]) if is_payment_id(id) => empty(StatusCode::NO_CONTENT),
        _ => not_found(),
    }
}

fn payment(id: &str) -> Value {
    json!({"id": id, "status": "captured", "amount_cents": AMOUNT_CENTS, "currency": "EUR"})
}

fn get(id: &str) -> Response<Body> {
    if is_payment_id(id) {
        json_body(StatusCode::OK, &payment(id))
    } else {
        not_found()
    }
}

fn create(received: &Received) -> Response<Body> {
    let Ok(Value::Object(order)) = serde_json::from_slice(&received.body) else {
        return json_body(
            StatusCode::BAD_REQUEST,
            &json!({"error": "the body is not a JSON object"}),
        );
    };
    let order = order
        .get("order")
        .and_then(Value::as_str)
        .unwrap_or("unnamed");
    let id = format!("pay_{order}");
    let mut response = json_body(StatusCode::CREATED, &json!({"id": id, "status": "created"}));
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/payments/{id}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// A body of lines, with a trailer that says how many.
fn export() -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-export-lines", HeaderValue::from_static("3"));
    let body = Frames::new("id,amount_cents\npay_1,4999\npay_2,4999\n", trailers);
    let mut response = with_type(StatusCode::OK, Body::new(body), "text/csv");
    let announced = HeaderValue::from_static("x-export-lines");
    response.headers_mut().insert(header::TRAILER, announced);
    // Two lines of one name, which a recording must not merge.
    for cookie in ["export=1; Path=/", "region=eu; Path=/"] {
        response
            .headers_mut()
            .append(header::SET_COOKIE, HeaderValue::from_static(cookie));
    }
    response
}

fn not_found() -> Response<Body> {
    json_body(StatusCode::NOT_FOUND, &json!({"error": "no such resource"}))
}

fn json_body(status: StatusCode, body: &Value) -> Response<Body> {
    let body = Full::new(Bytes::from(body.to_string()));
    with_type(status, Body::new(body), "application/json")
}

fn text(status: StatusCode, body: &'static str) -> Response<Body> {
    with_type(
        status,
        Body::new(Full::new(Bytes::from_static(body.as_bytes()))),
        "text/plain",
    )
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn with_type(status: StatusCode, body: Body, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}
