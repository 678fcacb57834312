//! Why: the route that a request takes, and the ones before it that nearly did.

use sluice_policy::diagnostic::quote;
use sluice_policy::{Fact, Request};

use super::engine::{Decision, decide};
use super::program::{Program, Then};
use super::sticky::Known;
use super::world::World;
use crate::config::ValueMatcher;
use crate::effort::Effort;
use crate::matcher::TextMatcher;
use crate::route_table::{Condition, Route, claim, header, parameter, without_query};

/// Routes to name when several nearly took the request.
const NEAR_MISSES: usize = 5;

/// A decision with its reasons. Not for the hot path: every route of the host is tried.
#[derive(Debug)]
pub struct Explanation<'p> {
    /// The decision.
    pub decision: Decision<'p>,
    /// Destinations with their weights, where there is more than one.
    pub choices: Vec<(&'p str, u32)>,
    /// Whether chance decides among them, rather than a client's key.
    pub is_drawn: bool,
    /// Of the routes that were tried before: those with the fewest failed tests, in
    /// the order in which they were tried.
    pub near_misses: Vec<NearMiss<'p>>,
}

/// A route that did not take the request, and what kept it from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss<'p> {
    /// Its name; empty if it has none.
    pub route: &'p str,
    /// Its place among the routes of the host, from 0.
    pub number: usize,
    /// Every test that failed.
    pub failed: Vec<FailedTest>,
}

/// One test that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedTest {
    /// The field of the match.
    pub field: String,
    /// What the request has; none if that is not known.
    pub found: Option<String>,
    /// What it should have been.
    pub expected: String,
}

/// Decides, and says why.
pub fn explain<'p>(
    program: &'p Program,
    request: &Request<'_>,
    world: &mut impl World,
) -> Explanation<'p> {
    let decision = decide(program, request, world);
    let routes = program.table.routes_of(request);
    let taken = routes.iter().position(|route| takes(route, request));
    let before = routes.get(..taken.unwrap_or(routes.len()));
    let mut near_misses: Vec<NearMiss<'p>> = Vec::new();
    for (number, route) in before.unwrap_or_default().iter().enumerate() {
        near_misses.push(NearMiss {
            route: &route.name,
            number,
            failed: failed(route, request),
        });
    }
    near_misses.sort_by_key(|miss| miss.failed.len());
    near_misses.truncate(NEAR_MISSES);
    near_misses.sort_by_key(|miss| miss.number);
    let action = taken
        .and_then(|number| routes.get(number))
        .map(|route| route.action);
    let action = action.and_then(|action| program.actions.get(action));
    let forward = match action.map(|action| &action.then) {
        Some(Then::Forward(forward)) if forward.destinations.len() > 1 => Some(forward),
        _ => None,
    };
    let is_drawn = forward.is_some_and(|forward| match &forward.sticky {
        Some((sticky, _)) => matches!(sticky.of(request, world), Known::Not),
        None => true,
    });
    let targets = forward
        .into_iter()
        .flat_map(|forward| &forward.destinations);
    Explanation {
        decision,
        choices: targets
            .map(|target| (&*target.name, target.weight))
            .collect(),
        is_drawn,
        near_misses,
    }
}

fn takes<T>(route: &Route<T>, request: &Request<'_>) -> bool {
    failed(route, request).is_empty()
}

fn failed<T>(route: &Route<T>, request: &Request<'_>) -> Vec<FailedTest> {
    let mut failed = Vec::new();
    if let Some(uri) = &route.uri {
        let path = request.path.present().map(without_query);
        if !path.is_some_and(|path| uri.matches(path, &Effort::default())) {
            failed.push(FailedTest {
                field: "uri".to_owned(),
                found: known(request.path, |path| text(without_query(path))),
                expected: matcher(uri),
            });
        }
    }
    let conditions = route.conditions.iter();
    let others =
        conditions.filter(|condition| condition.holds(request, &Effort::default()) != Some(true));
    failed.extend(others.map(|condition| test(condition, request)));
    failed
}

/// What a condition looks at, and finds.
fn test(condition: &Condition, request: &Request<'_>) -> FailedTest {
    let (field, found, expected) = match condition {
        Condition::Header(name, expected) => (
            format!("headers {name}"),
            lines(request, name),
            value(expected),
        ),
        Condition::WithoutHeader(name, expected) => (
            format!("withoutHeaders {name}"),
            lines(request, name),
            ["not ", &value(expected)].concat(),
        ),
        Condition::Claim(path, expected) => {
            let field = ["claim ", &path.join(".")].concat();
            (field, claims(request, path), value(expected))
        }
        Condition::WithoutClaim(path, expected) => {
            let field = ["claim ", &path.join(".")].concat();
            let expected = ["not ", &value(expected)].concat();
            (field, claims(request, path), expected)
        }
        Condition::Parameter(name, expected) => {
            let found = known(request.path, |path| {
                parameter(path, name.as_bytes()).map_or_else(nothing, text)
            });
            (format!("queryParams {name}"), found, value(expected))
        }
        Condition::Port(port) => {
            let address = request.connection.destination_address;
            let found = known(address, |address| address.port().to_string());
            ("port".to_owned(), found, port.to_string())
        }
    };
    FailedTest {
        field,
        found,
        expected,
    }
}

/// A fact in words; none if it is not known.
fn known<T>(fact: Fact<T>, words: impl FnOnce(T) -> String) -> Option<String> {
    match fact {
        Fact::Present(value) => Some(words(value)),
        Fact::Absent => Some(nothing()),
        Fact::Unavailable => None,
    }
}

fn nothing() -> String {
    "nothing".to_owned()
}

fn text(bytes: &[u8]) -> String {
    quote(&String::from_utf8_lossy(bytes))
}

fn lines(request: &Request<'_>, name: &str) -> Option<String> {
    let lines: Vec<String> = header(request, name)?.map(text).collect();
    Some(match lines.as_slice() {
        [] => nothing(),
        lines => lines.join(", "),
    })
}

fn claims(request: &Request<'_>, path: &[Box<str>]) -> Option<String> {
    known(request.metadata, |metadata| {
        claim(metadata, path).map_or_else(nothing, ToString::to_string)
    })
}

fn value(matcher: &ValueMatcher) -> String {
    match matcher {
        ValueMatcher::Present => "anything".to_owned(),
        ValueMatcher::Text(text) => self::matcher(text),
    }
}

fn matcher(matcher: &TextMatcher) -> String {
    match matcher {
        TextMatcher::Exact { text, .. } => ["exact ", &self::text(text)].concat(),
        TextMatcher::Prefix { text, .. } => ["prefix ", &self::text(text)].concat(),
        TextMatcher::Regex(pattern) => ["regex ", &quote(pattern.text())].concat(),
    }
}
