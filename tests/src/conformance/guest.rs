//! Builds the guest.

use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
};

use sluice_envoy::binary::{target_dir, workspace_dir};

const PACKAGE: &str = "sluice-conformance-guest";
const TARGET: &str = "wasm32-wasip1";

/// Builds `tests/guests/conformance` and tells where the module is.
///
/// # Errors
/// When cargo fails; its own words are on standard error.
pub fn build() -> Result<PathBuf, String> {
    // A folder of its own: the folder of the running build is locked.
    let folder = target_dir().join("guests");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(workspace_dir())
        .args([
            "build",
            "--quiet",
            "--release",
            "--package",
            PACKAGE,
            "--target",
            TARGET,
        ])
        .arg("--target-dir")
        .arg(&folder)
        // Flags meant for the host would not fit wasm.
        .env_remove("RUSTFLAGS")
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("cargo does not run: {error}"))?;
    let module = folder
        .join(TARGET)
        .join("release")
        .join("sluice_conformance_guest.wasm");
    if status.success() && module.is_file() {
        Ok(module)
    } else {
        Err(format!(
            "{PACKAGE} was not built: {status}; `cargo xtask setup rust` installs the target"
        ))
    }
}
