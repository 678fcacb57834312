//! The documentation says what the code does: what can be compared, is.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot read the tree must fail"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sluice_policy::DiagnosticCode;

#[test]
fn every_diagnostic_has_a_section() {
    let page = read("docs/diagnostics.md");
    let sections = sections(&page);
    let missing = DiagnosticCode::ALL
        .iter()
        .filter(|code| !sections.contains(code.name()));
    assert_none(missing.map(|code| code.name().to_owned()));
}

#[test]
fn every_section_is_a_diagnostic() {
    let page = read("docs/diagnostics.md");
    let unknown = sections(&page)
        .into_iter()
        .filter(|name| DiagnosticCode::from_name(name).is_none());
    assert_none(unknown.map(str::to_owned));
}

#[test]
fn sections_begin_with_the_title_in_the_code() {
    let page = read("docs/diagnostics.md");
    let differing = DiagnosticCode::ALL.iter().filter(|code| {
        let section = format!("### `{}`\n\n{}\n", code.name(), code.title());
        !page.contains(&section)
    });
    assert_none(differing.map(|code| format!("{}: {}", code.name(), code.title())));
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("a page is UTF-8");
        let folder = page.parent().expect("a page lies in a folder");
        let dead = links(&text).filter(|link| !folder.join(link).exists());
        broken.extend(dead.map(|link| format!("{}: {link}", page.display())));
    }
    assert_none(broken.into_iter());
}

#[test]
fn the_readme_shows_the_examples_as_they_are() {
    let readme = read("README.md");
    for name in ["payment-service", "payment-service-jwt", "order-service"] {
        let example = read(&format!("wasm-plugins/examples/{name}.yaml"));
        let first = example.split("---\n").next().unwrap_or_default();
        let shown = format!("```yaml\n{first}```\n");
        assert!(
            readme.contains(&shown),
            "README.md and the first document of {name}.yaml differ"
        );
    }
}

/// Every `cargo xtask …` that a page names exists.
#[test]
fn chores_in_the_pages_exist() {
    let known = [
        "bench", "cases", "demo", "dist", "mutants", "record", "setup", "test",
    ];
    let mut unknown = BTreeSet::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("a page is UTF-8");
        let named = text
            .split("cargo xtask ")
            .skip(1)
            .filter_map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next());
        let odd = named.filter(|chore| !chore.is_empty() && !known.contains(chore));
        unknown.extend(odd.map(|chore| format!("{}: {chore}", page.display())));
    }
    assert_none(unknown.into_iter());
}

/// A filter that names a callback which the adapter has not does not compile.
#[test]
fn callbacks_in_the_example_can_be_exported() {
    let page = read("CONTRIBUTING.md");
    let exports = read("filters/adapter/src/exports.rs");
    let (_, rest) = page.split_once("main!(").expect("an example");
    let (list, _) = rest.split_once(')').expect("the list ends");
    let (_, list) = list.split_once(';').expect("a filter, then callbacks");
    let named: Vec<&str> = list.split(',').map(str::trim).collect();
    assert!(named.len() > 1, "only {named:?} is read");
    let missing = named
        .iter()
        .filter(|name| !exports.contains(&format!("    ({name}) => {{")));
    assert_none(missing.map(|name| (*name).to_owned()));
}

/// Names in headings of the third level.
fn sections(page: &str) -> BTreeSet<&str> {
    let headings = page.lines().filter_map(|line| line.strip_prefix("### `"));
    headings
        .map(|heading| heading.trim_end_matches('`'))
        .collect()
}

/// Targets of links into this repository, without their anchors.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let local = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    local.filter_map(|target| target.split('#').next())
}

fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    let mut folders = vec![root().join("docs")];
    for entry in std::fs::read_dir(root()).expect("the root can be read") {
        pages.push(entry.expect("an entry").path());
    }
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder can be read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                pages.push(path);
            }
        }
    }
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in the workspace")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|cause| panic!("{path}: {cause}"))
}

#[track_caller]
fn assert_none(found: impl Iterator<Item = String>) {
    let found: Vec<String> = found.collect();
    assert!(found.is_empty(), "{found:#?}");
}
