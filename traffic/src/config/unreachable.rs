//! Routes of a service that no request comes to, as Istio's own check tells them.

use serde_json::Value;
use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics, fnv};

use super::HttpMatch;

/// What the routes before have taken.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Where the route stands that takes every request.
    all: Option<Box<str>>,
    /// Matches by what they say, each with where it stands.
    matches: Vec<(u64, Box<str>)>,
}

impl Taken {
    /// Warns of a route, or of matches of it, that the routes before leave nothing for.
    pub fn add(&mut self, route: &Node<'_>, matches: &[HttpMatch], diagnostics: &mut Diagnostics) {
        if let Some(all) = &self.all {
            warn(route.path(), all, diagnostics);
            return;
        }
        let items = route.value().get("match").and_then(Value::as_array);
        for (place, item) in items.into_iter().flatten().enumerate() {
            let own = format!("{}.match[{place}]", route.path());
            self.add_match(digest(item), own, diagnostics);
        }
        if matches.is_empty() || matches.iter().any(takes_all_anywhere) {
            self.all = Some(route.path().into());
        }
    }

    fn add_match(&mut self, digest: u64, own: String, diagnostics: &mut Diagnostics) {
        match self
            .matches
            .binary_search_by_key(&digest, |(other, _)| *other)
        {
            Ok(place) => {
                if let Some((_, first)) = self.matches.get(place) {
                    warn(&own, first, diagnostics);
                }
            }
            Err(place) => self.matches.insert(place, (digest, own.into())),
        }
    }
}

/// Warns of what stands at `path`.
pub(crate) fn warn(path: &str, first: &str, diagnostics: &mut Diagnostics) {
    let found = ["requests that are all taken at ", first].concat();
    let expected = "some that are left: what comes first counts";
    diagnostics.warning(DiagnosticCode::Unreachable, path, found, expected);
}

/// Whether it takes all requests, whoever's proxy it is.
fn takes_all_anywhere(item: &HttpMatch) -> bool {
    item.takes_all()
        && item.port.is_none()
        && item.gateways.is_empty()
        && item.source_namespace.is_none()
        && item.source_labels.is_empty()
}

/// A hash of what a match says. Its name says nothing.
fn digest(item: &Value) -> u64 {
    feed(fnv::START, item, true)
}

/// The kind of each value goes before it, and an end behind, so that no two values of
/// different shape are one text.
fn feed(hash: u64, value: &Value, is_match: bool) -> u64 {
    let mut hash = hash;
    match value {
        Value::Null => {}
        Value::Bool(truth) => hash = fnv::extend(hash, &[b'b', u8::from(*truth)]),
        Value::Number(number) => {
            let bits = number.as_f64().unwrap_or_default().to_bits();
            hash = fnv::extend(fnv::feed(hash, b'n'), &bits.to_be_bytes());
        }
        Value::String(text) => hash = fnv::extend(fnv::feed(hash, b's'), text.as_bytes()),
        Value::Array(items) => {
            for item in items {
                hash = feed(fnv::feed(hash, b'i'), item, false);
            }
        }
        Value::Object(entries) => {
            for (key, value) in entries {
                if !(is_match && key == "name") {
                    hash = fnv::extend(fnv::feed(hash, b'k'), key.as_bytes());
                    hash = feed(fnv::feed(hash, 0xff), value, false);
                }
            }
        }
    }
    fnv::feed(hash, 0xff)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sluice_policy::{DiagnosticCode, Diagnostics};

    use crate::testing;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Where warnings of routes with these matches are, and what they name.
    fn unreachable(matches: &[Value]) -> Vec<(String, String)> {
        let routes = matches.iter().map(|items| {
            let to = json!([{"destination": {"host": "b"}}]);
            json!({"match": items, "route": to})
        });
        let routes: Vec<Value> = routes.collect();
        let mut diagnostics = Diagnostics::new();
        let spec = json!({"hosts": ["b"], "http": routes});
        assert!(testing::service(&spec, &mut diagnostics).is_some());
        let short = |path: &str| path.replace("resources[0].spec.http", "");
        let found = diagnostics.iter().map(|finding| {
            assert_eq!(finding.code, DiagnosticCode::Unreachable, "{finding}");
            let first = finding.found.rsplit(' ').next().unwrap();
            (short(&finding.path), short(first))
        });
        found.collect()
    }

    #[test]
    fn nothing_comes_behind_a_route_that_takes_all() {
        for all in [
            json!([]),
            json!([{"uri": {"prefix": "/"}}]),
            json!([{"uri": {"exact": "/b"}}, {"uri": {"regex": ".*"}}]),
        ] {
            let found = unreachable(&[json!([{"uri": {"exact": "/a"}}]), all, json!([])]);
            assert_eq!(found, [("[2]".to_owned(), "[1]".to_owned())]);
        }
        for some in [
            json!({"port": 80}),
            json!({"sourceNamespace": "n"}),
            json!({"sourceLabels": {"app": "a"}}),
            json!({"gateways": ["mesh"]}),
            json!({"uri": {"prefix": "/a"}}),
            json!({"uri": {"prefix": "/"}, "method": {"exact": "GET"}}),
        ] {
            assert_eq!(unreachable(&[json!([some]), json!([])]), [], "{some}");
        }
    }

    #[test]
    fn the_second_of_two_equal_matches_takes_nothing() {
        let found = unreachable(&[
            json!([{"name": "x", "uri": {"exact": "/a"}, "headers": {"x-a": {"exact": "1"}}}]),
            json!([{"uri": {"exact": "/b"}}, {"headers": {"x-a": {"exact": "1"}}, "uri": {"exact": "/a"}}]),
            json!([]),
        ]);
        let expected = ("[1].match[1]".to_owned(), "[0].match[0]".to_owned());
        assert_eq!(found, [expected]);
    }

    #[test]
    fn matches_that_differ_are_two() {
        let matches = [
            json!({"uri": {"exact": "/a"}}),
            json!({"uri": {"prefix": "/a"}}),
            json!({"uri": {"exact": "/a"}, "ignoreUriCase": true}),
            json!({"uri": {"exact": "/a"}, "port": 80}),
            json!({"uri": {"exact": "/a"}, "gateways": ["a/b"]}),
            json!({"uri": {"exact": "/a"}, "gateways": ["a/b", "a/c"]}),
            json!({"headers": {"name": {"exact": "a"}}}),
            json!({"headers": {"name": {"exact": "b"}}}),
            json!({"headers": {"name": {}}}),
        ];
        assert_eq!(unreachable(&matches.map(|item| json!([item]))), []);
    }
}
