//! Lines of a token and the keys that verify it, or do not: samples of Istio and
//! Envoy, RFCs, Wycheproof. Each is run with every tier.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sluice_jwt::testing::{RingHost, verify_signature};
use sluice_jwt::{KeySet, NoHostCrypto};

use super::authentication::{Served, Tier};
use super::file::case_of;
use super::line::Line;
use super::one_token;
use super::scenario::{Driver, Observation, Obstacle, Scenario};
use super::verdict::Verdict;

/// A time at which no token of a line without `now` has ended or has not begun.
const NO_TIME: u64 = 1;

/// Why a good signature is no good request.
const NO_CLAIMS: &str = "the payload is no JSON object, which every filter refuses before the signature; the engine alone verifies it";

/// Judges every line.
pub fn judge_all(lines: &[Line], driver: &mut dyn Driver) -> Vec<Verdict> {
    let staged: Vec<Result<Vec<Scenario>, Verdict>> = lines.iter().map(stage).collect();
    let scenarios: Vec<Scenario> = staged.iter().flatten().flatten().cloned().collect();
    let mut answers = driver.run(&scenarios).into_iter();
    let verdicts = lines.iter().zip(staged).map(|(line, staged)| {
        let case = case_of(line)?;
        let count = staged?.len();
        let answers: Vec<_> = answers.by_ref().take(count).collect();
        Ok(judge(case, driver.name(), &answers))
    });
    verdicts
        .map(|verdict| verdict.unwrap_or_else(|verdict| verdict))
        .collect()
}

fn stage(line: &Line) -> Result<Vec<Scenario>, Verdict> {
    let case = case_of(line)?;
    if let Some(reason) = case["questionable"].as_str() {
        return Err(Verdict::skipped(format!("questionable: {reason}")));
    }
    let token = token(case);
    Ok(Tier::ALL
        .iter()
        .map(|tier| scenario(case, &token, *tier))
        .collect())
}

/// What a client would send; a JSON serialisation is sent as it is.
fn token(case: &Value) -> String {
    match &case["token"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn scenario(case: &Value, token: &str, tier: Tier) -> Scenario {
    let name = case["name"].as_str().unwrap_or_default();
    let served = Served::Document(key_set(case).to_string());
    let now_s = case["now"].as_u64().unwrap_or(NO_TIME);
    one_token::scenario(name, token, served, now_s, tier)
}

/// The line's set, or the set of its only key.
fn key_set(case: &Value) -> Value {
    match (&case["jwks"], &case["jwk"]) {
        (Value::Null, Value::Null) => json!({"keys": []}),
        (Value::Null, key) => json!({"keys": [key]}),
        (set, _) => set.clone(),
    }
}

fn judge(case: &Value, driver: &str, answers: &[Result<Observation, Obstacle>]) -> Verdict {
    let token = token(case);
    if driver == "engine" {
        let verdict = judge_signature(case, &token);
        if verdict != Verdict::Passed {
            return verdict;
        }
    }
    let valid = is_valid(case);
    if valid && !has_claims(&token) {
        let alone = driver == "engine";
        return if alone {
            Verdict::Passed
        } else {
            Verdict::skipped(NO_CLAIMS)
        };
    }
    let verdicts = Tier::ALL
        .iter()
        .zip(answers)
        .map(|(tier, answer)| match answer {
            Ok(found) if found.forwarded == valid => Verdict::Passed,
            Ok(found) => Verdict::failed(format!("{tier:?}: {found}"), format!("valid: {valid}")),
            Err(obstacle) => obstacle.clone().into(),
        });
    worst(verdicts)
}

/// A failure, or else a pass: a tier that a driver cannot stage does not hide those
/// that it can.
fn worst(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let mut worst = Verdict::skipped("nothing was run");
    for verdict in verdicts {
        match verdict {
            Verdict::Failed(_) => return verdict,
            Verdict::Passed => worst = Verdict::Passed,
            Verdict::Skipped(_) if worst != Verdict::Passed => worst = verdict,
            Verdict::Skipped(_) => {}
        }
    }
    worst
}

/// Whether the token would be believed: by its keys, at its time.
fn is_valid(case: &Value) -> bool {
    let flag = |name: &str| case[name].as_bool();
    flag("valid").unwrap_or_else(|| {
        flag("signature_valid").unwrap_or(false) && flag("time_valid").unwrap_or(true)
    })
}

/// The signature alone, whatever is signed, by the host and in the VM.
fn judge_signature(case: &Value, token: &str) -> Verdict {
    let expected = case["signature_valid"]
        .as_bool()
        .unwrap_or_else(|| is_valid(case));
    let set = KeySet::parse(key_set(case).to_string().as_bytes());
    let by_host =
        |set: &KeySet| verify_signature(token.as_bytes(), set, &mut RingHost::default()).0;
    let in_vm = |set: &KeySet| verify_signature(token.as_bytes(), set, &mut NoHostCrypto).0;
    let found = [
        set.as_ref().map_err(|status| *status).and_then(by_host),
        set.as_ref().map_err(|status| *status).and_then(in_vm),
    ];
    if found.iter().all(|result| result.is_ok() == expected) {
        return Verdict::Passed;
    }
    let found = format!("by the host {:?}, in the VM {:?}", found[0], found[1]);
    Verdict::failed(found, format!("signature valid: {expected}"))
}

/// Whether the token's payload can hold claims.
fn has_claims(token: &str) -> bool {
    let payload = token
        .split('.')
        .nth(1)
        .map(|payload| URL_SAFE_NO_PAD.decode(payload));
    let Some(Ok(payload)) = payload else {
        return false;
    };
    serde_json::from_slice::<Map<String, Value>>(&payload).is_ok()
}
