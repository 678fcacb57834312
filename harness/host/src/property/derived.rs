//! Attributes that follow from the headers and the course of the stream.

use crate::headers::Headers;
use crate::maps;
use crate::stream::{Seat, Stream};
use crate::value::Value;

/// What the host can say about a derived attribute.
pub(super) enum Derived {
    Value(Value),
    /// Envoy has the attribute and it has no value.
    None,
    /// Not derived; ask the recording.
    Elsewhere,
}

impl From<Option<Value>> for Derived {
    fn from(value: Option<Value>) -> Self {
        value.map_or(Self::None, Self::Value)
    }
}

/// A field of `request`. Most need the headers, which Envoy forgets for a
/// plugin that let them pass.
pub(super) fn request(stream: &Stream, seat: &Seat, segments: &[&[u8]]) -> Derived {
    let [field, rest @ ..] = segments else {
        return Derived::Elsewhere;
    };
    let visible = seat.request.headers || stream.logging;
    let headers = Some(&stream.request.headers).filter(|_| visible);
    let text = |name: &str| headers.and_then(|headers| headers.get(name)).map(bytes);
    match *field {
        b"path" => text(":path").into(),
        b"url_path" => text(":path")
            .map(|path| part_of_path(&path, Part::Path))
            .into(),
        b"query" => text(":path")
            .map(|path| part_of_path(&path, Part::Query))
            .into(),
        b"host" => text(":authority").into(),
        b"scheme" => text(":scheme").into(),
        b"method" => text(":method").into(),
        b"referer" => text("referer").into(),
        b"useragent" => text("user-agent").into(),
        b"id" => text("x-request-id").into(),
        b"headers" => {
            let rest: Vec<&[u8]> = rest.iter().map(|name| maps::request_name(name)).collect();
            headers.map_or(Derived::None, |headers| of_map(headers, &rest))
        }
        b"headers_bytes" => headers.map(byte_size).into(),
        // Only the access log knows how long the request took.
        b"duration" if !stream.logging => Derived::None,
        b"size" => request_size(stream, headers).into(),
        b"total_size" => {
            let size = headers.map_or(0, |headers| headers.byte_size() as u64);
            Some(Value::Int((size + stream.request.bytes).cast_signed())).into()
        }
        _ => Derived::Elsewhere,
    }
}

/// Envoy trusts `content-length` before it counts.
fn request_size(stream: &Stream, headers: Option<&Headers>) -> Option<Value> {
    let declared = headers.and_then(|headers| headers.get("content-length"));
    let declared = declared.and_then(|text| std::str::from_utf8(text).ok()?.parse::<i64>().ok());
    Some(Value::Int(
        declared.unwrap_or(stream.request.bytes.cast_signed()),
    ))
}

/// A field of `response`.
pub(super) fn response(stream: &Stream, seat: &Seat, segments: &[&[u8]]) -> Derived {
    let [field, rest @ ..] = segments else {
        return Derived::Elsewhere;
    };
    let visible = (seat.response.headers || stream.logging) && stream.response.arrived;
    let headers = Some(&stream.response.headers).filter(|_| visible);
    let trailers = stream
        .response
        .trailers
        .as_ref()
        .filter(|_| seat.response.trailers || stream.logging);
    match *field {
        b"code" => stream
            .response_code
            .map(|code| Value::Int(code.into()))
            .into(),
        b"code_details" => stream.details.clone().map(Value::Bytes).into(),
        b"grpc_status" => stream
            .response_code
            .map(|code| grpc_status(headers, trailers, code))
            .into(),
        b"headers" => headers.map_or(Derived::None, |headers| of_map(headers, rest)),
        b"trailers" => trailers.map_or(Derived::None, |trailers| of_map(trailers, rest)),
        b"headers_bytes" => headers.map(byte_size).into(),
        b"size" => Derived::Value(Value::Int(stream.response.bytes.cast_signed())),
        b"total_size" => {
            let lines = [headers, trailers]
                .into_iter()
                .flatten()
                .map(Headers::byte_size)
                .sum::<usize>() as u64;
            Derived::Value(Value::Int((lines + stream.response.bytes).cast_signed()))
        }
        _ => Derived::Elsewhere,
    }
}

/// `grpc-status` of the trailers, else of the headers, else what the gRPC
/// specification makes of the HTTP status: 2 (unknown) for a plain 200.
fn grpc_status(headers: Option<&Headers>, trailers: Option<&Headers>, code: u16) -> Value {
    let told = [trailers, headers]
        .into_iter()
        .flatten()
        .find_map(|map| map.get("grpc-status"));
    let told = told.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
    Value::Int(told.unwrap_or_else(|| grpc_status_of_http(code)))
}

/// <https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md>
pub(crate) fn grpc_status_of_http(code: u16) -> i64 {
    match code {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => 14,
        _ => 2,
    }
}

/// A whole map, or one name with all its values joined by commas.
fn of_map(headers: &Headers, rest: &[&[u8]]) -> Derived {
    match rest {
        [] => Derived::Value(whole(headers)),
        [name] => joined(headers, name).into(),
        _ => Derived::None,
    }
}

fn whole(headers: &Headers) -> Value {
    let mut entries: Vec<(String, Value)> = Vec::new();
    for (name, _) in headers.iter() {
        let name = String::from_utf8_lossy(name);
        if entries.iter().all(|(known, _)| *known != name) {
            let value = joined(headers, name.as_bytes()).unwrap_or(Value::Absent);
            entries.push((name.into_owned(), value));
        }
    }
    Value::Map(entries)
}

fn joined(headers: &Headers, name: &[u8]) -> Option<Value> {
    let mut values = headers.get_all(name);
    let mut text = values.next()?.to_vec();
    for value in values {
        text.push(b',');
        text.extend_from_slice(value);
    }
    Some(Value::Bytes(text))
}

#[derive(Clone, Copy)]
enum Part {
    Path,
    Query,
}

fn part_of_path(path: &Value, part: Part) -> Value {
    let Value::Bytes(path) = path else {
        return Value::Absent;
    };
    let mark = path
        .iter()
        .position(|byte| *byte == b'?')
        .unwrap_or(path.len());
    let slice = match part {
        Part::Path => path.get(..mark),
        Part::Query => path.get(mark.saturating_add(1)..),
    };
    bytes(slice.unwrap_or_default())
}

fn bytes(text: &[u8]) -> Value {
    Value::Bytes(text.to_vec())
}

fn byte_size(headers: &Headers) -> Value {
    Value::Int((headers.byte_size() as u64).cast_signed())
}
