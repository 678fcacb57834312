//! One entry of an archive.

use serde::Deserialize;

use super::url;
use crate::diagnostic::{Code, Diagnostic, quote};
use crate::fields::is_field_value;
use crate::import::{ImportReport, message};
use crate::object::impl_object_reading;
use crate::text::decode_base64;
use crate::{Body, Exchange, Field, Fields, Recorded, Request, Response, Timestamp};

impl_object_reading!(
    Entry,
    HarRequest,
    HarResponse,
    NameValue,
    PostData,
    Content,
    Timings
);

/// Archives carry fields of their tools (`_initiator`, `cache`, …): they are passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
pub(super) struct Entry {
    #[serde(default)]
    started_date_time: Option<Timestamp>,
    request: HarRequest,
    #[serde(default)]
    response: Option<HarResponse>,
    #[serde(default)]
    timings: Option<Timings>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
struct HarRequest {
    method: String,
    url: String,
    #[serde(default)]
    http_version: Option<String>,
    #[serde(default)]
    headers: Vec<NameValue>,
    #[serde(default)]
    post_data: Option<PostData>,
    /// -1: not known.
    #[serde(default)]
    body_size: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
struct HarResponse {
    /// 0: no response came.
    status: i64,
    #[serde(default)]
    headers: Vec<NameValue>,
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    body_size: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(remote = "Self")]
struct NameValue {
    name: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(remote = "Self")]
struct PostData {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    encoding: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(remote = "Self")]
struct Content {
    #[serde(default)]
    size: Option<f64>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    encoding: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(remote = "Self")]
struct Timings {
    /// Milliseconds from the end of the request to the first byte back; -1: not known.
    #[serde(default)]
    wait: Option<f64>,
}

/// `request.protocol` as Envoy writes it, for what tools write.
const PROTOCOLS: [(&str, &str); 9] = [
    ("http/1.0", "HTTP/1.0"),
    ("http/1.1", "HTTP/1.1"),
    ("http/2", "HTTP/2"),
    ("http/2.0", "HTTP/2"),
    ("h2", "HTTP/2"),
    ("h2c", "HTTP/2"),
    ("http/3", "HTTP/3"),
    ("http/3.0", "HTTP/3"),
    ("h3", "HTTP/3"),
];

/// URL schemes that go over HTTP, and the `:scheme` that a proxy sees.
const SCHEMES: [(&str, &str); 4] = [
    ("http", "http"),
    ("https", "https"),
    ("ws", "http"),
    ("wss", "https"),
];

/// The exchange of an entry; nothing for one that was no HTTP, such as a `data:` URL.
pub(super) fn exchange(
    entry: Entry,
    report: &mut ImportReport,
) -> Result<Option<Exchange<'static>>, Diagnostic> {
    let Some(headers) = request_headers(&entry.request)? else {
        report.skip("entries that are not HTTP");
        return Ok(None);
    };
    let mut exchange = Exchange {
        time: entry.started_date_time,
        ..Exchange::default()
    };
    if let Some(protocol) = protocol(&entry.request) {
        exchange.attributes.insert("request.protocol", protocol);
    }
    exchange.request = Request {
        headers,
        body: request_body(&entry.request)?,
        ..Request::default()
    };
    exchange.response = match entry.response {
        Some(response) => response_from(&response, entry.timings.as_ref(), report)?,
        None => Recorded::Unknown,
    };
    Ok(Some(exchange))
}

fn protocol(request: &HarRequest) -> Option<&'static str> {
    let version = request.http_version.as_ref()?.to_ascii_lowercase();
    PROTOCOLS
        .iter()
        .find(|(name, _)| *name == version)
        .map(|(_, protocol)| *protocol)
}

/// Browsers list HTTP/2 pseudo-headers among the headers, other tools do not: the
/// ones that are missing come from the method, the `host` header and the URL.
fn request_headers(request: &HarRequest) -> Result<Option<Fields<'static>>, Diagnostic> {
    let mut fields = fields(&request.headers, "request.headers")?;
    let host = take_host(&mut fields);
    if request.method.eq_ignore_ascii_case("CONNECT") {
        let authority = host.unwrap_or_else(|| Field::new(":authority", request.url.clone()));
        add_missing(&mut fields, Field::new(":method", "CONNECT"));
        add_missing(&mut fields, authority);
        return Ok(Some(fields));
    }
    let url = url::split(&request.url);
    let scheme = url
        .as_ref()
        .map_or("", |url| url.scheme)
        .to_ascii_lowercase();
    let Some((_, scheme)) = SCHEMES.iter().find(|(name, _)| *name == scheme) else {
        return non_http(request);
    };
    let Some(url) = url else {
        return non_http(request);
    };
    let authority = host.unwrap_or_else(|| Field::new(":authority", url.authority.to_owned()));
    add_missing(&mut fields, Field::new(":method", request.method.clone()));
    add_missing(&mut fields, Field::new(":scheme", *scheme));
    add_missing(&mut fields, authority);
    add_missing(&mut fields, Field::new(":path", url.path));
    message::sort_pseudo_headers(&mut fields);
    Ok(Some(fields))
}

/// A URL with another scheme is passed over; one without any is a fault.
fn non_http(request: &HarRequest) -> Result<Option<Fields<'static>>, Diagnostic> {
    match request.url.split_once(':') {
        Some((scheme, _)) if !scheme.is_empty() => Ok(None),
        _ => {
            let expected = "an absolute URL";
            Err(
                Diagnostic::new(Code::InvalidValue, quote(&request.url), expected)
                    .on("request.url"),
            )
        }
    }
}

/// Envoy hands filters `host` as `:authority`.
fn take_host(fields: &mut Fields<'static>) -> Option<Field<'static>> {
    let position = fields.0.iter().position(|field| field.name == "host")?;
    let host = fields.0.remove(position);
    Some(Field {
        name: ":authority".into(),
        value: host.value,
    })
}

fn add_missing(fields: &mut Fields<'static>, field: Field<'static>) {
    if fields.first(&field.name).is_none() {
        fields.push(field);
    }
}

/// Chrome joins repeated headers with line feeds, which no value can hold.
fn fields(headers: &[NameValue], path: &str) -> Result<Fields<'static>, Diagnostic> {
    let mut fields = Fields::default();
    for (index, header) in headers.iter().enumerate() {
        let at = |part: &str| format!("{path}[{index}].{part}");
        for line in header.value.split('\n') {
            let value = line.trim_end_matches('\r');
            let field = message::field(&header.name, value.as_bytes().to_vec())
                .map_err(|fault| fault.on(at("name")))?;
            if !is_field_value(&field.value) {
                let expected = "a value without NUL and CR";
                let fault = Diagnostic::new(Code::InvalidValue, quote(value), expected);
                return Err(fault.on(at("value")));
            }
            if field.name.starts_with(':') && fields.first(&field.name).is_some() {
                let found = quote(&header.name);
                let fault = Diagnostic::new(Code::DuplicateField, found, "one line of it");
                return Err(fault.on(at("name")));
            }
            fields.push(field);
        }
    }
    Ok(fields)
}

fn request_body(request: &HarRequest) -> Result<Recorded<Body<'static>>, Diagnostic> {
    let Some(data) = &request.post_data else {
        return Ok(absent_if_empty(request.body_size));
    };
    match &data.text {
        Some(text) if text.is_empty() && request.body_size.is_some_and(|size| size > 0.0) => {
            Ok(Recorded::Unknown)
        }
        Some(text) => decode(text, data.encoding.as_deref(), "request.postData.text"),
        // Form parameters alone do not tell how they were encoded.
        None => Ok(absent_if_empty(request.body_size)),
    }
}

fn response_from(
    response: &HarResponse,
    timings: Option<&Timings>,
    report: &mut ImportReport,
) -> Result<Recorded<Response<'static>>, Diagnostic> {
    if response.status == 0 {
        return Ok(Recorded::Absent);
    }
    if !(100..=999).contains(&response.status) {
        let expected = "a status from 100 to 999, or 0 for none";
        return Err(
            Diagnostic::new(Code::InvalidValue, response.status.to_string(), expected)
                .on("response.status"),
        );
    }
    let mut headers = fields(&response.headers, "response.headers")?;
    headers.0.retain(|field| field.name != ":status");
    headers
        .0
        .insert(0, Field::new(":status", response.status.to_string()));
    let body = response_body(response, &headers, report)?;
    let wait = timings.and_then(|timings| timings.wait);
    let latency_ms = wait.filter(|wait| *wait >= 0.0);
    Ok(Recorded::Known(Response {
        headers,
        body,
        latency_ms,
        ..Response::default()
    }))
}

fn response_body(
    response: &HarResponse,
    headers: &Fields<'_>,
    report: &mut ImportReport,
) -> Result<Recorded<Body<'static>>, Diagnostic> {
    let Some(content) = &response.content else {
        return Ok(absent_if_empty(response.body_size));
    };
    let Some(text) = content.text.as_ref().filter(|text| !text.is_empty()) else {
        return Ok(absent_if_empty(content.size.or(response.body_size)));
    };
    // The archive holds the decoded content; what was on the wire nobody knows any more.
    let is_encoded = |value: &[u8]| !value.eq_ignore_ascii_case(b"identity");
    if headers.all("content-encoding").any(is_encoded) {
        report.decoded_bodies += 1;
        return Ok(Recorded::Unknown);
    }
    decode(text, content.encoding.as_deref(), "response.content.text")
}

fn decode(
    text: &str,
    encoding: Option<&str>,
    path: &str,
) -> Result<Recorded<Body<'static>>, Diagnostic> {
    match encoding {
        None | Some("") => Ok(Recorded::Known(Body::whole(text.as_bytes().to_vec()))),
        Some("base64") => match decode_base64(text) {
            Ok(bytes) => Ok(Recorded::Known(Body::whole(bytes))),
            Err(error) => {
                let found = format!("{} ({error})", quote(text));
                Err(Diagnostic::new(Code::InvalidValue, found, "padded base64").on(path))
            }
        },
        Some(other) => {
            Err(
                Diagnostic::new(Code::InvalidValue, quote(other), "`base64` or nothing")
                    .on(path.replace(".text", ".encoding")),
            )
        }
    }
}

/// A size of 0 says that there was none; no size, or -1, says nothing.
fn absent_if_empty<T>(size: Option<f64>) -> Recorded<T> {
    match size {
        Some(0.0) => Recorded::Absent,
        _ => Recorded::Unknown,
    }
}
