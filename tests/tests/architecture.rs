//! Who depends on whom, compared with the table in ARCHITECTURE.md.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot read the tree must fail"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What a crate may name in its Cargo.toml, and what it may not even reach.
struct Rule {
    package: &'static str,
    /// Crates of this workspace.
    ours: &'static [&'static str],
    /// Crates from elsewhere.
    others: Others,
    /// Crates that must not be there through any chain of dependencies.
    never: &'static [&'static str],
}

enum Others {
    Any,
    Only(&'static [&'static str]),
}

/// A host, a runtime, a clock or randomness in a pure crate is how purity ends.
const IMPURE: &[&str] = &[
    "proxy-wasm",
    "wasmtime",
    "tokio",
    "rand",
    "getrandom",
    "chrono",
    "jiff",
    "sluice-host",
    "sluice-recording",
];

const RULES: &[Rule] = &[
    Rule {
        package: "sluice-policy",
        ours: &[],
        others: Others::Only(&[
            "foldhash",
            "hashbrown",
            "ipnet",
            "memchr",
            "regex-automata",
            "regex-lite",
            "serde",
            "serde_json",
            "strsim",
        ]),
        never: IMPURE,
    },
    Rule {
        package: "sluice-authz",
        ours: &["sluice-policy"],
        others: Others::Only(&[
            "foldhash",
            "hashbrown",
            "ipnet",
            "memchr",
            "serde",
            "serde_json",
        ]),
        never: IMPURE,
    },
    Rule {
        package: "sluice-adapter",
        ours: &["sluice-policy"],
        others: Others::Only(&["proxy-wasm", "serde_json", "talc"]),
        never: &["sluice-authz", "wasmtime", "sluice-host"],
    },
    Rule {
        package: "sluice-authz-filter",
        ours: &["sluice-adapter", "sluice-authz", "sluice-policy"],
        others: Others::Only(&[]),
        never: &["wasmtime", "sluice-host"],
    },
    Rule {
        package: "sluice-host",
        ours: &[],
        others: Others::Any,
        never: &[
            "proxy-wasm",
            "sluice-policy",
            "sluice-authz",
            "sluice-recording",
        ],
    },
    Rule {
        package: "sluice-recording",
        ours: &[],
        others: Others::Any,
        never: &[
            "proxy-wasm",
            "wasmtime",
            "sluice-policy",
            "sluice-authz",
            "sluice-host",
        ],
    },
    Rule {
        package: "sluice-cli",
        ours: &[
            "sluice-authz",
            "sluice-host",
            "sluice-policy",
            "sluice-recording",
        ],
        others: Others::Any,
        never: &["proxy-wasm", "sluice-adapter"],
    },
    Rule {
        package: "sluice-envoy",
        ours: &["sluice-recording"],
        others: Others::Any,
        never: &["proxy-wasm", "wasmtime"],
    },
    Rule {
        package: "sluice-tests",
        ours: &[
            "sluice-authz",
            "sluice-cli",
            "sluice-envoy",
            "sluice-host",
            "sluice-policy",
            "sluice-recording",
        ],
        others: Others::Any,
        never: &["proxy-wasm"],
    },
    // A guest is whatever a user's plugin could be, so it knows nothing of ours.
    guest("sluice-conformance-guest"),
    guest("sluice-empty"),
    guest("sluice-probe"),
    Rule {
        package: "xtask",
        ours: &[],
        others: Others::Any,
        never: &["wasmtime", "proxy-wasm"],
    },
];

const fn guest(package: &'static str) -> Rule {
    Rule {
        package,
        ours: &[],
        others: Others::Any,
        never: &["wasmtime"],
    }
}

#[test]
fn every_crate_has_a_rule() {
    let workspace = Workspace::read();
    let known: BTreeSet<&str> = RULES.iter().map(|rule| rule.package).collect();
    let unknown: Vec<&String> = workspace
        .members
        .keys()
        .filter(|name| !known.contains(name.as_str()))
        .collect();
    assert!(
        unknown.is_empty(),
        "add a rule here and a row to ARCHITECTURE.md for {unknown:?}"
    );
}

#[test]
fn crates_name_only_what_their_layer_may_use() {
    let workspace = Workspace::read();
    let mut wrong = Vec::new();
    for (rule, direct) in workspace.ruled() {
        for name in direct {
            let is_ours = workspace.members.contains_key(name);
            let allowed = match (&rule.others, is_ours) {
                (_, true) => rule.ours.contains(&name.as_str()),
                (Others::Any, false) => true,
                (Others::Only(names), false) => names.contains(&name.as_str()),
            };
            if !allowed {
                wrong.push(format!("{} depends on {name}", rule.package));
            }
        }
    }
    assert!(wrong.is_empty(), "against the table of layers: {wrong:#?}");
}

#[test]
fn crates_do_not_reach_what_their_layer_must_not() {
    let workspace = Workspace::read();
    let mut wrong = Vec::new();
    for (rule, _) in workspace.ruled() {
        let reached = workspace.reached_from(rule.package);
        let bad = rule.never.iter().filter(|name| reached.contains(**name));
        wrong.extend(bad.map(|name| format!("{} reaches {name}", rule.package)));
    }
    assert!(wrong.is_empty(), "against the table of layers: {wrong:#?}");
}

/// Guards the tests above: an empty reading would pass them all.
#[test]
fn the_metadata_is_read() {
    let workspace = Workspace::read();
    assert!(workspace.members["sluice-authz"].contains("sluice-policy"));
    assert!(workspace.reached_from("sluice-cli").contains("wasmtime"));
}

/// Names of packages, and the packages that each uses outside of its tests.
type Uses = BTreeMap<String, BTreeSet<String>>;

struct Workspace {
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
        Self { members, resolved }
    }

    fn ruled(&self) -> impl Iterator<Item = (&'static Rule, &BTreeSet<String>)> {
        RULES
            .iter()
            .filter_map(|rule| Some((rule, self.members.get(rule.package)?)))
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
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in the workspace");
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(root)
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

fn array(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}
