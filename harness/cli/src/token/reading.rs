//! A token taken apart as far as it goes, for people to look at. Whether a proxy
//! takes it is not asked here.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};
use sluice_policy::json::{TrailingComma, parse_untrusted};

/// Takes padding and stray bits, so that there is something to show.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a section shows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// There is no such section.
    Missing,
    /// It is not base64url.
    NotBase64,
    /// It is not a JSON object in which each key comes once.
    NotObject,
}

impl Unreadable {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Missing => "not there",
            Self::NotBase64 => "not base64url",
            Self::NotObject => "not a JSON object in which each key comes once",
        }
    }
}

/// A section that holds an object.
pub type Section = Result<Map<String, Value>, Unreadable>;

/// What a token holds.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Bytes of the whole token.
    pub bytes: usize,
    /// Sections between dots.
    pub sections: usize,
    /// JOSE header.
    pub header: Section,
    /// Claims.
    pub claims: Section,
    /// Bytes of the signature.
    pub signature_bytes: Result<usize, Unreadable>,
}

impl Reading {
    /// Takes a token apart.
    pub fn new(token: &str) -> Self {
        let mut sections = token.split('.');
        Self {
            bytes: token.len(),
            sections: token.split('.').count(),
            header: object(sections.next()),
            claims: object(sections.next()),
            signature_bytes: decode(sections.next()).map(|bytes| bytes.len()),
        }
    }

    /// A member of the header.
    pub fn heading(&self, name: &str) -> Option<&Value> {
        self.header.as_ref().ok()?.get(name)
    }

    /// A claim.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.as_ref().ok()?.get(name)
    }

    /// A claim that is a time, in whole seconds since 1970.
    pub fn time(&self, name: &str) -> Option<u64> {
        self.claim(name).and_then(as_time)
    }
}

/// Seconds since 1970 (RFC 7519 section 2); what is behind the point does not count.
fn as_time(value: &Value) -> Option<u64> {
    let whole = || {
        let number = value.as_f64()?.trunc();
        // The text of a double is exact up to 2^53, the year 285 million.
        format!("{number:.0}").parse().ok()
    };
    value.as_u64().or_else(whole)
}

fn decode(section: Option<&str>) -> Result<Vec<u8>, Unreadable> {
    let section = section.ok_or(Unreadable::Missing)?;
    LENIENT.decode(section).map_err(|_| Unreadable::NotBase64)
}

fn object(section: Option<&str>) -> Section {
    let bytes = decode(section)?;
    match parse_untrusted(&bytes, TrailingComma::Refused) {
        Some(Value::Object(object)) => Ok(object),
        _ => Err(Unreadable::NotObject),
    }
}

/// What people paste: a token, or the value of a header with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pasted<'t> {
    /// The token alone.
    pub token: &'t str,
    /// The value of a header that does not begin as the usual rule wants it: its first
    /// word, such as `Basic` or `bearer`, and all of it.
    pub otherwise: Option<(&'t str, &'t str)>,
}

impl<'t> Pasted<'t> {
    /// Finds the token; none if there is nothing to look at.
    pub fn new(text: &'t str) -> Option<Self> {
        let text = text.trim();
        let value = text
            .get(..AUTHORIZATION.len())
            .filter(|start| start.eq_ignore_ascii_case(AUTHORIZATION))
            .and_then(|_| text.get(AUTHORIZATION.len()..));
        let text = value.map_or(text, str::trim);
        let is_scheme = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let (scheme, rest) = text
            .split_once(' ')
            .filter(|(word, _)| is_scheme(word))
            .unwrap_or(("", text));
        let pasted = match scheme {
            _ if text == BEARER => return None,
            "" | BEARER => Self {
                token: rest.trim(),
                otherwise: None,
            },
            other => Self {
                token: rest.trim(),
                otherwise: Some((other, text)),
            },
        };
        (!pasted.token.is_empty()).then_some(pasted)
    }
}

const AUTHORIZATION: &str = "authorization:";

/// As the filter looks for it, in this case alone (Envoy compares the bytes).
const BEARER: &str = "Bearer";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// `{"alg":"HS256"}`, `{"exp":1.9}`, one byte.
    const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjEuOX0.AA";

    #[test]
    fn each_section_is_read_by_itself() {
        let reading = Reading::new(TOKEN);
        assert_eq!(reading.heading("alg"), Some(&json!("HS256")));
        assert_eq!(reading.time("exp"), Some(1));
        assert_eq!(reading.signature_bytes, Ok(1));
        let broken = Reading::new("eyJhbGciOiJIUzI1NiJ9.!");
        assert!(broken.header.is_ok());
        assert_eq!(broken.claims, Err(Unreadable::NotBase64));
        assert_eq!(broken.signature_bytes, Err(Unreadable::Missing));
        assert_eq!(Reading::new("AA.AA.AA").header, Err(Unreadable::NotObject));
    }

    #[test]
    fn times_beyond_what_is_exact_are_not_guessed() {
        assert_eq!(as_time(&json!(-1)), None);
        assert_eq!(as_time(&json!("5")), None);
        assert_eq!(as_time(&json!(u64::MAX)), Some(u64::MAX));
    }

    #[test]
    fn a_pasted_header_is_a_token() {
        let token = |text| Pasted::new(text).unwrap();
        for text in [
            "Authorization: Bearer a.b.c\n",
            " Bearer  a.b.c ",
            "a.b.c",
            "authorization:a.b.c",
        ] {
            let alone = Pasted {
                token: "a.b.c",
                otherwise: None,
            };
            assert_eq!(token(text), alone, "{text}");
        }
        for text in [
            "",
            " \n",
            "Bearer ",
            "Authorization: Bearer",
            "authorization:",
        ] {
            assert_eq!(Pasted::new(text), None, "{text:?}");
        }
    }

    #[test]
    fn another_scheme_is_kept() {
        for (text, scheme, value) in [
            ("bearer a.b.c", "bearer", "bearer a.b.c"),
            ("Authorization: Basic a.b.c", "Basic", "Basic a.b.c"),
        ] {
            let pasted = Pasted {
                token: "a.b.c",
                otherwise: Some((scheme, value)),
            };
            assert_eq!(Pasted::new(text), Some(pasted));
        }
    }
}
