//! The command line as a user sees it: every `tests/cmd/*.md` is a session
//! whose output must stay as it is. `TRYCMD=overwrite` writes what it became.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

#[test]
fn sessions() {
    build_modules();
    trycmd::TestCases::new()
        .case("tests/cmd/*.md")
        .default_bin_path(env!("CARGO_BIN_EXE_sluice"))
        .register_bin("sluice", Path::new(env!("CARGO_BIN_EXE_sluice")));
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
