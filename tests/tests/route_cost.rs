//! What a decision of `routing.wasm` costs at the most, in WebAssembly instructions
//! (wasmtime's fuel): exact, so it can be held to a budget where time cannot.

#![expect(
    clippy::unwrap_used,
    reason = "without its module this test can only fail"
)]

use serde_json::{Value, json};
use sluice_host::{Exchange, Outcome, OutcomeKind};
use sluice_tests::guest::{self, Guest};

const NAMESPACE: &str = "prod";

/// Most instructions of any request: less than 20 ms of a worker.
const MOST: u64 = 200_000_000;

/// Ten routes by what `user-agent` says, and one for all others.
fn guest() -> Guest {
    let browser = |number: usize| {
        let regex = format!(".*(Chrome|Firefox|Safari)/{number}[0-9]\\..*");
        json!({"match": [{"headers": {"user-agent": {"regex": regex}}}], "route": to(number)})
    };
    let mut http: Vec<Value> = (0..10).map(browser).collect();
    http.push(json!({"route": to(10)}));
    let resource = json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "shop", "namespace": NAMESPACE},
        "spec": {"hosts": ["shop.example"], "http": http},
    });
    let module = sluice_envoy::binary::target_dir().join("wasm/routing.wasm");
    let configuration = json!({"resources": [resource]}).to_string();
    Guest::start(&module, NAMESPACE, configuration).unwrap()
}

fn to(number: usize) -> Value {
    json!([{"destination": {"host": format!("shop-{number}.example")}}])
}

fn get(agent: &str) -> Exchange {
    let mut exchange = guest::get("/");
    exchange.request.headers.set(":authority", "shop.example");
    exchange.request.headers.add("user-agent", agent);
    exchange
}

/// The details of its answer, if it was answered, and its instructions.
fn look_at(outcome: &Outcome) -> (Option<&str>, u64) {
    let details = outcome.details.as_deref();
    let details = details.map(|details| std::str::from_utf8(details).unwrap());
    let answered = details.filter(|_| outcome.kind == OutcomeKind::Replied);
    (answered, outcome.costs.first().unwrap().cost.fuel)
}

#[test]
fn a_long_header_keeps_a_worker_for_a_bounded_time() {
    let mut guest = guest();
    guest.run(&get("warm"));
    // What is not looked at is answered, rather than sent to a route that may be wrong.
    let table = [
        (40, None, 2_000_000),
        (800, None, 30_000_000),
        (4_000, None, MOST),
        (50_000, Some("too_long_for_routes"), MOST),
        (64_000, Some("too_long_for_routes"), 1_000_000),
    ];
    for (length, expected, budget) in table {
        let outcome = guest.run(&get(&"C".repeat(length)));
        let (answered, fuel) = look_at(&outcome);
        println!("ten expressions, {length:>6} bytes: {fuel:>11} instructions, {answered:?}");
        assert_eq!(answered, expected, "{length}");
        assert!(fuel <= budget, "{length}: {fuel} of {budget}");
    }
}
