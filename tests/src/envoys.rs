//! The Envoys that a test runs through.

use sluice_envoy::EnvoyBinary;

/// Every supported Envoy that is here; says which are not.
///
/// # Errors
/// When there is none, since a test without any would prove nothing.
pub fn available() -> Result<Vec<EnvoyBinary>, String> {
    for version in EnvoyBinary::missing() {
        eprintln!("skipped: envoy {version} is not here, `cargo xtask setup envoy` fetches it");
    }
    let found = EnvoyBinary::available();
    if found.is_empty() {
        return Err("no Envoy is here; `cargo xtask setup envoy` fetches it".to_owned());
    }
    Ok(found)
}
