//! The request behind a call: of a call over HTTP its own head, of an
//! authorizer's check the head of the request that is asked about.

use sluice_host::Headers;
use sluice_policy::Diagnostics;
use sluice_policy::json::Node;
use sluice_policy::matcher::StringMatcher;

use super::headers;

/// What requests must look like. Each part is told by a header, pseudo-headers
/// included; nothing is said of the others.
#[derive(Debug, Clone, Default)]
pub(super) struct RequestMatcher(Vec<(String, Expected)>);

#[derive(Debug, Clone)]
enum Expected {
    /// One of the header's lines matches.
    Line(StringMatcher),
    /// There is no such header.
    Nothing,
}

/// How a value of a pattern is read.
type Pattern = fn(&str) -> StringMatcher;

/// Keys for pseudo-headers. Patterns are those of an AuthorizationPolicy:
/// `*` alone, or at either end.
const PSEUDO: [(&str, &str, Pattern); 3] = [
    ("method", ":method", StringMatcher::header),
    ("path", ":path", StringMatcher::header),
    ("authority", ":authority", StringMatcher::host),
];

impl RequestMatcher {
    /// Reads `request`.
    pub(super) fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut request = node.object(diagnostics)?;
        let mut parts = Vec::new();
        for (key, header, pattern) in PSEUDO {
            let text = request.take(key).and_then(|node| node.text(diagnostics));
            parts.extend(text.map(|text| (header.to_owned(), Expected::Line(pattern(text)))));
        }
        if let Some(node) = request.take("headers") {
            parts.extend(read_headers(&node, diagnostics).unwrap_or_default());
        }
        request.finish(diagnostics);
        Some(Self(parts))
    }

    /// Whether a request is such a one.
    pub(super) fn fits(&self, request: &Headers) -> bool {
        self.0.iter().all(|(name, expected)| match expected {
            Expected::Nothing => request.get(name).is_none(),
            Expected::Line(pattern) => request
                .get_all(name.as_bytes())
                .any(|line| pattern.matches(line)),
        })
    }
}

/// Name → pattern, or null for a header that must not be there.
fn read_headers(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Vec<(String, Expected)>> {
    let mut read = Vec::new();
    for (name, value) in node.entries(diagnostics)? {
        let expected = if value.value().is_null() {
            Some(Expected::Nothing)
        } else {
            let text = value.string(diagnostics);
            text.map(|text| Expected::Line(StringMatcher::header(text)))
        };
        let name = headers::name(name, &value, diagnostics);
        read.extend(name.zip(expected));
    }
    Some(read)
}

#[cfg(test)]
mod tests {
    use super::super::tests::findings;
    use super::*;
    use crate::yaml;

    fn fits(request: &str, lines: &[(&str, &str)]) -> bool {
        let mut diagnostics = Diagnostics::new();
        let value = yaml::parse(request).unwrap()[0].to_json();
        let matcher = RequestMatcher::read(&Node::new(&value, "request"), &mut diagnostics);
        assert_eq!(diagnostics.to_string(), "");
        matcher.unwrap().fits(&lines.iter().copied().collect())
    }

    const GET: [(&str, &str); 5] = [
        (":method", "GET"),
        (":path", "/v1/x?y"),
        (":authority", "Shop:80"),
        ("x-role", "guest"),
        ("x-role", "admin"),
    ];

    #[test]
    fn every_part_must_fit() {
        for request in [
            "{}",
            "{method: GET, path: /v1/*, authority: shop:80}",
            "{headers: {X-Role: admin}}",
            "{headers: {x-role: '*', x-other: null}}",
        ] {
            assert!(fits(request, &GET), "{request}");
        }
        for request in [
            "{method: GE}",
            "{method: GET, path: /v1}",
            "{authority: shop}",
            "{headers: {x-role: adm}}",
            "{headers: {x-role: null}}",
            "{headers: {x-other: '*'}}",
        ] {
            assert!(!fits(request, &GET), "{request}");
        }
    }

    #[test]
    fn what_is_no_header_name_is_refused() {
        let found = findings(
            "callouts: [{cluster: a, request: {headers: {':path': /, 'a b': x, '': z}}, answer: {status: 200}}]",
        );
        assert_eq!(found.lines().count(), 3, "{found}");
        assert!(
            found.contains("expected the name of a header [unknown-key]"),
            "{found}"
        );
    }
}
