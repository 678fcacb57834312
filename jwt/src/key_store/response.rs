//! The answer to a fetch.

use std::fmt;

use sluice_policy::{CalloutEvent, HeaderLine};

use crate::{MAX_JWKS_BYTES, Status};

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchFailure {
    /// No answer: the host knows no such cluster, the connection broke, or it took
    /// too long.
    NoAnswer,
    /// Another status than 200; `None` when there was none to read.
    BadStatus(Option<u16>),
    /// The body was larger than a megabyte, and this many bytes.
    TooLarge(usize),
    /// The OpenID configuration led nowhere, for this reason.
    BadDocument(String),
    /// The body was no key set.
    BadKeys(Status),
}

impl fmt::Display for FetchFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer => formatter.write_str("no answer"),
            Self::BadStatus(Some(status)) => {
                write!(formatter, "found status {status}, expected 200")
            }
            Self::BadStatus(None) => formatter.write_str("found no status, expected 200"),
            Self::TooLarge(bytes) => {
                write!(
                    formatter,
                    "found {bytes} bytes, expected at most {MAX_JWKS_BYTES}"
                )
            }
            Self::BadDocument(reason) => formatter.write_str(reason),
            Self::BadKeys(status) => formatter.write_str(status.text()),
        }
    }
}

/// A good answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer<'e> {
    pub(super) body: &'e [u8],
    /// How long it may be kept from now on, if it says so.
    pub(super) max_age_s: Option<u64>,
}

/// Reads what came back.
pub(super) fn read<'e>(event: &CalloutEvent<'e>) -> Result<Answer<'e>, FetchFailure> {
    let CalloutEvent::HttpResponse { headers, body } = *event else {
        return Err(FetchFailure::NoAnswer);
    };
    let status = value(headers, b":status").and_then(number);
    if status != Some(200) {
        let status = status.and_then(|status| u16::try_from(status).ok());
        return Err(FetchFailure::BadStatus(status));
    }
    if body.len() > MAX_JWKS_BYTES {
        return Err(FetchFailure::TooLarge(body.len()));
    }
    Ok(Answer {
        body,
        max_age_s: max_age_s(headers),
    })
}

fn value<'e>(headers: &[HeaderLine<'e>], name: &[u8]) -> Option<&'e [u8]> {
    headers
        .iter()
        .find(|(found, _)| *found == name)
        .map(|(_, value)| *value)
}

/// `max-age` of `cache-control`, less the `age` that a cache on the way has given
/// it (RFC 9111 sections 5.2.2.1 and 4.2.3). `no-cache` and `no-store` ask for none.
fn max_age_s(headers: &[HeaderLine<'_>]) -> Option<u64> {
    let lines = headers.iter().filter(|(name, _)| *name == b"cache-control");
    let directives = lines.flat_map(|(_, line)| line.split(|&byte| byte == b','));
    // Of several the shortest: nothing is kept longer than any of them permits.
    let max_age = directives.filter_map(directive_s).min()?;
    let age = value(headers, b"age").and_then(number).unwrap_or(0);
    Some(max_age.saturating_sub(age))
}

/// How long one directive lets a body be kept, if it speaks of that.
fn directive_s(directive: &[u8]) -> Option<u64> {
    let directive = directive.trim_ascii();
    let end = directive.iter().position(|&byte| byte == b'=');
    let (name, value) = directive.split_at_checked(end.unwrap_or(directive.len()))?;
    if name.eq_ignore_ascii_case(b"no-cache") || name.eq_ignore_ascii_case(b"no-store") {
        return Some(0);
    }
    if !name.eq_ignore_ascii_case(b"max-age") {
        return None;
    }
    let value = value.strip_prefix(b"=")?;
    let unquoted = value
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    number(unquoted.unwrap_or(value))
}

/// Decimal digits only; more than fit are as many as fit (RFC 9111 section 1.2.2).
fn number(digits: &[u8]) -> Option<u64> {
    let digits = digits.trim_ascii();
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| {
        digits.iter().fold(0_u64, |number, &digit| {
            number
                .saturating_mul(10)
                .saturating_add(u64::from(digit - b'0'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn max_age(lines: &[(&str, &str)]) -> Option<u64> {
        let mut headers: Vec<HeaderLine<'_>> = vec![(b":status", b"200")];
        headers.extend(
            lines
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_bytes())),
        );
        let event = CalloutEvent::HttpResponse {
            headers: &headers,
            body: b"",
        };
        read(&event).unwrap().max_age_s
    }

    #[test]
    fn the_issuer_says_how_long_its_keys_may_be_kept() {
        let cases = [
            ("max-age=300", Some(300)),
            (
                "public, max-age=21600, must-revalidate, no-transform",
                Some(21_600),
            ),
            ("Public,MAX-AGE=\"60\"", Some(60)),
            ("max-age=99999999999999999999999", Some(u64::MAX)),
            ("max-age=300, max-age=200", Some(200)),
            ("no-cache", Some(0)),
            ("no-store, max-age=300", Some(0)),
            ("s-maxage=5, private", None),
            ("max-age=-1", None),
            ("max-age=", None),
            ("max-age", None),
            ("max-age=5=6", None),
            ("", None),
        ];
        for (value, expected) in cases {
            assert_eq!(max_age(&[("cache-control", value)]), expected, "{value}");
        }
        assert_eq!(max_age(&[]), None);
        assert_eq!(max_age(&[("surrogate-control", "max-age=7")]), None);
        assert_eq!(
            max_age(&[("cache-control", "public"), ("cache-control", "max-age=7")]),
            Some(7)
        );
    }

    #[test]
    fn the_time_spent_in_a_cache_counts() {
        let aged = |age| max_age(&[("cache-control", "max-age=300"), ("age", age)]);
        assert_eq!(aged("100"), Some(200));
        assert_eq!(aged(" 100\t"), Some(200));
        assert_eq!(aged("301"), Some(0));
        assert_eq!(aged("soon"), Some(300));
    }

    #[test]
    fn only_200_is_an_answer() {
        let with_status = |headers: &[HeaderLine<'_>]| {
            let event = CalloutEvent::HttpResponse {
                headers,
                body: b"{}",
            };
            read(&event).map(|answer| answer.body.len())
        };
        assert_eq!(with_status(&[(b":status", b"200")]), Ok(2));
        for status in [100, 201, 204, 206, 301, 304, 401, 404, 429, 500, 503] {
            let text = status.to_string();
            assert_eq!(
                with_status(&[(b":status", text.as_bytes())]),
                Err(FetchFailure::BadStatus(Some(status)))
            );
        }
        for bad in [b"".as_slice(), b"ok", b"99999"] {
            assert_eq!(
                with_status(&[(b":status", bad)]),
                Err(FetchFailure::BadStatus(None))
            );
        }
        assert_eq!(with_status(&[]), Err(FetchFailure::BadStatus(None)));
        assert_eq!(read(&CalloutEvent::Failed), Err(FetchFailure::NoAnswer));
        assert_eq!(
            read(&CalloutEvent::GrpcMessage(b"")),
            Err(FetchFailure::NoAnswer)
        );
    }

    #[test]
    fn a_body_is_bounded() {
        let headers: [HeaderLine<'_>; 1] = [(b":status", b"200")];
        let of_size = |size: usize| {
            let body = vec![b' '; size];
            let event = CalloutEvent::HttpResponse {
                headers: &headers,
                body: &body,
            };
            read(&event).map(|answer| answer.body.len())
        };
        assert_eq!(of_size(MAX_JWKS_BYTES), Ok(MAX_JWKS_BYTES));
        assert_eq!(
            of_size(MAX_JWKS_BYTES + 1),
            Err(FetchFailure::TooLarge(MAX_JWKS_BYTES + 1))
        );
    }

    #[test]
    fn failures_read_as_sentences() {
        let cases = [
            (FetchFailure::NoAnswer, "no answer"),
            (
                FetchFailure::BadStatus(Some(404)),
                "found status 404, expected 200",
            ),
            (
                FetchFailure::BadStatus(None),
                "found no status, expected 200",
            ),
            (
                FetchFailure::TooLarge(1_048_577),
                "found 1048577 bytes, expected at most 1048576",
            ),
            (
                FetchFailure::BadKeys(Status::JwksBadJson),
                "Jwks is an invalid JSON",
            ),
            (FetchFailure::BadDocument("x".to_owned()), "x"),
        ];
        for (failure, words) in cases {
            assert_eq!(failure.to_string(), words);
        }
    }
}
