//! The routes of one host, in order, found by their paths.

use std::sync::Arc;

use sluice_policy::{Fact, Request};

use super::{Found, Route, Search, without_query};
use crate::effort::Effort;
use crate::length_table::LengthTable;
use crate::matcher::TextMatcher;

/// Numbers of routes, in order.
type Numbers = Vec<usize>;

/// Routes in the order in which they are tried. Those whose path is plain are found by
/// it, so that a search costs what the request's own path leads to.
#[derive(Debug, Clone)]
pub(super) struct RouteList<T> {
    /// Lists of several hosts may have the same ones.
    pub(super) routes: Vec<Arc<Route<T>>>,
    by_path: PathTables,
    /// The same for `ignoreUriCase`, in lower case.
    by_lower_path: PathTables,
    /// Whose path is a regular expression, or anything.
    others: Numbers,
}

#[derive(Debug, Clone, Default)]
struct PathTables {
    exact: LengthTable<Numbers>,
    prefixes: LengthTable<Numbers>,
}

impl PathTables {
    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty()
    }

    fn of<'s>(&'s self, path: &'s [u8]) -> impl Iterator<Item = &'s Numbers> {
        let exact = self.exact.exactly(path);
        exact.into_iter().chain(self.prefixes.prefixes(path))
    }
}

impl<T> RouteList<T> {
    pub(super) fn new(routes: Vec<Arc<Route<T>>>) -> Self {
        let mut list = Self {
            routes: Vec::new(),
            by_path: PathTables::default(),
            by_lower_path: PathTables::default(),
            others: Vec::new(),
        };
        for (number, route) in routes.iter().enumerate() {
            list.file(number, route.uri.as_ref());
        }
        list.routes = routes;
        list
    }

    fn file(&mut self, number: usize, uri: Option<&TextMatcher>) {
        let numbers = match uri {
            Some(TextMatcher::Exact { text, ignore_case }) => {
                self.tables(*ignore_case).exact.entry(text)
            }
            Some(TextMatcher::Prefix { text, ignore_case }) => {
                self.tables(*ignore_case).prefixes.entry(text)
            }
            Some(TextMatcher::Regex(_)) | None => Some(&mut self.others),
        };
        if let Some(numbers) = numbers {
            numbers.push(number);
        }
    }

    fn tables(&mut self, ignore_case: bool) -> &mut PathTables {
        match ignore_case {
            true => &mut self.by_lower_path,
            false => &mut self.by_path,
        }
    }

    pub(super) fn search(&self, request: &Request<'_>) -> Search<'_, T> {
        let Fact::Present(path) = request.path else {
            // CONNECT has none: routes for paths are not for it.
            return Search {
                found: Found::NoRoute,
                is_uncertain: request.path.is_unavailable(),
            };
        };
        let path = without_query(path);
        let mut best = Best {
            list: self,
            request,
            path,
            effort: Effort::default(),
            route: None,
            uncertain_before: None,
        };
        for numbers in self.by_path.of(path) {
            best.try_all(numbers);
        }
        if !self.by_lower_path.is_empty() {
            let lower = path.to_ascii_lowercase();
            for numbers in self.by_lower_path.of(&lower) {
                best.try_all(numbers);
            }
        }
        best.try_all(&self.others);
        best.end()
    }
}

/// The first of the routes tried so far that takes the request.
struct Best<'s, 't, T> {
    list: &'t RouteList<T>,
    request: &'s Request<'s>,
    path: &'s [u8],
    effort: Effort,
    route: Option<usize>,
    /// The first one that might, if more were known.
    uncertain_before: Option<usize>,
}

impl<'t, T> Best<'_, 't, T> {
    /// Tries routes in their order, as long as they come before the best one.
    fn try_all(&mut self, numbers: &[usize]) {
        for number in numbers {
            if self.effort.is_spent() || self.route.is_some_and(|best| best < *number) {
                return;
            }
            match self.takes(*number) {
                Some(true) => {
                    self.route = Some(*number);
                    return;
                }
                Some(false) => {}
                None => {
                    let first = self.uncertain_before.unwrap_or(*number);
                    self.uncertain_before = Some(first.min(*number));
                }
            }
        }
    }

    fn takes(&self, number: usize) -> Option<bool> {
        let route = self.list.routes.get(number)?;
        if let Some(uri @ TextMatcher::Regex(_)) = &route.uri
            && !uri.matches(self.path, &self.effort)
        {
            return Some(false);
        }
        let mut is_known = true;
        for condition in &route.conditions {
            match condition.holds(self.request, &self.effort) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => is_known = false,
            }
        }
        is_known.then_some(true)
    }

    fn end(self) -> Search<'t, T> {
        let is_before = |uncertain: usize| self.route.is_none_or(|best| uncertain < best);
        Search {
            is_uncertain: self.uncertain_before.is_some_and(is_before),
            found: match self.route.and_then(|number| self.list.routes.get(number)) {
                // Whatever was found: one that was not looked at may come before it.
                _ if self.effort.is_spent() => Found::TooLong,
                Some(route) => Found::Route(route),
                None => Found::NoRoute,
            },
        }
    }
}
