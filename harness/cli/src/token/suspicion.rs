//! What is odd about a token though nobody may refuse it for that.

use serde_json::Value;

use super::reading::Reading;
use super::time::span_in_words;

/// A lifetime that is long for a bearer token, in seconds: one day.
const LONG_LIFETIME_S: u64 = 86_400;

/// Envoy's cache of verified tokens takes none that is longer, and neither does ours.
const CACHED_BYTES: usize = 4096;

/// Headers by which a token could name the key to verify it with.
const KEY_BRINGERS: [&str; 4] = ["jku", "jwk", "x5c", "x5u"];

type Suspicion = fn(&Reading, u64) -> Option<String>;

const SUSPICIONS: [Suspicion; 11] = [
    symmetric,
    brings_its_key,
    no_key_id,
    no_issuer,
    no_subject,
    no_audience,
    no_expiry,
    lives_long,
    from_the_future,
    dotted_claims,
    large,
];

/// Everything odd about a token at `now`, one line each.
pub fn suspicions(reading: &Reading, now: u64) -> Vec<String> {
    let each = SUSPICIONS.iter();
    each.filter_map(|suspicion| suspicion(reading, now))
        .collect()
}

/// A remark, if `odd`.
fn when(odd: bool, remark: &str) -> Option<String> {
    odd.then(|| remark.to_owned())
}

fn symmetric(reading: &Reading, _: u64) -> Option<String> {
    let alg = reading.heading("alg").and_then(Value::as_str);
    when(
        alg.is_some_and(|alg| alg.starts_with("HS")),
        "alg: a shared secret; whoever can verify such tokens can make them",
    )
}

fn brings_its_key(reading: &Reading, _: u64) -> Option<String> {
    let names = KEY_BRINGERS.iter();
    let mut brought = names.filter(|name| reading.heading(name).is_some());
    let name = brought.next()?;
    Some(format!(
        "{name}: the token names its own key, which is ignored; whoever obeys it trusts anybody"
    ))
}

fn no_key_id(reading: &Reading, _: u64) -> Option<String> {
    let missing = reading.header.is_ok() && reading.heading("kid").is_none();
    when(
        missing,
        "kid: not there, so every key of that kind is tried",
    )
}

fn no_issuer(reading: &Reading, _: u64) -> Option<String> {
    let missing = reading.claims.is_ok() && reading.claim("iss").is_none();
    when(
        missing,
        "iss: not there, so no rule that names an issuer takes the token",
    )
}

fn no_subject(reading: &Reading, _: u64) -> Option<String> {
    let missing = reading.claims.is_ok() && reading.claim("sub").is_none();
    when(missing, "sub: not there, so the request has no principal")
}

fn no_audience(reading: &Reading, _: u64) -> Option<String> {
    let missing = reading.claims.is_ok() && reading.claim("aud").is_none();
    when(
        missing,
        "aud: not there, so the token is good for every service that asks for none",
    )
}

fn no_expiry(reading: &Reading, _: u64) -> Option<String> {
    let expiry = reading.claim("exp").map(|_| reading.time("exp"));
    let never = reading.claims.is_ok() && matches!(expiry, None | Some(Some(0)));
    when(never, "exp: not there or 0, so the token never expires")
}

fn lives_long(reading: &Reading, now: u64) -> Option<String> {
    let from = reading
        .time("nbf")
        .or_else(|| reading.time("iat"))
        .unwrap_or(now);
    let lifetime = reading.time("exp")?.checked_sub(from)?;
    let long = lifetime > LONG_LIFETIME_S;
    long.then(|| format!("exp: the token lives for {}", span_in_words(lifetime)))
}

fn from_the_future(reading: &Reading, now: u64) -> Option<String> {
    when(
        reading.time("iat").is_some_and(|issued| issued > now),
        "iat: in the future, which nobody checks; a clock is wrong",
    )
}

fn dotted_claims(reading: &Reading, _: u64) -> Option<String> {
    let claims = reading.claims.as_ref().ok()?;
    let name = claims.keys().find(|name| name.contains('.'))?;
    Some(format!(
        "{name}: a dot in the name of a claim, which outputClaimToHeaders cannot name"
    ))
}

fn large(reading: &Reading, _: u64) -> Option<String> {
    let odd = reading.bytes > CACHED_BYTES;
    odd.then(|| {
        format!(
            "{} bytes: a token of more than {CACHED_BYTES} is verified anew at each request",
            reading.bytes
        )
    })
}
