//! The plugins of one proxy, loaded and in order.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use sluice_host::{Engine, Module, PluginConfig};
use sluice_policy::ProxyKind;

use super::image::{self, Origin};
use super::manifest::{Extension, Filter, Variable, WasmFilter};
use super::order;
use super::traffic::{Direction, TrafficSelector};
use crate::failure::Failure;
use crate::workload::WorkloadOption;

/// The proxy that plugins are installed on.
#[derive(Debug, Clone, Copy)]
pub struct Proxy<'a> {
    /// Whose it is.
    pub workload: &'a WorkloadOption,
    /// Which of its listeners.
    pub direction: Direction,
    /// The mesh's root namespace.
    pub root_namespace: &'a str,
}

impl Proxy<'_> {
    /// The extensions that Istio would put on this proxy, in chain order.
    pub fn select<'e>(
        &self,
        extensions: impl Iterator<Item = &'e Extension>,
    ) -> Vec<&'e Extension> {
        let mut selected: Vec<_> = extensions
            .filter(|extension| self.takes(extension))
            .collect();
        selected.sort_by(|left, right| order::compare(left, right));
        selected
    }

    fn takes(&self, extension: &Extension) -> bool {
        let spec = &extension.spec;
        let attaches = spec.attachment.applies_to(
            &extension.namespace,
            &self.workload.as_target(),
            self.root_namespace,
        );
        let direction = self.listener_direction();
        let has_traffic = spec.traffic.is_empty()
            || spec
                .traffic
                .iter()
                .any(|entry| entry.selects_direction(direction));
        attaches && has_traffic
    }

    /// Everything at a gateway counts as outbound.
    pub fn listener_direction(&self) -> Direction {
        match self.workload.workload.kind {
            ProxyKind::Gateway => Direction::Outbound,
            ProxyKind::Sidecar | ProxyKind::Waypoint => self.direction,
        }
    }
}

/// A plugin ready to run.
#[derive(Clone)]
struct Plugin {
    module: Module,
    config: PluginConfig,
    filter: WasmFilter,
    /// Ports of the listeners that it is on; `None` for every listener.
    ports: Option<Vec<u16>>,
}

/// The plugins of one proxy.
#[derive(Clone, Default)]
pub struct Installation {
    plugins: Vec<Plugin>,
}

/// Loads modules, each file once.
pub struct Loader<'a> {
    engine: &'a Engine,
    modules: Option<&'a Path>,
    loaded: BTreeMap<PathBuf, (Module, String)>,
}

impl<'a> Loader<'a> {
    /// A loader with the folder given as `--modules`.
    pub fn new(engine: &'a Engine, modules: Option<&'a Path>) -> Self {
        Self {
            engine,
            modules,
            loaded: BTreeMap::new(),
        }
    }

    /// The module of a filter, its checksum compared.
    ///
    /// # Errors
    /// When there is no file for it, or Envoy would not load what is in the file.
    pub fn load(&mut self, plugin: &str, filter: &WasmFilter) -> Result<Module, Failure> {
        let path = self.find(plugin, &filter.url)?;
        let (module, digest) = match self.loaded.get(&path) {
            Some(known) => known.clone(),
            None => {
                let fresh = self.compile(&path)?;
                self.loaded.insert(path.clone(), fresh.clone());
                fresh
            }
        };
        // For an image, sha256 is that of the manifest, which a file does not show.
        let expected = filter
            .sha256
            .as_ref()
            .filter(|_| Origin::of(&filter.url) != Origin::Oci);
        match expected.filter(|expected| **expected != digest) {
            Some(expected) => {
                let found = format!("a module with sha256 {digest}");
                Err(Failure::new(
                    format_args!("{plugin}: {}", path.display()),
                    found,
                    expected,
                    "sha256-mismatch",
                ))
            }
            None => Ok(module),
        }
    }

    fn compile(&self, path: &Path) -> Result<(Module, String), Failure> {
        let bytes = fs::read(path).map_err(|error| Failure::reading(path, &error))?;
        let digest = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let module = Module::compile(self.engine, &path.display().to_string(), &bytes)?;
        Ok((module, digest))
    }

    fn find(&self, plugin: &str, url: &str) -> Result<PathBuf, Failure> {
        let in_folder = self
            .modules
            .map(|folder| image::candidates(url, folder))
            .unwrap_or_default();
        if let Some(found) = in_folder.iter().find(|path| path.is_file()) {
            return Ok(found.clone());
        }
        let origin = Origin::of(url);
        if let Origin::File(path) = &origin
            && path.is_file()
        {
            return Ok(path.clone());
        }
        Err(missing_module(plugin, url, &origin, &in_folder))
    }
}

fn missing_module(plugin: &str, url: &str, origin: &Origin, in_folder: &[PathBuf]) -> Failure {
    let mut looked: Vec<String> = in_folder
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    if let Origin::File(path) = origin {
        looked.push(path.display().to_string());
    }
    let found = match origin {
        Origin::File(_) => format!("no module for `{url}`"),
        Origin::Http | Origin::Oci => {
            format!("no module for `{url}`, and this release does not fetch modules")
        }
    };
    let expected = match looked.as_slice() {
        [] => format!("a folder with {}.wasm in it", image::base_name(url)),
        files => format!("a file at {}", files.join(" or ")),
    };
    Failure::with_help(
        plugin,
        found,
        &expected,
        "name the folder of modules with --modules DIR",
        "module-not-found",
    )
}

impl Installation {
    /// Loads what [`Proxy::select`] gave. Lua scripts and network filters are
    /// left to the caller to mention.
    ///
    /// # Errors
    /// When a module is missing or unusable.
    pub fn load(
        extensions: &[&Extension],
        direction: Direction,
        loader: &mut Loader<'_>,
    ) -> Result<Self, Failure> {
        let mut plugins = Vec::new();
        for extension in extensions {
            let Filter::Wasm(filter) = &extension.spec.filter else {
                continue;
            };
            if filter.is_network {
                continue;
            }
            let name = extension.plugin_name();
            let module = loader.load(&name, filter)?;
            let ports = ports(&extension.spec.traffic, direction);
            plugins.push(Plugin {
                module,
                config: config(name, filter),
                filter: (**filter).clone(),
                ports,
            });
        }
        Ok(Self { plugins })
    }

    /// The plugins' names, in order.
    pub fn names(&self) -> Vec<String> {
        self.plugins
            .iter()
            .map(|plugin| plugin.config.name.clone())
            .collect()
    }

    /// Name and manifest of each plugin, in order.
    pub fn filters(&self) -> impl Iterator<Item = (&str, &WasmFilter)> {
        self.plugins
            .iter()
            .map(|plugin| (plugin.config.name.as_str(), &plugin.filter))
    }

    /// Whether there is no plugin.
    pub fn is_empty(&self) -> bool {
        self.plugins.is_empty()
    }

    /// The indices of all plugins.
    fn all(&self) -> Vec<usize> {
        (0..self.plugins.len()).collect()
    }

    /// The plugins on the listener of a port. Only asks for the port if it matters.
    ///
    /// # Errors
    /// Those of `port`.
    pub fn on_port<E>(&self, port: impl FnOnce() -> Result<u16, E>) -> Result<Vec<usize>, E> {
        if self.plugins.iter().all(|plugin| plugin.ports.is_none()) {
            return Ok(self.all());
        }
        let port = port()?;
        let is_on = |plugin: &Plugin| {
            plugin
                .ports
                .as_ref()
                .is_none_or(|ports| ports.contains(&port))
        };
        Ok(self
            .plugins
            .iter()
            .enumerate()
            .filter(|(_, plugin)| is_on(plugin))
            .map(|(index, _)| index)
            .collect())
    }

    /// Modules and configuration of these plugins.
    pub fn chosen(&self, indices: &[usize]) -> Vec<(Module, PluginConfig)> {
        let plugins = indices.iter().filter_map(|index| self.plugins.get(*index));
        plugins
            .map(|plugin| (plugin.module.clone(), plugin.config.clone()))
            .collect()
    }
}

/// The ports of the entries that are about `direction`; `None` where one takes every port.
fn ports(traffic: &[TrafficSelector], direction: Direction) -> Option<Vec<u16>> {
    let mut ports = Vec::new();
    let applying = traffic
        .iter()
        .filter(|entry| entry.selects_direction(direction));
    for entry in applying {
        if entry.ports.is_empty() {
            return None;
        }
        ports.extend(&entry.ports);
    }
    (!ports.is_empty()).then_some(ports)
}

fn config(name: String, filter: &WasmFilter) -> PluginConfig {
    PluginConfig {
        name,
        root_id: filter.plugin_name.clone(),
        configuration: filter.configuration.clone(),
        environment: environment(filter),
        fail_strategy: filter.fail_strategy,
        ..PluginConfig::default()
    }
}

/// Has sluice's own filters tell their counts request by request (in Envoy they do
/// so once a second): a report says which rule allowed each.
const IMMEDIATE_COUNTERS: (&str, &str) = ("SLUICE_COUNTERS", "immediate");

/// The manifest's variables, and ours where it has no own of that name.
fn environment(filter: &WasmFilter) -> Vec<(String, String)> {
    let (name, value) = IMMEDIATE_COUNTERS;
    let mut all: Vec<_> = filter.environment.iter().filter_map(variable).collect();
    if all.iter().all(|(theirs, _)| theirs != name) {
        all.push((name.to_owned(), value.to_owned()));
    }
    all
}

/// A variable of the proxy that is not set is not passed on: Istio's own rule.
/// The command's environment stands for the proxy's.
fn variable(variable: &Variable) -> Option<(String, String)> {
    let value = variable
        .value
        .clone()
        .or_else(|| std::env::var(&variable.name).ok())?;
    Some((variable.name.clone(), value))
}
