//! Access logs of Envoy and Istio.
//!
//! Text and JSON logs both say which command operator of Envoy each value is for
//! (`%REQ(:PATH)%`, `%DOWNSTREAM_PEER_URI_SAN%`): one table gives operators their meaning.

mod flags;
mod line;
mod operator;
mod template;

use std::io::BufRead;

use serde_json::{Map, Value};

use super::{ImportOptions, ImportReport, Sink, message};
use crate::DEFAULT_MAX_LINE_BYTES;
use crate::diagnostic::{Code, Diagnostic, quote};
use crate::line_source::{LinePlace, LineSource, is_blank, trim_line_end};
use line::LogLine;
use operator::Operator;
use template::Template;

/// The formats that Envoy and Istio use where nobody chose another.
pub(super) const DEFAULT_FORMATS: [&str; 2] = [
    // Envoy.
    concat!(
        r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" "#,
        r#"%RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% "#,
        r#"%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "#,
        r#""%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%""#
    ),
    // Istio.
    concat!(
        r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" "#,
        r#"%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% "#,
        r#"%CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" "#,
        r#"%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "#,
        r#""%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "#,
        r#""%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% "#,
        r#"%UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% "#,
        r#"%REQUESTED_SERVER_NAME% %ROUTE_NAME%"#
    ),
];

/// Reads lines by a format string, or by the default formats.
pub(super) fn import_text(
    input: impl BufRead,
    options: &ImportOptions,
    report: &mut ImportReport,
    sink: &mut Sink<'_>,
) -> Result<(), Diagnostic> {
    let templates = templates(options)?;
    for operator in templates.iter().take(1).flat_map(Template::ignored) {
        report.ignore_key(operator);
    }
    let expected = match options.log_format {
        Some(_) => "a line of the given format",
        None => "a line of Envoy's or Istio's default text format",
    };
    import_lines(input, options, report, sink, |text, _| {
        let matched = templates
            .iter()
            .find_map(|template| template.captures(text));
        let Some(captures) = matched else {
            return Err(Diagnostic::new(
                Code::LogLineMismatch,
                quote(text),
                expected,
            ));
        };
        let mut line = LogLine::default();
        for (operator, value) in captures {
            line.set(operator, value)?;
        }
        Ok(line)
    })
}

/// Reads lines that are JSON objects whose keys name command operators.
pub(super) fn import_json(
    input: impl BufRead,
    options: &ImportOptions,
    report: &mut ImportReport,
    sink: &mut Sink<'_>,
) -> Result<(), Diagnostic> {
    let mut keys = JsonKeys::new(options)?;
    let imported = import_lines(input, options, report, sink, |text, report| {
        let object: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
            let found = format!("{} ({error})", quote(text));
            Diagnostic::new(Code::LogLineMismatch, found, "a JSON object")
        })?;
        let mut line = LogLine::default();
        for (key, value) in &object {
            match keys.operator(key) {
                Some(operator) => {
                    set_json(&mut line, &operator, value).map_err(|fault| fault.on(key))?;
                }
                None => report.ignore_key(key),
            }
        }
        Ok(line)
    });
    report.unused_log_keys.retain(|key| !keys.has_met(key));
    imported
}

/// Whether a text is an operator that a key can be said to hold.
pub(super) fn check_operator(text: &str) -> Result<(), Diagnostic> {
    Operator::chosen(text).map(drop)
}

/// Whether a text line fits one of the default formats.
pub(super) fn is_default_text(text: &str) -> bool {
    let fits = |format| {
        Template::parse(format).is_ok_and(|template: Template| template.captures(text).is_some())
    };
    DEFAULT_FORMATS.into_iter().any(fits)
}

/// Whether a key of a JSON log has a meaning here.
pub(super) fn is_known_key(key: &str) -> bool {
    Operator::of_key(key).is_some()
}

fn templates(options: &ImportOptions) -> Result<Vec<Template>, Diagnostic> {
    match &options.log_format {
        Some(format) => Ok(vec![Template::parse(format)?]),
        None => DEFAULT_FORMATS.into_iter().map(Template::parse).collect(),
    }
}

/// The common part: lines in, exchanges out, other lines counted where that is wanted.
fn import_lines(
    input: impl BufRead,
    options: &ImportOptions,
    report: &mut ImportReport,
    sink: &mut Sink<'_>,
    mut parse: impl FnMut(&str, &mut ImportReport) -> Result<LogLine, Diagnostic>,
) -> Result<(), Diagnostic> {
    let mut lines = LineSource::new(input, DEFAULT_MAX_LINE_BYTES);
    let mut buffer = Vec::new();
    let mut ordinal = 0;
    loop {
        buffer.clear();
        let Some(place) = lines.append_line(&mut buffer)? else {
            return Ok(());
        };
        if is_blank(&buffer) {
            continue;
        }
        let parsed = utf8(&buffer).and_then(|text| parse(text, report));
        match parsed {
            Ok(line) if line.has_request() => {
                ordinal += 1;
                let mut exchange = line.finish(report);
                message::name_exchange(&mut exchange, "log", ordinal);
                sink(exchange).map_err(|fault| located(fault, place, &buffer))?;
            }
            // A TCP connection, or a request that Envoy could not parse.
            Ok(_) => report.skip("log lines without a request"),
            Err(fault) if fault.code == Code::LogLineMismatch && options.skip_other_lines => {
                report.skip("lines that are no access-log lines");
            }
            Err(fault) => return Err(located(fault, place, &buffer)),
        }
    }
}

fn utf8(line: &[u8]) -> Result<&str, Diagnostic> {
    std::str::from_utf8(trim_line_end(line)).map_err(|error| {
        let byte = line.get(error.valid_up_to()).copied().unwrap_or_default();
        Diagnostic::new(Code::NotUtf8, format!("byte 0x{byte:02x}"), "UTF-8 text")
    })
}

/// A last line without its line feed that fits no format was cut off.
fn located(mut fault: Diagnostic, place: LinePlace, line: &[u8]) -> Diagnostic {
    if !message::is_of_input(&fault) {
        return fault;
    }
    if fault.code == Code::LogLineMismatch {
        if place.is_terminated {
            fault = fault.suggest(
                "if other output is mixed into this log, let the import skip lines that are no access-log lines",
            );
        } else {
            fault.code = Code::Truncated;
            fault = fault.suggest("the file was cut off inside this line");
        }
    }
    let is_utf8_fault = fault.code == Code::NotUtf8;
    let within = match std::str::from_utf8(line) {
        Err(error) if is_utf8_fault => u64::try_from(error.valid_up_to()).unwrap_or_default(),
        _ => 0,
    };
    fault.at(place.number, place.offset + within)
}

/// Which key holds which operator: what the caller said, then what the key says.
struct JsonKeys {
    given: Vec<GivenKey>,
}

struct GivenKey {
    name: String,
    operator: Operator,
    /// Whether a line had the key.
    is_met: bool,
}

impl JsonKeys {
    fn new(options: &ImportOptions) -> Result<Self, Diagnostic> {
        let parse = |(key, text): &(String, String)| {
            Operator::chosen(text).map(|operator| GivenKey {
                name: key.clone(),
                operator,
                is_met: false,
            })
        };
        Ok(Self {
            given: options
                .log_keys
                .iter()
                .map(parse)
                .collect::<Result<_, _>>()?,
        })
    }

    fn operator(&mut self, key: &str) -> Option<Operator> {
        let Some(given) = self.given.iter_mut().find(|given| given.name == key) else {
            return Operator::of_key(key);
        };
        given.is_met = true;
        Some(given.operator.clone())
    }

    fn has_met(&self, key: &str) -> bool {
        let mut given = self.given.iter();
        given.any(|given| given.is_met && given.name == key)
    }
}

fn set_json(line: &mut LogLine, operator: &Operator, value: &Value) -> Result<(), Diagnostic> {
    match value {
        Value::Null => line.set(operator, "-"),
        Value::String(text) => line.set(operator, text),
        Value::Number(number) => line.set(operator, &number.to_string()),
        Value::Bool(flag) => line.set(operator, if *flag { "true" } else { "false" }),
        Value::Array(_) | Value::Object(_) => {
            let found = quote(&value.to_string());
            Err(Diagnostic::new(
                Code::WrongType,
                found,
                "a string, a number or null",
            ))
        }
    }
}
