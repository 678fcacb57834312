//! docs/cli.md names every subcommand and every option, and what it shows works.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use clap::{Command, CommandFactory};
use sluice_cli::callouts::Script;
use sluice_policy::Diagnostics;

fn page() -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");
    fs::read_to_string(page).unwrap()
}

#[test]
fn the_scripted_answers_on_the_page_are_taken() {
    let page = page();
    let (_, section) = page.split_once("### Scripted answers").unwrap();
    let (_, example) = section.split_once("```yaml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let documents = sluice_cli::yaml::parse(example).unwrap();
    let mut diagnostics = Diagnostics::new();
    let script = Script::read(&documents[0].to_json(), &mut diagnostics);
    assert_eq!(diagnostics.to_string(), "");
    assert_eq!(script.entries().len(), 4);
}

#[test]
fn the_reference_page_names_every_option() {
    let page = page();
    let mut missing = Vec::new();
    collect(
        "sluice",
        &sluice_cli::args::Cli::command(),
        &page,
        &mut missing,
    );
    assert_eq!(
        missing,
        Vec::<String>::new(),
        "docs/cli.md does not name these"
    );
}

/// `words` are those that call the command.
fn collect(words: &str, command: &Command, page: &str, missing: &mut Vec<String>) {
    for argument in command
        .get_arguments()
        .filter_map(|argument| argument.get_long())
    {
        let option = format!("`--{argument}");
        if !page.contains(&option) {
            missing.push(format!("{words} --{argument}"));
        }
    }
    for subcommand in command.get_subcommands() {
        let words = format!("{words} {}", subcommand.get_name());
        if !page.contains(&format!("`{words}`")) {
            missing.push(words.clone());
        }
        collect(&words, subcommand, page, missing);
    }
}
