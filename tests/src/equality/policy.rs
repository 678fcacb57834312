//! The policy of the README: the example manifest, as it is.

use std::fs;

use serde_json::Value;
use sluice_cli::yaml;
use sluice_envoy::binary::workspace_dir;

/// `spec.pluginConfig` of `wasm-plugins/examples/payment-service.yaml`, as the
/// JSON text that Istio hands to the plugin.
///
/// # Errors
/// When the example is not there, or has no such part.
pub fn plugin_config() -> Result<String, String> {
    let examples = workspace_dir().join("wasm-plugins").join("examples");
    let path = examples.join("payment-service.yaml");
    let explain = |cause: String| format!("{}: {cause}", path.display());
    let text = fs::read_to_string(&path).map_err(|error| explain(error.to_string()))?;
    let documents = yaml::parse(&text).map_err(|error| explain(format!("{error:?}")))?;
    let manifest = documents.first().map_or(Value::Null, yaml::Node::to_json);
    let config = manifest.pointer("/spec/pluginConfig");
    config
        .map(Value::to_string)
        .ok_or_else(|| explain("no spec.pluginConfig".to_owned()))
}
