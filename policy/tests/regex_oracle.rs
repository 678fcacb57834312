//! Matchers compared with the regular expressions that Istio generates for the
//! same values, run by a regex engine.
#![cfg(not(target_arch = "wasm32"))]
#![expect(
    clippy::unwrap_used,
    reason = "a regex that does not compile is a fault of the test"
)]

use proptest::prelude::*;
use regex::Regex;
use sluice_policy::matcher::{
    NamespaceMatcher, PathTemplate, RequestPrincipalMatcher, ServiceAccountMatcher, StringMatcher,
    TrustDomainMatcher,
};

/// A regex over the whole text, as Envoy matches.
fn whole(pattern: &str) -> Regex {
    Regex::new(&format!("^(?:{pattern})$")).unwrap()
}

/// Quotes everything but `*`, which becomes `star`.
fn glob(value: &str, star: &str) -> String {
    let parts: Vec<String> = value.split('*').map(regex::escape).collect();
    parts.join(star)
}

/// Short texts over few letters, so that matches are common.
fn value() -> impl Strategy<Value = String> {
    "[ab.*]{0,4}"
}

fn identity() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("ns".to_owned()),
        Just("sa".to_owned()),
        "[ab.]{0,3}",
        Just("\n".to_owned()),
        Just("é".to_owned()),
    ];
    let rest = prop::collection::vec(piece, 0..9).prop_map(|pieces| pieces.join("/"));
    (
        prop_oneof![Just("spiffe://"), Just("spiffe:/"), Just("")],
        rest,
    )
        .prop_map(|(scheme, rest)| format!("{scheme}{rest}"))
}

fn path() -> impl Strategy<Value = String> {
    "(/[ab%\\[é\n]{0,2}){0,5}/?"
}

fn template() -> impl Strategy<Value = String> {
    let segment = prop_oneof![Just("{*}".to_owned()), "[ab]{1,2}"];
    let after = prop::collection::vec("[ab]{1,2}", 0..3);
    (
        prop::collection::vec(segment, 0..4),
        any::<bool>(),
        after,
        any::<bool>(),
    )
        .prop_map(|(mut segments, has_any, after, has_slash)| {
            if has_any || segments.is_empty() {
                segments.push("{**}".to_owned());
            }
            segments.extend(after);
            format!(
                "/{}{}",
                segments.join("/"),
                if has_slash { "/" } else { "" }
            )
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn namespaces(value in value(), identity in identity()) {
        let regex = whole(&format!(".*/ns/{}/.*", glob(&value, ".*")));
        prop_assert_eq!(NamespaceMatcher::new(&value).matches(identity.as_bytes()), regex.is_match(&identity));
    }

    #[test]
    fn service_accounts(namespace in "[ab.]{1,2}", name in "[ab.]{1,2}", identity in identity()) {
        let regex = whole(&format!(
            "spiffe://.+/ns/{}/(.+/)?sa/{}(/.+)?", regex::escape(&namespace), regex::escape(&name)
        ));
        let matcher = ServiceAccountMatcher::new(&format!("{namespace}/{name}"), "other");
        prop_assert_eq!(matcher.matches(identity.as_bytes()), regex.is_match(&identity));
    }

    #[test]
    fn trust_domains(value in "[ab]{1,2}", star in 0..2_u8, identity in identity()) {
        let value = if star == 0 { format!("*{value}") } else { format!("{value}*") };
        let regex = whole(&format!("spiffe://{}/.*", glob(&value, "[^/]*")));
        prop_assert_eq!(TrustDomainMatcher::new(&value).matches(identity.as_bytes()), regex.is_match(&identity));
    }

    #[test]
    fn principals_that_end_in_a_value(value in "[ab./]{1,4}", identity in identity()) {
        let regex = whole(&format!("spiffe://.*{}", regex::escape(&value)));
        let matcher = StringMatcher::principal(&format!("*{value}"));
        prop_assert_eq!(matcher.matches(identity.as_bytes()), regex.is_match(&identity));
    }

    #[test]
    fn anything_not_empty(text in "[a\né]{0,2}") {
        prop_assert_eq!(StringMatcher::text("*").matches(text.as_bytes()), whole(".+").is_match(&text));
    }

    #[test]
    fn templates(template in template(), path in path()) {
        const ONE: &str = r"[a-zA-Z0-9\-._~%!$&'()*+,;:@=]+";
        const ANY: &str = r"[a-zA-Z0-9\-._~%!$&'()*+,;:@=/]*";
        let regex = whole(&template.replace("{**}", ANY).replace("{*}", ONE));
        let matcher = PathTemplate::new(&template).unwrap();
        prop_assert_eq!(matcher.matches(path.as_bytes()), regex.is_match(&path), "{} {}", template, path);
    }

    #[test]
    fn no_matcher_panics(value in ".{0,12}", text in prop::collection::vec(any::<u8>(), 0..24)) {
        for matcher in [StringMatcher::text(&value), StringMatcher::host(&value), StringMatcher::principal(&value)] {
            matcher.matches(&text);
        }
        NamespaceMatcher::new(&value).matches(&text);
        ServiceAccountMatcher::new(&value, "n").matches(&text);
        TrustDomainMatcher::new(&value).matches(&text);
        RequestPrincipalMatcher::new(&value).matches(&text, &text);
        if let Ok(template) = PathTemplate::new(&value) {
            template.matches(&text);
        }
    }
}
