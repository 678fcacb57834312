//! Running other programs, with errors that say which one and what to do.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

/// Prints the command, runs it with this process's terminal, and fails if it does.
pub fn run(command: &mut Command) -> Result<()> {
    announce(command);
    let status = command
        .status()
        .map_err(|cause| not_started(command, cause))?;
    succeeded(command, status)
}

/// Runs with this process's terminal and hands on how it ended.
///
/// For a program whose exit code means something to the caller.
pub fn hand_on(command: &mut Command) -> Result<ExitCode> {
    let status = command
        .status()
        .map_err(|cause| not_started(command, cause))?;
    // No code at all: a signal ended it.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Runs quietly and returns what the command printed on standard output.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|cause| not_started(command, cause))?;
    succeeded(command, output.status)?;
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` printed bytes that are not UTF-8", shown(command)))
}

/// Runs, passing standard output on line by line while `line` looks at each.
///
/// Returns whether the command succeeded.
pub fn watch(command: &mut Command, mut line: impl FnMut(&str)) -> Result<bool> {
    announce(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|cause| not_started(command, cause))?;
    let output = child
        .stdout
        .take()
        .context("standard output of the child was asked for")?;
    for bytes in BufReader::new(output).split(b'\n') {
        let bytes = bytes.context("reading from the child")?;
        let text = String::from_utf8_lossy(&bytes);
        writeln!(std::io::stdout(), "{text}").context("standard output was closed")?;
        line(&text);
    }
    Ok(child.wait()?.success())
}

/// Whether a program of this name can be started.
pub fn exists(program: &str) -> bool {
    let Some(paths) = std::env::var_os("PATH") else {
        return false;
    };
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

fn announce(command: &Command) {
    eprintln!("+ {}", shown(command));
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{}` ended with {status}", shown(command));
    }
    Ok(())
}

fn not_started(command: &Command, cause: std::io::Error) -> anyhow::Error {
    let program = command.get_program().to_string_lossy().into_owned();
    match cause.kind() {
        ErrorKind::NotFound => anyhow::anyhow!(
            "`{program}` is not on the PATH; `cargo xtask setup` installs or names what is missing"
        ),
        _ => anyhow::Error::new(cause).context(format!("`{program}` cannot be started")),
    }
}

fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
