//! The recording in the repository.

use std::{fs::File, io::BufReader};

use sluice_envoy::binary::workspace_dir;
use sluice_recording::{Diagnostic, Exchange, Reader};

/// Every exchange of `tests/recordings/payment-service.jsonl`.
///
/// # Errors
/// When it is not there or not whole.
pub fn read() -> Result<Vec<Exchange<'static>>, String> {
    let path = workspace_dir()
        .join("tests")
        .join("recordings")
        .join("payment-service.jsonl");
    let file = File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut reader = Reader::new(BufReader::new(file)).map_err(|found| told(&found))?;
    let mut exchanges = Vec::new();
    while let Some(exchange) = reader.read().map_err(|found| told(&found))? {
        exchanges.push(exchange.into_owned());
    }
    Ok(exchanges)
}

fn told(found: &[Diagnostic]) -> String {
    let lines: Vec<_> = found.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
