//! All plugins of the files named on the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::files;
use super::installation::{Installation, Loader, Proxy};
use super::manifest::{Extension, Filter};
use super::miss;
use super::source::{self, Documents};
use crate::args::PluginArgs;
use crate::console::{Console, Severity, Source};
use crate::failure::Failure;
use crate::report::human::plural;
use crate::yaml::{Node, YamlFile};

/// One valid plugin, and where it stands.
#[derive(Debug)]
pub struct Found {
    /// The plugin.
    pub extension: Extension,
    /// Its document.
    pub node: Node,
    /// Index of its file among [`Gathered::files`].
    file: usize,
}

/// What the files hold.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The valid plugins, in the order of the files.
    pub plugins: Vec<Found>,
    /// How many documents and files were refused; why has been shown.
    pub refused: usize,
    files: Vec<YamlFile>,
}

/// Kind and file of the plugins of each name.
type Seen = BTreeMap<String, Vec<(&'static str, String)>>;

/// Reads and judges every manifest, and shows what is wrong with any.
///
/// # Errors
/// When a file cannot be read, or none has a manifest.
pub fn gather(paths: &[PathBuf], console: &mut Console) -> Result<Gathered, Failure> {
    let mut gathered = Gathered::default();
    let mut seen = Seen::new();
    for file in files::read(paths)? {
        match source::documents(&file) {
            Ok(documents) => gathered.take(&file, documents, &mut seen, console),
            Err(error) => {
                file.show_yaml_error(console, &error);
                gathered.refused += 1;
            }
        }
        gathered.files.push(file);
    }
    if gathered.plugins.is_empty() && gathered.refused == 0 {
        return Err(no_manifest(paths));
    }
    Ok(gathered)
}

/// Files with nothing in them that could be wrong are no success.
fn no_manifest(paths: &[PathBuf]) -> Failure {
    let names: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    Failure::new(
        names.join(", "),
        "no manifest of a plugin",
        "at least one WasmPlugin or TrafficExtension",
        "no-manifest",
    )
}

impl Gathered {
    /// The text that a plugin stands in.
    pub fn source<'g>(&'g self, found: &Found) -> Source<'g> {
        self.files
            .get(found.file)
            .map_or(Source { name: "", text: "" }, YamlFile::source)
    }

    /// The valid plugins without their places.
    pub fn extensions(&self) -> impl Iterator<Item = &Extension> {
        self.plugins.iter().map(|found| &found.extension)
    }

    fn take(
        &mut self,
        file: &YamlFile,
        documents: Documents,
        seen: &mut Seen,
        console: &mut Console,
    ) {
        for (kind, span) in &documents.others {
            let name = format_args!("{}:{}:{}", file.name, span.line, span.column);
            console.say(
                Severity::Note,
                format_args!("{name}: {kind} is not a plugin and is left aside"),
            );
        }
        for document in documents.plugins {
            for diagnostic in document.diagnostics.iter() {
                file.show(console, &document.node, diagnostic);
            }
            let unique = document
                .extension
                .filter(|extension| is_unique(extension, &document.node, file, seen, console));
            match unique {
                Some(extension) => self.plugins.push(Found {
                    extension,
                    node: document.node,
                    file: self.files.len(),
                }),
                None => self.refused += 1,
            }
        }
    }
}

/// Whether no plugin of that kind and name came before. One of the other kind
/// is no mistake that Istio knows: it runs both.
fn is_unique(
    extension: &Extension,
    node: &Node,
    file: &YamlFile,
    seen: &mut Seen,
    console: &mut Console,
) -> bool {
    let (kind, name) = (extension.kind, extension.plugin_name());
    let known = seen.entry(name.clone()).or_default();
    let again = known.iter().find(|(other, _)| *other == kind);
    if let Some((other, place)) = again.or(known.first()) {
        let (severity, expected) = match again {
            Some(_) => (Severity::Error, "each once [duplicate-plugin]"),
            None => (
                Severity::Warning,
                "one of the two, for Istio runs both [runs-twice]",
            ),
        };
        let message = format!(
            "metadata.name: found {kind} {name}, and {other} {name} in {place}, expected {expected}"
        );
        let span = node.locate("metadata.name", false);
        console.point(severity, &message, file.source(), span);
    }
    let is_unique = again.is_none();
    known.push((kind, file.name.clone()));
    is_unique
}

/// The plugins of the command line, installed on the simulated proxy.
///
/// # Errors
/// When a file or module cannot be read, or a manifest is refused.
pub fn install(
    args: &PluginArgs,
    loader: &mut Loader<'_>,
    console: &mut Console,
) -> Result<Installation, Failure> {
    let gathered = gather(&args.plugins, console)?;
    if gathered.refused > 0 {
        let found = format!("{} refused", gathered.refused);
        return Err(Failure::new(
            "--plugins",
            found,
            "manifests that Istio takes",
            "invalid-manifest",
        ));
    }
    let proxy = Proxy {
        workload: &args.workload,
        direction: args.direction,
        root_namespace: &args.root_namespace,
    };
    let selected = proxy.select(gathered.extensions());
    for extension in &selected {
        mention(extension, console);
    }
    let installation = Installation::load(&selected, proxy.listener_direction(), loader)?;
    if installation.is_empty() {
        return Err(nothing_to_run(&gathered, &proxy, console));
    }
    Ok(installation)
}

/// Without a plugin every request passes: a typo in `--workload` would make a
/// green test of nothing.
fn nothing_to_run(gathered: &Gathered, proxy: &Proxy<'_>, console: &mut Console) -> Failure {
    for extension in gathered.extensions() {
        let (name, reason) = (extension.plugin_name(), miss::reason(extension, proxy));
        console.say(Severity::Note, format_args!("{name} {reason}"));
    }
    let total = u64::try_from(gathered.plugins.len()).unwrap_or(u64::MAX);
    let path = format!("--workload {}", proxy.workload);
    let found = format!("none of {} to run on it", plural(total, "plugin"));
    let expected = "at least one that attaches to this workload";
    match miss::misspelt_label(gathered.extensions(), proxy) {
        Some(help) => Failure::with_help(path, found, expected, &help, "no-plugin"),
        None => Failure::new(path, found, expected, "no-plugin"),
    }
}

/// Says so where an extension is on the proxy and cannot be run here.
fn mention(extension: &Extension, console: &mut Console) {
    let what = match &extension.spec.filter {
        Filter::Lua => "a Lua script",
        Filter::Wasm(filter) if filter.is_network => "a network filter",
        Filter::Wasm(_) => return,
    };
    let name = extension.plugin_name();
    console.say(
        Severity::Warning,
        format_args!("{name} is {what} and is not replayed [not-replayed]"),
    );
}
