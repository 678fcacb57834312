//! The registered claims (RFC 7519 section 4.1), as far as Envoy looks at them.

use serde_json::Value;
use sluice_policy::json::Visited;

use crate::status::Status;

/// Registered claims as they came, before their form is looked at.
#[derive(Default)]
pub struct Found<'p> {
    issuer: Claim<'p>,
    subject: Claim<'p>,
    issued_at: Claim<'p>,
    not_before: Claim<'p>,
    expiry: Claim<'p>,
    token_id: Claim<'p>,
    audiences: Claim<'p>,
}

type Claim<'p> = Option<Visited<'p>>;

impl<'p> Found<'p> {
    /// Takes in a claim, registered or not.
    pub fn note(&mut self, name: &str, value: Visited<'p>) {
        let place = match name.as_bytes() {
            b"iss" => &mut self.issuer,
            b"sub" => &mut self.subject,
            b"iat" => &mut self.issued_at,
            b"nbf" => &mut self.not_before,
            b"exp" => &mut self.expiry,
            b"jti" => &mut self.token_id,
            b"aud" => &mut self.audiences,
            _ => return,
        };
        *place = Some(value);
    }
}

/// Registered claims in the form in which they are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// `iss`, or empty.
    pub issuer: String,
    /// `sub`, or empty.
    pub subject: String,
    /// `nbf`, or 0.
    pub not_before: u64,
    /// `exp`, or 0.
    pub expiry: u64,
    /// `aud`, one or many: texts.
    pub audiences: Vec<Value>,
}

impl Registered {
    /// Looks at the claims in Envoy's order.
    pub fn read(found: Found<'_>) -> Result<Self, Status> {
        let issuer = text(found.issuer, Status::BadIssuer)?;
        let subject = text(found.subject, Status::BadSubject)?;
        // Only its form counts.
        time(
            found.issued_at,
            Status::IssuedAtNotInteger,
            Status::IssuedAtOutOfRange,
        )?;
        let not_before = time(
            found.not_before,
            Status::NotBeforeNotInteger,
            Status::NotBeforeOutOfRange,
        )?;
        let expiry = time(
            found.expiry,
            Status::ExpiryNotInteger,
            Status::ExpiryOutOfRange,
        )?;
        if !matches!(found.token_id, None | Some(Visited::Text(_))) {
            return Err(Status::BadTokenId);
        }
        Ok(Self {
            issuer,
            subject,
            not_before,
            expiry,
            audiences: audiences(found.audiences)?,
        })
    }
}

/// A text; empty if there is none.
fn text(claim: Claim<'_>, otherwise: Status) -> Result<String, Status> {
    match claim {
        None => Ok(String::new()),
        Some(Visited::Text(text)) => Ok(text.into_owned()),
        Some(_) => Err(otherwise),
    }
}

/// Seconds since 1970; a fraction is dropped.
fn time(claim: Claim<'_>, not_integer: Status, out_of_range: Status) -> Result<u64, Status> {
    match claim {
        None => Ok(0),
        Some(Visited::Other(Value::Number(number))) => match (number.as_u64(), number.as_f64()) {
            (Some(whole), _) if whole < FIRST_OUT_OF_RANGE => Ok(whole),
            (None, Some(about)) => truncated(about).ok_or(out_of_range),
            _ => Err(out_of_range),
        },
        Some(_) => Err(not_integer),
    }
}

fn audiences(claim: Claim<'_>) -> Result<Vec<Value>, Status> {
    match claim {
        None => Ok(Vec::new()),
        Some(Visited::Text(one)) => Ok(vec![Value::String(one.into_owned())]),
        Some(Visited::Other(Value::Array(many))) if many.iter().all(Value::is_string) => Ok(many),
        Some(_) => Err(Status::BadAudience),
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
