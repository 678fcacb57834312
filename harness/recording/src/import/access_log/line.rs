//! One access-log line as an exchange.

use super::flags;
use super::operator::{Form, Operator, Part};
use crate::diagnostic::{Code, Diagnostic, quote};
use crate::import::{ImportReport, message};
use crate::{Attributes, Exchange, Field, Fields, Partial, Recorded, Request, Response, Timestamp};

/// What is known so far. Whatever the log's format leaves out stays unknown.
#[derive(Debug, Default)]
pub(super) struct LogLine {
    time: Option<Timestamp>,
    attributes: Attributes<'static>,
    /// The status; absent when Envoy sent no response.
    status: Recorded<u16>,
    request: PartialFields,
    response: PartialFields,
    response_trailers: Fields<'static>,
    unknown_flags: Option<String>,
}

/// The lines of a message that the log has.
#[derive(Debug, Default)]
struct PartialFields {
    present: Fields<'static>,
    absent: Vec<String>,
}

impl LogLine {
    /// Takes the value of an operator. `-` is Envoy's word for nothing; an empty value
    /// is what it writes instead where `omit_empty_values` is set, but also an empty header.
    pub(super) fn set(&mut self, operator: &Operator, value: &str) -> Result<(), Diagnostic> {
        let value = value.trim();
        match operator {
            Operator::Ignored(_) => Ok(()),
            Operator::StartTime if is_nothing(value) => Ok(()),
            Operator::StartTime => self.set_time(value),
            Operator::ResponseCode => self.set_status(value),
            Operator::Attribute(name, form) => self.set_attribute(name, *form, value),
            Operator::Field(part, name) => self.set_field(*part, name, value),
        }
    }

    /// Whether the line is about an HTTP request.
    pub(super) fn has_request(&self) -> bool {
        let is_known = |name| self.request.present.first(name).is_some();
        is_known(":method") || is_known(":path")
    }

    /// The exchange.
    pub(super) fn finish(self, report: &mut ImportReport) -> Exchange<'static> {
        if let Some(flags) = self.unknown_flags {
            report.ignore_key(&format!("RESPONSE_FLAGS={flags}"));
        }
        let service_time = self
            .response
            .present
            .first_text("x-envoy-upstream-service-time");
        // The upstream wrote this header: what is no number of milliseconds tells nothing.
        let latency_ms = service_time
            .and_then(|time| time.parse::<u32>().ok())
            .map(f64::from);
        let response = self.status.map(|status| {
            let (mut headers, partial) = self.response.finish();
            headers
                .0
                .insert(0, Field::new(":status", status.to_string()));
            let trailers = match self.response_trailers.is_empty() {
                true => Recorded::Unknown,
                false => Recorded::Known(self.response_trailers),
            };
            Response {
                headers,
                partial,
                trailers,
                latency_ms,
                ..Response::default()
            }
        });
        let (mut headers, partial) = self.request.finish();
        message::sort_pseudo_headers(&mut headers);
        let request = Request {
            headers,
            partial,
            ..Request::default()
        };
        let (time, attributes) = (self.time, self.attributes);
        Exchange {
            time,
            attributes,
            request,
            response,
            ..Exchange::default()
        }
    }

    fn set_time(&mut self, value: &str) -> Result<(), Diagnostic> {
        let expected = "an RFC 3339 time, which `%START_TIME%` without arguments is";
        let time = value
            .parse()
            .map_err(|_| wrong("START_TIME", value, expected))?;
        self.time = Some(time);
        Ok(())
    }

    /// Envoy logs 0 where it sent no response.
    fn set_status(&mut self, value: &str) -> Result<(), Diagnostic> {
        self.status = match value {
            "-" | "0" | "" => Recorded::Absent,
            _ => {
                let status = value
                    .parse()
                    .ok()
                    .filter(|status| (100..=999).contains(status));
                let expected = "a status from 100 to 999, 0 or -";
                Recorded::Known(status.ok_or_else(|| wrong("RESPONSE_CODE", value, expected))?)
            }
        };
        Ok(())
    }

    fn set_attribute(
        &mut self,
        name: &'static str,
        form: Form,
        value: &str,
    ) -> Result<(), Diagnostic> {
        if is_nothing(value) {
            self.set_nothing(name, form);
            return Ok(());
        }
        match form {
            Form::Text => self.insert(name, value.to_owned()),
            Form::Int => self.insert(name, integer(name, value)?),
            Form::Millis => self.insert(name, duration(integer(name, value)?)),
            Form::Address => self.set_address(name, value)?,
            Form::Flags => self.set_flags(name, value),
            Form::PeerSan | Form::PeerFact | Form::PeerDigest => self.set_peer(name, form, value),
            Form::TlsVersion => self.insert(name, value.to_owned()),
        }
        Ok(())
    }

    fn insert(&mut self, name: &'static str, value: impl Into<crate::AttributeValue<'static>>) {
        self.attributes.insert(name, value);
    }

    fn set_nothing(&mut self, name: &'static str, form: Form) {
        match form {
            Form::Flags => self.insert(name, 0_i64),
            Form::TlsVersion | Form::PeerDigest => {
                self.insert(name, crate::AttributeValue::Absent);
                self.insert("connection.mtls", false);
            }
            _ => self.insert(name, crate::AttributeValue::Absent),
        }
    }

    fn set_address(&mut self, name: &'static str, value: &str) -> Result<(), Diagnostic> {
        // Envoy's oldest logs write upstream hosts as URLs.
        let value = value.strip_prefix("tcp://").unwrap_or(value);
        let port_name = match name {
            "source.address" => "source.port",
            "destination.address" => "destination.port",
            _ => "upstream.port",
        };
        // A pipe or an internal listener has no port.
        if let Some((_, port)) = value.rsplit_once(':')
            && !port.is_empty()
            && port.bytes().all(|byte| byte.is_ascii_digit())
        {
            let port: u16 = port
                .parse()
                .map_err(|_| wrong(name, value, "a port up to 65535"))?;
            self.insert(port_name, i64::from(port));
        }
        self.insert(name, value.to_owned());
        Ok(())
    }

    fn set_flags(&mut self, name: &'static str, value: &str) {
        match flags::bits(value) {
            Some(bits) => self.insert(name, bits),
            // A flag that an extension of Envoy registered: it has no bit.
            None => self.unknown_flags = Some(value.to_owned()),
        }
    }

    fn set_peer(&mut self, name: &'static str, form: Form, value: &str) {
        let first = value.split(',').next().unwrap_or(value);
        let fact = if form == Form::PeerSan { first } else { value };
        self.insert(name, fact.to_owned());
        self.insert("connection.mtls", true);
    }

    fn set_field(&mut self, part: Part, name: &str, value: &str) -> Result<(), Diagnostic> {
        let fields = match part {
            Part::Request => &mut self.request,
            Part::Response => &mut self.response,
            Part::ResponseTrailers => {
                if !is_nothing(value) {
                    self.response_trailers.push(field(name, value));
                }
                return Ok(());
            }
        };
        match value {
            "" => Ok(()),
            "-" => {
                fields.absent.push(name.to_owned());
                Ok(())
            }
            _ => fields.set(name, value),
        }
    }
}

impl PartialFields {
    /// Two keys of one log may hold the same header; they cannot differ.
    fn set(&mut self, name: &str, value: &str) -> Result<(), Diagnostic> {
        match self.present.first(name) {
            None => {
                self.present.push(field(name, value));
                Ok(())
            }
            Some(known) if known == value.as_bytes() => Ok(()),
            Some(_) => {
                let expected = "one value, though several keys hold it";
                Err(Diagnostic::new(Code::DuplicateField, quote(value), expected).on(name))
            }
        }
    }

    fn finish(mut self) -> (Fields<'static>, Option<Partial<'static>>) {
        self.absent.sort();
        self.absent.dedup();
        let absent = self.absent.into_iter().map(Into::into).collect();
        (self.present, Some(Partial { absent }))
    }
}

fn field(name: &str, value: &str) -> Field<'static> {
    Field::new(name.to_owned(), value.to_owned())
}

fn is_nothing(value: &str) -> bool {
    matches!(value, "" | "-")
}

fn integer(name: &str, value: &str) -> Result<i64, Diagnostic> {
    value.parse().map_err(|_| wrong(name, value, "an integer"))
}

/// Milliseconds in the form that recordings have for durations.
fn duration(millis: i64) -> String {
    let sign = if millis < 0 { "-" } else { "" };
    let millis = millis.unsigned_abs();
    format!("{sign}{}.{:03}s", millis / 1_000, millis % 1_000)
}

fn wrong(name: &str, value: &str, expected: &str) -> Diagnostic {
    Diagnostic::new(Code::InvalidValue, quote(value), expected).on(name)
}
