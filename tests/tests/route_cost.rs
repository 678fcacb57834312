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

/// The split that a stream of requests goes through, with everything that may hold for it.
fn split(kinds: &[&str]) -> Guest {
    let to = |subset: &str, weight: u32| json!({"destination": {"host": "shop.example", "subset": subset}, "weight": weight});
    let all = [
        (
            "VirtualService",
            json!({"hosts": ["shop.example"], "http": [
            {"name": "split", "route": [to("v1", 95), to("v2", 5)], "timeout": "3s"}]}),
        ),
        (
            "DestinationRule",
            json!({"host": "shop.example",
            "trafficPolicy": {"outlierDetection": {}, "retryBudget": {"percent": 20.0}},
            "subsets": [{"name": "v1", "labels": {"v": "1"}}, {"name": "v2", "labels": {"v": "2"}}]}),
        ),
        (
            "CanaryGuard",
            json!({"virtualService": "shop", "stable": "v1", "canary": "v2"}),
        ),
        (
            "StickySplit",
            json!({"virtualService": "shop", "by": {"header": "x-request-id"}}),
        ),
    ];
    let resources = all.into_iter().filter(|(kind, _)| kinds.contains(kind));
    let resources = resources.map(|(kind, spec)| {
        let version = match kind {
            "VirtualService" | "DestinationRule" => "networking.istio.io/v1",
            _ => "sluice/v1alpha1",
        };
        json!({"apiVersion": version, "kind": kind, "spec": spec,
               "metadata": {"name": "shop", "namespace": NAMESPACE}})
    });
    let resources: Vec<Value> = resources.collect();
    let module = sluice_envoy::binary::target_dir().join("wasm/routing.wasm");
    let configuration = json!({"resources": resources}).to_string();
    Guest::start(&module, NAMESPACE, configuration).unwrap()
}

/// From its headers to its end: what is not asked for costs nothing.
#[test]
fn a_request_costs_what_its_route_asks_for() {
    const ROUTES: &str = "VirtualService";
    const RULES: &str = "DestinationRule";
    const GUARD: &str = "CanaryGuard";
    const STICKY: &str = "StickySplit";
    // Lower them when figures fall; raise them only with a reason in the commit.
    let table = [
        (&[RULES][..], 5_800, 0),
        (&[ROUTES], 18_000, 4),
        (&[ROUTES, STICKY], 27_600, 4),
        (&[ROUTES, RULES], 21_400, 9),
        (&[ROUTES, RULES, GUARD], 22_400, 13),
        (&[ROUTES, RULES, GUARD, STICKY], 32_300, 13),
    ];
    let mut found = Vec::new();
    for (kinds, most_fuel, most_calls) in table {
        let mut guest = split(kinds);
        for _ in 0..20 {
            guest.run(&get("warm"));
        }
        let cost = guest.run(&get("curl")).costs.first().unwrap().cost;
        let line = format!(
            "{kinds:?}: {} instructions, {} host calls",
            cost.fuel, cost.host_calls
        );
        println!("{line}");
        if cost.fuel > most_fuel || cost.host_calls > most_calls {
            found.push(format!("{line}, of {most_fuel} and {most_calls}"));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

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
