//! New keys.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding, SecretDocument};
use serde_json::{Value, json};
use sluice_jwt::Algorithm;
use tempfile::NamedTempFile;

use super::private_key::PrivateKey;
use crate::failure::Failure;

/// Bits of a new RSA key: what RFC 7518 section 3.3 demands at least, and issuers use.
const RSA_BITS: usize = 2048;
/// Bytes of a new secret: as many as its hash has (RFC 7518 section 3.2).
const SECRET_BYTES: usize = 32;

/// What a new key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NewKey {
    /// RSA of 2048 bits
    Rs256,
    /// ECDSA on P-256
    Es256,
    /// Ed25519
    Eddsa,
    /// A secret of 32 bytes
    Hs256,
}

/// A key and the text of its file.
pub struct Generated {
    /// The key.
    pub key: PrivateKey,
    text: String,
}

impl NewKey {
    /// The algorithm that it signs with.
    pub fn algorithm(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::Rs256,
            Self::Es256 => Algorithm::Es256,
            Self::Eddsa => Algorithm::EdDsa,
            Self::Hs256 => Algorithm::Hs256,
        }
    }

    /// Makes a key from the system's randomness. Of a secret the file says the name
    /// `key_id`; PEM has no place for one.
    ///
    /// # Errors
    /// The system has none.
    pub fn generate(self, key_id: Option<&str>) -> Result<Generated, Failure> {
        let random = SystemRandom::new();
        let der = match self {
            Self::Rs256 => rsa_key(),
            Self::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                .map_err(|_| no_randomness())
                .and_then(|document| secret(document.as_ref())),
            Self::Eddsa => Ed25519KeyPair::generate_pkcs8(&random)
                .map_err(|_| no_randomness())
                .and_then(|document| secret(document.as_ref())),
            Self::Hs256 => return new_secret(&random, key_id),
        }?;
        let text = der
            .to_pem("PRIVATE KEY", LineEnding::LF)
            .map_err(|_| unusable())?;
        let key = PrivateKey::from_pkcs8(der.as_bytes()).map_err(|_| unusable())?;
        Ok(Generated {
            key,
            text: text.to_string(),
        })
    }
}

/// `ring` makes no RSA keys; this is all that the crate `rsa` is used for.
fn rsa_key() -> Result<SecretDocument, Failure> {
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, RSA_BITS);
    let key = key.map_err(|_| no_randomness())?;
    key.to_pkcs8_der().map_err(|_| unusable())
}

fn secret(der: &[u8]) -> Result<SecretDocument, Failure> {
    SecretDocument::try_from(der).map_err(|_| unusable())
}

fn new_secret(random: &SystemRandom, key_id: Option<&str>) -> Result<Generated, Failure> {
    let mut secret = [0; SECRET_BYTES];
    random.fill(&mut secret).map_err(|_| no_randomness())?;
    let key = PrivateKey::symmetric(&secret).called(key_id.map(str::to_owned), None);
    let text = format!("{}\n", key.public().to_jwk(Algorithm::Hs256));
    Ok(Generated { key, text })
}

fn no_randomness() -> Failure {
    Failure::new(
        "--generate",
        "no randomness",
        "a system that has some",
        "no-randomness",
    )
}

fn unusable() -> Failure {
    Failure::new(
        "--generate",
        "a key that cannot be written",
        "one that can",
        "invalid-key",
    )
}

impl Generated {
    /// Writes the private key as `PREFIX.pem` (a secret as `PREFIX.jwk`) and the key
    /// set as `PREFIX.jwks.json`. No file is overwritten: a key that is lost is lost.
    ///
    /// # Errors
    /// One of them is there already, or cannot be written.
    pub fn save(
        &self,
        prefix: &Path,
        key_set: &Value,
        is_secret: bool,
    ) -> Result<[PathBuf; 2], Failure> {
        let private = with_ending(prefix, if is_secret { ".jwk" } else { ".pem" });
        let public = with_ending(prefix, ".jwks.json");
        absent(&private)?;
        absent(&public)?;
        let mode = if is_secret { PRIVATE } else { PUBLIC };
        write(&private, &self.text, PRIVATE)?;
        write(&public, &format!("{key_set}\n"), mode)?;
        Ok([private, public])
    }
}

/// The key set of one key.
pub fn key_set(keys: &[Value]) -> Value {
    json!({"keys": keys})
}

/// For the owner alone.
const PRIVATE: u32 = 0o600;
/// For everybody.
const PUBLIC: u32 = 0o644;

fn with_ending(prefix: &Path, ending: &str) -> PathBuf {
    let mut name = prefix.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn absent(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        return Err(exists(path));
    }
    Ok(())
}

fn exists(path: &Path) -> Failure {
    Failure::with_help(
        path.display(),
        "a file",
        "none, since keys are not overwritten",
        "give another --save",
        "file-exists",
    )
}

/// Writes a file that appears whole or not at all, readable by nobody else before.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let failed = |error: std::io::Error| Failure::writing(path.display(), &error);
    let mut file = create(folder.unwrap_or(Path::new(".")), mode).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Err(exists(path)),
        Err(error) => Err(failed(error.error)),
    }
}

fn create(folder: &Path, mode: u32) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    builder.tempfile_in(folder)
}
