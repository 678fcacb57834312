//! From services to the routes of one proxy.

use std::sync::Arc;

use sluice_policy::{Attribute, AttributeSet, Diagnostics};

use super::{Condition, Route, RouteList, RouteTable};
use crate::config::{
    HeaderSubject, HttpMatch, HttpRoute, ValueMatcher, VirtualService, warn_of_unreachable,
};
use crate::host;
use crate::matcher::TextMatcher;
use crate::proxy::Proxy;
use crate::sorted;

/// Names of hosts, each with the numbers of the services that have it.
type Hosts = Vec<(String, Vec<usize>)>;

/// The routes of a service, in order.
type Routes<T> = Vec<Arc<Route<T>>>;

impl<T: Clone> RouteTable<T> {
    /// Binds services to a proxy. `action` says what a route leads to; it is asked once
    /// for each. Of a service that has nothing left of a host there is a warning.
    pub fn build(
        services: &[VirtualService],
        proxy: &Proxy,
        diagnostics: &mut Diagnostics,
        mut action: impl FnMut(&VirtualService, &Arc<HttpRoute>) -> T,
    ) -> Self {
        // The oldest comes first, as in Istio.
        let mut taken: Vec<&VirtualService> = Vec::new();
        for service in services.iter().filter(|service| proxy.takes(service)) {
            sorted::insert(&mut taken, service, |service| {
                (&service.created, &service.name, &service.namespace)
            });
        }
        let routes: Vec<Routes<T>> = taken
            .iter()
            .map(|service| routes(service, proxy, &mut action))
            .collect();
        let mut table = Self::default();
        // Hosts with the same services have the same list.
        let mut known: Vec<Vec<usize>> = Vec::new();
        for (host, numbers) in hosts(&taken, &routes, proxy, diagnostics) {
            let list = known.iter().position(|other| *other == numbers);
            let list = list.unwrap_or_else(|| {
                table.lists.push(RouteList::new(merge(&numbers, &routes)));
                known.push(numbers);
                known.len() - 1
            });
            table.name(&host, list);
        }
        table.sum_up_demand();
        table
    }

    fn name(&mut self, host: &str, list: usize) {
        let place = match host.strip_prefix('*') {
            Some("") => {
                self.any = Some(list);
                return;
            }
            Some(suffix) => self.wildcards.entry(suffix.as_bytes()),
            None => self.hosts.entry(host.as_bytes()),
        };
        if let Some(place) = place {
            *place = list;
        }
    }

    fn sum_up_demand(&mut self) {
        let mut demand = AttributeSet::EMPTY;
        if !self.lists.is_empty() {
            demand.insert(Attribute::Authority);
            demand.insert(Attribute::Path);
        }
        for condition in self.routes().flat_map(|route| &route.conditions) {
            condition.demand(&mut demand);
        }
        self.demand = demand;
    }
}

/// Every host that a proxy knows of. Of two services with the same one, a sidecar takes
/// the routes of the first alone, a gateway those of both. One that has no route for the
/// proxy takes no host either: requests go as if it were not there.
fn hosts<T>(
    services: &[&VirtualService],
    routes: &[Routes<T>],
    proxy: &Proxy,
    diagnostics: &mut Diagnostics,
) -> Hosts {
    let mut hosts: Hosts = Vec::new();
    for (number, (service, routes)) in services.iter().zip(routes).enumerate() {
        if routes.is_empty() {
            continue;
        }
        for (place, host) in service.hosts.iter().enumerate() {
            let full = host::in_full(host, &service.namespace);
            let names = match proxy.is_in_mesh() {
                true => host::names_in_mesh(&full, &proxy.workload().namespace),
                false => vec![full],
            };
            let mut first = None;
            for name in names {
                let other = add_host(&mut hosts, name, number, proxy.is_in_mesh());
                first = first.or(other.filter(|other| *other != number));
            }
            if let Some(first) = first.and_then(|first| services.get(first)) {
                let path = format!("{}.hosts[{place}]", service.path);
                warn_of_unreachable(&path, &first.path, diagnostics);
            }
        }
    }
    hosts
}

/// Adds a service to those of a name, or tells the one that has it alone.
fn add_host(hosts: &mut Hosts, name: String, number: usize, is_in_mesh: bool) -> Option<usize> {
    let known = hosts.binary_search_by(|(other, _)| other.cmp(&name));
    match known {
        Ok(place) => {
            let (_, numbers) = hosts.get_mut(place)?;
            if is_in_mesh {
                return numbers.first().copied();
            }
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        Err(place) => hosts.insert(place, (name, vec![number])),
    }
    None
}

/// Routes of several services in one list: those that take all requests come last.
fn merge<T>(numbers: &[usize], routes: &[Routes<T>]) -> Routes<T> {
    let all = || {
        numbers
            .iter()
            .filter_map(|number| routes.get(*number))
            .flatten()
    };
    if numbers.len() == 1 {
        return all().cloned().collect();
    }
    let (last, first): (Vec<_>, Vec<_>) = all().cloned().partition(|route| route.takes_all());
    first.into_iter().chain(last).collect()
}

impl<T> Route<T> {
    fn takes_all(&self) -> bool {
        let uri = self.uri.as_ref();
        uri.is_none_or(TextMatcher::takes_all_paths) && self.conditions.is_empty()
    }
}

/// The routes of one service, up to the first one that takes all requests.
fn routes<T: Clone>(
    service: &VirtualService,
    proxy: &Proxy,
    action: &mut impl FnMut(&VirtualService, &Arc<HttpRoute>) -> T,
) -> Routes<T> {
    let mut routes: Routes<T> = Vec::new();
    let everything = [HttpMatch::default()];
    for http in &service.http {
        let matches = match http.matches.as_slice() {
            [] => &everything[..],
            matches => matches,
        };
        let mut matches = matches
            .iter()
            .filter(|item| proxy.takes_match(item, service))
            .peekable();
        if matches.peek().is_none() {
            continue;
        }
        let action = action(service, http);
        for item in matches {
            let takes_all = item.takes_all() && item.port.is_none();
            routes.push(Arc::new(route(http, item, action.clone())));
            if takes_all {
                return routes;
            }
        }
    }
    routes
}

fn route<T>(http: &HttpRoute, item: &HttpMatch, action: T) -> Route<T> {
    let name = match (&*http.name, &*item.name) {
        (name, "") => name.into(),
        (name, item) => [name, ".", item].concat().into(),
    };
    let prefix = match &item.uri {
        Some(TextMatcher::Prefix { text, .. }) => String::from_utf8_lossy(text).into(),
        _ => None,
    };
    Route {
        name,
        prefix: prefix.map(|prefix| prefix.into_owned().into()),
        is_whole_path: matches!(
            item.uri,
            Some(TextMatcher::Exact { .. } | TextMatcher::Regex(_))
        ),
        action,
        uri: item.uri.clone(),
        conditions: conditions(item),
    }
}

fn conditions(item: &HttpMatch) -> Vec<Condition> {
    let mut conditions = Vec::new();
    conditions.extend(item.port.map(Condition::Port));
    let pseudo = [
        (":method", &item.method),
        (":scheme", &item.scheme),
        (":authority", &item.authority),
    ];
    for (name, matcher) in pseudo {
        let matcher = matcher.clone().map(ValueMatcher::Text);
        conditions.extend(matcher.map(|matcher| Condition::Header(name.into(), matcher)));
    }
    for (subject, matcher) in &item.headers {
        conditions.push(match subject.clone() {
            HeaderSubject::Header(name) => Condition::Header(name, matcher.clone()),
            HeaderSubject::Claim(path) => Condition::Claim(path, matcher.clone()),
        });
    }
    for (subject, matcher) in &item.without_headers {
        conditions.push(match subject.clone() {
            HeaderSubject::Header(name) => Condition::WithoutHeader(name, matcher.clone()),
            HeaderSubject::Claim(path) => Condition::WithoutClaim(path, matcher.clone()),
        });
    }
    let parameters = item.query_params.iter();
    conditions.extend(
        parameters.map(|(name, matcher)| Condition::Parameter(name.clone(), matcher.clone())),
    );
    conditions
}
