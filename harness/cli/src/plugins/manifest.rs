//! One manifest: JSON of either kind → [`Extension`], all findings in one pass.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sluice_host::FailStrategy;

use super::API_VERSION;
use super::attachment::{Attachment, Mode, TargetRef, TrafficSelector};
use super::diagnostic::{Diagnostics, Fields, quote, show};
use super::order::Phase;
use super::url::{self, UrlError};

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
    /// Position in the chain.
    pub phase: Phase,
    /// Position within the phase.
    pub priority: Option<i32>,
    /// Which proxies.
    pub attachment: Attachment,
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

/// The Wasm part of an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WasmFilter {
    /// Where the module comes from.
    pub url: String,
    /// Checksum, in lower-case hex.
    pub sha256: Option<String>,
    /// Envoy's root id.
    pub plugin_name: String,
    /// `pluginConfig` as Istio delivers it: JSON text, or no bytes at all where
    /// it is missing or `{}`.
    pub configuration: Vec<u8>,
    /// What a trap does to later requests.
    pub fail_strategy: FailStrategy,
    /// The VM's environment.
    pub environment: Vec<EnvVar>,
    /// Whether it works on connections instead of requests.
    pub is_network: bool,
}

/// One environment variable of the VM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvVar {
    /// Name.
    pub name: String,
    /// Value, or `None` for the proxy's own variable of that name.
    pub value: Option<String>,
}

impl Extension {
    /// `<namespace>.<name>`: Envoy's name of the plugin.
    pub fn plugin_name(&self) -> String {
        format!("{}.{}", self.namespace, self.name)
    }

    /// Where the plugin's configuration stands in the manifest.
    pub fn configuration_path(&self) -> &'static str {
        if self.kind == "WasmPlugin" {
            "spec.pluginConfig"
        } else {
            "spec.wasm.pluginConfig"
        }
    }
}

/// Kinds of `extensions.istio.io` that there are.
pub const KINDS: [&str; 2] = ["WasmPlugin", "TrafficExtension"];

/// Reads a manifest. There is an extension exactly if nothing is an error.
pub fn parse(resource: &Value) -> (Option<Extension>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let extension = read(resource, &mut diagnostics);
    let extension = extension.filter(|_| !diagnostics.has_errors());
    (extension, diagnostics)
}

fn read(resource: &Value, diagnostics: &mut Diagnostics) -> Option<Extension> {
    let mut fields = Fields::of("", resource, diagnostics)?;
    let version = fields.require("apiVersion", API_VERSION, diagnostics);
    if let Some(other) = version.filter(|version| *version != API_VERSION) {
        diagnostics.error(
            "apiVersion",
            show(other),
            API_VERSION,
            "unknown-api-version",
        );
    }
    let kind = fields.require("kind", "WasmPlugin or TrafficExtension", diagnostics)?;
    let Some(kind) = KINDS.into_iter().find(|known| kind == known) else {
        diagnostics.error(
            "kind",
            show(kind),
            "WasmPlugin or TrafficExtension",
            "unknown-kind",
        );
        return None;
    };
    let metadata = fields.require("metadata", "an object with a name", diagnostics);
    let metadata = metadata.and_then(|value| read_metadata(value, diagnostics));
    let spec = fields.require("spec", "an object", diagnostics);
    // The API server fills it, nobody writes it.
    fields.take("status");
    fields.finish(diagnostics);
    let mut spec = Fields::of("spec", spec?, diagnostics)?;
    let extension = if kind == "WasmPlugin" {
        read_wasm_plugin(&mut spec, diagnostics)
    } else {
        read_traffic_extension(&mut spec, diagnostics)
    };
    spec.finish(diagnostics);
    let metadata = metadata?;
    Some(Extension {
        kind,
        name: metadata.name,
        namespace: metadata.namespace,
        created: metadata.created,
        ..extension?
    })
}

struct Metadata {
    name: String,
    namespace: String,
    created: Option<String>,
}

/// The three fields that matter here; the many others are Kubernetes' own business.
fn read_metadata(value: &Value, diagnostics: &mut Diagnostics) -> Option<Metadata> {
    let mut fields = Fields::of("metadata", value, diagnostics)?;
    fields.require("name", "a name", diagnostics)?;
    let name = fields.string("name", 1..=253, diagnostics)?;
    let namespace = fields
        .string("namespace", 1..=63, diagnostics)
        .unwrap_or("default");
    let created = fields.string("creationTimestamp", 1..=64, diagnostics);
    Some(Metadata {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        created: created.map(str::to_owned),
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

fn read_wasm_plugin(spec: &mut Fields<'_>, diagnostics: &mut Diagnostics) -> Option<Extension> {
    let attachment = read_attachment(spec, true, diagnostics);
    let filter = read_wasm(spec, diagnostics);
    let placement = read_placement(spec, &WASM_PLUGIN_PHASES, diagnostics);
    Some(placement.into_extension(attachment?, Filter::Wasm(Box::new(filter?))))
}

fn read_traffic_extension(
    spec: &mut Fields<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Extension> {
    let attachment = read_attachment(spec, false, diagnostics);
    let placement = read_placement(spec, &TRAFFIC_EXTENSION_PHASES, diagnostics);
    let filter = match (spec.take("wasm"), spec.take("lua")) {
        (Some(wasm), None) => read_wasm_object(wasm, diagnostics),
        (None, Some(lua)) => read_lua(lua, diagnostics),
        (wasm, _) => {
            let found = if wasm.is_some() { "both" } else { "neither" };
            diagnostics.error(
                "spec",
                found,
                "exactly one of wasm and lua",
                "one-filter-needed",
            );
            None
        }
    };
    Some(placement.into_extension(attachment?, filter?))
}

struct Placement {
    phase: Phase,
    priority: Option<i32>,
    traffic: Vec<TrafficSelector>,
}

impl Placement {
    fn into_extension(self, attachment: Attachment, filter: Filter) -> Extension {
        let Self {
            phase,
            priority,
            traffic,
        } = self;
        let (name, namespace) = (String::new(), String::new());
        Extension {
            kind: "",
            name,
            namespace,
            created: None,
            phase,
            priority,
            attachment,
            traffic,
            filter,
        }
    }
}

fn read_placement(
    spec: &mut Fields<'_>,
    phases: &[(&'static str, Phase)],
    diagnostics: &mut Diagnostics,
) -> Placement {
    let phase = spec
        .choice("phase", phases, diagnostics)
        .unwrap_or_default();
    let range = i64::from(i32::MIN)..=i64::from(i32::MAX);
    let priority = spec
        .integer("priority", range, diagnostics)
        .map(i32::try_from);
    let priority = priority.and_then(Result::ok);
    Placement {
        phase,
        priority,
        traffic: read_match(spec, diagnostics),
    }
}

const MODES: [(&str, Mode); 4] = [
    ("UNDEFINED", Mode::ClientAndServer),
    ("CLIENT", Mode::Client),
    ("SERVER", Mode::Server),
    ("CLIENT_AND_SERVER", Mode::ClientAndServer),
];

fn read_match(spec: &mut Fields<'_>, diagnostics: &mut Diagnostics) -> Vec<TrafficSelector> {
    let mut selectors = Vec::new();
    for (path, item) in spec.list("match", usize::MAX, diagnostics) {
        let Some(mut fields) = Fields::of(&path, item, diagnostics) else {
            continue;
        };
        let mode = fields
            .choice("mode", &MODES, diagnostics)
            .unwrap_or_default();
        let ports = read_ports(&mut fields, diagnostics);
        fields.finish(diagnostics);
        selectors.push(TrafficSelector { mode, ports });
    }
    selectors
}

/// A map-list keyed by `number`: required, unique, a port.
fn read_ports(fields: &mut Fields<'_>, diagnostics: &mut Diagnostics) -> Vec<u16> {
    let mut ports = Vec::new();
    for (path, item) in fields.list("ports", usize::MAX, diagnostics) {
        let Some(mut port) = Fields::of(&path, item, diagnostics) else {
            continue;
        };
        port.require("number", "a port", diagnostics);
        let number = port
            .integer("number", 1..=65535, diagnostics)
            .map(u16::try_from)
            .and_then(Result::ok);
        let number_path = port.path("number");
        port.finish(diagnostics);
        match number {
            Some(number) if ports.contains(&number) => {
                diagnostics.error(
                    &number_path,
                    format!("{number} again"),
                    "each port once",
                    "duplicate-item",
                );
            }
            other => ports.extend(other),
        }
    }
    ports
}

/// `selector`, `targetRefs` and, where the kind has it, `targetRef`: one at most.
fn read_attachment(
    spec: &mut Fields<'_>,
    has_single: bool,
    diagnostics: &mut Diagnostics,
) -> Option<Attachment> {
    let selector = spec
        .take("selector")
        .map(|value| read_selector(value, diagnostics));
    let single = if has_single {
        spec.take("targetRef")
    } else {
        None
    };
    let many = spec
        .take("targetRefs")
        .map(|_| spec.list("targetRefs", 16, diagnostics));
    let set = [selector.is_some(), single.is_some(), many.is_some()];
    if set.iter().filter(|set| **set).count() > 1 {
        let expected = "only one of selector, targetRef and targetRefs";
        diagnostics.error("spec", "several", expected, "several-attachments");
    }
    let single = single.map(|value| (spec.path("targetRef"), value));
    let references: Vec<_> = single
        .into_iter()
        .chain(many.into_iter().flatten())
        .collect();
    if references.is_empty() {
        return Some(Attachment::Selector(selector.unwrap_or_default()));
    }
    let targets = references
        .iter()
        .filter_map(|(path, value)| read_target(path, value, diagnostics))
        .collect();
    Some(Attachment::Targets(targets))
}

fn read_selector(value: &Value, diagnostics: &mut Diagnostics) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let Some(mut fields) = Fields::of("spec.selector", value, diagnostics) else {
        return labels;
    };
    let path = fields.path("matchLabels");
    match fields.take("matchLabels") {
        Some(Value::Object(map)) => read_labels(&path, map, &mut labels, diagnostics),
        Some(other) => diagnostics.error(&path, show(other), "an object of labels", "wrong-type"),
        None => diagnostics.warning(
            &path,
            "no labels",
            "labels; without any, every workload matches",
            "empty-selector",
        ),
    }
    fields.finish(diagnostics);
    labels
}

fn read_labels(
    path: &str,
    map: &Map<String, Value>,
    labels: &mut BTreeMap<String, String>,
    diagnostics: &mut Diagnostics,
) {
    for (key, value) in map {
        let path = format!("{path}.{key}");
        if key.is_empty() || key.contains('*') {
            diagnostics.error(
                &path,
                format!("the key {}", quote(key)),
                "a label key without wildcard",
                "invalid-label",
            );
        }
        match value {
            Value::String(text) if text.contains('*') || text.len() > 63 => {
                let expected = "a label value of at most 63 bytes without wildcard";
                diagnostics.error(&path, show(value), expected, "invalid-label");
            }
            Value::String(text) => {
                labels.insert(key.clone(), text.clone());
            }
            other => {
                let help = Some("put it in quotes".to_owned());
                diagnostics.error_with_help(&path, show(other), "a string", help, "wrong-type");
            }
        }
    }
}

/// Group and kind of what a policy may target.
const TARGETS: [(&str, &str); 4] = [
    ("core", "Service"),
    ("networking.istio.io", "ServiceEntry"),
    ("gateway.networking.k8s.io", "Gateway"),
    ("gateway.networking.k8s.io", "GatewayClass"),
];

fn read_target(path: &str, value: &Value, diagnostics: &mut Diagnostics) -> Option<TargetRef> {
    let mut fields = Fields::of(path, value, diagnostics)?;
    let group = fields
        .string("group", 0..=253, diagnostics)
        .unwrap_or_default();
    fields.require("kind", "a kind", diagnostics);
    let kind = fields.string("kind", 1..=63, diagnostics);
    fields.require("name", "a name", diagnostics);
    let name = fields.string("name", 1..=253, diagnostics);
    if let Some(namespace) = fields
        .string("namespace", 0..=63, diagnostics)
        .filter(|name| !name.is_empty())
    {
        let expected = "none: a target is in the plugin's own namespace";
        diagnostics.error(
            &fields.path("namespace"),
            quote(namespace),
            expected,
            "foreign-target",
        );
    }
    let (kind, name) = (kind?, name?);
    let canonical = if group.is_empty() { "core" } else { group };
    if !TARGETS.contains(&(canonical, kind)) {
        let expected: Vec<String> = TARGETS
            .iter()
            .map(|(group, kind)| format!("{group}/{kind}"))
            .collect();
        let found = quote(&format!("{group}/{kind}"));
        diagnostics.error(
            path,
            found,
            format!("one of {}", expected.join(", ")),
            "unknown-target",
        );
    }
    fields.finish(diagnostics);
    Some(TargetRef {
        group: group.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
    })
}

/// `spec.wasm` of a TrafficExtension.
fn read_wasm_object(value: &Value, diagnostics: &mut Diagnostics) -> Option<Filter> {
    let mut fields = Fields::of("spec.wasm", value, diagnostics)?;
    let filter = read_wasm(&mut fields, diagnostics);
    fields.finish(diagnostics);
    filter.map(|filter| Filter::Wasm(Box::new(filter)))
}

/// Istio limits scripts to 64 KB.
const MAX_LUA_BYTES: usize = 65536;

fn read_lua(value: &Value, diagnostics: &mut Diagnostics) -> Option<Filter> {
    let mut fields = Fields::of("spec.lua", value, diagnostics)?;
    fields.require("inlineCode", "a script", diagnostics);
    let code = fields.string("inlineCode", 1..=MAX_LUA_BYTES, diagnostics);
    if let Some(code) = code.filter(|code| code.len() > MAX_LUA_BYTES) {
        let found = format!("{} bytes", code.len());
        diagnostics.error(
            &fields.path("inlineCode"),
            found,
            "at most 65536",
            "wrong-length",
        );
    }
    fields.finish(diagnostics);
    Some(Filter::Lua)
}

const PULL_POLICIES: [(&str, ()); 3] = [
    ("UNSPECIFIED_POLICY", ()),
    ("IfNotPresent", ()),
    ("Always", ()),
];

const FAIL_STRATEGIES: [(&str, FailStrategy); 3] = [
    ("FAIL_CLOSE", FailStrategy::FailClosed),
    ("FAIL_OPEN", FailStrategy::FailOpen),
    ("FAIL_RELOAD", FailStrategy::FailReload),
];

const TYPES: [(&str, bool); 3] = [
    ("UNSPECIFIED_PLUGIN_TYPE", false),
    ("HTTP", false),
    ("NETWORK", true),
];

/// The fields that `spec` of a WasmPlugin and `spec.wasm` of a TrafficExtension share.
fn read_wasm(fields: &mut Fields<'_>, diagnostics: &mut Diagnostics) -> Option<WasmFilter> {
    let url = read_url(fields, diagnostics);
    let sha256 = read_sha256(fields, diagnostics);
    fields.choice("imagePullPolicy", &PULL_POLICIES, diagnostics);
    fields.string("imagePullSecret", 1..=253, diagnostics);
    if fields
        .string("verificationKey", 0..=usize::MAX, diagnostics)
        .is_some()
    {
        let path = fields.path("verificationKey");
        diagnostics.warning(
            &path,
            "a key",
            "none: Istio accepts the field and checks nothing",
            "ignored-field",
        );
    }
    let configuration = read_configuration(fields, diagnostics);
    let plugin_name = fields
        .string("pluginName", 1..=256, diagnostics)
        .unwrap_or_default();
    let fail_strategy = fields
        .choice("failStrategy", &FAIL_STRATEGIES, diagnostics)
        .unwrap_or_default();
    let environment = read_vm_config(fields, diagnostics);
    let is_network = fields
        .choice("type", &TYPES, diagnostics)
        .unwrap_or_default();
    Some(WasmFilter {
        url: url?,
        sha256,
        plugin_name: plugin_name.to_owned(),
        configuration: configuration?,
        fail_strategy,
        environment,
        is_network,
    })
}

fn read_url(fields: &mut Fields<'_>, diagnostics: &mut Diagnostics) -> Option<String> {
    fields.require("url", "the URL of a module or an image", diagnostics);
    let url = fields.string("url", 1..=usize::MAX, diagnostics)?;
    let found = match url::check(url) {
        Ok(()) => return Some(url.to_owned()),
        Err(UrlError::Malformed) => quote(url),
        Err(UrlError::Scheme(scheme)) => format!("the scheme {} in {}", quote(&scheme), quote(url)),
    };
    let is_like_a_port = url.contains(':') && !url.contains("://");
    let help = is_like_a_port
        .then(|| "an image in a registry with a port needs oci:// before it".to_owned());
    let expected = "a URL with http, https, file, oci or no scheme";
    diagnostics.error_with_help(&fields.path("url"), found, expected, help, "invalid-url");
    None
}

fn read_sha256(fields: &mut Fields<'_>, diagnostics: &mut Diagnostics) -> Option<String> {
    let text = fields
        .string("sha256", 0..=usize::MAX, diagnostics)
        .filter(|text| !text.is_empty())?;
    let is_hex = text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() == 64 && is_hex {
        return Some(text.to_owned());
    }
    diagnostics.error(
        &fields.path("sha256"),
        quote(text),
        "64 lower-case hexadecimal digits",
        "invalid-sha256",
    );
    None
}

fn read_configuration(fields: &mut Fields<'_>, diagnostics: &mut Diagnostics) -> Option<Vec<u8>> {
    match fields.take("pluginConfig") {
        None => Some(Vec::new()),
        // Istio sends an empty `Any` for an empty Struct: the plugin reads no bytes.
        Some(Value::Object(map)) if map.is_empty() => Some(Vec::new()),
        Some(value @ Value::Object(_)) => Some(value.to_string().into_bytes()),
        Some(other) => {
            diagnostics.error(
                &fields.path("pluginConfig"),
                show(other),
                "an object",
                "wrong-type",
            );
            None
        }
    }
}

fn read_vm_config(fields: &mut Fields<'_>, diagnostics: &mut Diagnostics) -> Vec<EnvVar> {
    let path = fields.path("vmConfig");
    let Some(value) = fields.take("vmConfig") else {
        return Vec::new();
    };
    let Some(mut fields) = Fields::of(&path, value, diagnostics) else {
        return Vec::new();
    };
    let mut variables: Vec<EnvVar> = Vec::new();
    for (path, item) in fields.list("env", 256, diagnostics) {
        let Some(variable) = read_env(&path, item, diagnostics) else {
            continue;
        };
        if variables.iter().any(|known| known.name == variable.name) {
            let found = format!("{} again", quote(&variable.name));
            diagnostics.error(
                &format!("{path}.name"),
                found,
                "each variable once",
                "duplicate-item",
            );
        }
        variables.push(variable);
    }
    fields.finish(diagnostics);
    variables
}

const SOURCES: [(&str, bool); 2] = [("INLINE", false), ("HOST", true)];

fn read_env(path: &str, value: &Value, diagnostics: &mut Diagnostics) -> Option<EnvVar> {
    let mut fields = Fields::of(path, value, diagnostics)?;
    fields.require("name", "a name", diagnostics);
    let name = fields.string("name", 1..=256, diagnostics);
    let from_host = fields
        .choice("valueFrom", &SOURCES, diagnostics)
        .unwrap_or_default();
    let value = fields.string("value", 0..=2048, diagnostics);
    if from_host && value.is_some() {
        let expected = "no value, which is for valueFrom: INLINE";
        diagnostics.error(
            &fields.path("value"),
            "a value with valueFrom: HOST",
            expected,
            "value-from-host",
        );
    }
    fields.finish(diagnostics);
    let value = (!from_host).then(|| value.unwrap_or_default().to_owned());
    name.map(|name| EnvVar {
        name: name.to_owned(),
        value,
    })
}
