//! What the figures were measured on.

use std::process::Command;

use serde_json::{Value, json};

/// Versions and the machine.
pub fn describe() -> Value {
    json!({
        "machine": {
            "cpu": cpu(),
            "cores": std::thread::available_parallelism().map_or(0, usize::from),
            "system": first_line(Command::new("uname").args(["-srm"])),
        },
        "versions": {
            "sluice": env!("CARGO_PKG_VERSION"),
            "envoy": sluice_envoy::binary::DEFAULT_VERSION,
            "rustc": first_line(Command::new("rustc").arg("--version")),
            "commit": commit(),
        },
    })
}

/// The commit, with `-dirty` behind it where files differ from it.
fn commit() -> Option<String> {
    let mut git = Command::new("git");
    // No tag: what is measured is a commit, whatever is published of it.
    git.args(["describe", "--always", "--dirty", "--exclude=*"]);
    first_line(git.current_dir(sluice_envoy::binary::workspace_dir()))
}

fn cpu() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.lines().next()?.to_owned())
}
