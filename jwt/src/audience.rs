//! Audiences of a rule.

/// What `aud` of a token is compared with.
#[derive(Debug, Default)]
pub(crate) struct Audiences(Vec<Box<str>>);

impl Audiences {
    /// Those of a rule; none are no demand.
    pub(crate) fn new(audiences: &[Box<str>]) -> Self {
        Self(audiences.iter().map(|text| bare(text).into()).collect())
    }

    /// Whether a token for these audiences may be used here.
    pub(crate) fn allow<'a>(&self, mut audiences: impl Iterator<Item = &'a str>) -> bool {
        self.0.is_empty()
            || audiences.any(|audience| self.0.iter().any(|known| **known == *bare(audience)))
    }
}

/// Without one scheme and one slash at the end, which Envoy leaves out on both sides.
fn bare(audience: &str) -> &str {
    let rest = audience
        .strip_prefix("http://")
        .or_else(|| audience.strip_prefix("https://"))
        .unwrap_or(audience);
    rest.strip_suffix('/').unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::Audiences;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn allow(rule: &[&str], token: &[&str]) -> bool {
        let rule: Vec<Box<str>> = rule.iter().map(|text| (*text).into()).collect();
        Audiences::new(&rule).allow(token.iter().copied())
    }

    #[test]
    fn a_rule_without_audiences_takes_every_token() {
        assert!(allow(&[], &[]));
        assert!(allow(&[], &["a"]));
    }

    #[test]
    fn a_rule_with_audiences_takes_tokens_for_one_of_them() {
        assert!(allow(&["a", "b"], &["c", "b"]));
        assert!(!allow(&["a"], &["A"]));
        assert!(!allow(&["a"], &[]));
        assert!(!allow(&["a"], &[""]));
    }

    #[test]
    fn one_scheme_and_one_slash_do_not_count() {
        for (rule, token) in [
            ("https://aud1/", "aud1"),
            ("aud1", "http://aud1"),
            ("http://aud1", "https://aud1/"),
        ] {
            assert!(allow(&[rule], &[token]), "{rule} {token}");
        }
        for (rule, token) in [
            ("https://aud1//", "aud1"),
            ("aud1", "https://http://aud1"),
            ("aud1", "ftp://aud1"),
        ] {
            assert!(!allow(&[rule], &[token]), "{rule} {token}");
        }
    }
}
