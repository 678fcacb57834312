//! Where the Envoy binaries are.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::LabError;

/// One minor version each, oldest first: what the filters are proved against.
///
/// 1.38.3, as packaged, was built without V8 and can run no filter.
pub const VERSIONS: [&str; 5] = ["1.36.4", "1.37.0", "1.38.2", "1.39.3", "1.40.0"];

/// The version used where only one is.
pub const DEFAULT_VERSION: &str = "1.40.0";

/// An Envoy executable on this machine.
#[derive(Debug, Clone)]
pub struct EnvoyBinary {
    version: String,
    path: PathBuf,
}

impl EnvoyBinary {
    /// Finds the given version under `target/envoy/`.
    ///
    /// # Errors
    /// When it has not been unpacked there; the message names the command that does it.
    pub fn find(version: &str) -> Result<Self, LabError> {
        let path = target_dir().join("envoy").join(version).join("envoy");
        if !path.is_file() {
            return Err(LabError::new(
                format!("look for Envoy {version}"),
                format!(
                    "found no file {}; `cargo xtask setup envoy` puts it there",
                    path.display()
                ),
            ));
        }
        Ok(Self {
            version: version.to_owned(),
            path,
        })
    }

    /// Finds [`DEFAULT_VERSION`].
    ///
    /// # Errors
    /// As [`EnvoyBinary::find`].
    pub fn find_default() -> Result<Self, LabError> {
        Self::find(DEFAULT_VERSION)
    }

    /// Those of [`VERSIONS`] that are unpacked, oldest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        VERSIONS
            .iter()
            .flat_map(|version| Self::find(version))
            .collect()
    }

    /// Those of [`VERSIONS`] that are not, oldest first.
    #[must_use]
    pub fn missing() -> Vec<&'static str> {
        let is_missing = |version: &&str| Self::find(version).is_err();
        VERSIONS.into_iter().filter(is_missing).collect()
    }

    /// Release number such as `1.40.0`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The executable.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// `SLUICE_TARGET_DIR`, else `target/` of the workspace. Not `CARGO_TARGET_DIR`:
/// builds move about, while the downloads and `.wasm` files stay.
#[must_use]
pub fn target_dir() -> PathBuf {
    env::var_os("SLUICE_TARGET_DIR").map_or_else(|| workspace_dir().join("target"), PathBuf::from)
}

/// Root of the workspace that this crate was built from.
#[must_use]
pub fn workspace_dir() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// A filter built by `cargo xtask dist`, such as `authz`.
///
/// # Errors
/// When it has not been built.
pub fn find_module(name: &str) -> Result<PathBuf, LabError> {
    let path = target_dir().join("wasm").join(format!("{name}.wasm"));
    if path.is_file() {
        return Ok(path);
    }
    Err(LabError::new(
        format!("look for the module {name}"),
        format!(
            "found no file {}; `cargo xtask dist` builds it",
            path.display()
        ),
    ))
}
