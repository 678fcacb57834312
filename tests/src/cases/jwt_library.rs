//! Lines of Envoy's JWT library: a key set or a token, and the status that the
//! library gives it by its own name.

use serde_json::Value;
use sluice_jwt::{KeySet, Status};

use super::authentication::{Served, Tier};
use super::file::case_of;
use super::line::Line;
use super::one_token;
use super::scenario::{Driver, Observation, Scenario};
use super::verdict::Verdict;

/// A time of lines without `now`: 2025-10-09.
const NOW: u64 = 1_760_000_000;

const PEM: &str = "a bare PEM key: Istio has no field for one, only sets of certificates by kid";

/// The library's names; ours are of the texts.
const NAMES: [(&str, Status); 63] = {
    use Status as S;
    [
        ("JwtMissed", S::Missing),
        ("JwtNotYetValid", S::NotYetValid),
        ("JwtExpired", S::Expired),
        ("JwtBadFormat", S::BadFormat),
        ("JwtHeaderParseErrorBadBase64", S::HeaderBadBase64),
        ("JwtHeaderParseErrorBadJson", S::HeaderBadJson),
        ("JwtHeaderBadAlg", S::HeaderBadAlgorithm),
        ("JwtHeaderNotImplementedAlg", S::HeaderAlgorithmNotSupported),
        ("JwtHeaderBadKid", S::HeaderBadKeyId),
        ("JwtPayloadParseErrorBadBase64", S::PayloadBadBase64),
        ("JwtPayloadParseErrorBadJson", S::PayloadBadJson),
        ("JwtPayloadParseErrorIssNotString", S::BadIssuer),
        ("JwtPayloadParseErrorSubNotString", S::BadSubject),
        ("JwtPayloadParseErrorIatNotInteger", S::IssuedAtNotInteger),
        ("JwtPayloadParseErrorIatOutOfRange", S::IssuedAtOutOfRange),
        ("JwtPayloadParseErrorNbfNotInteger", S::NotBeforeNotInteger),
        ("JwtPayloadParseErrorNbfOutOfRange", S::NotBeforeOutOfRange),
        ("JwtPayloadParseErrorExpNotInteger", S::ExpiryNotInteger),
        ("JwtPayloadParseErrorExpOutOfRange", S::ExpiryOutOfRange),
        ("JwtPayloadParseErrorJtiNotString", S::BadTokenId),
        ("JwtPayloadParseErrorAudNotString", S::BadAudience),
        ("JwtSignatureParseErrorBadBase64", S::SignatureBadBase64),
        ("JwtEd25519SignatureWrongLength", S::SignatureWrongLength),
        ("JwtUnknownIssuer", S::UnknownIssuer),
        ("JwtAudienceNotAllowed", S::AudienceNotAllowed),
        ("JwtVerificationFail", S::VerificationFailed),
        ("JwksParseError", S::JwksBadJson),
        ("JwksNoKeys", S::JwksNoKeys),
        ("JwksBadKeys", S::JwksKeysNotList),
        ("JwksNoValidKeys", S::NoValidKey),
        ("JwksKidAlgMismatch", S::NoMatchingKey),
        ("JwksRsaParseError", S::RsaInvalid),
        ("JwksEcXorYBadBase64", S::EcBadBase64),
        ("JwksEcParseError", S::EcInvalid),
        ("JwksOctBadBase64", S::OctBadBase64),
        ("JwksOKPXBadBase64", S::OkpBadBase64),
        ("JwksOKPXWrongLength", S::OkpWrongLength),
        ("JwksFetchFail", S::FetchFailed),
        ("JwksMissingKty", S::KeyMissingType),
        ("JwksBadKty", S::KeyBadType),
        ("JwksNotImplementedKty", S::KeyTypeNotSupported),
        ("JwksRSAKeyBadAlg", S::RsaBadAlgorithm),
        ("JwksRSAKeyMissingN", S::RsaMissingModulus),
        ("JwksRSAKeyBadN", S::RsaBadModulus),
        ("JwksRSAKeyMissingE", S::RsaMissingExponent),
        ("JwksRSAKeyBadE", S::RsaBadExponent),
        ("JwksECKeyBadAlg", S::EcBadAlgorithm),
        ("JwksECKeyBadCrv", S::EcBadCurve),
        ("JwksECKeyAlgOrCrvUnsupported", S::EcNotSupported),
        (
            "JwksECKeyAlgNotCompatibleWithCrv",
            S::EcAlgorithmOfOtherCurve,
        ),
        ("JwksECKeyMissingX", S::EcMissingX),
        ("JwksECKeyBadX", S::EcBadX),
        ("JwksECKeyMissingY", S::EcMissingY),
        ("JwksECKeyBadY", S::EcBadY),
        ("JwksHMACKeyBadAlg", S::OctBadAlgorithm),
        ("JwksHMACKeyMissingK", S::OctMissingKey),
        ("JwksHMACKeyBadK", S::OctBadKey),
        ("JwksOKPKeyBadAlg", S::OkpBadAlgorithm),
        ("JwksOKPKeyMissingCrv", S::OkpMissingCurve),
        ("JwksOKPKeyBadCrv", S::OkpBadCurve),
        ("JwksOKPKeyCrvUnsupported", S::OkpNotSupported),
        ("JwksOKPKeyMissingX", S::OkpMissingX),
        ("JwksOKPKeyBadX", S::OkpBadX),
    ]
};

/// Statuses that sluice alone gives, by their rows in `docs/filters/jwt-strictness.md`.
const STRICTER: [(Status, &str); 9] = [
    (Status::HeaderCritical, "crit"),
    (Status::KeyNotForSignatures, "use"),
    (Status::KeyBadId, "member-types"),
    (Status::KeyBadAlgorithm, "member-types"),
    (Status::RsaTooSmall, "rsa-size"),
    (Status::RsaWeak, "roca"),
    (Status::OctTooShort, "secret-length"),
    (Status::OctBesidePublic, "published-secret"),
    (Status::KeyAmbiguous, "ambiguous-kid"),
];

/// Statuses of a token's form begin so.
const OF_THE_FORM: [&str; 4] = ["JwtBadFormat", "JwtHeader", "JwtPayload", "JwtSignature"];

/// Judges every line: key sets by their reader, tokens by a driver.
pub fn judge_all(lines: &[Line], driver: &mut dyn Driver) -> Vec<Verdict> {
    let mut judged = super::file::staged(lines, driver, scenario, judge).into_iter();
    let mut verdict = |line: &Line| {
        let staged = judged.next();
        match case_of(line) {
            Ok(case) if case["kind"] == "jwks" => judge_key_set(case),
            _ => staged.unwrap_or_else(|| Verdict::failed("no answer", "an answer")),
        }
    };
    lines.iter().map(&mut verdict).collect()
}

/// The status that a line expects; none if all is well.
fn expected(case: &Value) -> Result<Option<Status>, Verdict> {
    let name = case["status"].as_str().unwrap_or_default();
    if name == "Ok" {
        return Ok(None);
    }
    let known = NAMES.iter().find(|(known, _)| *known == name);
    known
        .map(|(_, status)| Some(*status))
        .ok_or_else(|| Verdict::skipped(format!("no status of ours means {name}")))
}

fn stricter(status: Status) -> Option<Verdict> {
    let row = STRICTER.iter().find(|(own, _)| *own == status);
    row.map(|(_, row)| {
        Verdict::skipped(format!(
            "deliberately stricter: row `{row}` of jwt-strictness.md"
        ))
    })
}

fn judge_key_set(case: &Value) -> Verdict {
    if case["jwks_type"] == "PEM" {
        return Verdict::skipped(PEM);
    }
    let expected = match expected(case) {
        Ok(expected) => expected,
        Err(verdict) => return verdict,
    };
    let text = case["jwks_text"].as_str().unwrap_or_default();
    let found = KeySet::parse(text.as_bytes()).err();
    let own = found.filter(|_| found != expected).and_then(stricter);
    own.unwrap_or_else(|| Verdict::equal(&found, &expected))
}

fn scenario(case: &Value) -> Result<Scenario, Verdict> {
    if case["kind"] == "jwks" {
        return Err(Verdict::skipped("judged by its reader"));
    }
    if case["jwks_type"] == "PEM" {
        return Err(Verdict::skipped(PEM));
    }
    expected(case)?;
    let text = |key: &str| case[key].as_str().unwrap_or_default();
    let now_s = case["now"].as_u64().unwrap_or(NOW);
    let (name, token) = (text("name"), text("token"));
    Ok(one_token::scenario(
        name,
        token,
        served(case),
        now_s,
        Tier::Host,
    ))
}

fn served(case: &Value) -> Served {
    let text = case["jwks_text"].as_str().map(str::to_owned);
    text.map_or(Served::Missing, Served::Document)
}

/// The body of a refusal is its status.
fn judge(case: &Value, found: &Observation) -> Verdict {
    let body = String::from_utf8_lossy(&found.body);
    let expected = match expected(case) {
        Ok(expected) => expected,
        Err(verdict) => return verdict,
    };
    let status = Status::ALL
        .iter()
        .copied()
        .find(|status| status.text() == body);
    let right = match expected {
        Some(expected) => status == Some(expected),
        None if case["kind"] == "parse" => !status.is_some_and(is_of_the_form),
        None => found.forwarded,
    };
    if right {
        return Verdict::Passed;
    }
    let own = status.and_then(stricter).or_else(|| stricter_keys(case));
    own.unwrap_or_else(|| Verdict::failed(format!("{found}: {body}"), format!("{expected:?}")))
}

fn is_of_the_form(status: Status) -> bool {
    let mut names = NAMES.iter().filter(|(_, own)| *own == status);
    names.any(|(name, _)| OF_THE_FORM.iter().any(|start| name.starts_with(start)))
}

/// Whether the line's set has a key that sluice alone leaves out.
fn stricter_keys(case: &Value) -> Option<Verdict> {
    let text = case["jwks_text"].as_str().unwrap_or_default();
    match KeySet::parse(text.as_bytes()) {
        Ok(set) => set.skipped().iter().find_map(|key| stricter(key.status)),
        Err(status) => stricter(status),
    }
}
