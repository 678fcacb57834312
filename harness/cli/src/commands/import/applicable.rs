//! Which options mean something for which format. What would do nothing is refused:
//! whoever gave it expected something of it.

use std::path::Path;

use sluice_recording::{Format, Source};

use super::ImportArgs;
use crate::failure::Failure;

const CODE: &str = "inapplicable-option";

/// Refuses options about access logs that mean nothing for `format`: that of the
/// capture, or of the log which completes it.
pub(super) fn to_log(args: &ImportArgs, format: Format) -> Result<(), Failure> {
    use Format::{AccessLogJson, AccessLogText};
    let options: [(&str, bool, &[Format]); 3] = [
        ("--log-format", args.log_format.is_some(), &[AccessLogText]),
        ("--log-key", !args.log_key.is_empty(), &[AccessLogJson]),
        (
            "--skip-other-lines",
            args.skip_other_lines,
            &[AccessLogJson, AccessLogText],
        ),
    ];
    for (option, is_given, formats) in options {
        if is_given && !formats.contains(&format) {
            return Err(refusal(option, format, &one_of(formats)));
        }
    }
    Ok(())
}

/// Refuses to complete what is no tap.
pub(super) fn join_to(format: Format) -> Result<(), Failure> {
    let taps = of_source(Source::EnvoyTap);
    if taps.contains(&format) {
        return Ok(());
    }
    Err(refusal("--join", format, &one_of(&taps)))
}

/// Refuses to complete a tap with what is no access log.
pub(super) fn join_of(log: &Path, format: Format) -> Result<(), Failure> {
    let logs = of_source(Source::AccessLog);
    if logs.contains(&format) {
        return Ok(());
    }
    let option = format!("--join {}", log.display());
    Err(refusal(&option, format, &one_of(&logs)))
}

fn of_source(source: Source) -> Vec<Format> {
    let formats = Format::ALL.into_iter();
    formats.filter(|format| format.source() == source).collect()
}

fn refusal(option: &str, found: Format, expected: &str) -> Failure {
    let found = format_args!("an input in the format {found}");
    Failure::with_help(option, found, expected, "leave the option out", CODE)
}

fn one_of(formats: &[Format]) -> String {
    let names: Vec<_> = formats.iter().map(|format| format.as_str()).collect();
    match names.as_slice() {
        [only] => (*only).to_owned(),
        names => format!("one of {}", names.join(", ")),
    }
}
