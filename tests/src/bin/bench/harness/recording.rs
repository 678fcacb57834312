//! Long recordings, made of the one in the repository over and over.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const SOURCE: &str = "tests/recordings/payment-service.jsonl";

/// What the recording is replayed through: the demo's plugins.
pub const PLUGIN_ARGUMENTS: [&str; 4] = [
    "--plugins",
    "wasm-plugins/examples/payment-service.yaml",
    "--workload",
    "namespace=production,app=payment-service",
];

/// Writes a recording of `count` exchanges, each with an id of its own.
pub fn write(folder: &Path, count: usize) -> Result<PathBuf> {
    let source = sluice_envoy::binary::workspace_dir().join(SOURCE);
    let text = std::fs::read_to_string(&source).with_context(|| source.display().to_string())?;
    let (header, exchanges) = text
        .split_once('\n')
        .context("a recording has a header line")?;
    let exchanges: Vec<(&str, &str)> = exchanges.lines().map(around_id).collect::<Result<_>>()?;
    let path = folder.join(format!("{count}.jsonl"));
    let mut file = BufWriter::new(File::create(&path).with_context(|| path.display().to_string())?);
    writeln!(file, "{header}")?;
    for (number, (before, after)) in exchanges.iter().cycle().take(count).enumerate() {
        writeln!(file, "{before}{number}-{after}")?;
    }
    file.flush()?;
    Ok(path)
}

/// The line up to the text of its id, and from there on.
fn around_id(line: &str) -> Result<(&str, &str)> {
    const KEY: &str = "\"id\":\"";
    let at = line.find(KEY).context("an exchange without an id")?;
    line.split_at_checked(at + KEY.len())
        .context("an exchange is text")
}
