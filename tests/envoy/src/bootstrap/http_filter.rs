//! HTTP filters.

use std::path::Path;

use serde_json::{Value, json};

use super::extension;

/// The filter that ends every chain.
#[must_use]
pub fn router() -> Value {
    extension(
        "envoy.filters.http.router",
        "envoy.extensions.filters.http.router.v3.Router",
        json!({}),
    )
}

/// Native `rbac` with the fields of `envoy.extensions.filters.http.rbac.v3.RBAC`.
#[must_use]
pub fn rbac(fields: Value) -> Value {
    extension(
        "envoy.filters.http.rbac",
        "envoy.extensions.filters.http.rbac.v3.RBAC",
        fields,
    )
}

/// Native `jwt_authn` with the fields of `JwtAuthentication`.
#[must_use]
pub fn jwt_authn(fields: Value) -> Value {
    extension(
        "envoy.filters.http.jwt_authn",
        "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        fields,
    )
}

/// Writes every exchange that passes to one JSON file each, whose names begin with `prefix`.
#[must_use]
pub fn tap(prefix: &Path) -> Value {
    let sink = json!({
        "format": "JSON_BODY_AS_BYTES",
        "file_per_tap": {"path_prefix": prefix.to_string_lossy()},
    });
    extension(
        "envoy.filters.http.tap",
        "envoy.extensions.filters.http.tap.v3.Tap",
        json!({"common_config": {"static_config": {
            "match": {"any_match": true},
            "output_config": {
                "sinks": [sink],
                "max_buffered_rx_bytes": 1_048_576,
                "max_buffered_tx_bytes": 1_048_576,
            },
        }}}),
    )
}

/// What a plugin does when its virtual machine has failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FailurePolicy {
    /// Requests get 503.
    #[default]
    FailClosed,
    /// Requests pass by the filter.
    FailOpen,
    /// A new virtual machine is started, at most one per back-off interval.
    FailReload,
}

impl FailurePolicy {
    fn name(self) -> &'static str {
        match self {
            Self::FailClosed => "FAIL_CLOSED",
            Self::FailOpen => "FAIL_OPEN",
            Self::FailReload => "FAIL_RELOAD",
        }
    }
}

/// A proxy-wasm plugin as Istio configures it.
#[derive(Debug, Clone)]
pub struct WasmFilter {
    name: String,
    root_id: String,
    vm_id: String,
    module: String,
    configuration: String,
    environment: Vec<(String, String)>,
    failure_policy: FailurePolicy,
    allow_on_headers_stop_iteration: bool,
}

impl WasmFilter {
    /// A plugin called `name` from the file `module`. `configuration` is the
    /// text that the plugin gets on configure: JSON, for Istio's.
    #[must_use]
    pub fn new(name: &str, module: &Path, configuration: &str) -> Self {
        Self {
            name: name.to_owned(),
            root_id: String::new(),
            vm_id: String::new(),
            module: module.to_string_lossy().into_owned(),
            configuration: configuration.to_owned(),
            environment: Vec::new(),
            failure_policy: FailurePolicy::default(),
            allow_on_headers_stop_iteration: false,
        }
    }

    /// `spec.pluginName` of a `WasmPlugin`.
    #[must_use]
    pub fn root_id(mut self, root_id: &str) -> Self {
        root_id.clone_into(&mut self.root_id);
        self
    }

    /// Plugins of the same id, module and VM configuration share a machine.
    #[must_use]
    pub fn vm_id(mut self, vm_id: &str) -> Self {
        vm_id.clone_into(&mut self.vm_id);
        self
    }

    /// Sets an environment variable of the virtual machine.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What happens when the machine fails.
    #[must_use]
    pub fn failure_policy(mut self, policy: FailurePolicy) -> Self {
        self.failure_policy = policy;
        self
    }

    /// `StopIteration` on headers lets the body go on, which Istio leaves off.
    #[must_use]
    pub fn allow_on_headers_stop_iteration(mut self) -> Self {
        self.allow_on_headers_stop_iteration = true;
        self
    }

    /// The HTTP filter.
    #[must_use]
    pub fn to_json(&self) -> Value {
        extension(
            &format!("envoy.filters.http.wasm.{}", self.name),
            "envoy.extensions.filters.http.wasm.v3.Wasm",
            json!({"config": {
                "name": self.name,
                "root_id": self.root_id,
                "failure_policy": self.failure_policy.name(),
                "allow_on_headers_stop_iteration": self.allow_on_headers_stop_iteration,
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": self.configuration,
                },
                "vm_config": self.vm_config(),
            }}),
        )
    }

    fn vm_config(&self) -> Value {
        let variables: serde_json::Map<_, _> = self
            .environment
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        json!({
            "vm_id": self.vm_id,
            "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"filename": self.module}},
            "environment_variables": {"key_values": variables},
        })
    }
}
