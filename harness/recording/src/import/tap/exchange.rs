//! One traced exchange.

use super::trace::{
    Address, BufferedTrace, Connection, HeaderValue, TracedBody, TracedMessage, TracedTime,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::import::message;
use crate::{Attributes, Body, Exchange, Fields, Recorded, Request, Response, Timestamp};

/// A buffered trace holds all that the filter saw, so what is not there was not there.
pub(super) fn from_buffered(trace: BufferedTrace) -> Result<Exchange<'static>, Diagnostic> {
    let request = trace.request.ok_or_else(|| {
        let expected = "the request of the trace";
        Diagnostic::new(Code::MissingField, "nothing", expected).on("http_buffered_trace.request")
    })?;
    let (request_time, response_time) = (
        time(request.headers_received_time),
        trace
            .response
            .as_ref()
            .and_then(|response| time(response.headers_received_time)),
    );
    let mut exchange = Exchange {
        time: request_time,
        request: request_from(request)?,
        response: Recorded::from_certain(trace.response.map(response_from).transpose()?),
        ..Exchange::default()
    };
    if let Some(connection) = trace.downstream_connection {
        add_addresses(&mut exchange.attributes, connection);
    }
    if let Recorded::Known(response) = &mut exchange.response {
        response.latency_ms = latency_ms(request_time, response_time);
    }
    Ok(exchange)
}

fn request_from(traced: TracedMessage) -> Result<Request<'static>, Diagnostic> {
    Ok(Request {
        headers: headers(traced.headers)?,
        partial: None,
        body: Recorded::from_certain(traced.body.map(body)),
        trailers: trailers(traced.trailers)?,
    })
}

fn response_from(traced: TracedMessage) -> Result<Response<'static>, Diagnostic> {
    Ok(Response {
        headers: headers(traced.headers)?,
        partial: None,
        body: Recorded::from_certain(traced.body.map(body)),
        trailers: trailers(traced.trailers)?,
        latency_ms: None,
    })
}

pub(super) fn headers(lines: Vec<HeaderValue>) -> Result<Fields<'static>, Diagnostic> {
    let mut fields = fields(lines)?;
    message::sort_pseudo_headers(&mut fields);
    Ok(fields)
}

pub(super) fn trailers(lines: Vec<HeaderValue>) -> Result<Recorded<Fields<'static>>, Diagnostic> {
    match lines.is_empty() {
        true => Ok(Recorded::Absent),
        false => fields(lines).map(Recorded::Known),
    }
}

fn fields(lines: Vec<HeaderValue>) -> Result<Fields<'static>, Diagnostic> {
    lines
        .into_iter()
        .map(|line| {
            let value = if line.raw_value.is_empty() {
                line.value
            } else {
                line.raw_value
            };
            message::field(&line.key, value)
        })
        .collect()
}

pub(super) fn body(traced: TracedBody) -> Body<'static> {
    let bytes = if traced.as_bytes.is_empty() {
        traced.as_string
    } else {
        traced.as_bytes
    };
    Body {
        bytes: bytes.into(),
        truncated: traced.truncated,
    }
}

/// How many of the exchange's bodies were cut by the tap's limit (1 KiB by default).
pub(super) fn truncated_bodies(exchange: &Exchange<'_>) -> u64 {
    let is_truncated =
        |body: &Recorded<Body<'_>>| matches!(body, Recorded::Known(body) if body.truncated);
    let response = exchange.response.as_ref().known();
    u64::from(is_truncated(&exchange.request.body))
        + u64::from(response.is_some_and(|response| is_truncated(&response.body)))
}

fn time(traced: Option<TracedTime>) -> Option<Timestamp> {
    traced.and_then(|time| Timestamp::from_parts(time.seconds, time.nanos))
}

/// The tap has no time for the end of the request, so a long upload counts here.
fn latency_ms(request: Option<Timestamp>, response: Option<Timestamp>) -> Option<f64> {
    let nanos = response?.as_nanos().checked_sub(request?.as_nanos())?;
    let micros = i32::try_from(nanos / 1_000)
        .ok()
        .filter(|micros| *micros >= 0)?;
    Some(f64::from(micros) / 1_000.0)
}

fn add_addresses(attributes: &mut Attributes<'static>, connection: Connection) {
    let sides = [
        ("source.address", "source.port", connection.remote_address),
        (
            "destination.address",
            "destination.port",
            connection.local_address,
        ),
    ];
    for (address_name, port_name, address) in sides {
        let Some(address) = address else { continue };
        if let Some((text, port)) = address_text(&address) {
            attributes.insert(address_name, text);
            if let Some(port) = port {
                attributes.insert(port_name, i64::from(port));
            }
        }
    }
}

/// The form of Envoy's address attributes: `10.0.0.7:40412`, `[::1]:80`, a pipe's path.
fn address_text(address: &Address) -> Option<(String, Option<u32>)> {
    if let Some(socket) = &address.socket_address {
        let port = socket.port_value;
        let text = match socket.address.contains(':') {
            true => format!("[{}]:{port}", socket.address),
            false => format!("{}:{port}", socket.address),
        };
        return Some((text, Some(port)));
    }
    address.pipe.as_ref().map(|pipe| (pipe.path.clone(), None))
}
