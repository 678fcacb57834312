//! From resources to a program.

use sluice_policy::diagnostic::quote;
use sluice_policy::{Attribute, AttributeSet, DiagnosticCode, Diagnostics, Workload};

use super::chance::hash;
use super::config::Config;
use super::program::{Action, Forward, Program, RouterHeader, Target, Then};
use super::sticky::{self, StickyKey};
use super::template;
use crate::config::{
    Destination, Headers, HttpRoute, Mirror, RedirectPort, Retries, RouteAction,
    WeightedDestination,
};
use crate::route_table::{RouteTable, full_name};
use crate::{Proxy, VirtualService};

/// Compiles a configuration for a workload.
pub(super) fn compile(
    config: &Config,
    workload: Option<&Workload>,
    diagnostics: &mut Diagnostics,
) -> Program {
    demand_workload(config, workload, diagnostics);
    check_sticky(config, diagnostics);
    let workload = workload.cloned().unwrap_or_default();
    let proxy = Proxy::new(workload, config.gateways.clone());
    let mut actions = Vec::new();
    let table = RouteTable::build(&config.services, &proxy, |service, route| {
        actions.push(action(config, service, route));
        actions.len() - 1
    });
    let mut demand = table.demand();
    if !table.is_empty() {
        // Hints that a client sends are found among them.
        demand.insert(Attribute::Headers);
    }
    for action in &actions {
        demand_action(action, &mut demand);
    }
    Program {
        table,
        actions,
        hints: config.hints.clone(),
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

/// A split of a route that is not there would stick to nothing, in silence.
fn check_sticky(config: &Config, diagnostics: &mut Diagnostics) {
    for split in &config.sticky {
        let routes = config.services.iter().flat_map(|service| {
            let routes = service.http.iter();
            routes.map(move |route| (&*service.namespace, &*service.name, &*route.name))
        });
        let mut routes = routes.filter(|(namespace, service, route)| {
            sticky::applies(split, namespace, service, route)
        });
        if routes.next().is_none() {
            let service = quote(&split.service);
            let found = match &split.route {
                Some(route) => format!("the route {} of {service}", quote(route)),
                None => service,
            };
            let expected =
                "a VirtualService among the resources, of the same namespace, and a route of it";
            diagnostics.error(DiagnosticCode::UnknownRoute, &split.path, found, expected);
        }
    }
}

fn action(config: &Config, service: &VirtualService, route: &HttpRoute) -> Action {
    Action {
        then: match &route.action {
            RouteAction::Forward(destinations) => {
                Then::Forward(forward(config, service, route, destinations))
            }
            RouteAction::Redirect(redirect) => Then::Redirect(redirect.clone()),
            RouteAction::Respond(response) => Then::Respond(response.clone()),
        },
        headers: route.headers.clone(),
        cors: route.cors.clone(),
    }
}

fn forward(
    config: &Config,
    service: &VirtualService,
    route: &HttpRoute,
    destinations: &[WeightedDestination],
) -> Forward {
    let destinations: Vec<Target> = destinations
        .iter()
        .map(|destination| target(destination, service))
        .collect();
    let first = destinations.first().map(|target| target.host.clone());
    let of_service = |split: &&sticky::StickySplit| {
        sticky::applies(split, &service.namespace, &service.name, &route.name)
    };
    // One that names the route is meant more than one for all of them.
    let splits = || config.sticky.iter().filter(of_service);
    let split = splits().find(|split| split.route.is_some());
    let split = split.or_else(|| splits().next());
    let scope = [&*service.namespace, &*service.name, &*route.name].join("/");
    Forward {
        has_hosts: destinations
            .iter()
            .any(|target| Some(&target.host) != first.as_ref()),
        destinations,
        sticky: split.map(|split| (split.key.clone(), hash(0, scope.as_bytes()))),
        rewrite: route.rewrite.clone(),
        router: router_headers(route),
        mirrors: route
            .mirrors
            .iter()
            .map(|mirror| (mirror.clone(), mirror_name(mirror, service)))
            .collect(),
    }
}

fn target(weighted: &WeightedDestination, service: &VirtualService) -> Target {
    let destination = &weighted.destination;
    Target {
        name: name(destination, service),
        host: full_name(&destination.host, &service.namespace).into(),
        subset: destination.subset.clone().unwrap_or_default(),
        weight: weighted.weight,
        headers: weighted.headers.clone(),
    }
}

/// Host, subset and port, as Istio's names of clusters have them.
fn name(destination: &Destination, service: &VirtualService) -> Box<str> {
    let host = full_name(&destination.host, &service.namespace);
    let port = destination
        .port
        .map(|port| port.to_string())
        .unwrap_or_default();
    let subset = destination.subset.as_deref().unwrap_or_default();
    [&port, subset, &host].join("|").into()
}

fn mirror_name(mirror: &Mirror, service: &VirtualService) -> Box<str> {
    name(&mirror.destination, service)
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
    headers.push(single("x-envoy-max-retries", retries.attempts.to_string()));
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
    demand_templates(&action.headers, demand);
    if action.cors.is_some() {
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
