//! The table of requests with tokens, on real Envoys: first with native `jwt_authn`, then
//! with `jwt.wasm`, then both side by side.

#![expect(
    clippy::unwrap_used,
    reason = "without its module or Envoy this test can only fail"
)]

use sluice_envoy::binary::{find_module, workspace_dir};
use sluice_envoy::{EnvoyBinary, binary::DEFAULT_VERSION};
use sluice_tests::authentication::{Expected, Filter, Keys, Row, Stage, Words, every_row};

/// The newest, and two of those before.
const VERSIONS: [&str; 3] = ["1.36.4", "1.38.2", DEFAULT_VERSION];
/// Where the differences from Envoy stand.
const DOCUMENTS: [&str; 2] = ["docs/filters/jwt-strictness.md", "docs/filters/jwt.md"];

/// An Envoy with that filter, and tokens for its rules.
struct Bench {
    stage: Stage,
    words: Words,
    name: String,
}

impl Bench {
    fn start(version: &str, filter: &Filter, keys: &Keys) -> Self {
        let binary = EnvoyBinary::find(version).unwrap();
        Self {
            stage: Stage::start(&binary, filter, keys).unwrap(),
            words: Words::mint(keys).unwrap(),
            name: format!("envoy {version}, {filter:?}"),
        }
    }

    /// What is not as expected, one line each.
    fn faults(&self, row: &Row, expected: Expected) -> Vec<String> {
        let seen = self.stage.run(row, &self.words).unwrap();
        let faults = seen.faults(row, expected, &self.words).into_iter();
        let place = format!("{}: {}: {}", self.name, row.setup, row.name);
        faults.map(|fault| format!("{place}: {fault}")).collect()
    }
}

fn module() -> Filter {
    Filter::Module(find_module("jwt").unwrap())
}

fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What the module is compared with is Envoy itself.
#[test]
fn native_envoy_bears_the_table_out() {
    let keys = Keys::new().unwrap();
    let mut faults = Vec::new();
    for version in VERSIONS {
        let bench = Bench::start(version, &Filter::Native, &keys);
        // Releases of equal length, so that they compare as text.
        let rows = every_row().filter(|row| row.since.is_none_or(|since| since <= version));
        faults.extend(rows.flat_map(|row| bench.faults(row, row.expected)));
    }
    assert_none(&faults);
}

/// Twice: the second time around, the module has seen the tokens before.
#[test]
fn the_module_does_too() {
    let keys = Keys::new().unwrap();
    let mut faults = Vec::new();
    for version in VERSIONS {
        let bench = Bench::start(version, &module(), &keys);
        for _ in 0..2 {
            faults.extend(every_row().flat_map(|row| bench.faults(row, row.ours())));
        }
    }
    assert_none(&faults);
}

/// Status, body and headers of a refusal; path, headers and claims of what goes upstream.
#[test]
fn both_are_equal_but_for_what_is_documented() {
    let keys = Keys::new().unwrap();
    let native = Bench::start(DEFAULT_VERSION, &Filter::Native, &keys);
    let ours = Bench::start(DEFAULT_VERSION, &module(), &keys);
    let mut faults = Vec::new();
    let (mut equal, mut different) = (0, 0);
    for row in every_row() {
        let [native, ours] = [&native, &ours].map(|bench| {
            // The tokens of one of them: both know the keys.
            bench.stage.run(row, &native.words).unwrap()
        });
        let place = format!("{}: {}", row.setup, row.name);
        let found = native.differences(&ours);
        match (found.is_empty(), row.differs) {
            (true, None) => equal += 1,
            (false, Some(_)) => different += 1,
            (false, None) => faults.extend(found.iter().map(|found| format!("{place}: {found}"))),
            (true, Some((words, _))) => faults.push(format!("{place}: no difference, yet {words}")),
        }
    }
    println!("{equal} requests alike, {different} different as documented");
    assert_none(&faults);
}

#[test]
fn every_difference_is_documented() {
    let read = |name: &&str| std::fs::read_to_string(workspace_dir().join(name)).unwrap();
    let documents: String = DOCUMENTS.iter().map(read).collect();
    let documented = |words: &str| documents.contains(&format!("\n| {words} |"));
    let rows = every_row().filter_map(|row| Some((row.name, row.differs?.0)));
    let silent: Vec<String> = rows
        .filter(|(_, words)| !documented(words))
        .map(|(name, words)| format!("{name}: no row {words:?} in {DOCUMENTS:?}"))
        .collect();
    assert_none(&silent);
}

#[test]
fn rows_have_names_of_their_own() {
    let mut names: Vec<_> = every_row().map(|row| (row.setup, row.name)).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}
