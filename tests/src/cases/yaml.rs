//! YAML files of several documents.

use std::path::Path;

use serde_json::Value;

/// Every document of a file that is not empty, with its first line.
///
/// # Errors
/// The file cannot be read or is not YAML; the message names the place.
pub fn read(path: &Path) -> Result<Vec<(usize, Value)>, String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
    let nodes = sluice_cli::yaml::parse(&text).map_err(|error| {
        let line = error.span.line;
        named(&format!(
            "line {line}: found {}, expected {}",
            error.found, error.expected
        ))
    })?;
    let documents = nodes.iter().filter(|node| !node.is_empty());
    Ok(documents
        .map(|node| (node.span.line, node.to_json()))
        .collect())
}
