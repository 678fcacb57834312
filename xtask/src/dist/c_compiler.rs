//! The compiler of ring's C, which `jwt.wasm` has in it.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::run;
use crate::setup::packages::{self, Package};

/// How the build of ring is told of another compiler.
const VARIABLE: &str = "CC_wasm32_wasip1";

/// Makes sure of a compiler that knows WebAssembly: the one that is on the path, or
/// the one that the environment names. Apple's does not.
pub(super) fn require() -> Result<()> {
    let named = std::env::var(VARIABLE).ok();
    if named.is_none() {
        packages::require(Package::Clang)?;
    }
    let program = named.unwrap_or_else(|| "clang".to_owned());
    let targets = run::output(Command::new(&program).arg("--print-targets"))?;
    ensure!(
        has_wasm(&targets),
        "`{program} --print-targets`: found no wasm32, expected a clang with that target, which compiles ring; name another one with {VARIABLE}, such as `$(brew --prefix llvm)/bin/clang` on macOS"
    );
    Ok(())
}

fn has_wasm(targets: &str) -> bool {
    let mut names = targets.lines().map(str::split_whitespace);
    names.any(|mut words| words.next() == Some("wasm32"))
}

#[cfg(test)]
mod tests {
    use super::has_wasm;

    #[test]
    fn a_target_is_the_first_word_of_its_line() {
        let apple = "  Registered Targets:\n    aarch64    - AArch64 (little endian)\n    x86        - 32-bit X86\n";
        assert!(!has_wasm(apple));
        assert!(has_wasm(
            &[apple, "    wasm32     - WebAssembly 32-bit\n"].concat()
        ));
        assert!(!has_wasm("    x86 - not wasm32\n"));
    }
}
