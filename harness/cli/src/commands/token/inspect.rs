//! `sluice token inspect`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::Args;
use serde_json::Value;
use sluice_jwt::{KeySet, MAX_JWKS_BYTES};
use sluice_policy::Workload;

use super::{Clock, Format};
use crate::console::{Console, Severity};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::token::inspection::Inspection;
use crate::token::reading::{Pasted, Reading};
use crate::token::resources::Resources;
use crate::token::suspicion::suspicions;
use crate::token::verdict::{self, Judgement, Place};
use crate::workload::WorkloadOption;

/// How PEM begins (RFC 7468).
const PEM: &[u8] = b"-----BEGIN ";

/// More than any proxy takes as headers.
const MAX_TOKEN_BYTES: u64 = 1 << 20;

/// Options of `sluice token inspect`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pbpaste | sluice token inspect\n  \
    sluice token inspect --file token.txt --jwks keys/test.jwks.json\n  \
    sluice token inspect --file token.txt --request-authentication authn.yaml --jwks keys/test.jwks.json\n\n\
    A token on the command line is seen by whoever sees the list of processes, and stays in the shell's \
    history: prefer standard input.")]
pub struct InspectArgs {
    /// The token, or the value of a header with it; standard input if it is `-` or not given
    #[arg(value_name = "TOKEN", conflicts_with = "file")]
    pub token: Option<String>,

    /// File that holds the token
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Key set to verify the signature with; stands for every `jwksUri`
    #[arg(long, value_name = "FILE")]
    pub jwks: Option<PathBuf>,

    /// File with RequestAuthentication resources, or the plugins that have them: what would the
    /// filter say?
    #[arg(long, value_name = "FILE")]
    pub request_authentication: Option<PathBuf>,

    /// Whose filter is asked [default: the namespace of the resources, and the labels they select]
    #[arg(long, value_name = "KEY=VALUE,…", requires = "request_authentication")]
    pub workload: Option<WorkloadOption>,

    /// Time at which the token is judged
    #[command(flatten)]
    pub clock: Clock,

    /// Format of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

/// Runs the command. A token that would be refused is a finding; one that nobody
/// verified is neither good nor bad.
///
/// # Errors
/// When a file cannot be read, or is not what it should be, or there is no token.
pub fn run(args: &InspectArgs, console: &mut Console) -> Result<Exit, Failure> {
    let text = args.text()?;
    let pasted = Pasted::new(&text).ok_or_else(no_token)?;
    let now = args.clock.now();
    let keys = args
        .jwks
        .as_deref()
        .map(|path| key_set(path, console))
        .transpose()?;
    let reading = Reading::new(pasted.token);
    let issuer = reading.claim("iss").and_then(Value::as_str);
    let (resources, workload) = args.rules(issuer, console)?;
    let (program, _) = verdict::program(&resources, &workload);
    let place = Place::of_issuer(resources.values.iter(), issuer);
    let judgement = verdict::judge(&program, &pasted, &place, keys.as_ref(), now);
    let inspection = Inspection {
        reading: &reading,
        suspicions: suspicions(&reading, now),
        judgement: &judgement,
        scheme: pasted.otherwise.map(|(scheme, _)| scheme),
        place: args.request_authentication.as_ref().map(|_| &place),
        now,
    };
    let mut output = Output::open(None, console.color())?;
    match args.format {
        Format::Human => output.print(&inspection.human())?,
        Format::Json => output.write(inspection.json().as_bytes())?,
    }
    output.finish()?;
    Ok(match judgement {
        Judgement::Refused(_) => Exit::Findings,
        Judgement::NoKeys(_) => Exit::NotKnown,
        Judgement::Passes { .. } | Judgement::Ignored => Exit::Ok,
    })
}

fn no_token() -> Failure {
    Failure::new(
        "TOKEN",
        "nothing",
        "a token, or a header with one",
        "no-token",
    )
}

fn key_set(path: &Path, console: &mut Console) -> Result<Rc<KeySet>, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::reading(path, &error))?;
    if bytes.trim_ascii_start().starts_with(PEM) {
        let help = format!("make one with `sluice token jwks {}`", path.display());
        let (path, found) = (path.display(), "a key as PEM");
        return Err(Failure::with_help(
            path,
            found,
            "a key set",
            &help,
            "invalid-jwks",
        ));
    }
    let set = KeySet::parse(&bytes).map_err(|status| {
        let expected = format!("a key set of at most {MAX_JWKS_BYTES} bytes with a good key");
        let found = format_args!("\"{}\"", status.text());
        Failure::new(path.display(), found, &expected, "invalid-jwks")
    })?;
    for key in set.skipped() {
        let (path, reason) = (path.display(), key.status.text());
        let message = format!(
            "{path}: keys[{}]: left out: {reason} [skipped-key]",
            key.index
        );
        console.say(Severity::Warning, message);
    }
    Ok(Rc::new(set))
}

impl InspectArgs {
    fn text(&self) -> Result<String, Failure> {
        match (&self.token, &self.file) {
            (Some(token), _) if token != "-" => Ok(token.clone()),
            (_, Some(path)) => read(path),
            _ => from_stdin(),
        }
    }

    /// The resources to judge by, and whose proxy asks.
    fn rules(
        &self,
        issuer: Option<&str>,
        console: &mut Console,
    ) -> Result<(Resources, Workload), Failure> {
        let resources = match &self.request_authentication {
            Some(path) => Resources::read(path, console)?,
            None => Resources::only(verdict::own_rule(issuer)),
        };
        let workload = match &self.workload {
            Some(option) => option.workload.clone(),
            None => resources.workload()?,
        };
        Ok((resources, workload))
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let file = std::fs::File::open(path).map_err(|error| Failure::reading(path, &error))?;
    bounded(&path.display().to_string(), file)
}

fn from_stdin() -> Result<String, Failure> {
    bounded("standard input", std::io::stdin().lock())
}

fn bounded(name: &str, reader: impl std::io::Read) -> Result<String, Failure> {
    let mut text = String::new();
    let mut limited = reader.take(MAX_TOKEN_BYTES + 1);
    let read = limited.read_to_string(&mut text);
    read.map_err(|error| Failure::reading(Path::new(name), &error))?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > MAX_TOKEN_BYTES) {
        return Err(Failure::new(
            name,
            "more",
            "a token of at most 1 MiB",
            "too-large",
        ));
    }
    Ok(text)
}
