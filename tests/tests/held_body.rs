//! A request with a body under a CUSTOM policy does not reach the upstream before the
//! authorizer has said yes, through the built module, in the harness and in every Envoy
//! that is here.
//!
//! `allow_on_headers_stop_iteration` is on, so that a module which pauses with plain
//! `StopIteration` is found out: its body would take the request on.

#![expect(
    clippy::unwrap_used,
    reason = "without its module or Envoy this test can only fail"
)]

use std::net::{SocketAddr, TcpListener};

use serde_json::json;
use sluice_envoy::bootstrap::{
    Bootstrap, Cluster, FilterChain, HttpConnectionManager, Listener, Node, WasmFilter,
};
use sluice_envoy::client::{Client, Protocol, Request, Target};
use sluice_envoy::service::Upstream;
use sluice_envoy::service::ext_authz::{Authorizer, Rule};
use sluice_envoy::{Envoy, EnvoyBinary, LabError, binary::find_module};
use sluice_host::{
    Callouts, GrpcCall, GrpcEvent, HttpAnswer, HttpCall, Message, OutcomeKind, PluginConfig, Timed,
    World,
};
use sluice_tests::envoys;
use sluice_tests::guest::{self, Guest};

const NAMESPACE: &str = "production";
const PROVIDER: &str = "outbound|8000||authorizer.test";
const BODY: &str = "amount_cents=4200";

/// What client and upstream saw.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    status: u16,
    /// The body that arrived, if anything did.
    upstream: Option<Vec<u8>>,
}

/// Nobody said yes.
fn refused() -> Seen {
    Seen {
        status: 403,
        upstream: None,
    }
}

fn passed() -> Seen {
    Seen {
        status: 200,
        upstream: Some(BODY.as_bytes().to_vec()),
    }
}

#[test]
fn the_harness_holds_the_body_back() {
    assert_eq!(in_harness(false), refused());
    assert_eq!(in_harness(true), passed());
}

#[test]
fn envoy_holds_the_body_back() {
    // The kernel takes connections for it, and nobody ever answers one.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap();
    let yes = Authorizer::start(Rule::Allow).unwrap();
    for binary in envoys::available().unwrap() {
        let version = binary.version();
        let seen = |provider| in_envoy(&binary, provider).unwrap();
        assert_eq!(seen(silent), refused(), "envoy {version}");
        assert_eq!(seen(yes.address()), passed(), "envoy {version}");
    }
}

/// A second is an eternity for a body that is not held back: the upstream answers
/// before the check times out.
fn configuration() -> String {
    json!({
        "mesh": {"extensionProviders": [{
            "name": "authorizer",
            "envoyExtAuthzHttp": {"service": "authorizer.test", "port": 8000, "timeout": "1s"},
        }]},
        "resources": [{
            "apiVersion": "security.istio.io/v1",
            "kind": "AuthorizationPolicy",
            "metadata": {"name": "ask", "namespace": NAMESPACE},
            "spec": {"action": "CUSTOM", "provider": {"name": "authorizer"}, "rules": [{}]},
        }],
    })
    .to_string()
}

fn in_envoy(binary: &EnvoyBinary, provider: SocketAddr) -> Result<Seen, LabError> {
    let upstream = Upstream::echo()?;
    let filter = WasmFilter::new("authz", &find_module("authz")?, &configuration())
        .allow_on_headers_stop_iteration();
    let manager = HttpConnectionManager::to_cluster("upstream").filter(filter.to_json());
    let bootstrap = Bootstrap::new(Node::new(NAMESPACE, []))
        .cluster(&Cluster::as_downstream("upstream", upstream.address()))
        .cluster(&Cluster::http1(PROVIDER, provider))
        .listener(Listener::new("inbound").chain(FilterChain::new(&manager)));
    let envoy = Envoy::new(binary.clone()).start(bootstrap.into_json())?;
    let target = Target::new(envoy.listener("inbound")?, Protocol::Http1);
    let request = Request::new("POST", "payments.test", "/v1/payments").body(BODY);
    let response = Client::new()?.send(&target, &request)?;
    let received = upstream.take_received().into_iter().next();
    Ok(Seen {
        status: response.status,
        upstream: received.map(|request| request.body),
    })
}

fn in_harness(answers: bool) -> Seen {
    let plugin = PluginConfig {
        allow_on_headers_stop_iteration: true,
        ..PluginConfig::new("authz", configuration())
    };
    let world = World {
        callouts: Box::new(Provider { answers }),
        ..guest::world(NAMESPACE)
    };
    let module = find_module("authz").unwrap();
    let mut guest = Guest::load(&module, plugin, world).unwrap();
    let mut exchange = guest::get("/v1/payments");
    exchange.request.headers.set(":method", "POST");
    exchange.request.body.push(BODY.as_bytes().to_vec());
    let outcome = guest.run(&exchange);
    let forwarded = outcome.kind == OutcomeKind::Forwarded;
    Seen {
        status: outcome.status.unwrap_or_default(),
        upstream: forwarded.then(|| outcome.request.body_bytes()),
    }
}

/// The authorizer, without a network.
struct Provider {
    answers: bool,
}

impl Callouts for Provider {
    fn has_cluster(&self, cluster: &str) -> bool {
        cluster == PROVIDER
    }

    fn http(&mut self, _: &HttpCall) -> Timed<HttpAnswer> {
        Timed {
            after_ns: 1_000_000_000,
            what: if self.answers {
                HttpAnswer::Response(Message::of_headers([(":status", "200")]))
            } else {
                HttpAnswer::Reset
            },
        }
    }

    fn grpc(&mut self, _: &GrpcCall) -> Vec<Timed<GrpcEvent>> {
        Vec::new()
    }
}
