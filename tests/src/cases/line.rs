//! Case files of one JSON object a line.

use std::path::Path;

use serde_json::Value;

/// One line of a case file.
#[derive(Debug)]
pub struct Line {
    /// 1-based, as an editor counts.
    pub number: usize,
    /// The object, or why the line holds none. A bad line is a failing case:
    /// one that vanished would look like a pass.
    pub case: Result<Value, String>,
}

impl Line {
    /// What the case calls itself.
    pub fn name(&self) -> &str {
        self.case
            .as_ref()
            .ok()
            .and_then(|case| case["name"].as_str())
            .unwrap_or("")
    }
}

/// Reads every line that is not blank.
///
/// # Errors
/// The file cannot be read or is not UTF-8; the message names it.
pub fn read(path: &Path) -> Result<Vec<Line>, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        format!(
            "{}: byte {}: not UTF-8",
            path.display(),
            error.utf8_error().valid_up_to()
        )
    })?;
    Ok(text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(parse)
        .collect())
}

fn parse((index, line): (usize, &str)) -> Line {
    let case = match serde_json::from_str(line) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(other) => Err(format!("found {}, expected an object", kind_of(&other))),
        Err(error) => Err(format!("not JSON: {error}")),
    };
    Line {
        number: index + 1,
        case,
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
