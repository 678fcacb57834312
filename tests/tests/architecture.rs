//! Who depends on whom, compared with the table in ARCHITECTURE.md.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot read the tree must fail"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use page::Rule;
use serde_json::Value;

mod page {
    //! Reads the table.

    use std::collections::BTreeSet;

    const SECTION: &str = "## Who may depend on whom";
    /// Stands for the list in the paragraph that begins with it in bold.
    const IMPURE: &str = "impure";

    /// A row: what a crate may name in its Cargo.toml, and what it may not even reach.
    #[derive(Debug)]
    pub struct Rule {
        pub package: String,
        /// Crates of this workspace.
        pub ours: BTreeSet<String>,
        /// Crates from elsewhere; any if there is no list.
        pub others: Option<BTreeSet<String>>,
        /// Crates that must not be there through any chain of dependencies.
        pub never: BTreeSet<String>,
    }

    pub fn rules(page: &str) -> Vec<Rule> {
        let (_, section) = page.split_once(SECTION).expect("the section is there");
        let section = section.split("\n## ").next().expect("a first part");
        let impure = section
            .lines()
            .find(|line| line.starts_with("**impure**"))
            .map(names)
            .expect("what is impure is listed");
        let rows = section.lines().filter(|line| line.starts_with('|'));
        // Title and the line under it.
        rows.skip(2).map(|row| rule(row, &impure)).collect()
    }

    fn rule(row: &str, impure: &BTreeSet<String>) -> Rule {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_layer, package, ours, others, never] = cells[..] else {
            panic!("found {row}, expected five cells");
        };
        let mut forbidden = cell(never, &["none", IMPURE]);
        if never.contains(IMPURE) {
            forbidden.extend(impure.iter().cloned());
        }
        Rule {
            package: package.trim_matches('`').to_owned(),
            ours: cell(ours, &["none"]),
            others: (others != "any").then(|| cell(others, &["none"])),
            never: forbidden,
        }
    }

    /// Names in a cell that holds nothing but them, or some of these words.
    fn cell(text: &str, words: &[&str]) -> BTreeSet<String> {
        for item in text.split(", ") {
            let is_name = item.starts_with('`') && item.ends_with('`');
            assert!(
                is_name || words.contains(&item),
                "found {item}, expected a name in backticks or one of {words:?}"
            );
        }
        names(text)
    }

    /// Whatever stands between backticks.
    fn names(text: &str) -> BTreeSet<String> {
        let quoted = text.split('`').skip(1).step_by(2);
        quoted.map(str::to_owned).collect()
    }
}

#[test]
fn the_table_has_every_crate_and_no_other() {
    let workspace = Workspace::read();
    let known: BTreeSet<&String> = workspace.rules.iter().map(|rule| &rule.package).collect();
    let members: BTreeSet<&String> = workspace.members.keys().collect();
    assert_eq!(known, members, "rows of ARCHITECTURE.md, and crates");
}

#[test]
fn crates_name_only_what_their_layer_may_use() {
    let workspace = Workspace::read();
    let mut wrong = Vec::new();
    for (rule, direct) in workspace.ruled() {
        for name in direct {
            let allowed = if workspace.members.contains_key(name) {
                rule.ours.contains(name)
            } else {
                rule.others
                    .as_ref()
                    .is_none_or(|names| names.contains(name))
            };
            if !allowed {
                wrong.push(format!("{} depends on {name}", rule.package));
            }
        }
    }
    assert!(wrong.is_empty(), "against ARCHITECTURE.md: {wrong:#?}");
}

#[test]
fn every_permission_is_used() {
    let workspace = Workspace::read();
    let mut unused = Vec::new();
    for (rule, direct) in workspace.ruled() {
        let permitted = rule.ours.iter().chain(rule.others.iter().flatten());
        let idle = permitted.filter(|name| !direct.contains(*name));
        unused.extend(idle.map(|name| format!("{} does not depend on {name}", rule.package)));
    }
    assert!(
        unused.is_empty(),
        "take it out of ARCHITECTURE.md: {unused:#?}"
    );
}

#[test]
fn crates_do_not_reach_what_their_layer_must_not() {
    let workspace = Workspace::read();
    let mut wrong = Vec::new();
    for (rule, _) in workspace.ruled() {
        let reached = workspace.reached_from(&rule.package);
        let bad = rule.never.intersection(&reached);
        wrong.extend(bad.map(|name| format!("{} reaches {name}", rule.package)));
    }
    assert!(wrong.is_empty(), "against ARCHITECTURE.md: {wrong:#?}");
}

/// A prohibition with a slip in its name would forbid nothing.
#[test]
fn what_must_not_be_reached_of_ours_exists() {
    let workspace = Workspace::read();
    let ours = |name: &&String| name.starts_with("sluice-");
    let named = workspace.rules.iter().flat_map(|rule| &rule.never);
    let unknown: Vec<&String> = named
        .filter(ours)
        .filter(|name| !workspace.members.contains_key(*name))
        .collect();
    assert!(unknown.is_empty(), "no such crate: {unknown:?}");
}

/// Guards the tests above: an empty reading would pass them all.
#[test]
fn table_and_metadata_are_read() {
    let workspace = Workspace::read();
    assert!(workspace.members["sluice-authz"].contains("sluice-policy"));
    assert!(workspace.reached_from("sluice-cli").contains("wasmtime"));
    let engine = workspace.rules.iter().find(|r| r.package == "sluice-authz");
    let engine = engine.expect("the engine has a row");
    assert!(engine.never.contains("wasmtime"), "{engine:?}");
    assert!(engine.others.is_some(), "{engine:?}");
}

/// Names of packages, and the packages that each uses outside of its tests.
type Uses = BTreeMap<String, BTreeSet<String>>;

struct Workspace {
    /// The table of ARCHITECTURE.md.
    rules: Vec<Rule>,
    /// What each crate of the workspace names in its Cargo.toml.
    members: Uses,
    /// What every package, ours or not, is built with.
    resolved: Uses,
}

impl Workspace {
    fn read() -> Self {
        let metadata = cargo_metadata();
        let packages = metadata["packages"].as_array().expect("packages");
        let names: BTreeMap<&str, &str> = packages
            .iter()
            .map(|package| (text(&package["id"]), text(&package["name"])))
            .collect();
        let member_ids: BTreeSet<&str> = array(&metadata["workspace_members"])
            .iter()
            .map(text)
            .collect();
        let members = packages
            .iter()
            .filter(|package| member_ids.contains(text(&package["id"])))
            .map(|package| (text(&package["name"]).to_owned(), declared(package)))
            .collect();
        let nodes = array(&metadata["resolve"]["nodes"]);
        let resolved = nodes
            .iter()
            .map(|node| (names[text(&node["id"])].to_owned(), linked(node, &names)))
            .collect();
        let page = std::fs::read_to_string(root().join("ARCHITECTURE.md"));
        Self {
            rules: page::rules(&page.expect("the page is there")),
            members,
            resolved,
        }
    }

    fn ruled(&self) -> impl Iterator<Item = (&Rule, &BTreeSet<String>)> {
        self.rules
            .iter()
            .filter_map(|rule| Some((rule, self.members.get(&rule.package)?)))
    }

    fn reached_from(&self, package: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut open = vec![package.to_owned()];
        while let Some(name) = open.pop() {
            // Of a crate of ours only what it is delivered with: its optional
            // dependencies serve tests, which other crates may switch on.
            let next = self.members.get(&name).or_else(|| self.resolved.get(&name));
            for next in next.into_iter().flatten() {
                if reached.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        reached
    }
}

/// Dependencies of the library itself; those of its tests, and optional ones, are free.
fn declared(package: &Value) -> BTreeSet<String> {
    let required =
        |dependency: &&Value| dependency["kind"].is_null() && dependency["optional"] == false;
    let dependencies = array(&package["dependencies"]).iter().filter(required);
    dependencies
        .map(|dependency| text(&dependency["name"]).to_owned())
        .collect()
}

fn linked(node: &Value, names: &BTreeMap<&str, &str>) -> BTreeSet<String> {
    let normal = |dependency: &&Value| {
        array(&dependency["dep_kinds"])
            .iter()
            .any(|kind| kind["kind"].is_null())
    };
    let dependencies = array(&node["deps"]).iter().filter(normal);
    dependencies
        .map(|dependency| names[text(&dependency["pkg"])].to_owned())
        .collect()
}

fn cargo_metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in the workspace")
}

fn array(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}
