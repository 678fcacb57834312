//! An abort of `fault.wasm` looks like one of Envoy's own fault filter: status, headers,
//! body, gRPC status and response-code details, on every Envoy that is here.

#![expect(
    clippy::unwrap_used,
    reason = "without its module or Envoy this test can only fail"
)]

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluice_envoy::bootstrap::{
    Bootstrap, FilterChain, HttpConnectionManager, Listener, Node, access_log, extension,
};
use sluice_envoy::client::{Client, HeaderLines, Protocol, Request, Response, Target};
use sluice_envoy::{Envoy, EnvoyBinary};
use sluice_tests::delays::{self, AUTHORITY, NAMESPACE};
use sluice_tests::envoys;

/// The header that tells one from the other.
const HEADER: &[u8] = b"x-sluice-fault";
/// Longest wait for the access log.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a client sees.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    status: u16,
    headers: HeaderLines,
    body: Vec<u8>,
    trailers: HeaderLines,
}

impl Seen {
    /// Without what differs from one response to the next.
    fn of(response: Response) -> Self {
        let mut headers = response.headers;
        headers.retain(|(name, _)| name != b"date" && name != HEADER);
        headers.sort();
        Self {
            status: response.status,
            headers,
            body: response.body,
            trailers: response.trailers,
        }
    }
}

const ABORT: &str = "x-envoy-fault-abort-request";
const GRPC_ABORT: &str = "x-envoy-fault-abort-grpc-request";
const DELAY: &str = "x-envoy-fault-delay-request";

/// What requests ask for.
const ASKED: [&[(&str, &str)]; 30] = [
    &[],
    &[(ABORT, "200")],
    &[(ABORT, "400")],
    &[(ABORT, "401")],
    &[(ABORT, "403")],
    &[(ABORT, "404")],
    &[(ABORT, "418")],
    &[(ABORT, "429")],
    &[(ABORT, "500")],
    &[(ABORT, "502")],
    &[(ABORT, "503")],
    &[(ABORT, "504")],
    &[(ABORT, "599")],
    &[(ABORT, "600")],
    &[(ABORT, "199")],
    &[(ABORT, "-1")],
    &[(ABORT, "some")],
    &[(ABORT, "")],
    &[(ABORT, "503"), (ABORT, "500")],
    &[(ABORT, "some"), (ABORT, "500")],
    &[(ABORT, "503"), (GRPC_ABORT, "5")],
    &[(ABORT, "600"), (GRPC_ABORT, "5")],
    &[(GRPC_ABORT, "0")],
    &[(GRPC_ABORT, "14")],
    &[(GRPC_ABORT, "16")],
    &[(GRPC_ABORT, "some")],
    &[(DELAY, "20"), (ABORT, "503")],
    &[(DELAY, "20"), (GRPC_ABORT, "14")],
    &[(DELAY, "20")],
    &[
        (ABORT, "503"),
        ("x-envoy-fault-abort-request-percentage", "0"),
    ],
];

/// The abort after a delay comes from a tick; to the client that is all the same.
#[test]
fn faults_are_those_of_envoys_own_filter() {
    for binary in envoys::available().unwrap() {
        compare(&binary);
    }
}

/// Both filters, the same requests.
fn compare(binary: &EnvoyBinary) {
    let whole = json!({"numerator": 100});
    let native = extension(
        "envoy.filters.http.fault",
        "envoy.extensions.filters.http.fault.v3.HTTPFault",
        json!({
            "abort": {"header_abort": {}, "percentage": whole},
            "delay": {"header_delay": {}, "percentage": whole},
        }),
    );
    let options = json!({"faults": {"headerFaults": {"percentage": {"value": 100}}}});
    let ours = delays::filter(&delays::configuration(&[], &options)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let chain = |name: &str, filter: Value| {
        let details = [("details", "%RESPONSE_CODE_DETAILS%")];
        let log = access_log::json_file(&folder.path().join(name), &details);
        let manager = HttpConnectionManager::direct_response(200, "ok");
        FilterChain::new(&manager.filter(filter).access_log(log))
    };
    let bootstrap = Bootstrap::new(Node::new(NAMESPACE, []))
        .listener(Listener::new("ours").chain(chain("ours", ours)))
        .listener(Listener::new("native").chain(chain("native", native)));
    let envoy = Envoy::new(binary.clone())
        .start(bootstrap.into_json())
        .unwrap();
    let client = Client::new().unwrap();
    let (mut sent, mut marked) = (0, 0);
    for asked in ASKED {
        let plain = ask(Request::new("GET", AUTHORITY, "/"), asked);
        let grpc = Request::new("POST", AUTHORITY, "/a.Service/Method")
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        let grpc = ask(grpc, asked);
        let requests = [
            (Protocol::Http1, &plain),
            (Protocol::Http2, &plain),
            (Protocol::Http2, &grpc),
        ];
        for (protocol, request) in requests {
            let send = |listener: &str| {
                let target = Target::new(envoy.listener(listener).unwrap(), protocol);
                client.send(&target, request).unwrap()
            };
            let (answer, expected) = (send("ours"), send("native"));
            marked += usize::from(answer.header("x-sluice-fault").is_some());
            let what = format!("envoy {}, {asked:?}, {protocol:?}", binary.version());
            assert_eq!(Seen::of(answer), Seen::of(expected), "{what}");
            sent += 1;
        }
    }
    let details = |name: &str| lines(&folder.path().join(name), sent);
    assert_eq!(details("ours"), details("native"), "{}", binary.version());
    let ours = details("ours");
    let aborted = ours
        .iter()
        .filter(|line| line.contains("fault_filter_abort"));
    assert_eq!(aborted.count(), marked);
    assert!(marked > sent / 2);
}

fn ask(request: Request, asked: &[(&str, &str)]) -> Request {
    asked.iter().fold(request, |request, (name, value)| {
        request.header(name, value)
    })
}

/// The lines of an access log, when they are there.
fn lines(path: &Path, count: usize) -> Vec<String> {
    let until = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if lines.len() >= count || Instant::now() > until {
            return lines;
        }
        thread::sleep(Duration::from_millis(20));
    }
}
