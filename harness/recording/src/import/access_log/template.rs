//! A format string, turned round: from a line back to the values.

use super::operator::Operator;
use crate::diagnostic::{Code, Diagnostic, quote};

/// A format string, parsed.
#[derive(Debug)]
pub(super) struct Template {
    /// Before the first operator.
    start: String,
    slots: Vec<Slot>,
}

/// An operator and the text up to the next one.
#[derive(Debug)]
struct Slot {
    operator: Operator,
    after: String,
    /// Whether the value stands between quotes, brackets and the like.
    is_enclosed: bool,
}

impl Template {
    /// Parses a format string of Envoy.
    pub(super) fn parse(format: &str) -> Result<Self, Diagnostic> {
        let (mut rest, start) = literal(format.trim_end_matches(['\n', '\r']));
        let mut slots: Vec<Slot> = Vec::new();
        let mut before = start.chars().last();
        while !rest.is_empty() {
            let length = operator_length(rest).ok_or_else(|| unclosed(rest))?;
            let (operator, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
            let (next, after) = literal(tail);
            if after.is_empty() && !next.is_empty() {
                return Err(adjacent(operator));
            }
            let is_enclosed = encloses(before, after.chars().next());
            before = after.chars().last();
            slots.push(Slot {
                operator: Operator::parse(operator)?,
                after,
                is_enclosed,
            });
            rest = next;
        }
        if slots.is_empty() {
            let expected = "a format with command operators, such as `%REQ(:PATH)%`";
            return Err(Diagnostic::new(
                Code::InvalidLogFormat,
                quote(format),
                expected,
            ));
        }
        Ok(Self { start, slots })
    }

    /// The operators that stand for nothing here.
    pub(super) fn ignored(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().filter_map(|slot| match &slot.operator {
            Operator::Ignored(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The values of a line, or nothing if it does not fit.
    ///
    /// Envoy does not escape: a client may put quotes and spaces in `user-agent` and so
    /// forge the fields that follow. A value with a quote, or with a space where it is
    /// not enclosed, could be that, and such a line does not fit.
    pub(super) fn captures<'t>(&'t self, line: &'t str) -> Option<Vec<(&'t Operator, &'t str)>> {
        let mut rest = line.strip_prefix(self.start.as_str())?;
        let mut captures = Vec::with_capacity(self.slots.len());
        let last = self.slots.len().saturating_sub(1);
        for (index, slot) in self.slots.iter().enumerate() {
            let value = if index == last {
                std::mem::take(&mut rest).strip_suffix(slot.after.as_str())?
            } else {
                let (value, next) = rest.split_once(slot.after.as_str())?;
                rest = next;
                value
            };
            if value.contains('"') || (value.contains(' ') && !slot.is_enclosed) {
                return None;
            }
            captures.push((&slot.operator, value));
        }
        Some(captures)
    }
}

/// The text before the next operator, with `%%` as `%`, and what follows it.
fn literal(format: &str) -> (&str, String) {
    let mut text = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        match after.strip_prefix('%') {
            Some(after) => {
                text.push('%');
                rest = after;
            }
            None => return (rest.get(before.len()..).unwrap_or_default(), text),
        }
    }
    text.push_str(rest);
    ("", text)
}

/// The length of the operator at the start, percent signs included; those in
/// parentheses belong to its argument.
fn operator_length(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    for (position, character) in text.char_indices().skip(1) {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '%' if depth == 0 => return Some(position + 1),
            _ => {}
        }
    }
    None
}

/// Whether a value between these characters may hold spaces; the end of the line encloses.
fn encloses(before: Option<char>, after: Option<char>) -> bool {
    let is_mark = |character: char| !character.is_alphanumeric() && character != ' ';
    after.is_none() || (before.is_some_and(is_mark) && after.is_some_and(is_mark))
}

fn unclosed(rest: &str) -> Diagnostic {
    let expected = "a command operator with its closing `%`";
    Diagnostic::new(Code::InvalidLogFormat, quote(rest), expected)
}

fn adjacent(operator: &str) -> Diagnostic {
    let found = format!("{} with another operator right after it", quote(operator));
    let expected = "text between operators: without it nobody can tell their values apart";
    Diagnostic::new(Code::InvalidLogFormat, found, expected)
}

#[cfg(test)]
mod tests {
    use super::super::DEFAULT_FORMATS;
    use super::*;

    fn values<'t>(template: &'t Template, line: &'t str) -> Option<Vec<&'t str>> {
        let captures = template.captures(line)?;
        Some(captures.into_iter().map(|(_, value)| value).collect())
    }

    #[test]
    fn values_come_back_out_of_a_line() {
        let template = Template::parse("[%START_TIME%] 100%% \"%REQ(A)%\" %DURATION%\n").unwrap();
        assert_eq!(
            values(&template, "[now] 100% \"a b\" 3"),
            Some(vec!["now", "a b", "3"])
        );
        assert_eq!(values(&template, "[now] 100% \"a\" b\" 3"), None);
        assert_eq!(values(&template, "now"), None);
    }

    #[test]
    fn a_forged_user_agent_does_not_move_the_fields() {
        let envoy = Template::parse(DEFAULT_FORMATS[0]).unwrap();
        let line = |agent: &str| {
            format!(
                r#"[2016-04-15T20:17:00.310Z] "GET / HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "{agent}" "id" "host" "tcp://10.0.2.1:80""#
            )
        };
        assert!(values(&envoy, &line("nsq2http 1")).is_some());
        assert_eq!(
            values(&envoy, &line(r#"x" "forged-id" "forged-host" "1.2.3.4:80"#)),
            None
        );
        assert_eq!(values(&envoy, &line("x\"")), None);
    }

    #[test]
    fn formats_that_cannot_be_turned_round_are_refused() {
        for wrong in ["", "plain", "%REQ(A)%%REQ(B)%x", "%REQ(A", "%REQ A%"] {
            let fault = Template::parse(wrong).unwrap_err();
            assert_eq!(fault.code, Code::InvalidLogFormat, "{wrong}");
        }
    }
}
