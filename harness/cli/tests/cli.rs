//! The command line as a user sees it: every `tests/cmd/*.md` is a session
//! whose output must stay as it is. `TRYCMD=overwrite` writes what it became.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Sessions that need filters, and not only a guest of a few lines.
const WITH_FILTERS: [&str; 2] = ["tests/cmd/callouts.md", "tests/cmd/recorded-tokens.md"];
/// The filters, as `cargo xtask dist` names them.
const FILTERS: [&str; 2] = ["authz.wasm", "jwt.wasm"];

#[test]
fn sessions() {
    build_modules();
    let cases = trycmd::TestCases::new();
    cases
        .case("tests/cmd/*.md")
        .default_bin_path(env!("CARGO_BIN_EXE_sluice"))
        .register_bin("sluice", Path::new(env!("CARGO_BIN_EXE_sluice")));
    if !FILTERS.into_iter().all(copy) {
        // Past the harness, which shows what a test prints only if it fails.
        let reason = "no authz.wasm and jwt.wasm, which `cargo xtask dist` builds";
        for session in WITH_FILTERS {
            writeln!(io::stderr(), "{session} is skipped: {reason}").unwrap();
            cases.skip(session);
        }
    }
}

/// Puts a filter beside the guests, if it has been built.
fn copy(filter: &str) -> bool {
    let target =
        env::var_os("SLUICE_TARGET_DIR").map_or_else(|| "../../target".into(), PathBuf::from);
    let built = target.join("wasm").join(filter);
    built.exists() && fs::copy(built, Path::new("tests/fixtures/modules").join(filter)).is_ok()
}

/// The modules that the sessions use, from the texts beside them.
fn build_modules() {
    let fixtures = Path::new("tests/fixtures");
    let modules = fixtures.join("modules");
    fs::create_dir_all(&modules).unwrap();
    for entry in fs::read_dir(fixtures.join("guests")).unwrap() {
        let guest = entry.unwrap().path();
        let bytes = match guest.extension().and_then(|extension| extension.to_str()) {
            Some("wat") => wat::parse_file(&guest).unwrap(),
            _ => fs::read(&guest).unwrap(),
        };
        let name = guest.file_stem().unwrap().to_str().unwrap();
        fs::write(modules.join(format!("{name}.wasm")), bytes).unwrap();
    }
}
