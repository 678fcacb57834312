//! One manifest: JSON of either kind → [`Extension`], all findings in one pass.

mod environment;
mod lua;
mod text;
mod url;
mod wasm;

use serde_json::Value;
use sluice_policy::json::{Node, Object};
use sluice_policy::resource::Kind;
use sluice_policy::{Attachment, DiagnosticCode, Diagnostics, Resource};

pub use environment::Variable;
pub use wasm::WasmFilter;

use super::order::Phase;
use super::traffic::TrafficSelector;

/// The API group and version of both kinds.
const API_VERSIONS: &[&str] = &["extensions.istio.io/v1alpha1"];

const WASM_PLUGIN: Kind = Kind {
    name: "WasmPlugin",
    api_versions: API_VERSIONS,
    filters: &[],
};

const TRAFFIC_EXTENSION: Kind = Kind {
    name: "TrafficExtension",
    api_versions: API_VERSIONS,
    filters: &[],
};

/// Kinds of `extensions.istio.io` that there are.
pub const KINDS: [&Kind; 2] = [&WASM_PLUGIN, &TRAFFIC_EXTENSION];

/// Where a manifest leaves its namespace to kubectl.
const DEFAULT_NAMESPACE: &str = "default";

/// A valid WasmPlugin or TrafficExtension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// `WasmPlugin` or `TrafficExtension`.
    pub kind: &'static str,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`; `default` where the manifest leaves it to kubectl.
    pub namespace: String,
    /// `metadata.creationTimestamp`: RFC 3339 in UTC, so text order is time order.
    pub created: Option<String>,
    /// What the manifest asks for.
    pub spec: Spec,
}

/// `spec` of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Which proxies.
    pub attachment: Attachment,
    /// Position in the chain.
    pub phase: Phase,
    /// Position within the phase.
    pub priority: Option<i32>,
    /// Which listeners; none listed means all.
    pub traffic: Vec<TrafficSelector>,
    /// What it runs.
    pub filter: Filter,
}

/// What an extension runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// A Wasm module.
    Wasm(Box<WasmFilter>),
    /// A Lua script, which Envoy runs without any plugin host.
    Lua,
}

impl Extension {
    /// `<namespace>.<name>`: Envoy's name of the plugin.
    pub fn plugin_name(&self) -> String {
        format!("{}.{}", self.namespace, self.name)
    }

    /// Where the plugin's configuration stands in the manifest.
    pub fn configuration_path(&self) -> &'static str {
        if self.kind == WASM_PLUGIN.name {
            "spec.pluginConfig"
        } else {
            "spec.wasm.pluginConfig"
        }
    }
}

/// Reads a manifest. There is an extension exactly if nothing is an error.
pub fn parse(resource: &Value) -> (Option<Extension>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let extension = read(resource, &mut diagnostics);
    let extension = extension.filter(|_| !diagnostics.has_errors());
    (extension, diagnostics)
}

fn read(manifest: &Value, diagnostics: &mut Diagnostics) -> Option<Extension> {
    let envelope = Resource::read(&Node::new(manifest, ""), &KINDS, diagnostics);
    // What is wrong with the envelope is no reason to keep silent about the rest.
    let name = manifest.get("kind")?;
    let kind = KINDS.into_iter().find(|kind| name == kind.name)?;
    let Some(spec) = manifest.get("spec").filter(|spec| !spec.is_null()) else {
        diagnostics.error(DiagnosticCode::MissingKey, "spec", "nothing", "a value");
        return None;
    };
    let spec = read_spec(kind, &Node::new(spec, "spec"), diagnostics);
    let metadata = envelope?.metadata;
    Some(Extension {
        kind: kind.name,
        name: metadata.name.to_owned(),
        namespace: metadata.namespace.unwrap_or(DEFAULT_NAMESPACE).to_owned(),
        created: metadata.created.map(str::to_owned),
        spec: spec?,
    })
}

const WASM_PLUGIN_PHASES: [(&str, Phase); 4] = [
    ("UNSPECIFIED_PHASE", Phase::Unspecified),
    ("AUTHN", Phase::Authn),
    ("AUTHZ", Phase::Authz),
    ("STATS", Phase::Stats),
];

const TRAFFIC_EXTENSION_PHASES: [(&str, Phase); 4] = [
    ("UNSPECIFIED", Phase::Unspecified),
    ("AUTHN", Phase::Authn),
    ("AUTHZ", Phase::Authz),
    ("STATS", Phase::Stats),
];

fn read_spec(kind: &Kind, node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Spec> {
    let mut spec = node.object(diagnostics)?;
    let is_wasm_plugin = *kind == WASM_PLUGIN;
    let (attachment, filter, phases) = if is_wasm_plugin {
        let attachment = Attachment::read(&mut spec, diagnostics);
        let filter = WasmFilter::read(&mut spec, diagnostics).map(Box::new);
        (attachment, filter.map(Filter::Wasm), &WASM_PLUGIN_PHASES)
    } else {
        let attachment = Attachment::read_plural(&mut spec, diagnostics);
        let filter = read_either_filter(&mut spec, diagnostics);
        (attachment, filter, &TRAFFIC_EXTENSION_PHASES)
    };
    let phase = spec.take("phase");
    let priority = spec.take("priority");
    let traffic = TrafficSelector::read_all(&mut spec, diagnostics);
    spec.finish(diagnostics);
    Some(Spec {
        attachment,
        phase: phase
            .and_then(|phase| phase.one_of(phases, diagnostics))
            .unwrap_or_default(),
        priority: priority.and_then(|number| number.integer(i32::MIN..=i32::MAX, diagnostics)),
        traffic,
        filter: filter?,
    })
}

/// `wasm` or `lua` of a TrafficExtension.
fn read_either_filter(spec: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Option<Filter> {
    match (spec.take("wasm"), spec.take("lua")) {
        (Some(wasm), None) => {
            let mut wasm = wasm.object(diagnostics)?;
            let filter = WasmFilter::read(&mut wasm, diagnostics);
            wasm.finish(diagnostics);
            filter.map(Box::new).map(Filter::Wasm)
        }
        (None, Some(lua)) => lua::check(&lua, diagnostics).then_some(Filter::Lua),
        (wasm, _) => {
            let found = if wasm.is_some() { "both" } else { "neither" };
            let expected = "exactly one of wasm and lua";
            diagnostics.error(
                DiagnosticCode::OneFilterNeeded,
                spec.path(),
                found,
                expected,
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn findings(kind: &str, spec: &Value) -> String {
        let manifest = json!({
            "apiVersion": "extensions.istio.io/v1alpha1", "kind": kind,
            "metadata": {"name": "a"}, "spec": spec,
        });
        parse(&manifest).1.to_string()
    }

    #[test]
    fn a_manifest_without_namespace_is_in_the_default_one() {
        let manifest = json!({
            "apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin",
            "metadata": {"name": "a"}, "spec": {"url": "x", "phase": "AUTHN", "priority": -1},
        });
        let extension = parse(&manifest).0.unwrap();
        assert_eq!(extension.plugin_name(), "default.a");
        assert_eq!(
            (extension.spec.phase, extension.spec.priority),
            (Phase::Authn, Some(-1))
        );
    }

    #[test]
    fn envelope_and_spec_are_judged_in_one_pass() {
        let manifest = json!({
            "apiVersion": "extensions.istio.io/v1", "kind": "WasmPlugin",
            "metadata": {}, "spec": {"urll": "x"},
        });
        let codes: Vec<_> = parse(&manifest).1.iter().map(|found| found.code).collect();
        use DiagnosticCode as C;
        let expected = [
            C::UnsupportedVersion,
            C::MissingKey,
            C::MissingKey,
            C::UnknownKey,
        ];
        assert_eq!(codes, expected);
    }

    #[test]
    fn the_kinds_differ_in_target_ref_and_phases() {
        let target = json!({"kind": "Service", "name": "s"});
        let plugin = json!({"url": "x", "targetRef": target, "phase": "UNSPECIFIED_PHASE"});
        assert_eq!(findings("WasmPlugin", &plugin), "");
        let extension = json!({"wasm": {"url": "x"}, "targetRef": target});
        let found = findings("TrafficExtension", &extension);
        assert!(found.contains("did you mean \"targetRefs\"?"), "{found}");
        let extension = json!({"wasm": {"url": "x"}, "phase": "UNSPECIFIED_PHASE"});
        let found = findings("TrafficExtension", &extension);
        assert!(found.ends_with("[unknown-value]"), "{found}");
    }

    #[test]
    fn a_traffic_extension_has_one_filter() {
        let both = json!({"wasm": {"url": "x"}, "lua": {"inlineCode": "x"}});
        for (spec, found) in [(json!({}), "neither"), (both, "both")] {
            let expected = format!(
                "spec: found {found}, expected exactly one of wasm and lua [one-filter-needed]"
            );
            assert_eq!(findings("TrafficExtension", &spec), expected);
        }
    }
}
