//! The recording with tokens: what becomes of each call, and that it will for ever.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "without its recording this test can only fail"
)]

use std::collections::BTreeSet;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sluice_envoy::binary::workspace_dir;
use sluice_envoy::client::HeaderLines;
use sluice_recording::{Exchange, Timestamp};
use sluice_tests::equality::{Seen, harness::Harness, scene::Scene};
use sluice_tests::identity_provider::ALGORITHMS;
use sluice_tests::record::accounts::ISSUER;
use sluice_tests::record::calls::tokens::{Expected, expected};
use sluice_tests::record::scene::{Name, request_id};

const NAME: Name = Name::PaymentServiceJwt;

#[test]
fn every_call_ends_as_the_table_says() {
    let scene = Scene::of(NAME, &NAME.to_string()).unwrap();
    let mut harness = Harness::start(&scene).unwrap();
    let expected: Vec<_> = expected().collect();
    assert_eq!(scene.exchanges.len(), expected.len());
    let mut wrong = Vec::new();
    for (index, (exchange, expected)) in scene.exchanges.iter().zip(expected).enumerate() {
        assert_eq!(exchange.id, request_id(NAME, index));
        let seen = harness.run(exchange);
        if !is_as_expected(&seen, expected) {
            wrong.push(format!("{}: {expected:?}, found {seen:?}", exchange.id));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn is_as_expected(seen: &Seen, (expected, is_grpc): (Expected, bool)) -> bool {
    let (status, told) = match expected {
        Expected::Forwarded(customers) => {
            let upstream = seen.upstream.as_ref();
            return upstream.is_some_and(|lines| {
                values(lines, "x-customer") == customers
                    && values(lines, "authorization").is_empty()
            });
        }
        Expected::Refused(status, told) => (status, told),
    };
    let Some(reply) = &seen.reply else {
        return false;
    };
    if is_grpc {
        values(reply, "grpc-status") == [status.to_string()]
            && values(reply, "grpc-message") == [told]
    } else {
        seen.status == status && seen.reply_body.as_deref() == Some(told.as_bytes())
    }
}

fn values(lines: &HeaderLines, name: &str) -> Vec<String> {
    let of_name = lines.iter().filter(|(line, _)| line == name.as_bytes());
    of_name
        .map(|(_, value)| String::from_utf8(value.clone()).unwrap())
        .collect()
}

/// A replay takes the time from the recording. With another it would refuse what has
/// expired since.
#[test]
fn the_time_is_the_recordings() {
    let index = expected().position(|(expected, _)| matches!(expected, Expected::Forwarded(_)));
    let mut scene = Scene::of(NAME, &NAME.to_string()).unwrap();
    scene.exchanges = vec![scene.exchanges.swap_remove(index.unwrap())];
    let run = |scene: &Scene| {
        let seen = Harness::start(scene).unwrap().run(&scene.exchanges[0]);
        String::from_utf8(seen.reply_body.unwrap_or_default()).unwrap()
    };
    assert_eq!(run(&scene), "");
    let time = scene.exchanges[0].time.unwrap();
    scene.exchanges[0].time = Some(a_day_after(time));
    assert_eq!(run(&scene), "Jwt is expired");
}

fn a_day_after(time: Timestamp) -> Timestamp {
    const DAY_NS: i64 = 86_400_000_000_000;
    Timestamp::from_nanos(time.as_nanos() + DAY_NS).unwrap()
}

#[test]
fn tokens_are_of_every_algorithm_and_of_keys_before_and_after_a_change() {
    let headers: BTreeSet<(String, String)> = tokens()
        .iter()
        .filter(|(_, payload)| payload["iss"] == ISSUER)
        .map(|(header, _)| {
            let text = |name: &str| header[name].as_str().unwrap_or_default().to_owned();
            (text("alg"), text("kid"))
        })
        .collect();
    let key_ids: BTreeSet<String> = published().into_iter().collect();
    for algorithm in ALGORITHMS {
        let known = headers
            .iter()
            .filter(|(alg, kid)| alg == algorithm && key_ids.contains(kid));
        assert_eq!(known.count(), 2, "{algorithm}");
    }
    assert_eq!(key_ids.len(), 2 * ALGORITHMS.len());
}

/// Header and payload of every token in a header of the recording.
fn tokens() -> Vec<(Value, Value)> {
    let scene = Scene::of(NAME, &NAME.to_string()).unwrap();
    let bearers = scene.exchanges.iter().filter_map(bearer);
    bearers.filter_map(|token| decoded(&token)).collect()
}

fn bearer(exchange: &Exchange<'_>) -> Option<String> {
    let value = exchange.request.headers.first_text("authorization")?;
    value.strip_prefix("Bearer ").map(str::to_owned)
}

fn decoded(token: &str) -> Option<(Value, Value)> {
    let part = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let mut parts = token.split('.');
    Some((part(parts.next()?)?, part(parts.next()?)?))
}

fn published() -> Vec<String> {
    let scene = Scene::of(NAME, &NAME.to_string()).unwrap();
    let (_, keys) = scene.served().next().unwrap();
    let keys: Value = serde_json::from_str(keys).unwrap();
    let ids = keys["keys"].as_array().unwrap().iter();
    ids.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// Whoever has one could sign tokens that the recording's issuer never gave out.
#[test]
fn no_private_key_is_in_the_recordings() {
    let folder = workspace_dir().join("tests/recordings");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let text = fs::read_to_string(&path).unwrap();
            for sign in ["PRIVATE KEY", "\"d\":", "\"k\":", "\"p\":", "\"q\":"] {
                assert!(!text.contains(sign), "{}: {sign}", path.display());
            }
        }
    }
}
