//! `sluice token jwks`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;
use sluice_jwt::{Algorithm, KeyType};

use crate::console::Console;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::token::generate::key_set;
use crate::token::public_key::PublicKey;
use crate::token::{key_file, mint};

/// Options of `sluice token jwks`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sluice token jwks keys/test.pem\n  \
    sluice token jwks old.pem new.jwk --output rotation.jwks.json")]
pub struct JwksArgs {
    /// Keys, private or public: PEM, JWK or a key set
    #[arg(value_name = "KEY", required = true)]
    pub keys: Vec<PathBuf>,

    /// Algorithm of the keys [default: what a key says, or the usual one of its kind]
    #[arg(long, value_name = "NAME", value_parser = mint::algorithm)]
    pub algorithm: Option<Algorithm>,

    /// `kid` of the key, if it is the only one [default: the key's own, or its thumbprint (RFC 7638)]
    #[arg(long, value_name = "ID")]
    pub kid: Option<String>,

    /// Write to a file, which appears whole or not at all
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When a key cannot be read, or has no public half.
pub fn run(args: &JwksArgs, console: &mut Console) -> Result<Exit, Failure> {
    let mut keys: Vec<PublicKey> = Vec::new();
    for path in &args.keys {
        for key in key_file::read(path)? {
            keys.push(public(path, key.public().clone())?);
        }
    }
    if let Some(id) = &args.kid {
        name_the_only(&mut keys, id)?;
    }
    let jwks = keys
        .iter()
        .map(|key| args.jwk(key))
        .collect::<Result<Vec<Value>, Failure>>()?;
    let mut output = Output::open(args.output.as_deref(), console.color())?;
    output.write(format!("{}\n", key_set(&jwks)).as_bytes())?;
    output.finish()?;
    Ok(Exit::Ok)
}

/// A secret has no public half: whoever reads it can make tokens.
fn public(path: &Path, key: PublicKey) -> Result<PublicKey, Failure> {
    if key.kind == KeyType::Symmetric {
        return Err(Failure::new(
            path.display(),
            "a symmetric key, which is secret",
            "a key that has a public half",
            "secret-key",
        ));
    }
    Ok(key)
}

fn name_the_only(keys: &mut [PublicKey], id: &str) -> Result<(), Failure> {
    let count = keys.len();
    match keys {
        [key] => {
            key.key_id = Some(id.to_owned());
            Ok(())
        }
        _ => Err(Failure::new(
            "--kid",
            format_args!("{count} keys"),
            "one key to give that name to",
            "ambiguous-key",
        )),
    }
}

impl JwksArgs {
    fn jwk(&self, key: &PublicKey) -> Result<Value, Failure> {
        let algorithm = self.algorithm.unwrap_or_else(|| mint::usual_algorithm(key));
        mint::check_algorithm(algorithm, key)?;
        Ok(key.to_jwk(algorithm))
    }
}
