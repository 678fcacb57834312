//! The report for people: what happened, what differs, what it cost.
//!
//! Styled with ANSI codes throughout; the output strips them where nobody can
//! see them.

mod callouts;

use std::fmt::{self, Display, Write as _};

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, Table, presets};

use super::summary::{Finding, Outcomes, Summary};
use super::unknown;
use super::visible::visible;

const TITLE: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = AnsiColor::Yellow.on_default();

/// Characters of a route before the rest is cut off: one long path is not to
/// push the other columns out of sight.
const MAX_ROUTE: usize = 64;

/// Lines of a section before the rest is only counted.
const MAX_LINES: usize = 40;

/// The whole report.
pub fn render(summary: &Summary, plugins: &[String]) -> String {
    let mut report = Report(String::new());
    report.heading(summary, plugins);
    report.rows(summary);
    report.statuses(summary);
    report.differences(summary);
    report.expectations(summary);
    report.unknown(summary);
    report.entries(summary);
    report.unscripted(summary);
    report.traps(summary);
    report.metrics(summary);
    report.costs(summary);
    report.0
}

struct Report(String);

impl Report {
    fn line(&mut self, line: impl Display) {
        // Writing into a String cannot fail.
        let _ = writeln!(self.0, "{line}");
    }

    fn title(&mut self, title: &str) {
        self.line(format_args!("\n{TITLE}{title}{TITLE:#}"));
    }

    fn heading(&mut self, summary: &Summary, plugins: &[String]) {
        let total = summary.outcomes.total();
        let through = if plugins.is_empty() {
            "no plugin".to_owned()
        } else {
            plugins.join(" → ")
        };
        self.line(format_args!(
            "{TITLE}{}{TITLE:#} through {through}",
            plural(total, "exchange")
        ));
        self.line(Tally(summary.outcomes));
    }

    fn rows(&mut self, summary: &Summary) {
        if summary.rows.is_empty() {
            return;
        }
        self.title("Outcomes by route, plugin and rule");
        let mut table = new_table(
            &[
                "route",
                "plugin",
                "rule",
                "forwarded",
                "replied",
                "reset",
                "held",
            ],
            3,
        );
        for (key, counts) in summary.rows.iter().take(MAX_LINES) {
            table.add_row([
                cut(&visible(&key.route)),
                dash(&key.plugin),
                dash(&key.rule),
                zero(counts.forwarded),
                zero(counts.replied),
                zero(counts.reset),
                zero(counts.held),
            ]);
        }
        self.table(&table, summary.rows.len());
    }

    fn statuses(&mut self, summary: &Summary) {
        self.title("Final status");
        for (status, count) in &summary.statuses {
            self.line(format_args!("  {:<12} {count}", Status(*status)));
        }
    }

    fn differences(&mut self, summary: &Summary) {
        if summary.compared == 0 {
            return;
        }
        self.title("Recorded against replayed");
        if summary.differences.is_empty() {
            self.line(format_args!(
                "  {GOOD}the same status in all {} compared{GOOD:#}",
                summary.compared
            ));
        }
        for ((recorded, replayed), finding) in summary.differences.iter().take(MAX_LINES) {
            let change = format!("{recorded} → {}", Status(*replayed));
            self.line(format_args!(
                "  {NOTE}{change}{NOTE:#}  {}",
                Counted(finding)
            ));
        }
    }

    fn expectations(&mut self, summary: &Summary) {
        if summary.expected == 0 {
            return;
        }
        self.title("Expectations");
        let met = summary.expected - summary.unmet_exchanges;
        let style = if summary.unmet_exchanges == 0 {
            GOOD
        } else {
            BAD
        };
        self.line(format_args!(
            "  {style}{met} of {} met{style:#}",
            plural(summary.expected, "exchange")
        ));
        for (field, finding) in summary.unmet.iter().take(MAX_LINES) {
            let field = visible(field);
            self.line(format_args!("  {BAD}{field}{BAD:#}  {}", Counted(finding)));
        }
    }

    fn unknown(&mut self, summary: &Summary) {
        if summary.unknown.is_empty() {
            return;
        }
        self.title("Facts that the recording does not have");
        let exchanges = plural(summary.unknown_exchanges, "exchange");
        self.line(format_args!(
            "  {NOTE}a plugin read one in {exchanges}: a verdict that rests on it is not certain{NOTE:#}"
        ));
        for (attribute, finding) in summary.unknown.iter().take(MAX_LINES) {
            let (name, counted) = (visible(attribute), Counted(finding));
            match unknown::reason(attribute) {
                Some(reason) => self.line(format_args!("  {name}  {counted}: {reason}")),
                None => self.line(format_args!("  {name}  {counted}")),
            }
        }
    }

    fn traps(&mut self, summary: &Summary) {
        if summary.traps.is_empty() {
            return;
        }
        self.title("Guests that failed");
        for ((plugin, callback, reason), finding) in summary.traps.iter().take(MAX_LINES) {
            self.line(format_args!(
                "  {BAD}{plugin}{BAD:#} in {callback}: {}  {}",
                visible(reason),
                Counted(finding)
            ));
        }
    }

    fn metrics(&mut self, summary: &Summary) {
        if summary.metrics.is_empty() {
            return;
        }
        self.title("Metrics touched");
        let mut table = new_table(&["metric", "change", "operations"], 1);
        for (name, total) in summary.metrics.iter().take(MAX_LINES) {
            table.add_row([
                visible(name).into_owned(),
                format!("{:+}", total.change),
                total.operations.to_string(),
            ]);
        }
        self.table(&table, summary.metrics.len());
    }

    fn costs(&mut self, summary: &Summary) {
        if summary.costs.is_empty() {
            return;
        }
        self.title("Cost per exchange");
        let mut table = new_table(&["plugin", "", "p50", "p99", "max"], 2);
        for (plugin, costs) in &summary.costs {
            let kinds = [
                ("instructions", &costs.fuel),
                ("host calls", &costs.host_calls),
                ("bytes copied", &costs.bytes_copied),
            ];
            for (at, (kind, distribution)) in kinds.into_iter().enumerate() {
                let figures = distribution.quantiles();
                let name = if at == 0 { plugin.as_str() } else { "" };
                table.add_row([
                    name.to_owned(),
                    kind.to_owned(),
                    figures.p50.to_string(),
                    figures.p99.to_string(),
                    figures.max.to_string(),
                ]);
            }
        }
        self.table(&table, 0);
    }

    fn table(&mut self, table: &Table, rows: usize) {
        for line in table.lines() {
            self.line(format_args!("  {}", line.trim_end()));
        }
        if rows > MAX_LINES {
            self.line(format_args!(
                "  … and {} more (--format json has all)",
                rows - MAX_LINES
            ));
        }
    }
}

/// A table without borders whose columns from `numbers` on are right-aligned.
fn new_table(header: &[&str], numbers: usize) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(header.iter().copied());
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for column in table.column_iter_mut().skip(numbers) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn dash(text: &str) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        visible(text).into_owned()
    }
}

fn cut(route: &str) -> String {
    match route.char_indices().nth(MAX_ROUTE) {
        None => route.to_owned(),
        Some(_) => route.chars().take(MAX_ROUTE - 1).chain(['…']).collect(),
    }
}

fn zero(count: u64) -> String {
    if count == 0 {
        ".".to_owned()
    } else {
        count.to_string()
    }
}

/// `1 exchange`, `2 exchanges`.
pub fn plural(count: u64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

struct Tally(Outcomes);

impl Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(counts) = self;
        write!(
            f,
            "{GOOD}{} forwarded{GOOD:#}, {BAD}{} replied{BAD:#}",
            counts.forwarded, counts.replied
        )?;
        if counts.reset > 0 {
            write!(f, ", {BAD}{} reset{BAD:#}", counts.reset)?;
        }
        if counts.held > 0 {
            write!(f, ", {NOTE}{} held{NOTE:#}", counts.held)?;
        }
        Ok(())
    }
}

struct Status(Option<u16>);

impl Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(status) => f.pad(&status.to_string()),
            None => f.pad("no response"),
        }
    }
}

/// `3 exchanges (a, b, c)`.
struct Counted<'a>(&'a Finding);

impl Display for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(finding) = self;
        let examples: Vec<_> = finding.examples().map(visible).collect();
        let more = if finding.count > examples.len() as u64 {
            ", …"
        } else {
            ""
        };
        write!(
            f,
            "{} ({}{more})",
            plural(finding.count, "exchange"),
            examples.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_route_is_cut_and_says_so() {
        let fits = "ä".repeat(MAX_ROUTE);
        assert_eq!(cut(&fits), fits);
        let long = cut(&format!("{fits}b"));
        assert_eq!(long.chars().count(), MAX_ROUTE);
        assert!(long.ends_with("ä…"), "{long}");
    }
}
