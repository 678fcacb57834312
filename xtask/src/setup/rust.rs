//! Targets of the Rust toolchain.

use std::process::Command;

use anyhow::{Context, Result};

use crate::run;
use crate::tree::Tree;

/// What the filters are built for.
pub const FILTER_TARGET: &str = "wasm32-wasip1";
/// What the engines' tests are built for, to run in Node.js.
pub const NODE_TARGET: &str = "wasm32-unknown-unknown";

/// Adds a target unless the toolchain has it.
pub fn add_target(tree: &Tree, target: &str) -> Result<()> {
    if has_target(tree, target)? {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup
        .current_dir(tree.root())
        .args(["target", "add", target]);
    run::run(&mut rustup).with_context(|| {
        format!("the Rust target {target} is missing; with rustup: `rustup target add {target}`, with a distribution's Rust: its package of that target")
    })
}

/// A target is there when its libraries are: true of toolchains without rustup too.
fn has_target(tree: &Tree, target: &str) -> Result<bool> {
    let mut rustc = Command::new("rustc");
    rustc
        .current_dir(tree.root())
        .args(["--print", "target-libdir", "--target", target]);
    let folder = run::output(&mut rustc)?;
    Ok(std::path::Path::new(folder.trim()).is_dir())
}
