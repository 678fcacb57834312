//! What was imported and what was not, on standard error.

use sluice_recording::{Format, ImportReport, JoinReport};

use super::ImportArgs;
use crate::console::{Console, Severity};
use crate::report::human::plural;

/// Says all of it.
pub(super) fn say(report: &ImportReport, args: &ImportArgs, console: &mut Console) {
    let format = report.format.map_or("?", Format::as_str);
    console.say(
        Severity::Note,
        format_args!("{} from {format}", plural(report.exchanges, "exchange")),
    );
    if let Some(joins) = &report.joins {
        say_joins(joins, console);
    }
    let counts = [
        (report.redacted_values, "header value", "redacted"),
        (report.truncated_bodies, "body", "cut off by the capture"),
        (
            report.decoded_bodies,
            "response body",
            "kept decoded: its bytes on the wire are unknown",
        ),
    ];
    for (count, noun, what) in counts.into_iter().filter(|(count, ..)| *count > 0) {
        let noun = if noun.ends_with("body") && count > 1 {
            "bodies"
        } else {
            noun
        };
        console.say(Severity::Note, format_args!("{count} × {noun} {what}"));
    }
    for (kind, count) in &report.skipped {
        console.say(Severity::Note, format_args!("{count} × {kind} passed over"));
    }
    for (key, count) in &report.ignored_keys {
        console.say(
            Severity::Note,
            format_args!("log key `{key}` stands for no known fact ({count} times)"),
        );
    }
    say_unused_keys(&report.unused_log_keys, console);
    say_unmet_redactions(report, args, console);
}

/// Of the names that were asked for: the usual ones are often not there.
fn say_unmet_redactions(report: &ImportReport, args: &ImportArgs, console: &mut Console) {
    let unmet = report.unmet_redactions.iter();
    for name in unmet.filter(|name| args.redact.contains(name)) {
        console.say(
            Severity::Warning,
            format_args!("--redact {name}: found no header of this name, expected one that the capture has [unused-redaction]"),
        );
    }
}

fn say_unused_keys(keys: &[String], console: &mut Console) {
    for key in keys {
        console.say(
            Severity::Warning,
            format_args!("--log-key {key}: found no line with this key, expected a key of the log [unused-log-key]"),
        );
    }
}

fn say_joins(joins: &JoinReport, console: &mut Console) {
    let JoinReport {
        joined,
        unmatched,
        ambiguous,
        log_lines,
        unused_log_lines,
    } = joins;
    console.say(
        Severity::Note,
        format_args!(
            "joined {joined}, without a log line {unmatched}, ambiguous {ambiguous}; \
             {unused_log_lines} of {log_lines} log lines not used"
        ),
    );
}
