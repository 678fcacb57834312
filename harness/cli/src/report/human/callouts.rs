//! What the script answered, and what it did not.

use super::{Counted, MAX_LINES, NOTE, Report, dash, new_table};
use crate::report::Summary;
use crate::report::visible::visible;

/// What stands in place of a count that is none.
const UNTESTED: &str = "untested";

impl Report {
    pub(super) fn entries(&mut self, summary: &Summary) {
        if summary.entries.is_empty() {
            return;
        }
        self.title("Scripted answers");
        let mut table = new_table(&["entry", "line", "cluster", "answer", "calls"], 4);
        let mut entries: Vec<_> = summary.entries.iter().collect();
        if entries.len() > MAX_LINES {
            // Of a long script rather those that nothing is known of.
            entries.sort_by_key(|entry| entry.calls > 0);
        }
        for entry in entries.into_iter().take(MAX_LINES) {
            let calls = match entry.calls {
                0 => UNTESTED.to_owned(),
                calls => calls.to_string(),
            };
            table.add_row([
                entry.entry.clone(),
                entry.line.to_string(),
                visible(&entry.cluster).into_owned(),
                entry.answer.clone(),
                calls,
            ]);
        }
        self.table(&table, summary.entries.len());
    }

    /// Without a script the unknown facts say it all.
    pub(super) fn unscripted(&mut self, summary: &Summary) {
        if summary.entries.is_empty() || summary.unscripted.is_empty() {
            return;
        }
        self.title("Calls that no entry answers");
        for (call, finding) in summary.unscripted.iter().take(MAX_LINES) {
            let cluster = visible(&call.cluster);
            let target = dash(call.target.as_deref().unwrap_or_default());
            self.line(format_args!(
                "  {NOTE}{cluster}{NOTE:#}  {target}  {}",
                Counted(finding)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::EntryUse;

    #[test]
    fn of_a_long_script_the_untested_entries_come_first() {
        let entry = |calls| EntryUse {
            entry: "callouts[0]".to_owned(),
            line: 1,
            cluster: "a".to_owned(),
            answer: "200".to_owned(),
            calls,
        };
        let mut summary = Summary {
            entries: vec![entry(7); MAX_LINES],
            ..Summary::default()
        };
        summary.entries.push(entry(0));
        let mut report = Report(String::new());
        report.entries(&summary);
        let first = report.0.lines().nth(3).unwrap_or_default();
        assert!(first.ends_with(UNTESTED), "{}", report.0);
        assert!(report.0.contains("… and 1 more"), "{}", report.0);
    }
}
