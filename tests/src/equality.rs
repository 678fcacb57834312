//! The same recording through the same modules, in a real Envoy and in the
//! harness: status and headers must not differ.

pub mod envoy;
pub mod harness;
pub mod normalize;
pub mod scene;

use sluice_envoy::client::HeaderLines;

/// What came of one exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// What the client got.
    pub status: u16,
    /// The lines that went upstream, if the request did.
    pub upstream: Option<HeaderLines>,
    /// The lines the client got, where no upstream answered.
    pub reply: Option<HeaderLines>,
    /// The body the client got, where no upstream answered.
    pub reply_body: Option<Vec<u8>>,
}

/// Everything in which two hosts differ, one line each; normalised first.
#[must_use]
pub fn differences(envoy: &Seen, harness: &Seen) -> Vec<String> {
    let (envoy, harness) = (normalize::seen(envoy), normalize::seen(harness));
    let mut found = Vec::new();
    if envoy.status != harness.status {
        found.push(format!(
            "status {} in Envoy, {} in the harness",
            envoy.status, harness.status
        ));
    }
    compare_lines("upstream", &envoy.upstream, &harness.upstream, &mut found);
    compare_lines("reply", &envoy.reply, &harness.reply, &mut found);
    if envoy.reply_body != harness.reply_body {
        found.push("other reply bodies".to_owned());
    }
    found
}

fn compare_lines(
    side: &str,
    envoy: &Option<HeaderLines>,
    harness: &Option<HeaderLines>,
    found: &mut Vec<String>,
) {
    let (envoy, harness) = match (envoy, harness) {
        (Some(envoy), Some(harness)) => (envoy, harness),
        (None, None) => return,
        (envoy, _) => {
            let host = if envoy.is_some() {
                "Envoy"
            } else {
                "the harness"
            };
            found.push(format!("{side}: only in {host}"));
            return;
        }
    };
    let before = found.len();
    only_in(side, "Envoy", envoy, harness, found);
    only_in(side, "the harness", harness, envoy, found);
    if found.len() == before && envoy != harness {
        found.push(format!("{side}: the same lines in another order or number"));
    }
}

fn only_in(
    side: &str,
    host: &str,
    these: &HeaderLines,
    others: &HeaderLines,
    found: &mut Vec<String>,
) {
    for (name, value) in these.iter().filter(|line| !others.contains(line)) {
        let (name, value) = (name.escape_ascii(), value.escape_ascii());
        found.push(format!("{side}: only in {host}: {name}: {value}"));
    }
}

#[cfg(test)]
mod tests {
    use super::{Seen, differences};

    fn forwarded(lines: &[(&str, &str)]) -> Seen {
        let line =
            |(name, value): &(&str, &str)| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
        Seen {
            status: 200,
            upstream: Some(lines.iter().map(line).collect()),
            ..Seen::default()
        }
    }

    #[test]
    fn order_of_names_and_framing_do_not_matter() {
        let envoy = forwarded(&[("b", "1"), ("a", "1"), ("content-length", "3")]);
        let harness = forwarded(&[(":method", "GET"), ("a", "1"), ("b", "1")]);
        assert_eq!(differences(&envoy, &harness), Vec::<String>::new());
    }

    #[test]
    fn a_line_that_only_one_has_is_told() {
        let envoy = forwarded(&[("a", "1"), ("a", "2")]);
        let harness = forwarded(&[("a", "1")]);
        assert_eq!(
            differences(&envoy, &harness),
            ["upstream: only in Envoy: a: 2"]
        );
    }

    #[test]
    fn lines_of_one_name_keep_their_order_and_number() {
        let envoy = forwarded(&[("a", "1"), ("a", "2")]);
        for other in [
            &[("a", "2"), ("a", "1")][..],
            &[("a", "1"), ("a", "2"), ("a", "2")][..],
        ] {
            assert!(
                !differences(&envoy, &forwarded(other)).is_empty(),
                "{other:?}"
            );
        }
    }

    #[test]
    fn forwarded_and_refused_differ() {
        let refused = Seen {
            status: 403,
            reply: Some(Vec::new()),
            ..Seen::default()
        };
        assert_eq!(differences(&forwarded(&[]), &refused).len(), 3);
    }
}
