//! What a token costs `jwt.wasm`, in WebAssembly instructions (wasmtime's fuel): that of a
//! stranger its length, before anything about it is believed; a usual one within a budget.

#![expect(
    clippy::unwrap_used,
    reason = "without its module this test can only fail"
)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sluice_host::{Exchange, OutcomeKind};
use sluice_tests::guest::{self, Guest};
use sluice_tests::tokens::{self, Signer};

const NAMESPACE: &str = "prod";
const ISSUER: &str = "https://accounts.example";
const HEADER: &str = r#"{"alg":"RS256"}"#;

/// Sizes of tokens in bytes. The longer is the most that is looked at.
const SHORT: usize = 8 * 1024;
const LONG: usize = 64 * 1024;

/// Makes a token of about that many bytes.
type Shape = (&'static str, fn(usize) -> String);

const SHAPES: [Shape; 14] = [
    ("a long text", |size| {
        payload(size, r#"{"a":""#, "x", r#""}"#)
    }),
    ("escapes", |size| {
        payload(size, r#"{"a":""#, r"\u00e9\n", r#""}"#)
    }),
    ("half characters", |size| {
        payload(size, r#"{"a":""#, r"\ud83d\ude00", r#""}"#)
    }),
    ("many keys", |size| {
        counted(size, |index| format!(r#""k{index}":1"#))
    }),
    ("keys that begin alike", |size| {
        counted(size, |index| format!(r#""{}{index}":1"#, "k".repeat(200)))
    }),
    ("one key again and again", |size| {
        payload(size, r#"{"a":1"#, r#","a":1"#, "}")
    }),
    ("one key again and again below a long one", |size| {
        let start = format!(r#"{{"{}":{{"a":1"#, "k".repeat(size / 4));
        payload(size / 4, &start, r#","a":1"#, "}}")
    }),
    ("objects", |size| {
        payload(size, r#"{"a":[1"#, r#",{"b":{}}"#, "]}")
    }),
    ("brackets", |size| payload(size, r#"{"a":"#, "[", "}")),
    ("a long number", |size| {
        payload(size, r#"{"a":1"#, "0", ".5}")
    }),
    ("white space", |size| payload(size, "{", " ", "}")),
    ("audiences", |size| {
        payload(size, r#"{"aud":["a""#, r#","b""#, "]}")
    }),
    ("a long header", |size| {
        let header = filled(size, r#"{"alg":"RS256","x":[1"#, ",1", "]}");
        format!("{}.e30.c2ln", encode(&header))
    }),
    ("dots", |size| ".".repeat(size)),
];

fn encode(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// A text of which about `size` bytes are the middle, over and over, once encoded.
fn filled(size: usize, start: &str, middle: &str, end: &str) -> String {
    let room = size.saturating_sub(200) * 3 / 4;
    let room = room.saturating_sub(start.len() + end.len());
    format!("{start}{}{end}", middle.repeat(room / middle.len()))
}

fn payload(size: usize, start: &str, middle: &str, end: &str) -> String {
    let payload = filled(size, start, middle, end);
    format!("{}.{}.c2ln", encode(HEADER), encode(&payload))
}

/// A token whose payload has as many members as fit.
fn counted(size: usize, member: fn(usize) -> String) -> String {
    let room = size.saturating_sub(200) * 3 / 4;
    let mut payload = "{\"a\":1".to_owned();
    for index in 0.. {
        let member = member(index);
        if payload.len() + member.len() + 2 > room {
            break;
        }
        payload.push(',');
        payload.push_str(&member);
    }
    payload.push('}');
    format!("{}.{}.c2ln", encode(HEADER), encode(&payload))
}

/// A filter that believes whoever has this key.
fn guest(signer: &Signer) -> Guest {
    let module = sluice_envoy::binary::target_dir().join("wasm/jwt.wasm");
    let jwks = tokens::key_set([signer.jwk()]);
    let resource = json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "RequestAuthentication",
        "metadata": {"name": "one", "namespace": NAMESPACE},
        "spec": {"jwtRules": [{"issuer": ISSUER, "jwks": jwks}]},
    });
    Guest::start(
        &module,
        NAMESPACE,
        json!({"resources": [resource]}).to_string(),
    )
    .unwrap()
}

fn with_token(token: &str) -> Exchange {
    let mut exchange = guest::get("/");
    let value = format!("Bearer {token}");
    exchange
        .request
        .headers
        .add("authorization", value.as_str());
    exchange
}

/// Instructions for one request.
fn cost(guest: &mut Guest, exchange: &Exchange, end: OutcomeKind) -> u64 {
    let outcome = guest.run(exchange);
    assert_eq!(outcome.kind, end);
    outcome.costs.first().unwrap().cost.fuel
}

fn cost_of_bad(guest: &mut Guest, token: &str) -> u64 {
    cost(guest, &with_token(token), OutcomeKind::Replied)
}

/// Twice as much as eight times the cost: what sorts keys takes more than its length.
const MOST_GROWTH: u64 = 16;
const MOST_OF_A_BYTE: u64 = 1_000;

#[test]
fn a_token_costs_its_length() {
    let signer = Signer::es256().unwrap();
    let mut found = Vec::new();
    for (name, shape) in &SHAPES {
        let mut guest = guest(&signer);
        // Memory that the largest wants is there for the others, too.
        cost_of_bad(&mut guest, &shape(LONG));
        let (short, long) = (shape(SHORT), shape(LONG));
        let costs = [&short, &long].map(|token| cost_of_bad(&mut guest, token));
        println!("{name:<40} {costs:?} instructions");
        let most = costs[0] * MOST_GROWTH;
        if costs[1] > most.min(long.len() as u64 * MOST_OF_A_BYTE) {
            found.push(format!("{name}: {costs:?}"));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A token of the size that providers issue; each number another.
fn usual(signer: &Signer, number: u32) -> String {
    let header = json!({"alg": "RS256", "kid": "usual", "typ": "JWT"});
    let claims = json!({
        "iss": ISSUER,
        "sub": "user-00001",
        "aud": ["shop", "https://accounts.example/userinfo"],
        "iat": 1_700_000_000,
        "exp": 4_102_444_800_u64,
        "azp": "order-service",
        "scope": "openid profile read write",
        "jti": format!("token-{number:08}"),
    });
    tokens::mint(signer, &header, &claims).unwrap()
}

/// Most instructions of a request. Lower them when the figures fall; raise them only with
/// a reason in the commit.
const WITHOUT_TOKEN: u64 = 5_800;
const KNOWN: u64 = 18_100;
const NEW: u64 = 71_500;
/// The second time, when it is remembered.
const AGAIN: u64 = 74_500;

#[test]
fn a_usual_token_stays_within_its_budget() {
    let signer = Signer::rs256().unwrap();
    let mut guest = guest(&signer);
    let known = with_token(&usual(&signer, 0));
    let mut cost = |exchange: &Exchange| cost(&mut guest, exchange, OutcomeKind::Forwarded);
    // The first makes the counters and grows what later ones use again; the second is
    // remembered.
    cost(&known);
    cost(&known);
    let found = [
        ("none", cost(&guest::get("/")), WITHOUT_TOKEN),
        ("known", cost(&known), KNOWN),
        ("new", cost(&with_token(&usual(&signer, 1))), NEW),
        ("again", cost(&with_token(&usual(&signer, 1))), AGAIN),
    ];
    for (name, cost, _) in found {
        println!("{name:<40} {cost} instructions");
    }
    let over: Vec<_> = found.iter().filter(|(_, cost, most)| cost > most).collect();
    assert!(over.is_empty(), "token, instructions, budget: {over:?}");
}
