//! Faults of the routes of one proxy.

use sluice_policy::{Attribute, AttributeSet, Diagnostics, Request};

use super::Fault;
use super::rails::Rails;
use crate::config::{HttpRoute, VirtualService};
use crate::proxy::Proxy;
use crate::route_table::{Found, RouteTable};

/// Which route of the resources it is: a place in [`Program::route_name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteId(usize);

/// A route as far as faults go.
pub(super) type FaultRoute = (RouteId, Option<Fault>);

/// What decides about faults; immutable.
#[derive(Debug, Clone)]
pub struct Program {
    /// Nothing if no request meets a fault.
    routes: Option<RouteTable<FaultRoute>>,
    /// Names of routes; the first one is for requests without a route.
    names: Vec<Box<str>>,
    pub(super) rails: Rails,
    pub(super) is_broken: bool,
    seed: Option<u64>,
}

/// The route of requests that no route is known for.
const NO_ROUTE: RouteId = RouteId(0);

impl Program {
    /// Binds services to a proxy.
    pub(super) fn compile(
        services: &[VirtualService],
        proxy: &Proxy,
        rails: Rails,
        seed: Option<u64>,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let mut names: Vec<Box<str>> = vec!["none".into()];
        let routes = RouteTable::build(services, proxy, diagnostics, |service, route| {
            let id = RouteId(names.len());
            names.push(name(service, route));
            (id, route.fault)
        });
        // A fault that a client asks for is counted by its route, too.
        let has_faults =
            rails.header_faults.is_some() || routes.routes().any(|route| route.action.1.is_some());
        Self {
            routes: has_faults.then_some(routes),
            names,
            rails,
            is_broken: false,
            seed,
        }
    }

    /// What stands for a configuration that cannot be used: it injects nothing.
    pub(super) fn broken() -> Self {
        Self {
            routes: None,
            names: Vec::new(),
            rails: Rails::default(),
            is_broken: true,
            seed: None,
        }
    }

    /// What is to be known of a request.
    pub fn demand(&self) -> AttributeSet {
        let routes = self.routes.as_ref();
        let routes = routes.map_or(AttributeSet::EMPTY, RouteTable::demand);
        let mut demand = routes.union(self.rails.demand());
        if self.seed.is_some() && !demand.is_empty() {
            demand.insert(Attribute::Headers);
        }
        demand
    }

    /// By which each request has dice of its own, so that a replay decides alike.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// How many routes have a fault.
    pub fn rule_count(&self) -> usize {
        let routes = self.routes.iter().flat_map(RouteTable::routes);
        routes.filter(|route| route.action.1.is_some()).count()
    }

    /// Whether no request ever meets a fault.
    pub fn is_idle(&self) -> bool {
        self.routes.is_none() && self.rails.header_faults.is_none()
    }

    /// The guard rails.
    pub fn rails(&self) -> &Rails {
        &self.rails
    }

    /// `NAMESPACE/NAME/ROUTE` of a route, or `none`. A route without a name has its place
    /// in `http`.
    pub fn route_name(&self, route: RouteId) -> &str {
        self.names.get(route.0).map_or("", |name| name)
    }

    /// The route of a request, and its fault. Where a fact is wanting, another route may
    /// be the right one, and no fault is better than another's.
    pub(super) fn route(&self, request: &Request<'_>) -> FaultRoute {
        let search = self.routes.as_ref().map(|routes| routes.search(request));
        match search {
            Some(search) if !search.is_uncertain => match search.found {
                Found::Route(route) => route.action,
                Found::NoHost | Found::NoRoute | Found::TooLong => (NO_ROUTE, None),
            },
            _ => (NO_ROUTE, None),
        }
    }
}

fn name(service: &VirtualService, route: &HttpRoute) -> Box<str> {
    let place = service
        .http
        .iter()
        .position(|other| std::ptr::eq(&**other, route));
    let route = match &*route.name {
        "" => place.unwrap_or_default().to_string(),
        name => name.to_owned(),
    };
    [&service.namespace, "/", &service.name, "/", &route]
        .concat()
        .into()
}

#[cfg(test)]
mod tests;
