//! The table as a page of the documentation.

use super::{Row, rows::TOPICS};

const INTRODUCTION: &str = "\
# Envoy as a proxy-wasm host

What Envoy does for a guest, one behaviour a line. Each is asserted by
`cargo test -p sluice-tests --test host_conformance` in the harness and on every Envoy that
`cargo xtask setup envoy` unpacks; a host that is known to do otherwise is named.

This page is written from the table in `tests/src/conformance/rows/`
(`SLUICE_BLESS=1 cargo test -p sluice-tests --lib page`).
";

/// The text of `docs/envoy-behaviours.md`.
#[must_use]
pub fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for (topic, rows) in TOPICS {
        page.push_str(&format!("\n## {topic}\n\n"));
        rows().iter().for_each(|row| page.push_str(&line(row)));
    }
    page
}

fn line(row: &Row) -> String {
    let exceptions: String = row
        .otherwise
        .iter()
        .map(|(host, what)| format!(" Otherwise: {host} {what}."))
        .collect();
    format!("- **{}**: {}.{exceptions}\n", sentence(row.name), row.why)
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters
        .next()
        .map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + characters.as_str()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, env, fs};

    use sluice_envoy::binary::workspace_dir;

    use super::page;
    use crate::conformance::rows;

    #[test]
    fn the_page_is_the_table() {
        let path = workspace_dir().join("docs").join("envoy-behaviours.md");
        if env::var_os("SLUICE_BLESS").is_some() {
            fs::write(&path, page()).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap();
        assert!(
            found == page(),
            "write it anew: SLUICE_BLESS=1 cargo test -p sluice-tests --lib page"
        );
    }

    #[test]
    fn names_are_unique() {
        let rows = rows();
        let names: BTreeSet<_> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), rows.len());
    }
}
