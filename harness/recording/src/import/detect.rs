//! Which format an input is in, from its first bytes.

use std::cell::RefCell;
use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::{Format, ImportOptions, access_log};
use crate::diagnostic::{Code, Diagnostic, one_of, quote_bytes};

/// Finds the one format that fits.
pub(super) fn detect(prefix: &[u8], options: &ImportOptions) -> Result<Format, Diagnostic> {
    let text = prefix.trim_ascii_start();
    let formats = match text.first() {
        Some(b'{') => json_formats(text)?,
        _ if options.log_format.is_some() => vec![Format::AccessLogText],
        _ => binary_formats(prefix, options.input_bytes)
            .into_iter()
            .chain(text_formats(text)?)
            .collect(),
    };
    match formats.as_slice() {
        [format] => Ok(*format),
        [] => Err(unknown(prefix)),
        several => Err(ambiguous(several)),
    }
}

/// Keys that only a tap has.
const TAP_KEYS: [&str; 8] = [
    "http_buffered_trace",
    "httpBufferedTrace",
    "http_streamed_trace_segment",
    "httpStreamedTraceSegment",
    "socket_buffered_trace",
    "socketBufferedTrace",
    "socket_streamed_trace_segment",
    "socketStreamedTraceSegment",
];

fn json_formats(text: &[u8]) -> Result<Vec<Format>, Diagnostic> {
    let keys = top_level_keys(text);
    let has = |name: &str| keys.iter().any(|key| key == name);
    if has("recording") {
        let expected = "a capture of another tool";
        return Err(
            Diagnostic::new(Code::UnsupportedFormat, "a recording of sluice", expected)
                .suggest("it needs no import"),
        );
    }
    let first_line = text.split(|byte| *byte == b'\n').next().unwrap_or(text);
    let object: Option<Value> = serde_json::from_slice(first_line).ok();
    if object.as_ref().is_some_and(is_container_log) {
        let expected = "the log lines alone";
        let found = "log lines wrapped by a container runtime";
        return Err(Diagnostic::new(Code::UnsupportedFormat, found, expected)
            .suggest("unwrap them first: jq -r .log FILE"));
    }
    let fits = [
        (
            Format::TapJson,
            keys.iter().any(|key| TAP_KEYS.contains(&key.as_str())),
        ),
        (Format::Har, has("log")),
        (
            Format::AccessLogJson,
            keys.iter().any(|key| access_log::is_known_key(key)),
        ),
    ];
    Ok(fits
        .into_iter()
        .filter(|(_, fits)| *fits)
        .map(|(format, _)| format)
        .collect())
}

/// `{"log":"a line","stream":"stdout",…}`.
fn is_container_log(object: &Value) -> bool {
    object.get("log").is_some_and(Value::is_string) && object.get("stream").is_some()
}

/// The keys of the first object, as far as the prefix goes.
fn top_level_keys(text: &[u8]) -> Vec<String> {
    struct Keys<'k>(&'k RefCell<Vec<String>>);
    impl<'de> Visitor<'de> for Keys<'_> {
        type Value = ();
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<String>()? {
                self.0.borrow_mut().push(key);
                map.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }
    let keys = RefCell::default();
    let mut json = serde_json::Deserializer::from_slice(text);
    // An error is the end of the prefix, or of what is JSON: the keys up to there count.
    let _end = json.deserialize_map(Keys(&keys));
    keys.into_inner()
}

/// A message begins with the tag of one of its four fields, all of them length-delimited.
fn is_wrapper_tag(byte: Option<&u8>) -> bool {
    matches!(byte, Some(0x0a | 0x12 | 0x1a | 0x22))
}

/// A lone message is as long as its field says; a delimited one follows its length.
fn binary_formats(prefix: &[u8], input_bytes: Option<u64>) -> Vec<Format> {
    let mut formats = Vec::new();
    if is_wrapper_tag(prefix.first())
        && let Some((length, bytes)) = prefix.get(1..).and_then(varint)
        && input_bytes.is_none_or(|total| total == 1 + bytes + length)
    {
        formats.push(Format::TapProtobuf);
    }
    if is_delimited(prefix, input_bytes) {
        formats.push(Format::TapProtobufDelimited);
    }
    formats
}

/// Whether the prefix is message after message, as far as it goes, and the last one
/// ends where the input does if that is known.
fn is_delimited(prefix: &[u8], input_bytes: Option<u64>) -> bool {
    let mut rest = prefix;
    let mut offset = 0_u64;
    while !rest.is_empty() {
        let Some((length, bytes)) = varint(rest) else {
            return false;
        };
        offset = offset.saturating_add(bytes).saturating_add(length);
        if length < 2 || input_bytes.is_some_and(|total| offset > total) {
            return false;
        }
        let message = usize::try_from(bytes)
            .ok()
            .and_then(|bytes| rest.get(bytes..));
        let message = message.unwrap_or_default();
        // A message that the prefix does not reach cannot be judged.
        if !message.is_empty() && !is_wrapper_tag(message.first()) {
            return false;
        }
        rest = usize::try_from(length)
            .ok()
            .and_then(|end| message.get(end..))
            .unwrap_or_default();
    }
    offset > 0
}

fn varint(bytes: &[u8]) -> Option<(u64, u64)> {
    let mut value = 0_u64;
    for (index, byte) in (0_u32..9).zip(bytes) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            return Some((value, u64::from(index) + 1));
        }
    }
    None
}

fn text_formats(text: &[u8]) -> Result<Vec<Format>, Diagnostic> {
    let lossy = String::from_utf8_lossy(text);
    if lossy.contains("http_buffered_trace {") || lossy.contains("http_streamed_trace_segment {") {
        let found = "a tap as protobuf text";
        let expected = "a tap as JSON or binary protobuf";
        return Err(
            Diagnostic::new(Code::UnsupportedFormat, found, expected).suggest(
                "set the sink's `format` to JSON_BODY_AS_BYTES or PROTO_BINARY_LENGTH_DELIMITED",
            ),
        );
    }
    // The first line may be other output of the proxy.
    match lossy.lines().any(access_log::is_default_text) {
        true => Ok(vec![Format::AccessLogText]),
        false => Ok(Vec::new()),
    }
}

fn names(formats: &[Format]) -> String {
    one_of(formats.iter().map(|format| format.as_str()))
}

fn unknown(prefix: &[u8]) -> Diagnostic {
    let first_line = prefix.split(|byte| *byte == b'\n').next().unwrap_or(prefix);
    let expected = "an Envoy tap, an HTTP archive or an access log";
    Diagnostic::new(Code::UnknownFormat, quote_bytes(first_line), expected)
        .at(1, 0)
        .suggest(format!(
            "if it is one, name its format: {}",
            names(&Format::ALL)
        ))
}

fn ambiguous(formats: &[Format]) -> Diagnostic {
    let found = format!("an input that could be {}", names(formats));
    Diagnostic::new(Code::AmbiguousFormat, found, "one format")
        .at(1, 0)
        .suggest("name the format")
}
