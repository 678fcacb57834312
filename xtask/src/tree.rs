//! Where things lie in the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::run;

/// The workspace, and the places where chores leave what they make.
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// The workspace that this program was built from.
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask lies in a workspace")?;
        Ok(Self {
            root: root.to_path_buf(),
        })
    }

    /// Root of the workspace.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where made things go: modules, Envoys, tools, results of benches.
    ///
    /// The same place for the whole project, whatever `CARGO_TARGET_DIR` says,
    /// because tests and the `sluice` command look there.
    pub fn made(&self, relative: &str) -> PathBuf {
        match std::env::var_os("SLUICE_TARGET_DIR") {
            Some(folder) => PathBuf::from(folder).join(relative),
            None => self.root.join("target").join(relative),
        }
    }

    /// Where cargo leaves what it builds.
    pub fn built(&self, relative: &str) -> PathBuf {
        match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => self.root.join(folder).join(relative),
            None => self.root.join("target").join(relative),
        }
    }

    /// Cargo, started in the root of the workspace.
    pub fn cargo(&self) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root);
        cargo
    }

    /// `cargo metadata` of the packages of the workspace alone.
    pub fn metadata(&self) -> Result<Value> {
        let mut cargo = self.cargo();
        cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
        let text = run::output(&mut cargo)?;
        serde_json::from_str(&text).context("`cargo metadata` printed something that is not JSON")
    }

    /// The version of a package that Cargo.lock pins.
    pub fn locked_version(&self, package: &str) -> Result<String> {
        let id = run::output(self.cargo().args(["pkgid", package]))?;
        let (_, version) = id
            .trim()
            .rsplit_once('@')
            .with_context(|| format!("`{}` names no version", id.trim()))?;
        Ok(version.to_owned())
    }
}
