//! What a store does, step by step.

mod discovery;
mod unknown_keys;

use sluice_policy::Callout;

use super::proxy::{LEASE_MS, SOURCE, Shared, TIMEOUT_MS, Vm, key_id, key_set};
use super::record::{Progress, Record};
use super::{FetchFailure, FetchId, KeyStore};
use crate::key_source::{ClusterMapping, KeySource, Remote};
use crate::{Keys, SourceId, Status};
use sluice_policy::CalloutEvent;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const FETCH_FAILED: &str = "Jwks remote fetch is failed";

/// When tests begin: 2026, as a host's clock says it.
const START: u64 = 1_790_000_000_000;

/// A VM that has the first keys, with the data it shares.
fn with_keys() -> (Vm, Shared) {
    let (mut vm, shared) = (Vm::new(1), Shared::default());
    assert_eq!(vm.poll(START, &shared), 1);
    assert!(vm.serve(START, &shared, 0));
    (vm, shared)
}

/// The first millisecond from `from` on, in steps of 100, at which a fetch begins.
fn next_fetch(vm: &mut Vm, shared: &Shared, from: u64) -> u64 {
    (0..100_000)
        .map(|step| from + step * 100)
        .find(|&now| vm.poll(now, shared) == 1)
        .unwrap()
}

#[test]
fn the_first_fetch_begins_at_once() {
    let (mut vm, shared) = (Vm::new(1), Shared::default());
    assert_eq!(vm.keys(), "pending");
    assert_eq!(vm.poll(START, &shared), 1);
    let line = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    let expected = Callout::Http {
        cluster: "outbound|443||a.example".to_owned(),
        headers: vec![
            line(":method", "GET"),
            line(":scheme", "https"),
            line(":authority", "a.example"),
            line(":path", "/keys"),
        ],
        timeout_ms: TIMEOUT_MS,
    };
    assert_eq!(vm.fetches[0].callout, expected);
    assert_eq!(vm.poll(START + 1_000, &shared), 0, "one at a time");
    assert_eq!(vm.keys(), "pending");
    assert!(!vm.store.take_news());
    assert!(vm.serve(START + 1_000, &shared, 0));
    assert_eq!(vm.keys(), "k0");
    assert!(!vm.store.take_news(), "told once");
}

#[test]
fn a_failed_first_fetch_answers_until_the_next_begins() {
    let (mut vm, shared) = (Vm::new(1), Shared::default());
    vm.poll(START, &shared);
    assert!(vm.fail(START, &shared), "who waited need not wait on");
    assert_eq!(vm.keys(), FETCH_FAILED);
    let next = next_fetch(&mut vm, &shared, START) - START;
    assert!((500..=1_100).contains(&next), "{next}");
    assert_eq!(vm.keys(), "pending");
    vm.fail(START + next, &shared);
    assert_eq!(vm.keys(), FETCH_FAILED);
}

#[test]
fn failures_back_off_up_to_a_minute() {
    let (mut vm, shared) = with_keys();
    let mut now = next_fetch(&mut vm, &shared, START);
    for longest in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        vm.fail(now, &shared);
        let next = next_fetch(&mut vm, &shared, now);
        let pause = next - now;
        let range = longest * 500..=longest * 1_000 + 100;
        assert!(range.contains(&pause), "{pause} of {longest} s");
        now = next;
    }
    assert_eq!(vm.store.report(SOURCE, now).unwrap().failures, 9);
    vm.serve(now, &shared, 0);
    assert_eq!(vm.store.report(SOURCE, now).unwrap().failures, 0);
}

/// Every token is refused until there are keys.
#[test]
fn without_keys_failures_back_off_up_to_five_seconds() {
    let (mut vm, shared) = (Vm::new(1), Shared::default());
    let mut now = START;
    vm.poll(now, &shared);
    for longest in [1_000, 2_000, 4_000, 5_000, 5_000] {
        vm.fail(now, &shared);
        let next = next_fetch(&mut vm, &shared, now);
        let pause = next - now;
        assert!(
            (longest / 2..=longest + 100).contains(&pause),
            "{pause} of {longest}"
        );
        now = next;
    }
}

#[test]
fn keys_are_fetched_again_before_they_are_old() {
    let (mut vm, shared) = with_keys();
    let pause = next_fetch(&mut vm, &shared, START) - START;
    assert!((240_000..=285_100).contains(&pause), "{pause}");
    assert_eq!(vm.keys(), "k0", "they serve meanwhile");
    assert!(vm.serve(START + pause, &shared, 1));
    assert_eq!(vm.keys(), "k1");
}

#[test]
fn proxies_do_not_fetch_in_step() {
    let pause = |seed| {
        let (mut vm, shared) = (Vm::new(seed), Shared::default());
        vm.poll(START, &shared);
        vm.serve(START, &shared, 0);
        next_fetch(&mut vm, &shared, START + 240_000)
    };
    let mut pauses: Vec<u64> = (0..20).map(pause).collect();
    pauses.sort_unstable();
    pauses.dedup();
    assert!(pauses.len() > 15, "{pauses:?}");
}

#[test]
fn the_issuer_may_ask_for_another_time() {
    for (line, range) in [
        ("max-age=600", 480_000..=570_100),
        ("max-age=1", 48_000..=57_100),
        ("no-store", 48_000..=57_100),
        ("max-age=86400", 2_880_000..=3_420_100),
    ] {
        let (mut vm, shared) = (Vm::new(1), Shared::default());
        vm.poll(START, &shared);
        let lines = [(b"cache-control".as_slice(), line.as_bytes())];
        vm.respond(START, &shared, ("200", &key_set(0)), &lines);
        let pause = next_fetch(&mut vm, &shared, START) - START;
        assert!(range.contains(&pause), "{line}: {pause}");
    }
}

#[test]
fn keys_stay_while_the_issuer_is_down() {
    let (mut vm, shared) = with_keys();
    let mut now = START;
    for _ in 0..200 {
        now = next_fetch(&mut vm, &shared, now);
        assert!(!vm.fail(now, &shared) || vm.keys() == "k0");
        assert_eq!(vm.keys(), "k0");
    }
    let report = vm.store.report(SOURCE, now).unwrap();
    assert_eq!((report.keys, report.failures), (2, 200));
    assert_eq!(report.age_ms, Some(now - START));
    assert_eq!(report.last_failure, Some(FetchFailure::NoAnswer));
    now = next_fetch(&mut vm, &shared, now);
    vm.serve(now, &shared, 1);
    assert_eq!(vm.keys(), "k1");
    assert_eq!(vm.store.report(SOURCE, now).unwrap().last_failure, None);
}

#[test]
fn rubbish_is_a_failure_and_keeps_the_old_keys() {
    let large = " ".repeat(1_048_577);
    let cases = [
        ("404", key_set(1), FetchFailure::BadStatus(Some(404))),
        (
            "200",
            String::new(),
            FetchFailure::BadKeys(Status::JwksBadJson),
        ),
        (
            "200",
            "<html>".to_owned(),
            FetchFailure::BadKeys(Status::JwksBadJson),
        ),
        (
            "200",
            "{}".to_owned(),
            FetchFailure::BadKeys(Status::JwksNoKeys),
        ),
        ("200", large, FetchFailure::TooLarge(1_048_577)),
    ];
    for (status, body, failure) in cases {
        let (mut vm, shared) = with_keys();
        let now = next_fetch(&mut vm, &shared, START);
        vm.respond(now, &shared, (status, &body), &[]);
        vm.poll(now + 1, &shared);
        assert_eq!(vm.keys(), "k0");
        let report = vm.store.report(SOURCE, now).unwrap();
        assert_eq!((report.failures, report.last_failure), (1, Some(failure)));
        assert_eq!(vm.store.version(SOURCE), 1);
    }
}

#[test]
fn the_version_counts_other_keys_only() {
    let (mut vm, shared) = (Vm::new(1), Shared::default());
    assert_eq!(vm.store.version(SOURCE), 0);
    vm.poll(START, &shared);
    let mut now = START;
    for (rotation, version) in [(0, 1), (0, 1), (1, 2), (0, 3)] {
        vm.serve(now, &shared, rotation);
        assert_eq!(vm.store.version(SOURCE), version);
        let age = vm.store.report(SOURCE, now).unwrap().age_ms;
        assert_eq!(age, Some(0), "the same keys are new again");
        now = next_fetch(&mut vm, &shared, now);
    }
}

/// Who answers with a set in which no key is left has withdrawn them.
#[test]
fn keys_that_are_withdrawn_count_no_more() {
    let useless = r#"{"keys":[{"kty":"EC","crv":"P-192","x":"AA","y":"AA"}]}"#;
    for body in [r#"{"keys":[]}"#, useless] {
        let (mut vm, shared) = with_keys();
        let mut other = Vm::new(2);
        other.poll(START, &shared);
        let version = vm.store.version(SOURCE);
        let now = next_fetch(&mut vm, &shared, START);
        assert!(vm.respond(now, &shared, ("200", body), &[]));
        assert_ne!(vm.store.version(SOURCE), version);
        other.poll(now, &shared);
        for vm in [&vm, &other] {
            let Keys::Ready(keys) = vm.store.keys(SOURCE) else {
                panic!("{:?}", vm.store.keys(SOURCE));
            };
            assert!(keys.is_empty());
            let report = vm.store.report(SOURCE, now).unwrap();
            assert_eq!((report.keys, report.failures), (0, 0));
        }
        let next = next_fetch(&mut vm, &shared, now);
        assert!(vm.serve(next, &shared, 1), "they may come back");
        assert_eq!(vm.keys(), "k1");
    }
}

#[test]
fn one_vm_fetches_for_all() {
    let shared = Shared::default();
    let mut vms: Vec<Vm> = (0..4).map(Vm::new).collect();
    let begun: usize = vms.iter_mut().map(|vm| vm.poll(START, &shared)).sum();
    assert_eq!(begun, 1);
    assert!(vms.iter().all(|vm| vm.keys() == "pending"));
    vms[0].serve(START + 40, &shared, 0);
    for vm in &mut vms[1..] {
        assert_eq!(vm.poll(START + 1_000, &shared), 0);
        assert!(vm.store.take_news());
        assert_eq!(vm.keys(), "k0");
        let age = vm.store.report(SOURCE, START + 1_000).unwrap().age_ms;
        assert_eq!(age, Some(960));
    }
    let mut late = Vm::new(9);
    assert_eq!(late.poll(START + 2_000, &shared), 0);
    assert_eq!(
        late.keys(),
        "k0",
        "a new VM starts with the keys of the others"
    );
    assert_eq!(
        shared.keys(),
        ["sluice.jwt.jwks.1/jwks/outbound|443||a.example/https://a.example/keys"]
    );
}

#[test]
fn a_failure_is_everybodys() {
    let shared = Shared::default();
    let (mut one, mut other) = (Vm::new(1), Vm::new(2));
    one.poll(START, &shared);
    other.poll(START, &shared);
    one.fail(START + 10, &shared);
    assert_eq!(other.keys(), "pending");
    assert_eq!(
        other.poll(START + 20, &shared),
        0,
        "the pause is everybody's"
    );
    assert_eq!(other.keys(), FETCH_FAILED);
    assert!(other.store.take_news());
}

#[test]
fn the_death_of_the_vm_that_fetches_costs_its_lease() {
    let shared = Shared::default();
    let mut other = Vm::new(2);
    assert_eq!(Vm::new(1).poll(START, &shared), 1);
    assert_eq!(other.poll(START + LEASE_MS - 1, &shared), 0);
    assert_eq!(other.keys(), "pending");
    assert_eq!(other.poll(START + LEASE_MS, &shared), 1);
    other.serve(START + LEASE_MS, &shared, 0);
    assert_eq!(other.keys(), "k0");
}

#[test]
fn an_answer_that_comes_after_a_newer_one_is_dropped() {
    let shared = Shared::default();
    let (mut slow, mut quick) = (Vm::new(1), Vm::new(2));
    slow.poll(START, &shared);
    let now = START + LEASE_MS;
    quick.poll(now, &shared);
    quick.serve(now, &shared, 1);
    slow.serve(now + 1, &shared, 0);
    assert_eq!(
        (slow.keys().as_str(), slow.store.version(SOURCE)),
        ("k1", 1)
    );
    quick.poll(now + 2, &shared);
    assert_eq!(quick.keys(), "k1");
}

#[test]
fn a_late_answer_helps_while_there_is_no_newer_one() {
    let shared = Shared::default();
    let (mut slow, mut quick) = (Vm::new(1), Vm::new(2));
    slow.poll(START, &shared);
    let now = START + LEASE_MS;
    quick.poll(now, &shared);
    slow.serve(now + 1, &shared, 0);
    assert_eq!(slow.keys(), "k0");
    assert_eq!(slow.poll(now + 2, &shared), 0);
    quick.serve(now + 3, &shared, 1);
    slow.poll(now + 4, &shared);
    assert_eq!(
        (slow.keys(), quick.keys()),
        ("k1".to_owned(), "k1".to_owned())
    );
}

/// The attempt that took over is still under way after a late answer, and counts.
#[test]
fn a_late_answer_does_not_end_the_attempt_that_took_over() {
    let shared = Shared::default();
    let (mut slow, mut quick) = (Vm::new(1), Vm::new(2));
    slow.poll(START, &shared);
    let now = START + LEASE_MS;
    quick.poll(now, &shared);
    slow.serve(now + 1, &shared, 0);
    assert!(
        slow.store.unknown_key(SOURCE, "k1", now + 2),
        "it may bring that key"
    );
    quick.fail(now + 3, &shared);
    assert_eq!(quick.keys(), "k0");
    assert_eq!(quick.store.report(SOURCE, now).unwrap().failures, 1);
}

/// The failure of an attempt that was taken over from is not counted, nor does it
/// end the other's.
#[test]
fn a_late_failure_changes_nothing() {
    let shared = Shared::default();
    let (mut slow, mut quick) = (Vm::new(1), Vm::new(2));
    slow.poll(START, &shared);
    let now = START + LEASE_MS;
    quick.poll(now, &shared);
    slow.fail(now + 1, &shared);
    assert_eq!(slow.keys(), "pending");
    assert_eq!(slow.poll(now + 2, &shared), 0);
    quick.serve(now + 3, &shared, 1);
    assert_eq!(quick.store.report(SOURCE, now).unwrap().failures, 0);
}

#[test]
fn a_fetch_that_the_host_forgot_is_given_up() {
    let (mut vm, shared) = (Vm::new(1), Shared::default());
    vm.poll(START, &shared);
    let now = START + LEASE_MS + 5_001;
    vm.poll(now - 1, &shared);
    assert_eq!(vm.keys(), "pending");
    assert_eq!(vm.poll(now, &shared), 0);
    assert_eq!(vm.keys(), FETCH_FAILED);
    assert!(vm.store.take_news());
    assert!(!vm.serve(now, &shared, 0), "nobody asks any more");
    assert_eq!(vm.keys(), FETCH_FAILED);
    let next = next_fetch(&mut vm, &shared, now);
    assert!(vm.serve(next, &shared, 0));
}

#[test]
fn answers_to_nobody_are_ignored() {
    let (mut vm, shared) = with_keys();
    let event = CalloutEvent::Failed;
    for id in [0, 1, 99] {
        let mut shared = shared.clone();
        assert!(
            !vm.store
                .on_response(FetchId(id), &event, START, &mut shared)
        );
    }
    assert_eq!(vm.store.report(SOURCE, START).unwrap().failures, 0);
}

#[test]
fn a_host_without_shared_data_costs_a_fetch_per_vm() {
    let shared = Shared::missing();
    let (mut one, mut other) = (Vm::new(1), Vm::new(2));
    assert_eq!(
        (one.poll(START, &shared), other.poll(START, &shared)),
        (1, 1)
    );
    one.serve(START, &shared, 0);
    other.fail(START, &shared);
    assert_eq!(
        (one.keys().as_str(), other.keys().as_str()),
        ("k0", FETCH_FAILED)
    );
    let next = next_fetch(&mut one, &shared, START);
    assert!(next - START >= 240_000, "it keeps its own time: {next}");
    assert!(next_fetch(&mut other, &shared, START) - START >= 500);
    one.serve(next, &shared, 1);
    assert_eq!(one.keys(), "k1");
}

#[test]
fn a_record_that_is_lost_or_foreign_is_fetched_and_written_anew() {
    for spoilt in [
        None,
        Some(b"".as_slice()),
        Some(b"{}"),
        Some(b"sluice.jwks\x01 rest"),
    ] {
        let (mut vm, shared) = with_keys();
        shared.spoil(spoilt);
        let now = START + 1_000;
        assert_eq!(vm.poll(now, &shared), 1);
        assert_eq!(vm.keys(), "k0", "its own it keeps");
        let mut fresh = Vm::new(7);
        assert_eq!(fresh.poll(now, &shared), 0);
        vm.serve(now, &shared, 1);
        fresh.poll(now, &shared);
        assert_eq!((vm.keys().as_str(), fresh.keys().as_str()), ("k1", "k1"));
        assert_eq!(vm.poll(now + 1_000, &shared), 0);
    }
}

/// A new VM knows no number of before; its keys must be known for new nevertheless.
#[test]
fn keys_that_a_new_vm_fetches_after_a_loss_are_taken_over() {
    let (mut vm, shared) = with_keys();
    shared.spoil(None);
    let mut fresh = Vm::new(7);
    assert_eq!(fresh.poll(START + 1_000, &shared), 1);
    fresh.serve(START + 1_000, &shared, 1);
    vm.poll(START + 2_000, &shared);
    assert_eq!(vm.keys(), "k1");
}

/// Another version of the module may read more than this one.
#[test]
fn keys_of_another_vm_that_are_none_here_are_a_failure() {
    let (_, shared) = with_keys();
    let record = Record {
        progress: Progress {
            attempt: START,
            keys_attempt: START,
            next_at_ms: START + 240_000,
            ..Progress::default()
        },
        body: b"{}".to_vec(),
    };
    shared.spoil(Some(&record.encode()));
    let mut fresh = Vm::new(7);
    assert_eq!(fresh.poll(START, &shared), 0);
    assert_eq!(fresh.keys(), FETCH_FAILED);
    assert!(fresh.store.take_news());
    assert_eq!(fresh.poll(START + 240_000, &shared), 1);
}

/// What another VM writes between reading and writing is read again.
#[test]
fn an_answer_finds_its_way_into_the_record_past_others() {
    let (mut vm, shared) = (Vm::new(1), Shared::default());
    vm.poll(START, &shared);
    let others = shared.undisturbed();
    let write = move || others.spoil(others.copy().as_deref());
    *shared.meanwhile.borrow_mut() = Some(Box::new(write));
    vm.serve(START, &shared, 0);
    let mut fresh = Vm::new(7);
    fresh.poll(START, &shared);
    assert_eq!(fresh.keys(), "k0");
}

#[test]
fn a_clock_that_steps_back_costs_a_fetch() {
    let (mut vm, shared) = with_keys();
    let now = START - 3_600_000;
    assert_eq!(vm.poll(now, &shared), 1);
    vm.serve(now, &shared, 1);
    assert_eq!(vm.keys(), "k1");
    assert_eq!(vm.store.report(SOURCE, now - 5).unwrap().age_ms, Some(0));
    assert_eq!(vm.poll(now + 1, &shared), 0);
    let pause = next_fetch(&mut vm, &shared, now) - now;
    assert!((240_000..=285_100).contains(&pause), "{pause}");
}

#[test]
fn a_clock_that_steps_back_during_a_fetch_does_not_hold_the_next_up() {
    let shared = Shared::default();
    let mut vm = Vm::new(2);
    assert_eq!(Vm::new(1).poll(START, &shared), 1);
    assert_eq!(vm.poll(START - 3_600_000, &shared), 1);
}

#[test]
fn no_time_limit_makes_a_lease_endless() {
    let vm = |seed| {
        let remote = Remote::of("https://a.example/keys", &[], u32::MAX).unwrap();
        Vm::of(&KeySource::Remote(remote), seed)
    };
    let (shared, mut other) = (Shared::default(), vm(2));
    vm(1).poll(START, &shared);
    assert_eq!(other.poll(START + 299_999, &shared), 0);
    assert_eq!(other.poll(START + 300_000, &shared), 1);
}

fn of_two_issuers() -> (KeyStore, Shared) {
    let sources = ["https://a.example/keys", "https://b.example/keys"]
        .map(|uri| KeySource::Remote(Remote::of(uri, &[], TIMEOUT_MS).unwrap()));
    (KeyStore::new(&sources, 1), Shared::default())
}

#[test]
fn news_of_one_source_is_news_whatever_the_others_have() {
    let (mut store, mut shared) = of_two_issuers();
    for fetch in store.poll(START, &mut shared) {
        assert!(store.on_response(fetch.id, &CalloutEvent::Failed, START, &mut shared));
    }
}

/// Keys of one issuer must not become those of another.
#[test]
fn answers_go_to_the_source_that_asked() {
    let (mut store, mut shared) = of_two_issuers();
    let fetches = store.poll(START, &mut shared);
    for (number, fetch) in fetches.iter().enumerate().rev() {
        let body = key_set(10 * number as u64);
        let event = CalloutEvent::HttpResponse {
            headers: &[(b":status", b"200")],
            body: body.as_bytes(),
        };
        store.on_response(fetch.id, &event, START, &mut shared);
    }
    for (number, key) in ["k0", "k10"].into_iter().enumerate() {
        let keys = store.keys(SourceId(number));
        assert!(matches!(keys, Keys::Ready(keys) if keys.has_key_id(key)));
    }
}

#[test]
fn inline_keys_are_there_at_once() {
    let sources = [
        KeySource::Inline(key_set(3)),
        KeySource::Inline("{}".to_owned()),
    ];
    let mut store = KeyStore::new(&sources, 1);
    assert!(matches!(store.keys(SOURCE), Keys::Ready(keys) if keys.has_key_id(&key_id(3))));
    assert!(matches!(
        store.keys(SourceId(1)),
        Keys::Failed(Status::JwksNoKeys)
    ));
    assert!(store.poll(START, &mut Shared::default()).is_empty());
    assert!(!store.unknown_key(SOURCE, "k9", START));
    assert_eq!(
        (store.version(SOURCE), store.report(SOURCE, START)),
        (0, None)
    );
    assert!(matches!(
        store.keys(SourceId(2)),
        Keys::Failed(Status::FetchFailed)
    ));
    assert!(!store.take_news());
}
