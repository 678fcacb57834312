//! Installs what the other commands need, or names what is missing.

pub mod envoy;
pub mod packages;
pub mod rust;
pub mod tools;

use anyhow::Result;
use clap::ValueEnum;

use crate::tree::Tree;

pub use packages::Package;

/// What `cargo xtask setup` can install.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Everything below.
    All,
    /// Targets of the Rust toolchain.
    Rust,
    /// Every Envoy version that the tests run on.
    Envoy,
    /// Packages of the system: Binaryen, clang, Node.js, npm, Python, wrk.
    Packages,
    /// wasm-bindgen's test runner, and an OpenID provider.
    Tools,
}

/// Installs.
pub fn setup(tree: &Tree, what: What) -> Result<()> {
    let asked = |part| what == What::All || what == part;
    if asked(What::Rust) {
        rust::add_target(tree, rust::FILTER_TARGET)?;
        rust::add_target(tree, rust::NODE_TARGET)?;
    }
    if asked(What::Envoy) {
        envoy::every_version(tree)?;
    }
    if asked(What::Packages) {
        packages::require_all()?;
    }
    if asked(What::Tools) {
        tools::wasm_bindgen_runner(tree)?;
        tools::identity_provider(tree)?;
    }
    Ok(())
}
