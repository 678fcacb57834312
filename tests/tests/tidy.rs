//! Conventions of the source tree that no compiler checks.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot read the tree must fail"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Past this, unit tests left out, a file holds more than one idea.
const LONGEST_FILE_LINES: usize = 600;

/// Files that may be longer, with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Names that say nothing about what is in the file.
const VAGUE_NAMES: &[&str] = &[
    "common", "helper", "helpers", "misc", "mod", "util", "utils",
];

/// Folders of pure code, and words that would make it impure.
const PURE_FOLDERS: &[&str] = &["policy/src", "authz/src", "jwt/src"];
const IMPURE_WORDS: &[&str] = &[
    "SystemTime",
    "Instant::now",
    "RandomState",
    "println!",
    "eprintln!",
    "std::fs",
    "std::env",
    "std::thread",
];

/// The only files in which code may be unsafe: those that face the host. In
/// alphabetical order.
const UNSAFE_FILES: &[&str] = &[
    "filters/adapter/src/abi.rs",
    "filters/adapter/src/environment.rs",
    "filters/adapter/src/exports.rs",
    "filters/adapter/src/scripted_host.rs",
];

#[test]
fn no_file_has_a_vague_name() {
    let vague = |file: &&Source| VAGUE_NAMES.contains(&file.stem().as_str());
    assert_none(
        rust_files()
            .iter()
            .filter(vague)
            .map(|file| file.name.clone()),
    );
}

#[test]
fn no_file_is_too_long() {
    let files = rust_files();
    let long = files
        .iter()
        .filter(|file| file.lines() > LONGEST_FILE_LINES);
    let excused = |file: &&Source| !LONG_FILES.iter().any(|(name, _)| *name == file.name);
    assert_none(
        long.filter(excused)
            .map(|file| format!("{}: {} lines", file.name, file.lines())),
    );
}

#[test]
fn every_excuse_is_needed() {
    let files = rust_files();
    let unneeded = LONG_FILES.iter().filter(|(name, reason)| {
        let file = files.iter().find(|file| file.name == *name);
        reason.is_empty() || file.is_none_or(|file| file.lines() <= LONGEST_FILE_LINES)
    });
    assert_none(unneeded.map(|(name, _)| (*name).to_owned()));
}

#[test]
fn engines_are_pure() {
    let files = rust_files();
    let pure = files.iter().filter(|file| {
        PURE_FOLDERS
            .iter()
            .any(|folder| file.name.starts_with(folder))
    });
    let found = pure.flat_map(|file| {
        let words = IMPURE_WORDS
            .iter()
            .filter(|word| file.code().any(|line| line.contains(**word)));
        words.map(|word| format!("{}: {word}", file.name))
    });
    assert_none(found);
}

#[test]
fn unsafe_code_stays_at_the_border() {
    let files = rust_files();
    let elsewhere = |file: &&Source| {
        !UNSAFE_FILES.contains(&file.name.as_str()) && !file.name.starts_with("tests/")
    };
    assert_none(
        files
            .iter()
            .filter(|file| file.is_unsafe())
            .filter(elsewhere)
            .map(|file| file.name.clone()),
    );
}

#[test]
fn every_border_file_is_unsafe() {
    let files = rust_files();
    let safe = UNSAFE_FILES
        .iter()
        .filter(|name| !files.iter().any(|f| f.name == **name && f.is_unsafe()));
    assert_none(safe.map(|name| (*name).to_owned()));
}

#[test]
fn border_files_are_in_order() {
    assert!(UNSAFE_FILES.is_sorted(), "{UNSAFE_FILES:#?}");
}

#[test]
fn every_file_says_what_it_is() {
    let files = rust_files();
    let silent = files
        .iter()
        .filter(|file| !file.text.starts_with("//! ") && !file.text.starts_with("#!"));
    assert_none(silent.map(|file| file.name.clone()));
}

/// Guards the tests above: an empty reading would pass them all.
#[test]
fn the_tree_is_read() {
    let files = rust_files();
    assert!(files.iter().any(|file| file.name == "policy/src/lib.rs"));
    assert!(files.len() > 50, "only {} files", files.len());
}

struct Source {
    /// Path from the root, with forward slashes.
    name: String,
    text: String,
}

impl Source {
    fn stem(&self) -> String {
        let stem = Path::new(&self.name)
            .file_stem()
            .expect("a file has a name");
        stem.to_string_lossy().into_owned()
    }

    /// How many lines come before the unit tests, which stand at the end of a file.
    fn lines(&self) -> usize {
        let lines = self.text.lines();
        lines
            .take_while(|line| !line.starts_with("#[cfg(test)]"))
            .count()
    }

    fn is_unsafe(&self) -> bool {
        const SIGNS: [&str; 3] = ["unsafe ", "unsafe(", "unsafe_code"];
        self.code()
            .any(|line| SIGNS.iter().any(|sign| line.contains(sign)))
    }

    /// Lines of the code itself: no comments, and nothing of the unit tests,
    /// which stand at the end of a file.
    fn code(&self) -> impl Iterator<Item = &str> {
        self.text
            .lines()
            .take_while(|line| !line.starts_with("#[cfg(test)]"))
            .filter(|line| !line.trim_start().starts_with("//"))
    }
}

fn rust_files() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in the workspace")
        .to_path_buf();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            let name = path
                .file_name()
                .expect("an entry has a name")
                .to_string_lossy();
            if path.is_dir()
                && !name.starts_with('.')
                && !name.starts_with("target")
                && !name.starts_with("mutants")
            {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(source(&root, &path));
            }
        }
    }
    files
}

fn source(root: &Path, path: &Path) -> Source {
    let name = path
        .strip_prefix(root)
        .expect("below the root")
        .to_string_lossy()
        .replace('\\', "/");
    Source {
        name,
        text: fs::read_to_string(path).expect("source is UTF-8"),
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder can be read");
    entries
        .map(|entry| entry.expect("an entry can be read").path())
        .collect()
}

#[track_caller]
fn assert_none(found: impl Iterator<Item = String>) {
    let mut found: Vec<String> = found.collect();
    found.sort();
    assert!(found.is_empty(), "{found:#?}");
}
