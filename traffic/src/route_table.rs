//! The routes of a proxy: which one a request takes.

mod build;
mod condition;
mod route_list;

use std::sync::Arc;

use sluice_policy::{AttributeSet, Fact, Request};

use crate::length_table::LengthTable;
pub(crate) use condition::{
    Condition, attribute_of, claim, first_line, header, parameter, without_query,
};
use route_list::RouteList;

/// A route with what it leads to.
#[derive(Debug, Clone)]
pub struct Route<T> {
    /// Its name in Istio: that of the item of `http`, and after a dot that of the match.
    pub name: Box<str>,
    /// What the request's path has to begin with; nothing in particular if a regular
    /// expression or nothing says what it is to be.
    pub prefix: Option<Box<str>>,
    /// Whether the whole path is what the route matched.
    pub is_whole_path: bool,
    /// What it leads to.
    pub action: T,
    pub(crate) uri: Option<crate::matcher::TextMatcher>,
    pub(crate) conditions: Vec<Condition>,
}

/// Routes by host, each in the order in which they are tried.
#[derive(Debug, Clone)]
pub struct RouteTable<T> {
    /// Hosts in lower case, to lists.
    hosts: LengthTable<usize>,
    /// `*.example.com` as `.example.com`, to lists.
    wildcards: LengthTable<usize>,
    /// Of all hosts that none of these names.
    any: Option<usize>,
    lists: Vec<RouteList<T>>,
    demand: AttributeSet,
}

/// What came of a search.
#[derive(Debug)]
pub struct Search<'t, T> {
    /// What was found.
    pub found: Found<'t, T>,
    /// Whether a route was passed over for want of a fact: another one may be the right
    /// one then.
    pub is_uncertain: bool,
}

/// The route of a request.
#[derive(Debug)]
pub enum Found<'t, T> {
    /// No service has its host: Envoy's own routes are for it.
    NoHost,
    /// The host has routes, and none takes it: Istio answers 404.
    NoRoute,
    /// Looking at its texts with the routes' regular expressions takes too long, see
    /// [`Effort`](crate::Effort).
    TooLong,
    /// The first one that takes it.
    Route(&'t Route<T>),
}

/// Longest host, as of DNS (RFC 1035 section 2.3.4).
const LONGEST_HOST: usize = 255;

impl<T> Default for RouteTable<T> {
    fn default() -> Self {
        Self {
            hosts: LengthTable::default(),
            wildcards: LengthTable::default(),
            any: None,
            lists: Vec::new(),
            demand: AttributeSet::EMPTY,
        }
    }
}

impl<T> RouteTable<T> {
    /// What a search looks at.
    pub fn demand(&self) -> AttributeSet {
        self.demand
    }

    /// How many routes there are.
    pub fn route_count(&self) -> usize {
        self.lists.iter().map(|list| list.routes.len()).sum()
    }

    /// Every route, in no particular order.
    pub fn routes(&self) -> impl Iterator<Item = &Route<T>> {
        let lists = self.lists.iter();
        lists.flat_map(|list| list.routes.iter().map(|route| &**route))
    }

    /// Finds the route of a request.
    pub fn search(&self, request: &Request<'_>) -> Search<'_, T> {
        match self.list_of(request) {
            Some(list) => list.search(request),
            None => Search {
                found: Found::NoHost,
                is_uncertain: request.authority.is_unavailable(),
            },
        }
    }

    /// The routes of a request's host, in the order in which they are tried.
    pub(crate) fn routes_of(&self, request: &Request<'_>) -> &[Arc<Route<T>>] {
        self.list_of(request).map_or(&[], |list| &list.routes)
    }

    fn list_of(&self, request: &Request<'_>) -> Option<&RouteList<T>> {
        match request.authority {
            Fact::Present(authority) => self.list(authority),
            Fact::Absent => self.any.and_then(|list| self.lists.get(list)),
            Fact::Unavailable => None,
        }
    }

    fn list(&self, authority: &[u8]) -> Option<&RouteList<T>> {
        let mut buffer = [0; LONGEST_HOST];
        let host = without_port(authority);
        let lower = buffer.get_mut(..host.len());
        let by_name = lower.and_then(|lower| {
            lower.copy_from_slice(host);
            lower.make_ascii_lowercase();
            let exact = self.hosts.exactly(lower);
            exact
                .or_else(|| self.wildcards.suffixes(lower).next())
                .copied()
        });
        self.lists.get(by_name.or(self.any)?)
    }
}

/// An authority without its port; an IPv6 address keeps its brackets.
fn without_port(authority: &[u8]) -> &[u8] {
    let colon = authority.iter().rposition(|byte| *byte == b':');
    let Some((host, port)) = colon.and_then(|colon| authority.split_at_checked(colon)) else {
        return authority;
    };
    let is_port = port.iter().skip(1).all(u8::is_ascii_digit);
    let is_whole = !host.contains(&b':') || host.ends_with(b"]");
    if is_port && is_whole { host } else { authority }
}

#[cfg(test)]
mod tests;
