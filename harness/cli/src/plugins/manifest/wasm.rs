//! The fields that `spec` of a WasmPlugin and `spec.wasm` of a TrafficExtension share.

use serde_json::Value;
use sluice_host::FailStrategy;
use sluice_policy::json::{Node, Object};
use sluice_policy::{DiagnosticCode, Diagnostics};

use super::environment::{self, Variable};
use super::{text, url};

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
    pub environment: Vec<Variable>,
    /// Whether it works on connections instead of requests.
    pub is_network: bool,
}

/// Limits of the CRD's schema.
const LONGEST_SECRET_NAME: usize = 253;
const LONGEST_PLUGIN_NAME: usize = 256;

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

impl WasmFilter {
    /// Reads the shared fields and leaves the object's others to the caller.
    pub(super) fn read(fields: &mut Object<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let url = fields.require("url", diagnostics);
        let sha256 = fields.take("sha256");
        judge_image_fields(fields, diagnostics);
        let configuration = fields.take("pluginConfig");
        let plugin_name = fields.take("pluginName");
        let fail_strategy = fields.take("failStrategy");
        let vm_config = fields.take("vmConfig");
        let kind = fields.take("type");

        let url = url.and_then(|url| url::read(&url, diagnostics));
        let sha256 = sha256.and_then(|sum| read_sha256(&sum, diagnostics));
        let configuration = configuration.map_or(Some(Vec::new()), |configuration| {
            read_configuration(&configuration, diagnostics)
        });
        let plugin_name =
            plugin_name.and_then(|name| text::one_to(&name, LONGEST_PLUGIN_NAME, diagnostics));
        Some(Self {
            sha256: sha256.map(str::to_owned),
            plugin_name: plugin_name.unwrap_or_default().to_owned(),
            fail_strategy: fail_strategy
                .and_then(|strategy| strategy.one_of(&FAIL_STRATEGIES, diagnostics))
                .unwrap_or_default(),
            environment: vm_config
                .map_or_else(Vec::new, |config| environment::read(&config, diagnostics)),
            is_network: kind
                .and_then(|kind| kind.one_of(&TYPES, diagnostics))
                .unwrap_or_default(),
            url: url?.to_owned(),
            configuration: configuration?,
        })
    }
}

/// Fields about fetching an image, which is not done here.
fn judge_image_fields(fields: &mut Object<'_>, diagnostics: &mut Diagnostics) {
    if let Some(policy) = fields.take("imagePullPolicy") {
        policy.one_of(&PULL_POLICIES, diagnostics);
    }
    if let Some(secret) = fields.take("imagePullSecret") {
        text::one_to(&secret, LONGEST_SECRET_NAME, diagnostics);
    }
    if let Some(key) = fields.take("verificationKey")
        && key.string(diagnostics).is_some()
    {
        let expected = "none: Istio checks no signature";
        diagnostics.warning(DiagnosticCode::IgnoredKey, key.path(), "a key", expected);
    }
}

fn read_sha256<'v>(node: &Node<'v>, diagnostics: &mut Diagnostics) -> Option<&'v str> {
    let text = node.string(diagnostics)?;
    // The CRD's pattern takes an empty text, and Istio takes it for none.
    if text.is_empty() {
        return None;
    }
    let is_hex = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 64 || !text.bytes().all(is_hex) {
        let expected = "64 lower-case hexadecimal digits";
        node.error(DiagnosticCode::InvalidChecksum, expected, diagnostics);
        return None;
    }
    Some(text)
}

fn read_configuration(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Vec<u8>> {
    match node.value() {
        // Istio sends an empty `Any` for an empty Struct: the plugin reads no bytes.
        Value::Object(map) if map.is_empty() => Some(Vec::new()),
        value @ Value::Object(_) => Some(value.to_string().into_bytes()),
        _ => {
            node.error(DiagnosticCode::WrongType, "an object", diagnostics);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> (Option<WasmFilter>, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let mut spec = Node::new(value, "spec").object(&mut diagnostics).unwrap();
        let filter = WasmFilter::read(&mut spec, &mut diagnostics);
        spec.finish(&mut diagnostics);
        (filter, diagnostics)
    }

    #[test]
    fn an_empty_configuration_is_no_bytes() {
        let configuration = |value: &Value| read(value).0.unwrap().configuration;
        assert_eq!(configuration(&json!({"url": "x"})), b"");
        assert_eq!(configuration(&json!({"url": "x", "pluginConfig": {}})), b"");
        assert_eq!(
            configuration(&json!({"url": "x", "pluginConfig": {"a": 1}})),
            br#"{"a":1}"#
        );
    }

    #[test]
    fn what_istio_refuses_is_refused() {
        use DiagnosticCode as C;
        for (key, value, code) in [
            ("sha256", json!("01BA"), C::InvalidChecksum),
            ("imagePullPolicy", json!("Never"), C::UnknownValue),
            ("imagePullSecret", json!(""), C::EmptyValue),
            ("pluginConfig", json!("{}"), C::WrongType),
            ("pluginName", json!("x".repeat(257)), C::TooMany),
            ("failStrategy", json!("FAIL_CLOSED"), C::UnknownValue),
            ("type", json!("TCP"), C::UnknownValue),
        ] {
            let mut spec = json!({"url": "x"});
            spec[key] = value;
            let (_, found) = read(&spec);
            let codes: Vec<_> = found.iter().map(|found| found.code).collect();
            assert_eq!((codes, found.has_errors()), (vec![code], true), "{key}");
        }
    }

    #[test]
    fn a_verification_key_gives_a_false_sense_of_safety() {
        let (filter, found) = read(&json!({"url": "x", "verificationKey": "k"}));
        assert!(filter.is_some() && !found.has_errors());
        let expected = "spec.verificationKey: found a key, expected none: Istio checks no signature [ignored-key]";
        assert_eq!(found.to_string(), expected);
    }
}
