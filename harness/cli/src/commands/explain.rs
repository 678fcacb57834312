//! `sluice explain`.

use std::path::PathBuf;
use std::time::Duration;

use anstyle::Style;
use clap::Args;
use sluice_host::{CalloutRecord, CalloutResult, EngineOptions, LogLevel, OutcomeKind};
use sluice_recording::{Exchange, Paths, Reader};

use crate::callouts::{Script, entry_path};
use crate::commands::replay;
use crate::commands::simulate::SimulationArgs;
use crate::console::Console;
use crate::failure::{Exit, Failure};
use crate::native::{self, Said, Traveller};
use crate::output::Output;
use crate::replay::exchange::to_host;
use crate::replay::simulation::{Setup, Worker};
use crate::report::ExchangeReport;
use crate::report::json::outcome_name;
use crate::report::unknown;
use crate::report::visible::visible;

const TITLE: Style = Style::new().bold();

/// Options of `sluice explain`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sluice explain traffic.jsonl --id 42 --plugins authz.yaml --modules dist \\\n      \
      --workload namespace=production,app=payment-service")]
pub struct ExplainArgs {
    /// A recording in the native format
    #[arg(value_name = "RECORDING")]
    pub recording: PathBuf,

    /// Id of the exchange [default: the first exchange]
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,

    /// Plugins and proxy
    #[command(flatten)]
    pub simulation: SimulationArgs,
}

/// Runs the command.
///
/// # Errors
/// When there is no such exchange, or it cannot be run.
pub fn run(args: &ExplainArgs, console: &mut Console) -> Result<Exit, Failure> {
    let quick = EngineOptions {
        quick_compile: true,
    };
    let setup = args.simulation.set_up(quick, LogLevel::Trace, console)?;
    let mut recording = replay::open(&args.recording, Default::default())?.0;
    let paths = recording.reader.header().paths;
    let exchange = find(&mut recording.reader, args, &recording.name)?;
    let report = Worker::new(&setup, 0).run(0, &exchange, paths)?;
    let mut output = Output::open(None, console.color())?;
    output.print(&explanation(&report, &setup.script))?;
    output.print(&reasons(&setup, &exchange, paths, &report))?;
    output.finish()?;
    Ok(if report.traps.is_empty() {
        Exit::Ok
    } else {
        Exit::Guest
    })
}

/// What our own filters say natively: the deciding rule, and the rules that nearly matched.
fn reasons(
    setup: &Setup,
    exchange: &Exchange<'_>,
    paths: Option<Paths>,
    report: &ExchangeReport,
) -> String {
    let mut text = String::new();
    let mut headers = to_host(exchange).request.headers;
    if !setup.normalize(&mut headers, paths) {
        return text;
    }
    let mut traveller = Traveller::new(exchange, &setup.script, headers);
    for (name, filter) in setup.installation.filters() {
        let did = did(report, name);
        if let Some((program, _)) = native::read(filter, &setup.workload.workload) {
            text.push_str(&format!("{TITLE}Why {name} says so{TITLE:#}\n"));
            let reasons = traveller.why(&program);
            for line in reasons.lines.iter().map(String::as_str) {
                text.push_str(&format!("  {}\n", visible(line)));
            }
            if let Some(remark) = difference(did, reasons.said) {
                text.push_str(&format!("  {remark}\n"));
            }
        }
        if did == Did::Answered {
            traveller.end();
        }
    }
    text
}

/// What a module did in the replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Did {
    /// It let the request on.
    Passed,
    /// It answered itself, and no filter behind it was asked.
    Answered,
    /// The exchange ended otherwise.
    Neither,
}

fn did(report: &ExchangeReport, plugin: &str) -> Did {
    match report.kind {
        OutcomeKind::Replied if report.plugin.as_deref() == Some(plugin) => Did::Answered,
        OutcomeKind::Forwarded | OutcomeKind::Replied => Did::Passed,
        OutcomeKind::Reset | OutcomeKind::Held => Did::Neither,
    }
}

/// What to say where the reasons do not fit what the module did: its verdict counts.
fn difference(did: Did, said: Said) -> Option<&'static str> {
    match (did, said) {
        (Did::Passed, Said::RefusesForWantOfFacts) => {
            Some("But the module let it pass: it knew what is not known here.")
        }
        (Did::Passed, Said::Refuses) => {
            Some("But the module let it pass: these reasons are not its own.")
        }
        (Did::Answered, Said::Passes) => {
            Some("But the module answered the request: these reasons are not its own.")
        }
        _ => None,
    }
}

fn find<R: std::io::BufRead>(
    reader: &mut Reader<R>,
    args: &ExplainArgs,
    name: &str,
) -> Result<Exchange<'static>, Failure> {
    loop {
        match reader.read() {
            Ok(Some(exchange)) if args.id.as_deref().is_none_or(|id| exchange.id == id) => {
                return Ok(exchange.into_owned());
            }
            Ok(Some(_)) => {}
            Ok(None) => return Err(not_there(args, name)),
            Err(diagnostics) => return Err(Failure::lines(name, diagnostics)),
        }
    }
}

fn not_there(args: &ExplainArgs, name: &str) -> Failure {
    let found = match &args.id {
        Some(id) => format!("no exchange `{id}`"),
        None => "no exchange".to_owned(),
    };
    Failure::new(name, found, "an exchange to explain", "no-such-exchange")
}

/// A call and its end.
fn called(call: &CalloutRecord) -> String {
    let end = match &call.result {
        CalloutResult::Pending => "no answer before the end".to_owned(),
        CalloutResult::Http(Some(status)) => format!("status {status}"),
        CalloutResult::Http(None) => "a response without status".to_owned(),
        CalloutResult::Grpc(status) => format!("gRPC status {status}"),
        CalloutResult::Failed => "no response".to_owned(),
        CalloutResult::Cancelled => "cancelled".to_owned(),
    };
    let milliseconds = Duration::from_nanos(call.took_ns).as_millis();
    format!(
        "{} {}: {end} after {milliseconds} ms",
        call.cluster, call.target
    )
}

/// The scripted entries that answered, with their answers.
fn answers(script: &Script, report: &ExchangeReport) -> Vec<String> {
    let entries = script.entries().iter().enumerate();
    entries
        .filter(|(place, _)| report.answered.contains_key(place))
        .map(|(place, entry)| {
            let (path, answer) = (entry_path(place), entry.answer.name());
            format!("{answer} by {path} on line {}", entry.line)
        })
        .collect()
}

fn explanation(report: &ExchangeReport, script: &Script) -> String {
    let answers = answers(script, report);
    let mut text = format!(
        "{TITLE}{}{TITLE:#} {}\n",
        visible(&report.id),
        visible(&report.route)
    );
    let status = report
        .status
        .map_or_else(|| "no response".to_owned(), |status| status.to_string());
    let mut fact =
        |name: &str, value: &str| text.push_str(&format!("  {name:<10} {}\n", visible(value)));
    fact("outcome", outcome_name(report.kind));
    fact("status", &status);
    fact("plugin", report.plugin.as_deref().unwrap_or("none"));
    fact("rule", report.rule.as_deref().unwrap_or("none"));
    fact("details", report.details.as_deref().unwrap_or("none"));
    for attribute in &report.unknown {
        match unknown::reason(attribute) {
            Some(reason) => fact("unknown", &format!("{attribute}: {reason}")),
            None => fact("unknown", attribute),
        }
    }
    for metric in &report.metrics {
        fact("metric", &format!("{} {:+}", metric.name, metric.change));
    }
    for callout in &report.callouts {
        fact("callout", &called(callout));
    }
    for entry in &answers {
        fact("answer", entry);
    }
    for trap in &report.traps {
        fact(
            "trap",
            &format!("{} in {}: {}", trap.plugin, trap.callback, trap.reason),
        );
    }
    if !report.logs.is_empty() {
        text.push_str(&format!("{TITLE}What the plugins logged{TITLE:#}\n"));
        for line in &report.logs {
            text.push_str(&format!(
                "  {} {}: {}\n",
                line.level.name(),
                line.plugin,
                visible(&line.message)
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_that_do_not_fit_the_verdict_are_marked() {
        for (did, said, fits) in [
            (Did::Passed, Said::Passes, true),
            (Did::Passed, Said::NotKnown, true),
            (Did::Passed, Said::Refuses, false),
            (Did::Passed, Said::RefusesForWantOfFacts, false),
            (Did::Answered, Said::Passes, false),
            (Did::Answered, Said::Refuses, true),
            (Did::Answered, Said::RefusesForWantOfFacts, true),
            (Did::Answered, Said::NotKnown, true),
            (Did::Neither, Said::Refuses, true),
        ] {
            assert_eq!(difference(did, said).is_none(), fits, "{did:?} {said:?}");
        }
    }
}
