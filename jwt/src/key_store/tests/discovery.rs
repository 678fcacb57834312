//! Sources whose keys are found by a document of their issuer.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn discovery(vm_seed: u64) -> Vm {
    let clusters = [ClusterMapping {
        host: "keys.example".to_owned(),
        port: None,
        cluster: "mapped".to_owned(),
    }];
    let remote = Remote::discovery("https://a.example/", &clusters, TIMEOUT_MS).unwrap();
    Vm::of(&KeySource::Remote(remote), vm_seed)
}

#[test]
fn discovery_is_one_attempt_of_two_fetches() {
    let (mut vm, shared) = (discovery(1), Shared::default());
    assert_eq!(vm.poll(START, &shared), 1);
    assert_eq!(vm.asked(), "a.example/.well-known/openid-configuration");
    let document = r#"{"jwks_uri":"https://keys.example/k"}"#;
    assert!(!vm.respond(START, &shared, ("200", document), &[]));
    assert_eq!(vm.keys(), "pending");
    assert_eq!(vm.poll(START, &shared), 1);
    assert_eq!(vm.asked(), "keys.example/k");
    let Callout::Http { cluster, .. } = &vm.fetches[0].callout else {
        unreachable!("fetches are of HTTP");
    };
    assert_eq!(cluster, "mapped");
    assert!(vm.serve(START, &shared, 0));
    assert_eq!(vm.keys(), "k0");
    let mut other = discovery(2);
    other.poll(START + 1, &shared);
    assert_eq!(other.keys(), "k0");
}

#[test]
fn a_discovery_that_leads_nowhere_is_a_failed_attempt() {
    let (mut vm, shared) = (discovery(1), Shared::default());
    vm.poll(START, &shared);
    assert!(vm.respond(START, &shared, ("200", "{}"), &[]));
    assert_eq!(vm.keys(), FETCH_FAILED);
    let failure = vm
        .store
        .report(SOURCE, START)
        .unwrap()
        .last_failure
        .unwrap();
    assert_eq!(
        failure.to_string(),
        "the OpenID configuration has no jwks_uri"
    );
    let now = next_fetch(&mut vm, &shared, START);
    assert_eq!(vm.asked(), "a.example/.well-known/openid-configuration");
    assert!(vm.respond(now, &shared, ("301", ""), &[]));
}

/// A lease covers both fetches of a discovery.
#[test]
fn the_lease_of_a_discovery_lasts_longer() {
    let shared = Shared::default();
    let mut other = discovery(2);
    discovery(1).poll(START, &shared);
    let lease_ms = LEASE_MS + u64::from(TIMEOUT_MS);
    assert_eq!(other.poll(START + lease_ms - 1, &shared), 0);
    assert_eq!(other.poll(START + lease_ms, &shared), 1);
}
