//! How one plugin is configured.

/// What happens to traffic once a plugin's VM has trapped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FailStrategy {
    /// Every request is refused with 503 until the configuration changes.
    #[default]
    FailClosed,
    /// Requests pass as if the plugin were not there.
    FailOpen,
    /// As closed, but a new VM is started, at most once a second.
    FailReload,
}

/// What one plugin may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wasm instructions (wasmtime fuel) of one callback.
    pub fuel_per_callback: u64,
    /// Linear memory of the VM, in bytes.
    pub memory_bytes: usize,
}

impl Default for Limits {
    /// A second or so of work, and the 1 GiB that V8 gives in Envoy.
    fn default() -> Self {
        Self {
            fuel_per_callback: 2_000_000_000,
            memory_bytes: 1 << 30,
        }
    }
}

/// One plugin of a chain: Envoy's `PluginConfig`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PluginConfig {
    /// Read back as `plugin_name`; Istio sets `<namespace>.<name>`.
    pub name: String,
    /// Read back as `plugin_root_id`; Istio sets `spec.pluginName`.
    pub root_id: String,
    /// Plugins with equal `vm_id`, VM configuration and code share a VM.
    pub vm_id: String,
    /// What `proxy_on_configure` can read.
    pub configuration: Vec<u8>,
    /// What `proxy_on_vm_start` can read.
    pub vm_configuration: Vec<u8>,
    /// The WASI environment.
    pub environment: Vec<(String, String)>,
    /// What a trap does to later traffic.
    pub fail_strategy: FailStrategy,
    /// Whether `StopIteration` on headers lets the body go on. Envoy's default
    /// of `false` turns it into `StopAllIterationAndWatermark`.
    pub allow_on_headers_stop_iteration: bool,
    /// Resource limits.
    pub limits: Limits,
}

impl PluginConfig {
    /// A plugin with this name (also as its root id) and configuration.
    pub fn new(name: impl Into<String>, configuration: impl Into<Vec<u8>>) -> Self {
        let name = name.into();
        Self {
            root_id: name.clone(),
            name,
            configuration: configuration.into(),
            ..Self::default()
        }
    }
}
