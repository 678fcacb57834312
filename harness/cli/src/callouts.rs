//! `--callouts FILE`: what the services that plugins call would say.
//!
//! A replay has no services. A [`Script`] stands in for those that somebody
//! wrote answers for: a list of entries, each about one cluster, of which the
//! first that fits a call answers it.
//!
//! * [`entry`] is one entry: which calls it fits, and its answer.
//! * [`request`] is about the request behind a call.
//! * [`answer`] is what comes back.
//! * [`check`] speaks the protocol of gRPC authorizers.

pub mod answer;
mod check;
pub mod entry;
mod headers;
mod request;

use std::path::Path;

use sluice_host::{GrpcCall, HttpCall};
use sluice_policy::json::Node;
use sluice_policy::{DiagnosticCode, Diagnostics};

use crate::console::Console;
use crate::failure::Failure;
use crate::report::exchange::folded_route;
use crate::yaml::{self, YamlFile};

pub use answer::Answer;
pub use entry::Entry;

/// Everything that a file scripts.
#[derive(Debug, Clone, Default)]
pub struct Script {
    entries: Vec<Entry>,
}

impl Script {
    /// Reads a file, and shows everything that is wrong in it.
    ///
    /// # Errors
    /// When the file cannot be read, or anything in it is refused.
    pub fn load(path: &Path, console: &mut Console) -> Result<Self, Failure> {
        let file = YamlFile::read(path)?;
        let documents = match yaml::parse(&file.text) {
            Ok(documents) => documents,
            Err(error) => {
                file.show_yaml_error(console, &error);
                return Err(refused("text that is not YAML"));
            }
        };
        let [document] = documents.as_slice() else {
            let found = format!("{} documents", documents.len());
            return Err(Failure::new(
                &file.name,
                found,
                "one document",
                "invalid-callouts",
            ));
        };
        let mut diagnostics = Diagnostics::new();
        let mut script = Self::read(&document.to_json(), &mut diagnostics);
        for diagnostic in &diagnostics {
            file.show(console, document, diagnostic);
        }
        if diagnostics.has_errors() {
            return Err(refused(&diagnostics.errors_in_words()));
        }
        for (number, entry) in script.entries.iter_mut().enumerate() {
            entry.line = document.locate(&entry_path(number), false).line;
        }
        Ok(script)
    }

    /// Reads a document; what is wrong in it is left out and reported.
    pub fn read(document: &serde_json::Value, diagnostics: &mut Diagnostics) -> Self {
        let Some(mut root) = Node::new(document, "").object(diagnostics) else {
            return Self::default();
        };
        let items = root
            .require(ENTRIES, diagnostics)
            .and_then(|node| node.some_items(diagnostics))
            .unwrap_or_default();
        root.finish(diagnostics);
        let read: Vec<Option<Entry>> = items
            .iter()
            .map(|item| Entry::read(item, diagnostics))
            .collect();
        Self {
            entries: read.into_iter().flatten().collect(),
        }
    }

    /// The entries, in the order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether any entry is about this cluster.
    pub fn knows(&self, cluster: &str) -> bool {
        self.entries.iter().any(|entry| entry.cluster == cluster)
    }

    /// The first entry that fits a call over HTTP, with its place.
    pub fn for_http(&self, call: &HttpCall) -> Option<(usize, &Entry)> {
        self.first(|entry| entry.fits_http(call))
    }

    /// The first entry that fits a gRPC call or stream, with its place.
    pub fn for_grpc(&self, call: &GrpcCall) -> Option<(usize, &Entry)> {
        let asked = check::asked(call);
        self.first(|entry| entry.fits_grpc(call, asked.as_ref()))
    }

    fn first(&self, fits: impl Fn(&Entry) -> bool) -> Option<(usize, &Entry)> {
        self.entries
            .iter()
            .enumerate()
            .find(|(_, entry)| fits(entry))
    }
}

const ENTRIES: &str = "callouts";

/// Where an entry stands: `callouts[2]`.
pub fn entry_path(number: usize) -> String {
    format!("{ENTRIES}[{number}]")
}

fn refused(found: &str) -> Failure {
    Failure::new(
        "--callouts",
        found,
        "a file of scripted answers",
        "invalid-callouts",
    )
}

/// What a gRPC call is about, in words: service and method, and of an
/// authorizer's check the request with identifiers folded.
pub fn grpc_target(call: &GrpcCall) -> String {
    let method = format!("{}/{}", call.service, call.method);
    match check::asked(call) {
        Some(request) => format!("{method} of {}", folded_route(&request)),
        None => method,
    }
}

/// Reports a key that has no meaning beside another.
fn out_of_place(node: &Node<'_>, expected: &str, diagnostics: &mut Diagnostics) {
    node.error(DiagnosticCode::UnknownKey, expected, diagnostics);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The findings about a document, one line each.
    pub(super) fn findings(yaml: &str) -> String {
        let mut diagnostics = Diagnostics::new();
        Script::read(&yaml::parse(yaml).unwrap()[0].to_json(), &mut diagnostics);
        diagnostics.to_string()
    }

    /// A document without findings.
    pub(super) fn script(yaml: &str) -> Script {
        let mut diagnostics = Diagnostics::new();
        let script = Script::read(&yaml::parse(yaml).unwrap()[0].to_json(), &mut diagnostics);
        assert_eq!(diagnostics.to_string(), "");
        script
    }

    #[test]
    fn nothing_unknown_passes_and_everything_is_reported_at_once() {
        let found = findings(
            "callout: []\n\
             callouts:\n\
             - cluster: a\n  requst: {}\n  answer: {statuss: 200}\n\
             - answer: {status: 99, headers: {':status': '1', b: 2}}\n",
        );
        let codes: Vec<_> = found
            .lines()
            .map(|line| line.split(": ").next().unwrap())
            .collect();
        assert_eq!(
            codes,
            [
                "callout",
                "callouts[0].answer",
                "callouts[0].answer.statuss",
                "callouts[0].requst",
                "callouts[1].cluster",
                "callouts[1].answer.status",
                "callouts[1].answer.headers[\":status\"]",
                "callouts[1].answer.headers.b",
            ],
            "{found}"
        );
        assert!(found.contains("did you mean \"status\"?"), "{found}");
        assert!(found.contains("did you mean \"request\"?"), "{found}");
    }

    #[test]
    fn a_script_has_entries() {
        assert_eq!(
            findings("callouts: []"),
            "callouts: found an empty list, expected at least one item [empty-value]"
        );
        assert_eq!(
            findings("{}"),
            "callouts: found nothing, expected a value [missing-key]"
        );
    }

    #[test]
    fn the_first_entry_that_fits_answers() {
        let script = script(
            "callouts:\n\
             - {cluster: a, request: {path: /x*}, answer: {status: 200}}\n\
             - {cluster: b, answer: {status: 201}}\n\
             - {cluster: a, answer: {status: 202}}\n\
             - {cluster: a, answer: {status: 203}}\n",
        );
        let place = |cluster: &str, path: &str| {
            let call = HttpCall {
                cluster: cluster.to_owned(),
                message: sluice_host::Message::of_headers([(":path", path)]),
                timeout_ms: 0,
            };
            script.for_http(&call).map(|(place, _)| place)
        };
        assert_eq!(place("a", "/xy"), Some(0));
        assert_eq!(place("a", "/y"), Some(2));
        assert_eq!(place("b", "/xy"), Some(1));
        assert_eq!(place("c", "/xy"), None);
    }
}
