//! docs/cli.md names every subcommand and every option.

use std::fs;

use clap::{Command, CommandFactory};

#[test]
fn the_reference_page_names_every_option() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");
    let page = fs::read_to_string(page).unwrap();
    let mut missing = Vec::new();
    collect(&sluice_cli::args::Cli::command(), &page, &mut missing);
    assert_eq!(
        missing,
        Vec::<String>::new(),
        "docs/cli.md does not name these"
    );
}

fn collect(command: &Command, page: &str, missing: &mut Vec<String>) {
    for argument in command
        .get_arguments()
        .filter_map(|argument| argument.get_long())
    {
        let option = format!("`--{argument}");
        if !page.contains(&option) {
            missing.push(format!("{}: --{argument}", command.get_name()));
        }
    }
    for subcommand in command.get_subcommands() {
        if !page.contains(&format!("`sluice {}`", subcommand.get_name())) {
            missing.push(subcommand.get_name().to_owned());
        }
        collect(subcommand, page, missing);
    }
}
