//! What a decision of `authz.wasm` costs, in WebAssembly instructions (wasmtime's
//! fuel): exact, so it can be held to a budget where time cannot.

#![expect(
    clippy::unwrap_used,
    reason = "without its module this test can only fail"
)]

use serde_json::{Value, json};
use sluice_host::{Exchange, OutcomeKind};
use sluice_tests::guest::{self, Guest};

const NAMESPACE: &str = "prod";
/// Enough for anything that is looked at policy by policy to stand out.
const MANY: usize = 1_000;

/// Policies that differ in one field, and the request that only one of them allows.
struct Kind {
    name: &'static str,
    rule: fn(usize) -> Value,
    request: fn(usize) -> Exchange,
    /// Most instructions of a request among `MANY` policies. Lower it when the figure
    /// falls; raise it only with a reason in the commit.
    budget: u64,
}

fn to(field: &str, value: &str) -> Value {
    json!({"to": [{"operation": {field: [value]}}]})
}

fn from(field: &str, value: &str) -> Value {
    json!({"from": [{"source": {field: [value]}}]})
}

fn when(key: &str, value: &str) -> Value {
    json!({"when": [{"key": key, "values": [value]}]})
}

fn with_host(host: &str) -> Exchange {
    let mut exchange = guest::get("/");
    exchange.request.headers.set(":authority", host);
    exchange
}

fn with_header(value: &str) -> Exchange {
    let mut exchange = guest::get("/");
    exchange.request.headers.add("x-tenant", value);
    exchange
}

fn with_peer(namespace: usize, account: usize) -> Exchange {
    let mut exchange = guest::get("/");
    let uri = format!("spiffe://cluster.local/ns/n{namespace:05}/sa/a{account:05}");
    exchange.attributes = exchange
        .attributes
        .with("connection.mtls", true)
        .with("connection.uri_san_peer_certificate", uri.as_str());
    exchange
}

fn with_addresses(source: &str, destination: &str) -> Exchange {
    let mut exchange = guest::get("/");
    exchange.attributes = exchange
        .attributes
        .with("source.address", source)
        .with("destination.address", destination);
    exchange
}

fn address(index: usize) -> String {
    format!("10.{}.{}.7", 100 + index / 100, 100 + index % 100)
}

const KINDS: [Kind; 14] = [
    Kind {
        name: "exact paths",
        rule: |index| to("paths", &format!("/p{index:05}/v1")),
        request: |index| guest::get(&format!("/p{index:05}/v1")),
        budget: 9_000,
    },
    Kind {
        name: "path prefixes",
        rule: |index| to("paths", &format!("/p{index:05}/*")),
        request: |index| guest::get(&format!("/p{index:05}/v1")),
        budget: 9_100,
    },
    Kind {
        name: "path suffixes",
        rule: |index| to("paths", &format!("*/p{index:05}")),
        request: |index| guest::get(&format!("/v1/p{index:05}")),
        budget: 9_000,
    },
    Kind {
        name: "path templates",
        rule: |index| to("paths", &format!("/p{index:05}/{{*}}/items")),
        request: |index| guest::get(&format!("/p{index:05}/7/items")),
        budget: 10_000,
    },
    Kind {
        name: "methods",
        rule: |index| to("methods", &format!("M{index:05}")),
        request: |index| {
            let mut exchange = guest::get("/");
            exchange
                .request
                .headers
                .set(":method", format!("M{index:05}"));
            exchange
        },
        budget: 8_300,
    },
    Kind {
        name: "hosts",
        rule: |index| to("hosts", &format!("h{index:05}.example")),
        request: |index| with_host(&format!("H{index:05}.example")),
        budget: 9_600,
    },
    Kind {
        name: "host suffixes",
        rule: |index| to("hosts", &format!("*.h{index:05}.example")),
        request: |index| with_host(&format!("a.h{index:05}.example")),
        budget: 9_900,
    },
    Kind {
        name: "headers",
        rule: |index| when("request.headers[x-tenant]", &format!("t{index:05}")),
        request: |index| with_header(&format!("t{index:05}")),
        budget: 12_600,
    },
    Kind {
        name: "principals",
        rule: |index| {
            from(
                "principals",
                &format!("cluster.local/ns/n{index:05}/sa/a{index:05}"),
            )
        },
        request: |index| with_peer(index, index),
        budget: 12_800,
    },
    Kind {
        name: "namespaces",
        rule: |index| from("namespaces", &format!("n{index:05}")),
        request: |index| with_peer(index, 0),
        budget: 13_800,
    },
    Kind {
        name: "service accounts",
        rule: |index| from("serviceAccounts", &format!("n00001/a{index:05}")),
        request: |index| with_peer(1, index),
        budget: 13_800,
    },
    Kind {
        name: "address ranges",
        rule: |index| from("remoteIpBlocks", &format!("{}/32", address(index))),
        request: |index| with_addresses(&format!("{}:999", address(index)), "10.0.0.1:80"),
        budget: 9_400,
    },
    Kind {
        name: "ports",
        rule: |index| to("ports", &(10_000 + index).to_string()),
        request: |index| with_addresses("10.0.0.2:999", &format!("10.0.0.1:{}", 10_000 + index)),
        budget: 8_800,
    },
    Kind {
        name: "paths and principals",
        rule: |index| {
            json!({
                "from": [{"source": {"principals": ["cluster.local/ns/n00001/sa/a00001"]}}],
                "to": [{"operation": {"methods": ["GET"], "paths": [format!("/p{index:05}/*")]}}],
            })
        },
        request: |index| {
            let mut exchange = with_peer(1, 1);
            exchange
                .request
                .headers
                .set(":path", format!("/p{index:05}/v1"));
            exchange
        },
        budget: 14_200,
    },
];

fn policy(kind: &Kind, index: usize) -> Value {
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": format!("p{index:05}"), "namespace": NAMESPACE},
        "spec": {"action": "ALLOW", "rules": [(kind.rule)(index)]},
    })
}

/// Instructions and host calls of the request that only the last of `count` policies allows.
fn cost(kind: &Kind, count: usize) -> (u64, u64) {
    let module = sluice_envoy::binary::target_dir().join("wasm/authz.wasm");
    let resources: Vec<Value> = (0..count).map(|index| policy(kind, index)).collect();
    let configuration = json!({"resources": resources}).to_string();
    let mut guest = Guest::start(&module, NAMESPACE, configuration).unwrap();
    let refused = guest.run(&(kind.request)(count));
    assert_eq!(refused.kind, OutcomeKind::Replied, "{}", kind.name);
    let request = (kind.request)(count - 1);
    // The first makes the counter and grows what later ones use again.
    guest.run(&request);
    let outcome = guest.run(&request);
    assert_eq!(outcome.kind, OutcomeKind::Forwarded, "{}", kind.name);
    let cost = outcome.costs.first().unwrap().cost;
    (cost.fuel, cost.host_calls)
}

/// A few lookups more for the longer chains of a fuller table.
fn allowance(one: u64) -> u64 {
    one + one / 10
}

#[test]
fn a_decision_costs_the_request_not_the_number_of_policies() {
    let mut found = Vec::new();
    for kind in &KINDS {
        let ((one, calls), (many, calls_of_many)) = (cost(kind, 1), cost(kind, MANY));
        assert_eq!(calls, calls_of_many, "{}: host calls", kind.name);
        println!(
            "{:<22} {one:>6} {many:>6} instructions, {calls} host calls",
            kind.name
        );
        if many > allowance(one) || many > kind.budget {
            found.push(format!(
                "{}: {many} instructions with {MANY} policies, {one} with one, budget {}",
                kind.name, kind.budget
            ));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
