//! End to end: tokens of a real OpenID provider, its keys found by discovery, `jwt.wasm`
//! and `authz.wasm` in a real Envoy.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "without its parts this test can only fail"
)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_envoy::bootstrap::{
    Bootstrap, Cluster, FilterChain, HttpConnectionManager, Listener, Node, WasmFilter,
};
use sluice_envoy::client::{Client, Protocol, Request, Response, Target};
use sluice_envoy::service::Upstream;
use sluice_envoy::{Envoy, EnvoyBinary, RunningEnvoy, binary::find_module};
use sluice_tests::envoys;
use sluice_tests::identity_provider::{ALGORITHMS, AUDIENCE, IdentityProvider, SUBJECT};

const NAMESPACE: &str = "production";
const LISTENER: &str = "inbound";
const CLUSTER: &str = "inbound|8080||";

/// The service behind both filters.
struct Mesh {
    upstream: Upstream,
    envoy: RunningEnvoy,
    client: Client,
}

impl Mesh {
    fn start(binary: &EnvoyBinary, provider: &IdentityProvider) -> Self {
        let upstream = Upstream::echo().unwrap();
        let filter = |name: &str, resource: &Value| {
            let module = find_module(name).unwrap();
            let configuration = json!({"resources": [resource]}).to_string();
            WasmFilter::new(name, &module, &configuration).to_json()
        };
        let manager = HttpConnectionManager::to_cluster(CLUSTER)
            .filter(filter("jwt", &request_authentication(provider)))
            .filter(filter("authz", &authorization_policy(provider)));
        let bootstrap = Bootstrap::new(Node::new(NAMESPACE, []))
            .cluster(&Cluster::as_downstream(CLUSTER, upstream.address()))
            .cluster(&Cluster::http1(&provider.cluster(), provider.address()))
            .listener(Listener::new(LISTENER).chain(FilterChain::new(&manager)));
        let envoy = Envoy::new(binary.clone());
        Self {
            upstream,
            envoy: envoy.start(bootstrap.into_json()).unwrap(),
            client: Client::new().unwrap(),
        }
    }

    fn get(&self, token: Option<&str>) -> Response {
        let target = Target::new(self.envoy.listener(LISTENER).unwrap(), Protocol::Http1);
        let mut request = Request::new("GET", "payments.test", "/v1/payments");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.client.send(&target, &request).unwrap()
    }

    #[track_caller]
    fn assert_refused(&self, token: Option<&str>, status: u16, body: &str) {
        let response = self.get(token);
        let found = String::from_utf8_lossy(&response.body).into_owned();
        assert_eq!((response.status, found.as_str()), (status, body));
        assert!(self.upstream.take_received().is_empty(), "it went upstream");
    }
}

/// No `jwksUri`: the provider's OpenID configuration says where its keys are.
fn request_authentication(provider: &IdentityProvider) -> Value {
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "RequestAuthentication",
        "metadata": {"name": "accounts", "namespace": NAMESPACE},
        "spec": {"jwtRules": [{
            "issuer": provider.issuer(),
            "audiences": [AUDIENCE],
            "outputClaimToHeaders": [{"header": "x-caller", "claim": "sub"}],
        }]},
    })
}

fn authorization_policy(provider: &IdentityProvider) -> Value {
    let principal = format!("{}/{SUBJECT}", provider.issuer());
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "readers", "namespace": NAMESPACE},
        "spec": {"action": "ALLOW", "rules": [{
            "from": [{"source": {"requestPrincipals": [principal]}}],
            "when": [{"key": "request.auth.claims[scope]", "values": ["read"]}],
        }]},
    })
}

#[test]
fn the_provider_signs_and_publishes() {
    let mut provider = IdentityProvider::start("accounts.test").unwrap();
    let configuration = provider.discovery().unwrap();
    assert_eq!(configuration["issuer"], provider.issuer());
    assert_eq!(
        configuration["jwks_uri"],
        format!("{}/jwks", provider.issuer())
    );
    let before = key_ids(&provider);
    assert_eq!(before.len(), ALGORITHMS.len());
    for algorithm in ALGORITHMS {
        let token = provider.token(algorithm, "read").unwrap();
        assert_eq!(token.split('.').count(), 3, "{algorithm}");
    }
    provider.rotate().unwrap();
    let both = key_ids(&provider);
    assert!(before.iter().all(|key| both.contains(key)) && both.len() == 2 * before.len());
    provider.retire_old_keys().unwrap();
    let after = key_ids(&provider);
    assert!(!before.iter().any(|key| after.contains(key)) && after.len() == before.len());
}

fn key_ids(provider: &IdentityProvider) -> Vec<Value> {
    let keys = provider.key_set().unwrap()["keys"].take();
    let keys = keys.as_array().unwrap().iter();
    keys.map(|key| key["kid"].clone()).collect()
}

#[test]
fn a_token_of_the_provider_opens_the_service() {
    let mut provider = IdentityProvider::start("accounts.test").unwrap();
    let stranger = IdentityProvider::start("elsewhere.test").unwrap();
    let tokens = ALGORITHMS.map(|algorithm| provider.token(algorithm, "read").unwrap());
    let writer = provider.token("ES256", "write").unwrap();
    provider.set_clock(-7_200).unwrap();
    let expired = provider.token("ES256", "read").unwrap();
    provider.set_clock(0).unwrap();
    let foreign = stranger.token("ES256", "read").unwrap();
    for binary in envoys::available().unwrap() {
        let mesh = Mesh::start(&binary, &provider);
        for (token, algorithm) in tokens.iter().zip(ALGORITHMS) {
            let response = mesh.get(Some(token));
            let what = format!("envoy {}, {algorithm}: {response:?}", binary.version());
            assert_eq!(response.status, 200, "{what}");
            let received = mesh.upstream.take_received().pop().unwrap();
            assert_eq!(
                received.header("x-caller"),
                Some(SUBJECT.as_bytes()),
                "{what}"
            );
            assert_eq!(received.header("authorization"), None, "{what}");
        }
        mesh.assert_refused(None, 403, "RBAC: access denied");
        mesh.assert_refused(Some(&writer), 403, "RBAC: access denied");
        mesh.assert_refused(Some(&expired), 401, "Jwt is expired");
        mesh.assert_refused(Some(&foreign), 401, "Jwt issuer is not configured");
        mesh.assert_refused(
            Some("a.b.c"),
            401,
            "Jwt header is an invalid Base64url encoded",
        );
    }
}

/// The filter asks an issuer for keys it has never heard of that long after it last asked
/// for any, and no sooner.
const BETWEEN_FETCHES: Duration = Duration::from_secs(11);

/// The tokens before keep opening the service all the while, and the first token of the
/// new keys, which the filter has never heard of, does so at once.
#[test]
fn new_keys_cost_no_request() {
    let mut provider = IdentityProvider::start("accounts.test").unwrap();
    let mesh = Mesh::start(&EnvoyBinary::find_default().unwrap(), &provider);
    let old = ALGORITHMS.map(|algorithm| provider.token(algorithm, "read").unwrap());
    let pass = |token: &String| mesh.get(Some(token)).status == 200;
    assert!(old.iter().all(pass));
    let ended = AtomicBool::new(false);
    let (refused, passed) = thread::scope(|scope| {
        let traffic = scope.spawn(|| {
            let (mut refused, mut passed) = (0, 0);
            while !ended.load(Ordering::Relaxed) {
                let good = old.iter().filter(|token| pass(token)).count();
                passed += good;
                refused += old.len() - good;
            }
            (refused, passed)
        });
        thread::sleep(BETWEEN_FETCHES);
        provider.rotate().unwrap();
        let new = ALGORITHMS.map(|algorithm| provider.token(algorithm, "read").unwrap());
        let of_new_keys: Vec<u16> = new
            .iter()
            .map(|token| mesh.get(Some(token)).status)
            .collect();
        ended.store(true, Ordering::Relaxed);
        let counts = traffic.join().unwrap();
        assert_eq!(of_new_keys, [200; ALGORITHMS.len()]);
        counts
    });
    println!("{passed} requests with tokens of the old keys passed meanwhile, {refused} refused");
    assert_eq!(refused, 0);
    assert!(passed > 0);
}
