//! `sluice token inspect`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::Args;
use serde_json::Value;
use sluice_jwt::{KeySet, MAX_JWKS_BYTES};
use sluice_policy::{Diagnostic, Workload};

use super::{Clock, Format};
use crate::console::{Console, Severity};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::token::inspection::Inspection;
use crate::token::reading::{Reading, trimmed};
use crate::token::suspicion::suspicions;
use crate::token::verdict::{self, Judgement, Place};
use crate::workload::WorkloadOption;
use crate::yaml::{self, Node, YamlFile};

/// The kind of resource that says what tokens are taken.
const KIND: &str = "RequestAuthentication";

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

    /// File with RequestAuthentication resources: what would the filter say?
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

/// Runs the command. A token that would be refused is a finding.
///
/// # Errors
/// When a file cannot be read, or is not what it should be.
pub fn run(args: &InspectArgs, console: &mut Console) -> Result<Exit, Failure> {
    let text = args.text()?;
    let token = trimmed(&text);
    let now = args.clock.now();
    let keys = args
        .jwks
        .as_deref()
        .map(|path| key_set(path, console))
        .transpose()?;
    let reading = Reading::new(token);
    let issuer = reading.claim("iss").and_then(Value::as_str);
    let (resources, workload) = args.rules(issuer, console)?;
    let (program, _) = verdict::program(&resources, &workload);
    let place = Place::of_issuer(resources.iter(), issuer);
    let judgement = verdict::judge(&program, token, &place, keys.as_ref(), now);
    let inspection = Inspection {
        reading: &reading,
        suspicions: suspicions(&reading, now),
        judgement: &judgement,
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
        Judgement::Passes { .. } | Judgement::Ignored | Judgement::NoKeys(_) => Exit::Ok,
    })
}

fn key_set(path: &Path, console: &mut Console) -> Result<Rc<KeySet>, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::reading(path, &error))?;
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
    ) -> Result<(Vec<Value>, Workload), Failure> {
        let Some(path) = &self.request_authentication else {
            let rule = verdict::own_rule(issuer);
            let workload = likely_workload(std::slice::from_ref(&rule));
            return Ok((vec![rule], workload));
        };
        let resources = resources(path, console)?;
        let chosen = self.workload.as_ref().map(|option| option.workload.clone());
        let workload = chosen.unwrap_or_else(|| likely_workload(&resources));
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

/// The resources of a file, each shown to be right at its place.
fn resources(path: &Path, console: &mut Console) -> Result<Vec<Value>, Failure> {
    let file = YamlFile::read(path)?;
    let documents = yaml::parse(&file.text).map_err(|error| {
        file.show_yaml_error(console, &error);
        Failure::new(path.display(), "no YAML", "resources", "invalid-yaml")
    })?;
    let is_ours = |node: &&Node| {
        let value = node.to_json();
        value.get("kind").and_then(Value::as_str) == Some(KIND)
    };
    let ours: Vec<&Node> = documents.iter().filter(is_ours).collect();
    if ours.is_empty() {
        let expected = "a RequestAuthentication";
        return Err(Failure::new(
            path.display(),
            "none",
            expected,
            "no-resource",
        ));
    }
    let resources: Vec<Value> = ours.iter().map(|node| node.to_json()).collect();
    let (_, diagnostics) = verdict::program(&resources, &likely_workload(&resources));
    for diagnostic in diagnostics.iter() {
        match within(&ours, diagnostic) {
            Some((document, finding)) => file.show(console, document, &finding),
            None => console.say(diagnostic.severity.into(), diagnostic),
        }
    }
    if diagnostics.has_errors() {
        let found = diagnostics.errors_in_words();
        let expected = "resources that the filter takes";
        return Err(Failure::new(
            path.display(),
            found,
            expected,
            "invalid-resource",
        ));
    }
    Ok(resources)
}

/// The document that a finding is about, and the finding with a path within it.
fn within<'n>(documents: &[&'n Node], diagnostic: &Diagnostic) -> Option<(&'n Node, Diagnostic)> {
    let (index, path) = diagnostic
        .path
        .strip_prefix("resources[")?
        .split_once(']')?;
    let Ok(index) = index.parse::<usize>() else {
        return None;
    };
    let path = path.strip_prefix('.').unwrap_or(path).to_owned();
    let finding = Diagnostic {
        path,
        ..diagnostic.clone()
    };
    Some((*documents.get(index)?, finding))
}

/// A workload that every resource applies to, unless they contradict each other.
fn likely_workload(resources: &[Value]) -> Workload {
    let namespaces = resources
        .iter()
        .filter_map(|resource| resource.pointer("/metadata/namespace")?.as_str());
    let labels = resources
        .iter()
        .filter_map(|resource| resource.pointer("/spec/selector/matchLabels")?.as_object());
    let label = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    Workload {
        namespace: namespaces.max().unwrap_or("default").to_owned(),
        labels: labels.flatten().filter_map(label).collect(),
        ..Workload::default()
    }
}
