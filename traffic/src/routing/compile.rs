//! From resources to a program.

use std::sync::Arc;

use sluice_policy::diagnostic::{quote, suggest};
use sluice_policy::{Attribute, AttributeSet, DiagnosticCode, Diagnostics, Workload};

use super::config::Config;
use super::engine::MAX_RETRIES;
use super::program::{Action, Forward, Program, RouterHeader, Target, Then, Upstream};
use super::scope::{self, Scope};
use super::shares::Shares;
use super::sticky::{self, StickyKey};
use super::template;
use crate::config::{
    Destination, Headers, HttpRoute, RedirectPort, Retries, RouteAction, WeightedDestination,
};
use crate::destination_rule::{DestinationRules, SubsetPolicy};
use crate::guard::CanaryGuard;
use crate::hash::hash;
use crate::host;
use crate::route_table::RouteTable;
use crate::{Proxy, VirtualService};

/// Compiles a configuration for a workload.
pub(super) fn compile(
    mut config: Config,
    workload: Option<Workload>,
    diagnostics: &mut Diagnostics,
) -> Program {
    demand_workload(&config, workload.as_ref(), diagnostics);
    scope::check(&sticky_scopes(&config, diagnostics), diagnostics);
    scope::check(&guard_scopes(&config, diagnostics), diagnostics);
    check_hints(&config, diagnostics);
    let gateways = std::mem::take(&mut config.gateways);
    let proxy = Proxy::new(workload.unwrap_or_default(), gateways);
    let rules = std::mem::take(&mut config.rules);
    let root = &config.mesh.root_namespace;
    let mut compiler = Compiler {
        config: &config,
        has_rules: !rules.is_empty(),
        rules: DestinationRules::new(rules, proxy.workload(), root),
        upstreams: Vec::new(),
        diagnostics,
    };
    let mut actions = Vec::new();
    let mut findings = Diagnostics::new();
    let table = RouteTable::build(&config.services, &proxy, &mut findings, |service, route| {
        actions.push(compiler.action(service, route));
        actions.len() - 1
    });
    let upstreams = compiler.upstreams;
    diagnostics.extend(findings);
    let mut demand = table.demand();
    if table.route_count() > 0 {
        // Hints that a client sends are found among them.
        demand.insert(Attribute::Headers);
    }
    for action in &actions {
        demand_action(action, &mut demand);
    }
    Program {
        table,
        actions,
        upstreams,
        guards: config.guards.into_iter().map(|(guard, _)| guard).collect(),
        hints: config.hints,
        seed: config.seed,
        demand,
    }
}

/// Whose proxy it is decides which services it may see and what their short names mean.
fn demand_workload(config: &Config, workload: Option<&Workload>, diagnostics: &mut Diagnostics) {
    if workload.is_none() && !config.services.is_empty() {
        let found = "neither node metadata with a NAMESPACE nor a workload";
        let expected = "one of them: routes are for proxies of namespaces";
        diagnostics.error(DiagnosticCode::UnknownWorkload, "workload", found, expected);
    }
}

/// Every route with its service, in order.
fn all_routes(config: &Config) -> impl Iterator<Item = (&VirtualService, &HttpRoute)> {
    config.services.iter().flat_map(|service| {
        let routes = service.http.iter();
        routes.map(move |route| (service, &**route))
    })
}

/// Numbers of the routes that something holds for.
fn routes_of(config: &Config, holds: impl Fn(&VirtualService, &HttpRoute) -> bool) -> Vec<usize> {
    let routes = all_routes(config).enumerate();
    let routes = routes.filter(|(_, (service, route))| holds(service, route));
    routes.map(|(number, _)| number).collect()
}

/// The routes of each split. One of a route that is not there would stick to nothing, in
/// silence.
fn sticky_scopes<'c>(config: &'c Config, diagnostics: &mut Diagnostics) -> Vec<Scope<'c>> {
    let mut scopes = Vec::new();
    for split in &config.sticky {
        let routes = routes_of(config, |service, route| {
            sticky::applies(split, &service.namespace, &service.name, &route.name)
        });
        if routes.is_empty() {
            let service = quote(&split.service);
            let found = match &split.route {
                Some(route) => format!("the route {} of {service}", quote(route)),
                None => service,
            };
            let expected =
                "a VirtualService among the resources, of the same namespace, and a route of it";
            diagnostics.error(DiagnosticCode::UnknownRoute, &split.path, found, expected);
        }
        scopes.push(Scope {
            path: &split.path,
            routes,
            names_route: split.route.is_some(),
        });
    }
    scopes
}

/// What an operator writes into a hint's header would reach Envoy's routes at times, and
/// at times not: hints come last.
fn check_hints(config: &Config, diagnostics: &mut Diagnostics) {
    for (_, route) in all_routes(config) {
        let destinations = match &route.action {
            RouteAction::Forward(destinations) => destinations.as_slice(),
            RouteAction::Redirect(_) | RouteAction::Respond(_) => &[],
        };
        let of_destinations = destinations.iter().map(|to| &to.headers.request);
        for operations in of_destinations.chain([&route.headers.request]) {
            let mut names = operations.set.iter().chain(&operations.add);
            if let Some((name, _)) = names.find(|(name, _)| config.hints.names().contains(&&**name))
            {
                let expected = "headers that carry no hint, or other names in `hintHeaders`";
                let code = DiagnosticCode::InvalidHeaderName;
                diagnostics.error(code, &route.path, quote(name), expected);
            }
        }
    }
}

/// Whether a guard is meant for a route, which has both of its subsets.
fn watches(guard: &CanaryGuard, service: &VirtualService, route: &HttpRoute) -> bool {
    guard.namespace == service.namespace
        && guard.virtual_service == service.name
        && guard.route.as_ref().is_none_or(|name| *name == route.name)
        && has_subset(route, &guard.stable)
        && has_subset(route, &guard.canary)
}

fn has_subset(route: &HttpRoute, subset: &str) -> bool {
    let RouteAction::Forward(destinations) = &route.action else {
        return false;
    };
    let mut subsets = destinations
        .iter()
        .map(|to| to.destination.subset.as_deref());
    subsets.any(|other| other == Some(subset))
}

/// The routes of each guard. One of a split that is not there would watch nothing, in
/// silence.
fn guard_scopes<'c>(config: &'c Config, diagnostics: &mut Diagnostics) -> Vec<Scope<'c>> {
    let mut scopes = Vec::new();
    for (guard, path) in &config.guards {
        let routes = routes_of(config, |service, route| watches(guard, service, route));
        if routes.is_empty() {
            let [service, stable, canary] =
                [&guard.virtual_service, &guard.stable, &guard.canary].map(|name| quote(name));
            let found =
                format!("no route of {service} that is split between {stable} and {canary}");
            let expected =
                "a VirtualService among the resources, of the same namespace, with such a route";
            diagnostics.error(DiagnosticCode::UnknownRoute, path, found, expected);
        }
        scopes.push(Scope {
            path,
            routes,
            names_route: guard.route.is_some(),
        });
    }
    scopes
}

/// What routes are compiled with.
struct Compiler<'c> {
    config: &'c Config,
    rules: DestinationRules,
    has_rules: bool,
    upstreams: Vec<Upstream>,
    diagnostics: &'c mut Diagnostics,
}

/// Retries of a route that does not say: Istio's default.
const DEFAULT_RETRIES: u32 = 2;

impl Compiler<'_> {
    fn action(&mut self, service: &VirtualService, route: &Arc<HttpRoute>) -> Action {
        Action {
            then: match &route.action {
                RouteAction::Forward(destinations) => {
                    Then::Forward(self.forward(service, route, destinations))
                }
                RouteAction::Redirect(redirect) => Then::Redirect(redirect.clone()),
                RouteAction::Respond(response) => Then::Respond(response.clone()),
            },
            route: Arc::clone(route),
        }
    }

    fn forward(
        &mut self,
        service: &VirtualService,
        route: &HttpRoute,
        destinations: &[WeightedDestination],
    ) -> Forward {
        let breakers = self.breakers(service, destinations);
        let mut destinations: Vec<Target> = destinations
            .iter()
            .map(|destination| target(destination, service))
            .collect();
        let guard = self.guard(service, route);
        let roles = guard.and_then(|guard| self.config.guards.get(guard));
        if let Some((guard, _)) = roles {
            for target in &mut destinations {
                target.role = guard.subset(&target.subset);
            }
        }
        let retries = route.retries.as_ref();
        Forward {
            has_hosts: has_hosts(&destinations),
            shares: Shares::declared(&destinations, &breakers),
            drained: guard.map(|_| Shares::drained(&destinations, &breakers)),
            destinations,
            guard,
            retries: retries.map_or(DEFAULT_RETRIES, |retries| retries.attempts.into()),
            sticky: self.sticky(service, route),
            router: router_headers(route),
            mirrors: route
                .mirrors
                .iter()
                .map(|mirror| name(&mirror.destination, service))
                .collect(),
        }
    }

    /// The guard of a route. One that names the route is meant more than one for all.
    fn guard(&self, service: &VirtualService, route: &HttpRoute) -> Option<usize> {
        let find = |names_route: bool| {
            self.config.guards.iter().position(|(guard, _)| {
                guard.route.is_some() == names_route && watches(guard, service, route)
            })
        };
        find(true).or_else(|| find(false))
    }

    /// The split of a route. One that names the route is meant more than one for all.
    fn sticky(&self, service: &VirtualService, route: &HttpRoute) -> Option<(StickyKey, u64)> {
        let splits = || {
            self.config.sticky.iter().filter(|split| {
                sticky::applies(split, &service.namespace, &service.name, &route.name)
            })
        };
        let own = splits().find(|split| split.route.is_some());
        let split = own.or_else(|| splits().next())?;
        let scope = [&*service.namespace, &*service.name, &*route.name].join("/");
        Some((split.key.clone(), hash(0, scope.as_bytes())))
    }

    /// The numbers of the destinations' breakers; none if nothing holds for any of them.
    fn breakers(
        &mut self,
        service: &VirtualService,
        destinations: &[WeightedDestination],
    ) -> Vec<usize> {
        let mut breakers = Vec::new();
        let mut holds_any = false;
        for weighted in destinations {
            let policy = self.policy(&weighted.destination, service);
            holds_any |= policy != SubsetPolicy::default();
            breakers.push(self.upstream(name(&weighted.destination, service), policy));
        }
        if !holds_any {
            breakers.clear();
        }
        breakers
    }

    fn upstream(&mut self, name: Box<str>, policy: SubsetPolicy) -> usize {
        let known = self
            .upstreams
            .iter()
            .position(|upstream| upstream.name == name);
        known.unwrap_or_else(|| {
            self.upstreams.push(Upstream { name, policy });
            self.upstreams.len() - 1
        })
    }

    /// What holds for a destination. Where DestinationRules are given at all, its subset
    /// has to be in one of them: in Istio requests to another one get 503.
    fn policy(&mut self, destination: &Destination, service: &VirtualService) -> SubsetPolicy {
        let host = host::in_full(&destination.host, &service.namespace);
        let subset = destination.subset.as_deref();
        let policy = self.rules.resolve(&host, subset, destination.port);
        if policy.is_err() && self.has_rules {
            self.report_subset(&destination.path, &host, subset.unwrap_or_default());
        }
        policy.unwrap_or_default()
    }

    /// Either the host has rules without the subset, or none at all.
    fn report_subset(&mut self, path: &str, host: &str, subset: &str) {
        let found = format!("the subset {} of {}", quote(subset), quote(host));
        let (expected, help) = match self.rules.find(host) {
            Some(rule) => {
                let names = rule.subsets.iter().map(|subset| &*subset.name);
                ("one of its DestinationRule", suggest(subset, names))
            }
            None => {
                let expected = "a DestinationRule of that host";
                (expected, suggest(host, self.rules.hosts()))
            }
        };
        let code = DiagnosticCode::UnknownSubset;
        self.diagnostics.error(code, path, found, expected).help = help;
    }
}

/// Whether destinations are of different hosts.
fn has_hosts(destinations: &[Target]) -> bool {
    let first = destinations.first().map(|target| &target.host);
    destinations
        .iter()
        .any(|target| Some(&target.host) != first)
}

fn target(weighted: &WeightedDestination, service: &VirtualService) -> Target {
    let destination = &weighted.destination;
    Target {
        name: name(destination, service),
        host: host::in_full(&destination.host, &service.namespace).into(),
        subset: destination.subset.clone().unwrap_or_default(),
        weight: weighted.weight,
        role: None,
        headers: Arc::clone(&weighted.headers),
    }
}

/// Host, subset and port, as Istio's names of clusters have them.
fn name(destination: &Destination, service: &VirtualService) -> Box<str> {
    let host = host::in_full(&destination.host, &service.namespace);
    let port = destination
        .port
        .map(|port| port.to_string())
        .unwrap_or_default();
    let subset = destination.subset.as_deref().unwrap_or_default();
    [&port, subset, &host].join("|").into()
}

/// Envoy's documentation of its router lists them.
fn router_headers(route: &HttpRoute) -> Vec<RouterHeader> {
    let single = |name, value: String| RouterHeader {
        name,
        value: value.into(),
        is_list: false,
    };
    let mut headers = Vec::new();
    if let Some(timeout_ms) = route.timeout_ms {
        headers.push(single(
            "x-envoy-upstream-rq-timeout-ms",
            timeout_ms.to_string(),
        ));
    }
    let Some(retries) = &route.retries else {
        return headers;
    };
    headers.push(single(MAX_RETRIES, retries.attempts.to_string()));
    if retries.attempts == 0 {
        return headers;
    }
    if let Some(timeout_ms) = retries.per_try_timeout_ms {
        let name = "x-envoy-upstream-rq-per-try-timeout-ms";
        headers.push(single(name, timeout_ms.to_string()));
    }
    headers.extend(conditions(retries));
    headers
}

fn conditions(retries: &Retries) -> impl Iterator<Item = RouterHeader> {
    let lists = [
        ("x-envoy-retry-on", &retries.on),
        ("x-envoy-retry-grpc-on", &retries.grpc_on),
        ("x-envoy-retriable-status-codes", &retries.statuses),
    ];
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
    lists.map(|(name, list)| RouterHeader {
        name,
        value: list.clone(),
        is_list: true,
    })
}

fn demand_action(action: &Action, demand: &mut AttributeSet) {
    demand_templates(&action.route.headers, demand);
    if action.route.cors.is_some() {
        demand.insert(Attribute::Method);
    }
    match &action.then {
        Then::Forward(forward) => {
            for target in &forward.destinations {
                demand_templates(&target.headers, demand);
            }
            match &forward.sticky {
                Some((StickyKey::Claim(_), _)) => demand.insert(Attribute::Metadata),
                Some((StickyKey::Address, _)) => demand.insert(Attribute::SourceAddress),
                Some((StickyKey::Header(_) | StickyKey::Cookie(_), _)) | None => {}
            }
        }
        Then::Redirect(redirect) if redirect.port == RedirectPort::OfListener => {
            demand.insert(Attribute::DestinationAddress);
        }
        Then::Redirect(_) | Then::Respond(_) => {}
    }
}

fn demand_templates(headers: &Headers, demand: &mut AttributeSet) {
    for operations in [&headers.request, &headers.response] {
        for (_, value) in operations.set.iter().chain(&operations.add) {
            template::demand(value, demand);
        }
    }
}
