//! What a session of text cannot show: reports that do not depend on the
//! machine, files that appear whole or not at all, readers that go away.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// A recording of several blocks, and the modules that replay it.
struct Lab {
    folder: tempfile::TempDir,
}

impl Lab {
    fn new(exchanges: usize) -> Self {
        let lab = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for guest in ["pass", "deny", "ask"] {
            let text = Path::new(FIXTURES).join(format!("guests/{guest}.wat"));
            fs::write(
                lab.path(&format!("{guest}.wasm")),
                wat::parse_file(text).unwrap(),
            )
            .unwrap();
        }
        let mut recording = fs::File::create(lab.path("traffic.jsonl")).unwrap();
        writeln!(
            recording,
            r#"{{"recording":"sluice/v1","source":"manual","paths":"normalized"}}"#
        )
        .unwrap();
        for number in 0..exchanges {
            writeln!(
                recording,
                r#"{{"id":"{number}","request":{{"headers":[[":method","GET"],[":path","/{number}"]]}}}}"#
            )
            .unwrap();
        }
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, plugin: &str, options: &[&str]) -> Command {
        self.command_on(&self.path("traffic.jsonl"), plugin, options)
    }

    fn command_on(&self, recording: &Path, plugin: &str, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
        let manifest = Path::new(FIXTURES).join(format!("manifests/{plugin}.yaml"));
        command
            .arg("replay")
            .arg(recording)
            .arg("--plugins")
            .arg(manifest);
        command
            .arg("--modules")
            .arg(self.folder.path())
            .args(["--workload", "namespace=shop"])
            .args(options);
        command
    }

    fn replay(&self, plugin: &str, options: &[&str]) -> Output {
        self.command(plugin, options).output().unwrap()
    }
}

#[test]
fn the_report_does_not_depend_on_the_number_of_threads() {
    let lab = Lab::new(3000);
    for format in ["human", "json", "junit"] {
        let alone = lab.replay("deny", &["--format", format, "--jobs", "1"]);
        assert!(alone.status.success());
        for jobs in ["2", "3", "16"] {
            let together = lab.replay("deny", &["--format", format, "--jobs", jobs]);
            assert!(alone.stdout == together.stdout, "{format} with {jobs} jobs");
        }
    }
}

#[test]
fn scripted_calls_are_counted_over_all_workers() {
    let lab = Lab::new(3000);
    for (script, expected) in [
        ("oracle", r#""calls":3000,"#),
        (
            "another-path",
            r#""count":3000,"examples":["0","1","2","3","4"],"target":"GET /ask""#,
        ),
    ] {
        let script = format!("{FIXTURES}/callouts/{script}.yaml");
        let replay = |jobs| {
            let options = ["--format", "json", "--callouts", &script, "--jobs", jobs];
            String::from_utf8(lab.replay("ask", &options).stdout).unwrap()
        };
        let alone = replay("1");
        let summary = alone.lines().last().unwrap();
        assert!(summary.contains(expected), "{summary}");
        assert!(alone == replay("3"), "{script}");
    }
}

#[test]
fn exchanges_are_reported_in_the_order_of_the_recording() {
    let report = Lab::new(3000).replay("pass", &["--format", "json", "--jobs", "3"]);
    let lines: Vec<_> = report.stdout.lines().map(Result::unwrap).collect();
    assert_eq!(lines.len(), 3002);
    for (number, line) in lines.iter().skip(1).take(3000).enumerate() {
        assert!(
            line.starts_with(&format!(r#"{{"id":"{number}","#)),
            "line {number}: {line}"
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let lab = Lab::new(3000);
    for jobs in ["1", "3"] {
        let mut command = lab.command("pass", &["--format", "json", "--jobs", jobs]);
        let mut replay = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(replay.stdout.take().unwrap())
            .read_line(&mut first)
            .unwrap();
        assert!(first.starts_with(r#"{"report":"sluice/v1""#));
        let ended = replay.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0));
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    }
}

#[test]
fn a_report_file_appears_whole_or_not_at_all() {
    let lab = Lab::new(2000);
    let report = lab.path("report.json");
    let options = ["--format", "json", "--output", report.to_str().unwrap()];
    assert!(lab.replay("pass", &options).status.success());
    let whole = fs::read(&report).unwrap();
    assert_eq!(whole.lines().count(), 2002);

    // The recording is cut off in its last block: the report of before stays as it was.
    let recording = lab.path("traffic.jsonl");
    let length = fs::metadata(&recording).unwrap().len();
    fs::OpenOptions::new()
        .write(true)
        .open(&recording)
        .unwrap()
        .set_len(length - 20)
        .unwrap();
    assert_eq!(lab.replay("pass", &options).status.code(), Some(2));
    assert!(fs::read(&report).unwrap() == whole);
    let names = fs::read_dir(lab.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert_eq!(names.count(), 5, "a temporary file was left behind");
}

#[test]
fn what_stops_a_replay_is_the_same_with_any_number_of_threads() {
    let lab = Lab::new(3000);
    let mut recording = fs::OpenOptions::new()
        .append(true)
        .open(lab.path("traffic.jsonl"))
        .unwrap();
    writeln!(recording, r#"{{"id":"x","reqest":{{}}}}"#).unwrap();
    let alone = lab.replay("pass", &["--format", "json", "--jobs", "1"]);
    let together = lab.replay("pass", &["--format", "json", "--jobs", "3"]);
    assert_eq!(alone.status.code(), Some(2));
    assert_eq!(together.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&alone.stderr).contains("traffic.jsonl:3002"));
    assert_eq!(alone.stderr, together.stderr);
    assert!(alone.stdout == together.stdout);
}

#[test]
fn a_pipe_without_exchanges_is_an_error_and_no_report_is_begun() {
    let lab = Lab::new(0);
    let header = fs::File::open(lab.path("traffic.jsonl")).unwrap();
    let mut command = lab.command_on(Path::new("-"), "pass", &["--format", "json"]);
    let output = command.stdin(header).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stdout, b"");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.starts_with("error: -: found a header"), "{message}");
    assert!(message.ends_with("[no-exchanges]\n"), "{message}");
}
