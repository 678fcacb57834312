//! Envoy's command operators, and what each tells about an exchange.

use crate::diagnostic::{Code, Diagnostic, quote};
use crate::fields::is_field_name;

/// What a value is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operator {
    /// `%START_TIME%`.
    StartTime,
    /// `%RESPONSE_CODE%`.
    ResponseCode,
    /// An attribute.
    Attribute(&'static str, Form),
    /// A header or trailer line.
    Field(Part, String),
    /// An operator that stands for nothing a filter could ask.
    Ignored(String),
}

/// How the text becomes the attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Int,
    /// `10.0.0.7:40412`; gives the port too.
    Address,
    /// Milliseconds.
    Millis,
    /// Short names of response flags, separated by commas.
    Flags,
    /// The first of several, separated by commas, as Envoy's attribute has it. Only a
    /// peer that presented a certificate has one, so it tells of mutual TLS.
    PeerSan,
    /// Tells of mutual TLS too. A certificate may lack a subject.
    PeerFact,
    /// Every certificate has a digest: where there is none, no certificate was presented.
    PeerDigest,
    /// Tells, where there is none, that there was no TLS.
    TlsVersion,
}

/// Which part of the exchange a line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Request,
    Response,
    ResponseTrailers,
}

struct Row {
    operator: &'static str,
    attribute: &'static str,
    form: Form,
}

const fn row(operator: &'static str, attribute: &'static str, form: Form) -> Row {
    Row {
        operator,
        attribute,
        form,
    }
}

/// Operators that are attributes. The attribute names are Envoy's.
const ROWS: &[Row] = &[
    row("BYTES_RECEIVED", "request.size", Form::Int),
    row("BYTES_SENT", "response.size", Form::Int),
    row("CONNECTION_ID", "connection.id", Form::Int),
    row(
        "CONNECTION_TERMINATION_DETAILS",
        "connection.termination_details",
        Form::Text,
    ),
    row(
        "DOWNSTREAM_LOCAL_ADDRESS",
        "destination.address",
        Form::Address,
    ),
    row(
        "DOWNSTREAM_LOCAL_DNS_SAN",
        "connection.dns_san_local_certificate",
        Form::Text,
    ),
    row(
        "DOWNSTREAM_LOCAL_SUBJECT",
        "connection.subject_local_certificate",
        Form::Text,
    ),
    row(
        "DOWNSTREAM_LOCAL_URI_SAN",
        "connection.uri_san_local_certificate",
        Form::Text,
    ),
    row(
        "DOWNSTREAM_PEER_DNS_SAN",
        "connection.dns_san_peer_certificate",
        Form::PeerSan,
    ),
    row(
        "DOWNSTREAM_PEER_FINGERPRINT_256",
        "connection.sha256_peer_certificate_digest",
        Form::PeerDigest,
    ),
    row(
        "DOWNSTREAM_PEER_SUBJECT",
        "connection.subject_peer_certificate",
        Form::PeerFact,
    ),
    row(
        "DOWNSTREAM_PEER_URI_SAN",
        "connection.uri_san_peer_certificate",
        Form::PeerSan,
    ),
    row("DOWNSTREAM_REMOTE_ADDRESS", "source.address", Form::Address),
    row(
        "DOWNSTREAM_TLS_VERSION",
        "connection.tls_version",
        Form::TlsVersion,
    ),
    row(
        "DOWNSTREAM_TRANSPORT_FAILURE_REASON",
        "connection.transport_failure_reason",
        Form::Text,
    ),
    row("DURATION", "request.duration", Form::Millis),
    row("FILTER_CHAIN_NAME", "xds.filter_chain_name", Form::Text),
    row("GRPC_STATUS_NUMBER", "response.grpc_status", Form::Int),
    row("PROTOCOL", "request.protocol", Form::Text),
    row(
        "REQUESTED_SERVER_NAME",
        "connection.requested_server_name",
        Form::Text,
    ),
    row("RESPONSE_CODE_DETAILS", "response.code_details", Form::Text),
    row("RESPONSE_FLAGS", "response.flags", Form::Flags),
    row("ROUTE_NAME", "xds.route_name", Form::Text),
    row("UPSTREAM_CLUSTER", "xds.cluster_name", Form::Text),
    row("UPSTREAM_CLUSTER_RAW", "xds.cluster_name", Form::Text),
    row("UPSTREAM_HOST", "upstream.address", Form::Address),
    row(
        "UPSTREAM_LOCAL_ADDRESS",
        "upstream.local_address",
        Form::Text,
    ),
    row(
        "UPSTREAM_REQUEST_ATTEMPT_COUNT",
        "upstream.request_attempt_count",
        Form::Int,
    ),
    row("UPSTREAM_TLS_VERSION", "upstream.tls_version", Form::Text),
    row(
        "UPSTREAM_TRANSPORT_FAILURE_REASON",
        "upstream.transport_failure_reason",
        Form::Text,
    ),
];

/// Keys that logs use for headers: Istio's default JSON format, and what is common.
const HEADER_KEYS: &[(&str, Part, &str)] = &[
    ("authority", Part::Request, ":authority"),
    ("method", Part::Request, ":method"),
    ("path", Part::Request, ":path"),
    ("referer", Part::Request, "referer"),
    ("request_id", Part::Request, "x-request-id"),
    ("scheme", Part::Request, ":scheme"),
    ("traceparent", Part::Request, "traceparent"),
    (
        "upstream_service_time",
        Part::Response,
        "x-envoy-upstream-service-time",
    ),
    ("user_agent", Part::Request, "user-agent"),
    (
        "x_envoy_upstream_service_time",
        Part::Response,
        "x-envoy-upstream-service-time",
    ),
    ("x_forwarded_for", Part::Request, "x-forwarded-for"),
    ("x_forwarded_proto", Part::Request, "x-forwarded-proto"),
    ("x_request_id", Part::Request, "x-request-id"),
];

/// Operators with a header name in parentheses, in the spellings of old and new Envoys.
const HEADER_OPERATORS: &[(&str, Part)] = &[
    ("REQ", Part::Request),
    ("REQUEST_HEADER", Part::Request),
    ("RESP", Part::Response),
    ("RESPONSE_HEADER", Part::Response),
    ("TRAILER", Part::ResponseTrailers),
    ("RESPONSE_TRAILER", Part::ResponseTrailers),
];

impl Operator {
    /// Reads an operator, with or without percent signs: `%REQ(X-FOO?Y-FOO):10%`.
    pub(super) fn parse(text: &str) -> Result<Self, Diagnostic> {
        let bare = text
            .strip_prefix('%')
            .and_then(|rest| rest.strip_suffix('%'))
            .unwrap_or(text);
        let (name, argument) = match bare.split_once('(') {
            Some((name, rest)) => {
                let closed = rest.rsplit_once(')').ok_or_else(|| malformed(text))?;
                (name, Some(closed.0))
            }
            None => (
                bare.split_once(':').map_or(bare, |(name, _length)| name),
                None,
            ),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.is_empty() || !name.bytes().all(is_name) {
            return Err(malformed(text));
        }
        Ok(Self::of_parts(&name.to_ascii_uppercase(), argument))
    }

    /// An operator that somebody chose for a key: one that stands for nothing here
    /// was not meant, or would be asked for in vain.
    pub(super) fn chosen(text: &str) -> Result<Self, Diagnostic> {
        let operator = Self::parse(text)?;
        let Self::Ignored(name) = &operator else {
            return Ok(operator);
        };
        let expected = "a command operator that stands for an attribute or for one header";
        Err(
            Diagnostic::new(Code::InvalidLogFormat, quote(text), expected)
                .suggest_near(name, known_names()),
        )
    }

    /// The operator of a key in a JSON log: `:path` header names, `REQ(X-FOO)`, operator
    /// names and Istio's names, in any case, with `-` or `_`.
    pub(super) fn of_key(key: &str) -> Option<Self> {
        if key.contains('(') || key.starts_with('%') {
            let operator = Self::parse(key).ok()?;
            return (!matches!(operator, Self::Ignored(_))).then_some(operator);
        }
        let plain = key
            .strip_prefix(':')
            .unwrap_or(key)
            .to_ascii_lowercase()
            .replace('-', "_");
        if let Some((_, part, name)) = HEADER_KEYS.iter().find(|(known, ..)| *known == plain) {
            return Some(Self::Field(*part, (*name).to_owned()));
        }
        match Self::of_parts(&plain.to_ascii_uppercase(), None) {
            Self::Ignored(_) => None,
            operator => Some(operator),
        }
    }

    fn of_parts(name: &str, argument: Option<&str>) -> Self {
        if let Some((_, part)) = HEADER_OPERATORS.iter().find(|(known, _)| *known == name) {
            return Self::of_header(name, *part, argument.unwrap_or_default());
        }
        match (name, argument) {
            ("START_TIME", None) => Self::StartTime,
            ("RESPONSE_CODE", None) => Self::ResponseCode,
            (_, None) => ROWS.iter().find(|row| row.operator == name).map_or_else(
                || Self::Ignored(name.to_owned()),
                |row| Self::Attribute(row.attribute, row.form),
            ),
            (_, Some(argument)) => Self::Ignored(format!("{name}({argument})")),
        }
    }

    /// `A?B` takes header A, else B: which of them a value is, the log does not say. The
    /// one that everybody logs is clear: the path before the router rewrote it is the
    /// path that filters saw.
    fn of_header(operator: &str, part: Part, argument: &str) -> Self {
        let lower = argument.to_ascii_lowercase();
        let name = match lower.split_once('?') {
            Some(("x-envoy-original-path", ":path")) => ":path",
            Some(_) => "",
            None => lower.as_str(),
        };
        match is_field_name(name) {
            true => Self::Field(part, name.to_owned()),
            false => Self::Ignored(format!("{operator}({argument})")),
        }
    }
}

fn known_names() -> impl Iterator<Item = &'static str> {
    ["START_TIME", "RESPONSE_CODE"]
        .into_iter()
        .chain(ROWS.iter().map(|row| row.operator))
}

fn malformed(text: &str) -> Diagnostic {
    let expected = "a command operator such as `%REQ(X-REQUEST-ID)%`";
    Diagnostic::new(Code::InvalidLogFormat, quote(text), expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AttributeKind;

    fn request(name: &str) -> Operator {
        Operator::Field(Part::Request, name.to_owned())
    }

    #[test]
    fn every_row_names_an_attribute_of_envoy() {
        let names: Vec<_> = AttributeKind::names().collect();
        for row in ROWS {
            assert!(names.contains(&row.attribute), "{}", row.attribute);
        }
    }

    #[test]
    fn operators_have_names_arguments_and_lengths() {
        let parse = |text| Operator::parse(text).unwrap();
        assert_eq!(parse("%REQ(X-Foo)%"), request("x-foo"));
        assert_eq!(parse("%REQUEST_HEADER(:METHOD):10%"), request(":method"));
        assert_eq!(parse("REQ(X-ENVOY-ORIGINAL-PATH?:PATH)"), request(":path"));
        assert_eq!(
            parse("%REQ(A?B)%"),
            Operator::Ignored("REQ(A?B)".to_owned())
        );
        assert_eq!(parse("%START_TIME%"), Operator::StartTime);
        assert_eq!(
            parse("%START_TIME(%s)%"),
            Operator::Ignored("START_TIME(%s)".to_owned())
        );
        assert_eq!(
            parse("%HOSTNAME%"),
            Operator::Ignored("HOSTNAME".to_owned())
        );
        assert_eq!(
            parse("%PROTOCOL:3%"),
            Operator::Attribute("request.protocol", Form::Text)
        );
        for wrong in ["", "%%", "%REQ(A%", "%A B%"] {
            assert_eq!(
                Operator::parse(wrong).unwrap_err().code,
                Code::InvalidLogFormat,
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_chosen_operator_stands_for_something() {
        assert_eq!(Operator::chosen("%REQ(X-A)%").unwrap(), request("x-a"));
        let fault = Operator::chosen("%DOWNSTREAM_PEER_URI_SANS%").unwrap_err();
        let help = Some("did you mean `DOWNSTREAM_PEER_URI_SAN`?");
        assert_eq!(fault.suggestion.as_deref(), help);
        for wrong in ["%XYZ%", "%HOSTNAME%", "%REQ(A?B)%", "%REQ%"] {
            let fault = Operator::chosen(wrong).unwrap_err();
            assert_eq!(fault.code, Code::InvalidLogFormat, "{wrong}");
        }
    }

    #[test]
    fn keys_may_be_spelt_as_operators_or_as_istio_does() {
        let peer = Operator::Attribute("connection.uri_san_peer_certificate", Form::PeerSan);
        for key in [
            "downstream_peer_uri_san",
            "DOWNSTREAM_PEER_URI_SAN",
            "downstream-peer-uri-san",
        ] {
            assert_eq!(Operator::of_key(key), Some(peer.clone()), "{key}");
        }
        for key in ["path", ":path", "REQ(:PATH)", "%REQ(:PATH)%"] {
            assert_eq!(Operator::of_key(key), Some(request(":path")), "{key}");
        }
        assert_eq!(
            Operator::of_key("x-request-id"),
            Some(request("x-request-id"))
        );
        assert_eq!(Operator::of_key("level"), None);
    }
}
