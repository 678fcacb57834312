//! A thousand requests that `fault.wasm` delays at the same time in a real Envoy, and how
//! late each is let go.

use std::fmt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_envoy::bootstrap::{
    Bootstrap, FilterChain, HttpConnectionManager, Listener, Node, WasmFilter, access_log,
    extension,
};
use sluice_envoy::client::{Client, Protocol, Request, Target};
use sluice_envoy::{Envoy, EnvoyBinary, binary::find_module};

/// Namespace of the proxy.
pub const NAMESPACE: &str = "production";
/// The host whose routes have faults.
pub const AUTHORITY: &str = "orders.test";
/// How many are delayed at the same time.
pub const REQUESTS: usize = 1_000;

/// Delays of the requests that are measured, turn by turn.
const DELAYS_MS: [u32; 5] = [900, 1_000, 1_150, 1_300, 1_700];
/// Longest wait for the access log.
const PATIENCE: Duration = Duration::from_secs(20);

/// How late requests were let go, in microseconds.
#[derive(Debug, Clone)]
pub struct Lateness(Vec<i64>);

impl Lateness {
    /// How many there were.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// How many were let go before their time.
    #[must_use]
    pub fn early(&self) -> usize {
        self.0.iter().filter(|late_us| **late_us < 0).count()
    }

    /// What a share of them, in thousandths, does not exceed.
    #[must_use]
    pub fn quantile_ms(&self, thousandths: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let late_us = self.0.get(last * thousandths / 1_000).copied();
        let late_us = late_us.and_then(|late_us| i32::try_from(late_us).ok());
        late_us.map_or(f64::INFINITY, f64::from) / 1_000.0
    }
}

impl fmt::Display for Lateness {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.count();
        write!(out, "{count} delayed requests, late by (ms)")?;
        for (name, thousandths) in [("p50", 500), ("p90", 900), ("p99", 990), ("max", 1_000)] {
            write!(out, " {name} {:.2}", self.quantile_ms(thousandths))?;
        }
        write!(out, "; early: {}", self.early())
    }
}

/// The path whose route has a delay.
#[must_use]
pub fn path(delay_ms: u32) -> String {
    format!("/delayed/{delay_ms}")
}

/// The faults of the service: a route for each delay, which all of its requests meet.
#[must_use]
pub fn delays(delays_ms: &[u32]) -> Vec<(String, Value)> {
    let delay = |delay_ms: &u32| {
        let fault = json!({"delay": {
            "fixedDelay": format!("{delay_ms}ms"),
            "percentage": {"value": 100},
        }});
        (path(*delay_ms), fault)
    };
    delays_ms.iter().map(delay).collect()
}

/// A `pluginConfig` with one `VirtualService`, of which each path has a fault, and with the
/// filter's own options.
#[must_use]
pub fn configuration(faults: &[(String, Value)], options: &Value) -> String {
    let route = json!([{"destination": {"host": "orders"}}]);
    let routes = faults.iter().map(|(path, fault)| {
        json!({"match": [{"uri": {"prefix": path}}], "fault": fault, "route": route})
    });
    let routes: Vec<Value> = routes.chain([json!({"route": route})]).collect();
    let mut configuration = options.clone();
    if let Some(configuration) = configuration.as_object_mut() {
        let service = json!({
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": "orders", "namespace": NAMESPACE},
            "spec": {"hosts": [AUTHORITY], "http": routes},
        });
        configuration.insert("resources".to_owned(), json!([service]));
    }
    configuration.to_string()
}

/// Whose filter delays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// `fault.wasm`.
    Ours,
    /// Envoy's own fault filter.
    Native,
}

impl Whose {
    fn filter(self) -> Result<Value> {
        match self {
            Self::Ours => filter(&configuration(&delays(&DELAYS_MS), &json!({}))),
            Self::Native => Ok(extension(
                "envoy.filters.http.fault",
                "envoy.extensions.filters.http.fault.v3.HTTPFault",
                json!({"delay": {"header_delay": {}, "percentage": {"numerator": 100}}}),
            )),
        }
    }
}

/// `fault.wasm`.
///
/// # Errors
/// When its module has not been built.
pub fn filter(configuration: &str) -> Result<Value> {
    let module = find_module("fault")?;
    Ok(WasmFilter::new("fault", &module, configuration).to_json())
}

/// Sends the requests at the same time and reads in Envoy's access log how long each was
/// held: from its first byte to the first byte of the answer, which the proxy gives itself.
///
/// # Errors
/// When one of them is not answered, or the laboratory fails.
pub fn measure(binary: &EnvoyBinary, whose: Whose) -> Result<Lateness> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("access.log");
    let fields = [
        ("path", "%REQ(:PATH)%"),
        ("held_us", "%COMMON_DURATION(DS_RX_BEG:DS_TX_BEG:us)%"),
    ];
    let manager = HttpConnectionManager::direct_response(200, "ok")
        .filter(whose.filter()?)
        .access_log(access_log::json_file(&log, &fields));
    let bootstrap = Bootstrap::new(Node::new(NAMESPACE, []))
        .listener(Listener::new("inbound").chain(FilterChain::new(&manager)));
    let envoy = Envoy::new(binary.clone()).start(bootstrap.into_json())?;
    let target = Target::new(envoy.listener("inbound")?, Protocol::Wire);
    let client = Client::new()?;
    let turns = DELAYS_MS.iter().cycle().take(REQUESTS);
    let requests = turns.map(|delay_ms| {
        // The header is for Envoy's own filter.
        Request::new("GET", AUTHORITY, path(*delay_ms))
            .header("x-envoy-fault-delay-request", delay_ms.to_string())
    });
    let underway: Vec<_> = requests
        .map(|request| client.begin(&target, &request))
        .collect();
    for request in underway {
        let (response, _) = request.wait()?;
        ensure!(response.status == 200, "answered {}", response.status);
    }
    lateness(&log)
}

fn lateness(log: &Path) -> Result<Lateness> {
    let until = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        if text.lines().count() >= REQUESTS || Instant::now() > until {
            let late = text.lines().map(late_us);
            let mut late = late.collect::<Result<Vec<_>>>()?;
            late.sort_unstable();
            return Ok(Lateness(late));
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn late_us(line: &str) -> Result<i64> {
    let entry: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
    let path = entry.get("path").and_then(Value::as_str);
    let due_ms = path.and_then(|path| path.strip_prefix("/delayed/"));
    let due_ms: i64 = due_ms.context("a path with a delay")?.parse()?;
    let held_us = entry.get("held_us").and_then(Value::as_i64);
    Ok(held_us.with_context(|| line.to_owned())? - due_ms * 1_000)
}
