//! `docs/recording-format.md` is true.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use std::path::PathBuf;

use sluice_recording::{
    Code, DEFAULT_REDACTED, Exchange, Format, Reader, Recorded, Version, Writer,
};

fn page() -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join("../../docs/recording-format.md")).unwrap()
}

fn example() -> String {
    let page = page();
    let (_, rest) = page.split_once("<!-- example -->\n```jsonl\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

fn exchanges() -> Vec<Exchange<'static>> {
    let text = example();
    let mut reader = Reader::new(text.as_bytes()).unwrap();
    let mut exchanges = Vec::new();
    while let Some(exchange) = reader.read().unwrap() {
        exchanges.push(exchange.into_owned());
    }
    exchanges
}

#[test]
fn the_example_is_a_recording_in_its_shortest_form() {
    let text = example();
    let reader = Reader::new(text.as_bytes()).unwrap();
    let mut writer = Writer::new(Vec::new(), reader.header()).unwrap();
    for exchange in exchanges() {
        writer.write(&exchange).unwrap();
    }
    assert_eq!(String::from_utf8(writer.finish().unwrap()).unwrap(), text);
}

#[test]
fn the_example_shows_what_the_text_says() {
    let exchanges = exchanges();
    assert_eq!(exchanges.len(), 5);
    let name = exchanges[2].request.header("x-name");
    assert_eq!(name, Recorded::Known(&b"caf\xe9"[..]));
    assert_eq!(exchanges[2].response, Recorded::Absent);
    assert_eq!(
        exchanges[3].request.header("x-forwarded-for"),
        Recorded::Absent
    );
    assert!(exchanges[3].request.header("x-tag").is_unknown());
    assert!(exchanges[4].expect.is_some());
}

/// The words in backticks that begin the rows of a table under a heading.
fn rows(heading: &str) -> Vec<String> {
    let page = page();
    let section = page.split_once(&format!("\n{heading}\n")).unwrap().1;
    let section = section.split("\n#").next().unwrap();
    let first_word = |line: &str| {
        let (_, rest) = line.split_once("| `")?;
        Some(rest.split_once('`')?.0.to_owned())
    };
    section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .filter_map(first_word)
        .collect()
}

#[test]
fn every_code_has_its_row_and_every_row_its_code() {
    let codes: Vec<_> = Code::ALL
        .iter()
        .map(|code| code.as_str().to_owned())
        .collect();
    assert_eq!(rows("## Errors"), codes);
}

#[test]
fn every_format_has_its_row() {
    let formats: Vec<_> = Format::ALL
        .iter()
        .map(|format| format.as_str().to_owned())
        .collect();
    assert_eq!(rows("## Imports"), formats);
}

#[test]
fn the_version_and_the_redacted_headers_are_named() {
    let page = page();
    assert!(page.contains(&format!("| 0.1 | `{0}` | `{0}` |", Version::CURRENT)));
    for name in DEFAULT_REDACTED {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}
