//! Key servers that are dead, slow, broken or hostile, and `jwt.wasm` in a real Envoy:
//! whatever they do, no forged token passes, and once keys are known no good one is
//! refused.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "without its module or Envoy this test can only fail"
)]

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluice_envoy::bootstrap::{
    Bootstrap, Cluster, FilterChain, HttpConnectionManager, Listener, Node, WasmFilter, jwt_authn,
};
use sluice_envoy::client::{Client, Protocol, Request, Target};
use sluice_envoy::service::scripted::{Answer, Scripted};
use sluice_envoy::{Envoy, EnvoyBinary, RunningEnvoy, binary::find_module};
use sluice_tests::tokens::{self, Signer};

const NAMESPACE: &str = "production";
const ISSUER: &str = "https://accounts.test";
/// The filter asks for keys it has never heard of that long after it last asked for any.
const BETWEEN_FETCHES: Duration = Duration::from_secs(11);
/// Longest wait for something that must happen.
const PATIENCE: Duration = Duration::from_secs(60);
/// Rounds of requests in each phase.
const ROUNDS: usize = 40;

/// A way for a key server to fail. None: it is gone.
type Fault = (&'static str, fn(&str) -> Option<Answer>);

const FAULTS: [Fault; 10] = [
    ("gone", |_| None),
    ("500", |_| Some(Answer::status(500))),
    ("404-with-keys", |keys| {
        Some(Answer {
            status: 404,
            ..Answer::ok(keys)
        })
    }),
    ("slow", |keys| {
        Some(Answer::ok(keys).after(Duration::from_secs(5)))
    }),
    ("empty", |_| Some(Answer::ok(""))),
    ("no-json", |_| Some(Answer::ok("<html>maintenance</html>"))),
    ("cut-off", |keys| {
        Some(Answer::ok(&keys.as_bytes()[..keys.len() / 2]))
    }),
    ("no-list", |_| Some(Answer::ok(r#"{"keys":{}}"#))),
    ("deep", |_| Some(Answer::ok("[".repeat(200_000)))),
    ("ten-mebibytes", |keys| {
        Some(Answer::ok(format!("{keys}{}", " ".repeat(10 << 20))))
    }),
];

/// A key server and the listener whose filter trusts it.
struct Server {
    name: &'static str,
    service: Scripted,
    fault: Option<Answer>,
    healthy: Answer,
}

impl Server {
    fn start((name, fault): Fault, keys: &str) -> Self {
        let mut server = Self {
            name,
            service: Scripted::start(Answer::ok(keys)).unwrap(),
            fault: fault(keys),
            healthy: Answer::ok(keys),
        };
        server.break_down();
        server
    }

    fn break_down(&mut self) {
        match &self.fault {
            Some(answer) => self.service.answer(answer.clone()),
            None => self.service.kill(),
        }
    }

    fn heal(&mut self) {
        self.service.answer(self.healthy.clone());
        if self.fault.is_none() {
            self.service.restart().unwrap();
        }
    }

    fn uri(&self) -> String {
        format!("http://keys.test:{}/jwks", self.service.address().port())
    }
}

/// What the filter must tell apart.
struct Tokens {
    good: String,
    forged: String,
    unknown_key: String,
}

impl Tokens {
    fn of(signer: &Signer, key_id: &str) -> Self {
        let claims = json!({"iss": ISSUER, "sub": "alice", "exp": 4_102_444_800_u64});
        let mint = |signer, key_id| {
            tokens::mint(signer, &json!({"alg": "ES256", "kid": key_id}), &claims).unwrap()
        };
        Self {
            good: mint(signer, key_id),
            forged: mint(&Signer::es256().unwrap(), key_id),
            unknown_key: mint(&Signer::es256().unwrap(), "nobody's"),
        }
    }
}

struct Mesh {
    envoy: RunningEnvoy,
    client: Client,
}

impl Mesh {
    fn start(servers: &[Server]) -> Self {
        let mut bootstrap = Bootstrap::new(Node::new(NAMESPACE, []));
        for server in servers {
            let cluster = jwt_authn::cluster_of(&server.uri());
            bootstrap = bootstrap
                .cluster(&Cluster::http1(&cluster, server.service.address()))
                .listener(listener(server.name, &server.uri()));
        }
        let envoy = Envoy::new(EnvoyBinary::find_default().unwrap());
        Self {
            envoy: envoy.start(bootstrap.into_json()).unwrap(),
            client: Client::new().unwrap(),
        }
    }

    fn passes(&self, server: &Server, token: &str) -> bool {
        let address = self.envoy.listener(server.name).unwrap();
        let request = Request::new("GET", "payments.test", "/")
            .header("authorization", format!("Bearer {token}"));
        let target = Target::new(address, Protocol::Http1);
        self.client.send(&target, &request).unwrap().status == 200
    }

    /// So many of the tokens pass at the servers.
    fn count<'a>(&self, servers: &[Server], token: impl Fn(&Server) -> &'a str) -> usize {
        servers
            .iter()
            .filter(|server| self.passes(server, token(server)))
            .count()
    }
}

fn listener(name: &str, uri: &str) -> Listener {
    let module = find_module("jwt").unwrap();
    let filter = WasmFilter::new(name, &module, &plugin_config(uri).to_string());
    let manager = HttpConnectionManager::direct_response(200, "ok").filter(filter.to_json());
    Listener::new(name).chain(FilterChain::new(&manager))
}

fn plugin_config(uri: &str) -> Value {
    json!({"resources": [{
        "apiVersion": "security.istio.io/v1",
        "kind": "RequestAuthentication",
        "metadata": {"name": "accounts", "namespace": NAMESPACE},
        "spec": {"jwtRules": [{"issuer": ISSUER, "jwksUri": uri, "timeout": "1s"}]},
    }]})
}

fn key_set(signer: &Signer, key_id: &str) -> String {
    let mut key = signer.jwk();
    key["kid"] = json!(key_id);
    tokens::key_set([key])
}

#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "{what}: not so after {PATIENCE:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn no_fault_of_a_key_server_changes_a_verdict() {
    let signer = Signer::es256().unwrap();
    let keys = key_set(&signer, "one");
    let tokens = Tokens::of(&signer, "one");
    let mut servers = FAULTS.map(|fault| Server::start(fault, &keys));
    let mesh = Mesh::start(&servers);

    let without_keys = mesh.count(&servers, |_| &tokens.good);
    let mut forged_passed = mesh.count(&servers, |_| &tokens.forged);
    assert_eq!(without_keys, 0, "a token passed without keys to verify it");

    servers.iter_mut().for_each(Server::heal);
    for server in &servers {
        wait_until(server.name, || mesh.passes(server, &tokens.good));
        drop(server.service.take_received());
    }

    thread::sleep(BETWEEN_FETCHES);
    servers.iter_mut().for_each(Server::break_down);
    let (mut good_sent, mut good_passed, mut forged_sent) = (0, 0, servers.len());
    for _ in 0..ROUNDS {
        good_passed += mesh.count(&servers, |_| &tokens.good);
        forged_passed += mesh.count(&servers, |_| &tokens.forged);
        // The filter asks its server for this one's key, and meets the fault.
        forged_passed += mesh.count(&servers, |_| &tokens.unknown_key);
        good_sent += servers.len();
        forged_sent += 2 * servers.len();
    }
    println!(
        "{} faults, keys known: {good_passed} of {good_sent} good tokens passed, \
         {forged_passed} of {forged_sent} others",
        servers.len()
    );
    assert_eq!((good_passed, forged_passed), (good_sent, 0));
    for server in servers.iter().filter(|server| server.fault.is_some()) {
        let asked = server.service.take_received().len();
        assert!(asked > 0, "{}: was not asked while it failed", server.name);
    }
}

/// The server forgets its key for a new one, again and again.
#[test]
fn keys_that_change_are_followed() {
    let signers = ["one", "two", "three"].map(|key_id| (key_id, Signer::es256().unwrap()));
    let (first, rest) = signers.split_first().unwrap();
    let keys = key_set(&first.1, first.0);
    let servers = [Server::start(
        ("rotating", |keys| Some(Answer::ok(keys))),
        &keys,
    )];
    let [server] = &servers;
    let mesh = Mesh::start(&servers);
    let mut before = Tokens::of(&first.1, first.0);
    assert!(mesh.passes(server, &before.good));
    for (key_id, signer) in rest {
        thread::sleep(BETWEEN_FETCHES);
        server.service.answer(Answer::ok(key_set(signer, key_id)));
        let tokens = Tokens::of(signer, key_id);
        // Known before it is heard of, and good at once when it is.
        assert!(mesh.passes(server, &before.good), "{key_id}: the old key");
        assert!(!mesh.passes(server, &tokens.forged), "{key_id}: forged");
        assert!(mesh.passes(server, &tokens.good), "{key_id}: the new key");
        assert!(
            !mesh.passes(server, &before.good),
            "{key_id}: the key that was withdrawn"
        );
        before = tokens;
    }
}
