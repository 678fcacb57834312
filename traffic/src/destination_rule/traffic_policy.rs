//! `trafficPolicy`, of a host, of a subset, or of a port of either.

use sluice_policy::json::{Node, Object};
use sluice_policy::{DiagnosticCode, Diagnostics, duration};

use super::form::{Form, conflict};
use super::{left_to_envoy, percent};

/// What a `trafficPolicy` says to routing. A field is `None` when it is not there: a
/// subset's field replaces the host's as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrafficPolicy {
    /// `connectionPool`.
    pub limits: Option<Limits>,
    /// `outlierDetection`.
    pub outlier: Option<Outlier>,
    /// `retryBudget`.
    pub retry_budget: Option<BudgetPolicy>,
    /// `portLevelSettings`.
    pub ports: Vec<PortPolicy>,
}

/// What holds for one port, in place of everything that the policy around it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortPolicy {
    /// `port.number`.
    pub port: u16,
    /// `connectionPool`.
    pub limits: Option<Limits>,
    /// `outlierDetection`.
    pub outlier: Option<Outlier>,
}

/// `connectionPool`: limits of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// `http.http2MaxRequests`: most requests under way, of HTTP/1.1 too. `None` is no
    /// limit, and so is 0, as Istio cannot tell 0 from a field that is left out.
    pub max_requests: Option<u32>,
}

/// `outlierDetection`, with Envoy's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlier {
    /// `consecutive5xxErrors` (5); 0 is off.
    pub consecutive_5xx: u32,
    /// `consecutiveGatewayErrors` (off); 0 is off.
    pub consecutive_gateway: u32,
    /// `consecutiveLocalOriginFailures` (5) when `splitExternalLocalOriginErrors` is set:
    /// failures without an answer are counted by themselves then. `None` counts them as
    /// the 503 or 504 that clients see.
    pub consecutive_local_origin: Option<u32>,
    /// `interval` (10 s), in milliseconds.
    pub interval_ms: u32,
    /// `baseEjectionTime` (30 s), in milliseconds.
    pub base_ejection_ms: u32,
    /// `maxEjectionPercent` (10), from 1 to 100; 0 is left out, as in Istio.
    pub max_ejection_percent: u8,
    /// `minHealthPercent` (0), from 0 to 100.
    pub min_health_percent: u8,
}

/// `retryBudget`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetPolicy {
    /// `percent` (20), in millionths of the whole.
    pub millionths: u32,
    /// `minRetryConcurrency` (3); 0 is left out, as in Istio.
    pub min_retry_concurrency: u32,
}

impl Default for Outlier {
    fn default() -> Self {
        Self {
            consecutive_5xx: 5,
            consecutive_gateway: 0,
            consecutive_local_origin: None,
            interval_ms: 10_000,
            base_ejection_ms: 30_000,
            max_ejection_percent: 10,
            min_health_percent: 0,
        }
    }
}

impl Default for BudgetPolicy {
    fn default() -> Self {
        Self {
            millionths: 200_000,
            min_retry_concurrency: 3,
        }
    }
}

impl TrafficPolicy {
    /// Reads a policy.
    pub(super) fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut object = node.object(diagnostics)?;
        demand_fields(node, &object, diagnostics);
        let (limits, outlier) = read_shared(&mut object, diagnostics);
        let budget = object.take("retryBudget");
        let ports = object.take("portLevelSettings");
        let tunnel = object.take("tunnel");
        let proxy_protocol = object.take("proxyProtocol");
        object.finish(diagnostics);
        check(tunnel.as_ref(), &left_to_envoy::TUNNEL, diagnostics);
        check(
            proxy_protocol.as_ref(),
            &left_to_envoy::PROXY_PROTOCOL,
            diagnostics,
        );
        if let (Some(_), Some(node)) = (tunnel, proxy_protocol) {
            conflict(&node, "tunnel", diagnostics);
        }
        Some(Self {
            limits,
            outlier,
            retry_budget: budget.and_then(|node| BudgetPolicy::read(&node, diagnostics)),
            ports: ports.map_or_else(Vec::new, |node| read_ports(&node, diagnostics)),
        })
    }
}

/// Istio refuses a policy that says nothing.
fn demand_fields(node: &Node<'_>, object: &Object<'_>, diagnostics: &mut Diagnostics) {
    if object.is_empty() {
        let expected = "at least one field";
        node.error(DiagnosticCode::EmptyValue, expected, diagnostics);
    }
}

fn check(node: Option<&Node<'_>>, form: &Form, diagnostics: &mut Diagnostics) {
    if let Some(node) = node {
        form.check(node, diagnostics);
    }
}

/// Reads the fields that ports have, too.
fn read_shared(
    object: &mut Object<'_>,
    diagnostics: &mut Diagnostics,
) -> (Option<Limits>, Option<Outlier>) {
    let limits = object.take("connectionPool");
    let outlier = object.take("outlierDetection");
    let balancer = object.take("loadBalancer");
    let tls = object.take("tls");
    check(
        balancer.as_ref(),
        &left_to_envoy::LOAD_BALANCER,
        diagnostics,
    );
    check(tls.as_ref(), &left_to_envoy::TLS, diagnostics);
    (
        limits.and_then(|node| Limits::read(&node, diagnostics)),
        outlier.and_then(|node| Outlier::read(&node, diagnostics)),
    )
}

fn read_ports(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Vec<PortPolicy> {
    let mut ports: Vec<PortPolicy> = Vec::new();
    for item in node.items(diagnostics).unwrap_or_default() {
        ports.extend(PortPolicy::read(&item, diagnostics));
    }
    ports
}

impl PortPolicy {
    fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut object = node.object(diagnostics)?;
        let port = object.require("port", diagnostics);
        let fields = ["connectionPool", "outlierDetection", "loadBalancer", "tls"];
        if fields.iter().all(|field| node.value()[field].is_null()) {
            let expected = "at least one field beside the port";
            node.error(DiagnosticCode::EmptyValue, expected, diagnostics);
        }
        let (limits, outlier) = read_shared(&mut object, diagnostics);
        object.finish(diagnostics);
        Some(Self {
            port: read_port(&port?, diagnostics)?,
            limits,
            outlier,
        })
    }
}

fn read_port(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<u16> {
    let mut object = node.object(diagnostics)?;
    let number = object.require("number", diagnostics);
    object.finish(diagnostics);
    number?.integer(1..=u16::MAX, diagnostics)
}

impl Limits {
    fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut object = node.object(diagnostics)?;
        demand_fields(node, &object, diagnostics);
        let tcp = object.take("tcp");
        let http = object.take("http");
        object.finish(diagnostics);
        check(tcp.as_ref(), &left_to_envoy::TCP, diagnostics);
        let max_requests = http.and_then(|http| read_http(&http, diagnostics));
        Some(Self { max_requests })
    }
}

fn read_http(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<u32> {
    let mut http = node.object(diagnostics)?;
    let most = http.take("http2MaxRequests");
    for (name, form) in &left_to_envoy::HTTP {
        check(http.take(name).as_ref(), form, diagnostics);
    }
    let (upgrade, keep) = (http.take("h2UpgradePolicy"), http.take("useClientProtocol"));
    http.finish(diagnostics);
    if let (Some(upgrade), Some(keep)) = (upgrade, keep)
        && upgrade.value() == "UPGRADE"
        && keep.value() == true
    {
        conflict(&keep, "h2UpgradePolicy: UPGRADE", diagnostics);
    }
    let most = most?.integer(0..=i32::MAX, diagnostics)?.unsigned_abs();
    (most > 0).then_some(most)
}

impl Outlier {
    fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut object = node.object(diagnostics)?;
        let default = Self::default();
        let mut count = |key, diagnostics: &mut Diagnostics| {
            let node = object.take(key)?;
            node.integer(0..=u32::MAX, diagnostics)
        };
        let consecutive_5xx = count("consecutive5xxErrors", diagnostics);
        let consecutive_gateway = count("consecutiveGatewayErrors", diagnostics);
        let local = object.take("consecutiveLocalOriginFailures");
        let read = Self {
            consecutive_5xx: consecutive_5xx.unwrap_or(default.consecutive_5xx),
            consecutive_gateway: consecutive_gateway.unwrap_or(default.consecutive_gateway),
            consecutive_local_origin: read_local_origin(&mut object, local, diagnostics),
            interval_ms: take_duration(&mut object, "interval", diagnostics)
                .unwrap_or(default.interval_ms),
            base_ejection_ms: take_duration(&mut object, "baseEjectionTime", diagnostics)
                .unwrap_or(default.base_ejection_ms),
            max_ejection_percent: take_percent(&mut object, "maxEjectionPercent", diagnostics)
                .unwrap_or(default.max_ejection_percent),
            min_health_percent: take_percent(&mut object, "minHealthPercent", diagnostics)
                .unwrap_or(default.min_health_percent),
        };
        warn_of_deprecated(&mut object, diagnostics);
        object.finish(diagnostics);
        Some(read)
    }
}

/// Failures without an answer, when they count by themselves.
fn read_local_origin(
    object: &mut Object<'_>,
    failures: Option<Node<'_>>,
    diagnostics: &mut Diagnostics,
) -> Option<u32> {
    /// Envoy's, when Istio gives it no number; Istio gives it no 0.
    const DEFAULT: u32 = 5;
    let split = object.take("splitExternalLocalOriginErrors");
    let is_split = split.is_some_and(|split| split.boolean(diagnostics) == Some(true));
    let count = failures
        .as_ref()
        .and_then(|node| node.integer(0..=u32::MAX, diagnostics))
        .unwrap_or_default();
    if let (Some(node), false, 1..) = (failures, is_split, count) {
        let expected = "nothing without `splitExternalLocalOriginErrors: true`";
        node.error(DiagnosticCode::ConflictingFields, expected, diagnostics);
    }
    is_split.then_some(if count == 0 { DEFAULT } else { count })
}

fn take_duration(
    object: &mut Object<'_>,
    key: &'static str,
    diagnostics: &mut Diagnostics,
) -> Option<u32> {
    let node = object.take(key)?;
    duration::milliseconds(&node, diagnostics)
}

/// Istio cannot tell 0 from a field that is left out.
fn take_percent(
    object: &mut Object<'_>,
    key: &'static str,
    diagnostics: &mut Diagnostics,
) -> Option<u8> {
    let node = object.take(key)?;
    let percent = node.integer(0..=100_u8, diagnostics);
    percent.filter(|percent| *percent > 0)
}

/// Istio has taken `consecutiveErrors` since 1.7 without doing anything with it.
fn warn_of_deprecated(object: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    let Some(node) = object.take("consecutiveErrors") else {
        return;
    };
    let count = node.integer(0..=i32::MAX, diagnostics);
    if count.is_some_and(|count| count > 0) {
        let expected = "`consecutive5xxErrors` or `consecutiveGatewayErrors`";
        diagnostics.warning(
            DiagnosticCode::IgnoredKey,
            node.path(),
            "a field that Istio ignores",
            expected,
        );
    }
}

impl BudgetPolicy {
    fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let default = Self::default();
        let mut object = node.object(diagnostics)?;
        let percent = object.take("percent");
        let least = object.take("minRetryConcurrency");
        let interval = object.take("budgetInterval");
        object.finish(diagnostics);
        // The window over which Envoy counts requests; what is counted here needs none.
        check(interval.as_ref(), &Form::DurationOrZero, diagnostics);
        let millionths = percent.and_then(|node| percent::millionths(&node, diagnostics));
        let least = least.and_then(|node| node.integer(0..=u32::MAX, diagnostics));
        Some(Self {
            millionths: millionths.unwrap_or(default.millionths),
            min_retry_concurrency: least
                .filter(|least| *least > 0)
                .unwrap_or(default.min_retry_concurrency),
        })
    }
}
