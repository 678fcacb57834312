//! Tokens that name a key which the issuer's set does not have.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn an_unknown_key_is_asked_for_once() {
    let (mut vm, shared) = with_keys();
    // Keys may change right after they were fetched.
    let now = START + 1;
    assert!(!vm.store.unknown_key(SOURCE, "k0", now), "it is known");
    assert!(vm.store.unknown_key(SOURCE, "k1", now));
    assert_eq!(vm.poll(now, &shared), 1);
    assert!(vm.store.unknown_key(SOURCE, "k2", now), "the same fetch");
    assert_eq!(vm.poll(now + 1, &shared), 0);
    let later = now + 300;
    assert!(vm.serve(later, &shared, 1));
    assert_eq!(vm.keys(), "k1");
    assert!(!vm.store.unknown_key(SOURCE, "k2", later));
    assert!(!vm.store.unknown_key(SOURCE, "k2", later + 9_999));
    assert_eq!(vm.poll(later + 9_999, &shared), 0);
    assert!(vm.store.unknown_key(SOURCE, "k2", later + 10_000));
}

/// Or a request would wait for fetch after fetch.
#[test]
fn an_issuer_slower_than_the_pause_is_asked_for_an_unknown_key_once() {
    for is_up in [true, false] {
        let (mut vm, shared) = with_keys();
        let now = START + 1;
        assert!(vm.store.unknown_key(SOURCE, "nobody's", now));
        assert_eq!(vm.poll(now, &shared), 1);
        let later = now + 11_000;
        assert!(vm.end(later, &shared, is_up));
        assert!(!vm.store.unknown_key(SOURCE, "nobody's", later));
    }
}

/// Fetches in a minute of which each 10 ms somebody makes up a key, or nobody does.
fn fetches_in_a_minute(makes_up_keys: bool, is_up: bool) -> usize {
    let (mut vm, shared) = with_keys();
    let mut fetches = 0;
    for step in 0..6_000_u64 {
        let now = START + step * 10;
        if makes_up_keys {
            vm.store
                .unknown_key(SOURCE, &format!("made-up-{step}"), now);
        }
        fetches += vm.poll(now, &shared);
        if !vm.fetches.is_empty() {
            vm.end(now, &shared, is_up);
        }
    }
    fetches
}

#[test]
fn made_up_keys_cause_a_fetch_in_ten_seconds_at_most() {
    assert_eq!(fetches_in_a_minute(false, true), 0);
    assert_eq!(fetches_in_a_minute(true, true), 6);
    // A failure is tried again sooner, whoever led to it.
    let found = fetches_in_a_minute(true, false);
    assert!((6..=12).contains(&found), "{found}");
}

/// Who waits for an unknown key must hear of the end also when the keys are the
/// same, or the fetch fails.
#[test]
fn the_wait_for_an_unknown_key_ends() {
    for is_up in [true, false] {
        let (mut vm, shared) = with_keys();
        let now = START + 20_000;
        assert!(vm.store.unknown_key(SOURCE, "k9", now));
        vm.poll(now, &shared);
        assert!(!vm.store.take_news());
        assert!(vm.end(now, &shared, is_up));
        assert!(!vm.store.unknown_key(SOURCE, "k9", now));
        assert_eq!(vm.keys(), "k0");
    }
}

#[test]
fn an_unknown_key_that_another_vm_has_just_asked_for_is_not_asked_for_again() {
    let (mut one, shared) = with_keys();
    let mut other = Vm::new(2);
    other.poll(START, &shared);
    let now = START + 20_000;
    assert!(one.store.unknown_key(SOURCE, "k9", now));
    one.poll(now, &shared);
    one.serve(now, &shared, 1);
    assert!(
        other.store.unknown_key(SOURCE, "k9", now + 1),
        "it does not know yet"
    );
    assert_eq!(other.poll(now + 1, &shared), 0);
    assert!(other.store.take_news());
    assert_eq!(other.keys(), "k1");
    assert!(!other.store.unknown_key(SOURCE, "k9", now + 1));
}
