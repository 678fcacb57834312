//! The registered claims (RFC 7519 section 4.1), as far as Envoy looks at them.

use serde_json::{Map, Value};

use crate::status::Status;

/// Registered claims in the form in which they are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// `nbf`, or 0.
    pub not_before: u64,
    /// `exp`, or 0.
    pub expiry: u64,
}

impl Registered {
    /// Looks at the claims in Envoy's order.
    pub fn read(claims: &Map<String, Value>) -> Result<Self, Status> {
        check_text(claims, "iss", Status::BadIssuer)?;
        check_text(claims, "sub", Status::BadSubject)?;
        // Only its form counts.
        time(
            claims,
            "iat",
            Status::IssuedAtNotInteger,
            Status::IssuedAtOutOfRange,
        )?;
        let not_before = time(
            claims,
            "nbf",
            Status::NotBeforeNotInteger,
            Status::NotBeforeOutOfRange,
        )?;
        let expiry = time(
            claims,
            "exp",
            Status::ExpiryNotInteger,
            Status::ExpiryOutOfRange,
        )?;
        check_text(claims, "jti", Status::BadTokenId)?;
        if !audiences(claims).iter().all(Value::is_string) {
            return Err(Status::BadAudience);
        }
        Ok(Self { not_before, expiry })
    }
}

/// A claim that was checked to be a text; empty if there is none.
pub fn text<'c>(claims: &'c Map<String, Value>, name: &str) -> &'c str {
    match claims.get(name) {
        Some(Value::String(text)) => text,
        _ => "",
    }
}

fn check_text(claims: &Map<String, Value>, name: &str, otherwise: Status) -> Result<(), Status> {
    match claims.get(name) {
        None | Some(Value::String(_)) => Ok(()),
        Some(_) => Err(otherwise),
    }
}

/// Seconds since 1970; a fraction is dropped.
fn time(
    claims: &Map<String, Value>,
    name: &str,
    not_integer: Status,
    out_of_range: Status,
) -> Result<u64, Status> {
    match claims.get(name) {
        None => Ok(0),
        Some(Value::Number(number)) => match (number.as_u64(), number.as_f64()) {
            (Some(whole), _) if whole < FIRST_OUT_OF_RANGE => Ok(whole),
            (None, Some(about)) => truncated(about).ok_or(out_of_range),
            _ => Err(out_of_range),
        },
        Some(_) => Err(not_integer),
    }
}

/// The first whole number that Envoy, which reads them as doubles, takes for 2^64.
const FIRST_OUT_OF_RANGE: u64 = u64::MAX - 1023;

fn truncated(number: f64) -> Option<u64> {
    const END: f64 = 18_446_744_073_709_551_616.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the range, dropping the fraction is what is wanted"
    )]
    (0.0..END).contains(&number).then_some(number as u64)
}

/// `aud`, one or many: texts, once that was checked.
pub fn audiences(claims: &Map<String, Value>) -> &[Value] {
    match claims.get("aud") {
        None => &[],
        Some(Value::Array(many)) => many,
        Some(one) => std::slice::from_ref(one),
    }
}
