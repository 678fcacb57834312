//! The laboratory itself, on a real Envoy: what it stages arrives as staged.
#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may fail as the test may"
)]

use std::{
    fs,
    net::SocketAddr,
    time::{Duration, UNIX_EPOCH},
};

use serde_json::Value;
use sluice_envoy::{
    Envoy, EnvoyBinary, RunningEnvoy,
    bootstrap::{
        Bootstrap, Cluster, FilterChain, HttpConnectionManager, Listener, Node, access_log,
        http_filter,
        transport_socket::{ClientCertificate, downstream_tls},
    },
    client::{Client, ClientTls, Protocol, Request, Target},
    identity::Authority,
    service::{Upstream, payment},
};
use tempfile::TempDir;

const ORDER: &str = "spiffe://cluster.local/ns/production/sa/order-service-sa";

struct Lab {
    authority: Authority,
    upstream: Upstream,
    directory: TempDir,
    envoy: RunningEnvoy,
    client: Client,
}

impl Lab {
    fn start(upstream: Upstream) -> Self {
        let authority = Authority::new().unwrap();
        let directory = TempDir::new().unwrap();
        let server = authority
            .issue("spiffe://cluster.local/ns/production/sa/payment")
            .unwrap();
        let manager = HttpConnectionManager::to_cluster("service")
            .filter(http_filter::tap(&directory.path().join("tap")))
            .access_log(access_log::json_file(
                &directory.path().join("access.log"),
                access_log::ISTIO_JSON,
            ));
        let tls = downstream_tls(&authority, &server, ClientCertificate::Required);
        let listener = Listener::new("inbound")
            .proxy_protocol()
            .tls_inspector()
            .chain(FilterChain::new(&manager).tls(tls))
            .chain(FilterChain::new(&manager).raw());
        let bootstrap = Bootstrap::new(Node::new("production", [("app", "payment-service")]))
            .cluster(&Cluster::as_downstream("service", upstream.address()))
            .listener(listener);
        let binary = EnvoyBinary::find_default().unwrap();
        let envoy = Envoy::new(binary).start(bootstrap.into_json()).unwrap();
        Self {
            client: Client::new().unwrap(),
            authority,
            upstream,
            directory,
            envoy,
        }
    }

    fn target(&self, protocol: Protocol) -> Target {
        let source: SocketAddr = "10.0.0.7:40412".parse().unwrap();
        let destination: SocketAddr = "10.0.0.9:8080".parse().unwrap();
        Target::new(self.envoy.listener("inbound").unwrap(), protocol).proxied(source, destination)
    }

    fn mutual(&self, protocol: Protocol) -> Target {
        let order = self.authority.issue(ORDER).unwrap();
        self.target(protocol)
            .tls(ClientTls::mutual(&self.authority, &order))
    }

    fn finish(self) -> (Vec<Value>, usize) {
        self.envoy.stop().unwrap();
        let log = fs::read_to_string(self.directory.path().join("access.log")).unwrap();
        let lines = log
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let taps = fs::read_dir(self.directory.path()).unwrap().count() - 1;
        (lines, taps)
    }
}

#[test]
fn every_protocol_reaches_the_service_with_identity_and_addresses() {
    let lab = Lab::start(Upstream::echo().unwrap());
    for protocol in [Protocol::Http1, Protocol::Http2, Protocol::Wire] {
        let request = Request::new("GET", "payments", "/v1/payments?x=1").header("a", "1");
        let response = lab.client.send(&lab.mutual(protocol), &request).unwrap();
        assert_eq!(response.status, 200, "{protocol:?}");
        let received = lab.upstream.take_received();
        assert_eq!(received[0].path, "/v1/payments?x=1");
        let xfcc = received[0].header("x-forwarded-client-cert").unwrap();
        assert!(String::from_utf8_lossy(xfcc).ends_with(&format!("URI={ORDER}")));
    }
    let (log, taps) = lab.finish();
    assert_eq!((log.len(), taps), (3, 3));
    assert_eq!(log[0]["downstream_remote_address"], "10.0.0.7:40412");
    assert_eq!(log[0]["downstream_local_address"], "10.0.0.9:8080");
    assert_eq!(log[0]["downstream_peer_uri_san"], ORDER);
}

#[test]
fn plain_text_takes_the_raw_chain() {
    let lab = Lab::start(Upstream::echo().unwrap());
    let request = Request::new("GET", "payments", "/");
    let response = lab
        .client
        .send(&lab.target(Protocol::Http1), &request)
        .unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(lab.finish().0[0]["downstream_peer_uri_san"], Value::Null);
}

#[test]
fn what_no_good_client_sends_is_sent_as_it_is() {
    let lab = Lab::start(Upstream::echo().unwrap());
    let request = Request::new("GET", "payments", "/a/../b#fragment").header("x-name", b"na\xefve");
    let response = lab
        .client
        .send(&lab.target(Protocol::Wire), &request)
        .unwrap();
    assert_eq!(response.status, 200);
    let received = lab.upstream.take_received();
    assert_eq!(received[0].path, "/b");
    assert_eq!(received[0].header("x-name"), Some(b"na\xefve".as_slice()));
    let refused = lab
        .client
        .send(&lab.target(Protocol::Http1), &request)
        .unwrap_err();
    assert!(
        refused.to_string().contains("would be changed"),
        "{refused}"
    );
}

#[test]
fn bodies_and_trailers_pass_both_ways() {
    let lab = Lab::start(Upstream::payments().unwrap());
    for protocol in [Protocol::Http1, Protocol::Http2, Protocol::Wire] {
        let target = lab.mutual(protocol);
        let order = Request::new("POST", "payments", "/v1/payments")
            .header("te", "trailers")
            .body(br#"{"order":"42"}"#)
            .trailer("x-sum", "14");
        let created = lab.client.send(&target, &order).unwrap();
        assert_eq!(
            (created.status, created.header("location").unwrap()),
            (201, b"/v1/payments/pay_42".as_slice())
        );
        let received = lab.upstream.take_received();
        assert_eq!(received[0].body, br#"{"order":"42"}"#);
        assert_eq!(
            received[0].trailers,
            [(b"x-sum".to_vec(), b"14".to_vec())],
            "{protocol:?}"
        );
        let export =
            Request::new("GET", "payments", "/v1/payments/export").header("te", "trailers");
        let exported = lab.client.send(&target, &export).unwrap();
        drop(lab.upstream.take_received());
        assert_eq!(
            exported.trailers,
            [(b"x-export-lines".to_vec(), b"3".to_vec())],
            "{protocol:?}"
        );
    }
}

#[test]
fn a_grpc_client_calls_the_payment_service() {
    let lab = Lab::start(Upstream::payments().unwrap());
    let mut connection = lab.client.connect(&lab.mutual(Protocol::Http2)).unwrap();
    let ask = |id: &str| payment::GetPaymentRequest { id: id.to_owned() };
    let found = connection
        .grpc::<_, payment::Payment>(
            "payments",
            payment::GET_PAYMENT,
            &[("x-tag", "1")],
            ask("pay_7"),
        )
        .unwrap();
    assert_eq!(
        (found.status, found.reply.unwrap().id.as_str()),
        (0, "pay_7")
    );
    let missing = connection
        .grpc::<_, payment::Payment>("payments", payment::GET_PAYMENT, &[], ask("none"))
        .unwrap();
    assert_eq!(
        (missing.status, missing.message.as_str()),
        (5, "no such payment")
    );
}

#[test]
fn processor_time_grows_and_statistics_count() {
    let lab = Lab::start(Upstream::echo().unwrap());
    assert!(lab.envoy.cpu_time().unwrap().as_millis() > 0);
    lab.client
        .send(&lab.target(Protocol::Http1), &Request::new("GET", "a", "/"))
        .unwrap();
    assert_eq!(
        lab.envoy.stats().unwrap()["http.inbound.downstream_rq_2xx"],
        1
    );
}

#[test]
fn an_envoy_can_be_told_another_time() {
    let somewhen_in_2031 = UNIX_EPOCH + Duration::from_secs(1_930_000_000);
    // Nobody listens behind it, so that it is Envoy itself who answers.
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
    let manager = HttpConnectionManager::to_cluster("service");
    let bootstrap = Bootstrap::new(Node::new("production", []))
        .cluster(&Cluster::http1("service", nowhere))
        .listener(Listener::new("inbound").chain(FilterChain::new(&manager)));
    let envoy = Envoy::new(EnvoyBinary::find_default().unwrap()).clock(somewhen_in_2031);
    let envoy = envoy.start(bootstrap.into_json()).unwrap();
    let target = Target::new(envoy.listener("inbound").unwrap(), Protocol::Http1);
    let request = Request::new("GET", "service", "/");
    let response = Client::new().unwrap().send(&target, &request).unwrap();
    let date = String::from_utf8_lossy(response.header("date").unwrap()).into_owned();
    assert!(date.contains("Feb 2031"), "{date}");
}

#[test]
fn an_envoy_that_refuses_its_bootstrap_says_why() {
    let binary = EnvoyBinary::find_default().unwrap();
    let error = Envoy::new(binary)
        .start(serde_json::json!({"nonsense": 1}))
        .unwrap_err();
    assert!(error.to_string().contains("nonsense"), "{error}");
}
