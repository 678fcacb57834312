//! `sluice token mint`.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use serde_json::{Map, Value, json};
use sluice_jwt::{Algorithm, KeyType};

use super::{Clock, Format};
use crate::console::{Console, Severity};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::token::claims::{self, Lifetime, Wanted};
use crate::token::generate::{NewKey, key_set};
use crate::token::mint::{self, Heading};
use crate::token::private_key::PrivateKey;
use crate::token::{key_file, time};

/// Options of `sluice token mint`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("signer").args(["key", "generate"]).required(true)))]
#[command(after_help = "Examples:\n  \
    sluice token mint --generate es256 --save keys/test --issuer https://issuer.example --subject alice\n  \
    sluice token mint --key keys/test.pem --issuer https://issuer.example --audience payments \\\n      \
      --expires-in 5m --claim 'groups=[\"admin\"]'\n  \
    sluice token mint --key keys/test.pem --claims claims.json --now 2026-01-31T12:00:00Z --expires-in=-1h\n\n\
    Equal input gives an equal token, but for ES256, ES384 and PS*, whose signatures hold randomness.")]
pub struct MintArgs {
    /// Private key to sign with: PEM, JWK or a key set
    #[arg(long, help_heading = "Key", value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// Make a new key, and write it and its key set to files
    #[arg(long, help_heading = "Key", value_name = "ALGORITHM")]
    pub generate: Option<NewKey>,

    /// Where a new key goes: PREFIX.pem (a secret: PREFIX.jwk) and PREFIX.jwks.json [default: token-key]
    #[arg(long, help_heading = "Key", value_name = "PREFIX")]
    pub save: Option<PathBuf>,

    /// Algorithm to sign with [default: what the key says, or the usual one of its kind]
    #[arg(long, help_heading = "Key", value_name = "NAME", value_parser = mint::signing_algorithm)]
    pub algorithm: Option<Algorithm>,

    /// `kid`: which key of a set signs, and what the header says; empty for none [default: the key's
    /// own, or its thumbprint (RFC 7638)]
    #[arg(long, help_heading = "Key", value_name = "ID")]
    pub kid: Option<String>,

    /// `iss`
    #[arg(long, help_heading = "Claims", value_name = "TEXT")]
    pub issuer: Option<String>,

    /// `sub`
    #[arg(long, help_heading = "Claims", value_name = "TEXT")]
    pub subject: Option<String>,

    /// `aud`; several make a list (repeatable)
    #[arg(long, help_heading = "Claims", value_name = "TEXT")]
    pub audience: Vec<String>,

    /// `exp`, from now: 90s, 1h30m, 7d, -5m, or `never` [default: 1h, or what the file says]
    #[arg(long, help_heading = "Claims", value_name = "SPAN", value_parser = claims::lifetime, allow_hyphen_values = true)]
    pub expires_in: Option<Lifetime>,

    /// `nbf`, from now [default: none]
    #[arg(long, help_heading = "Claims", value_name = "SPAN", value_parser = time::span, allow_hyphen_values = true)]
    pub not_before: Option<i64>,

    /// Any claim: a JSON value, or else a string; null takes it away (repeatable)
    #[arg(long, help_heading = "Claims", value_name = "NAME=VALUE", value_parser = claims::claim)]
    pub claim: Vec<(String, Value)>,

    /// File with a JSON object of claims, which the options go before
    #[arg(long, help_heading = "Claims", value_name = "FILE")]
    pub claims: Option<PathBuf>,

    /// `typ` of the header
    #[arg(
        long = "type",
        help_heading = "Claims",
        value_name = "TEXT",
        default_value = "JWT"
    )]
    pub kind: String,

    /// Time of `iat`, `exp` and `nbf`
    #[command(flatten)]
    pub clock: Clock,

    /// Format of the answer: the token alone, or with its claims and key set
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

/// Runs the command.
///
/// # Errors
/// When the key or the claims cannot be used.
pub fn run(args: &MintArgs, console: &mut Console) -> Result<Exit, Failure> {
    let file = args.claims.as_deref().map(claims::read).transpose()?;
    let claims = args
        .wanted()
        .on_top_of(file.unwrap_or_default(), args.clock.now())?;
    let key = args.signing_key(console)?;
    let algorithm = args
        .algorithm
        .unwrap_or_else(|| mint::usual_algorithm(key.public()));
    let heading = Heading {
        key_id: args.kid.clone(),
        kind: Some(args.kind.clone()).filter(|kind| !kind.is_empty()),
    };
    let token = mint::mint(&key, algorithm, heading, &claims)?;
    let mut output = Output::open(None, console.color())?;
    let text = match args.format {
        Format::Human => format!("{token}\n"),
        Format::Json => answer(&token, &key, algorithm, args.kid.as_deref(), &claims),
    };
    output.write(text.as_bytes())?;
    output.finish()?;
    Ok(Exit::Ok)
}

/// One line. A secret is no key set that could be shown.
fn answer(
    token: &str,
    key: &PrivateKey,
    algorithm: Algorithm,
    key_id: Option<&str>,
    claims: &Map<String, Value>,
) -> String {
    let is_secret = key.public().kind == KeyType::Symmetric;
    let set = (!is_secret).then(|| public_set(key, algorithm, key_id));
    let answer = json!({"token": token, "claims": claims, "jwks": set});
    format!("{answer}\n")
}

/// The key set that verifies the token, its key called as the token calls it.
fn public_set(key: &PrivateKey, algorithm: Algorithm, key_id: Option<&str>) -> Value {
    let mut public = key.public().clone();
    let key_id = key_id.filter(|key_id| !key_id.is_empty());
    public.key_id = key_id.map(str::to_owned).or(public.key_id);
    key_set(&[public.to_jwk(algorithm)])
}

impl MintArgs {
    fn wanted(&self) -> Wanted {
        Wanted {
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            audiences: self.audience.clone(),
            lifetime: self.expires_in,
            not_before: self.not_before,
            others: self.claim.clone(),
        }
    }

    fn signing_key(&self, console: &mut Console) -> Result<PrivateKey, Failure> {
        match (&self.key, self.generate) {
            (Some(path), _) => {
                if self.save.is_some() {
                    return Err(nothing_to_save());
                }
                let keys = key_file::read(path)?;
                mint::choose(&path.display().to_string(), keys, self.kid.as_deref())
            }
            (None, Some(new)) => self.new_key(new, console),
            (None, None) => Err(Failure::new("--key", "none", "a key", "no-private-key")),
        }
    }

    /// Everything that could fail is asked before the files are written.
    fn new_key(&self, new: NewKey, console: &mut Console) -> Result<PrivateKey, Failure> {
        let generated = new.generate(self.kid.as_deref().filter(|id| !id.is_empty()))?;
        let algorithm = self.algorithm.unwrap_or(new.algorithm());
        mint::check_algorithm(algorithm, generated.key.public())?;
        let is_secret = new == NewKey::Hs256;
        let set = public_set(&generated.key, algorithm, self.kid.as_deref());
        let prefix = self.save.as_deref().unwrap_or(Path::new(PREFIX));
        let [private, public] = generated.save(prefix, &set, is_secret)?;
        let what = if is_secret { "secret" } else { "private" };
        let note = format!(
            "{}: the {what} key, readable by its owner alone",
            private.display()
        );
        console.say(Severity::Note, note);
        let note = format!("{}: the key set, for jwtRules[].jwks", public.display());
        console.say(Severity::Note, note);
        if let Some(options) = self.lost_in_pem(new) {
            let note = format!(
                "{0}: PEM has no place for this: only with --key {0} {options} does the key set take what the key signs",
                private.display(),
            );
            console.say(Severity::Warning, note);
        }
        Ok(generated.key)
    }

    /// The options to give again with a PEM file, which has no place for a name or an
    /// algorithm: else the key set refuses what the key signs.
    fn lost_in_pem(&self, new: NewKey) -> Option<String> {
        let kid = self.kid.as_deref().filter(|kid| !kid.is_empty());
        let algorithm = self.algorithm.filter(|other| *other != new.algorithm());
        let options = [
            kid.map(|kid| format!("--kid {}", shell_word(kid))),
            algorithm.map(|algorithm| format!("--algorithm {}", algorithm.name())),
        ];
        let options: Vec<String> = options.into_iter().flatten().collect();
        (new != NewKey::Hs256 && !options.is_empty()).then(|| options.join(" "))
    }
}

/// Where a new key goes when nothing says.
const PREFIX: &str = "token-key";

fn nothing_to_save() -> Failure {
    Failure::with_help(
        "--save",
        "a key of --key, which is a file already",
        "a key that --generate makes",
        "leave the option out",
        "inapplicable-option",
    )
}

/// A word as a shell takes it: in quotes unless nothing in it means anything.
fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
