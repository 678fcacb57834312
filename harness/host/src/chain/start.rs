//! Starting plugins, and starting them again.

use super::{Chain, Plugin, PluginState};
use crate::error::HostError;
use crate::module::Module;
use crate::outcome::Cost;
use crate::plugin::{FailStrategy, PluginConfig};
use crate::stream::Presence;
use crate::vm::{Called, Vm};
use crate::worker::{Place, Root, VmBooks};

/// A failed VM is started again at most this often (Envoy's back-off).
const RELOAD_INTERVAL_NS: u64 = 1_000_000_000;

impl Plugin {
    /// How the plugin takes part in a new stream.
    pub(super) fn presence(&self) -> Presence {
        match (&self.state, self.config.fail_strategy) {
            (PluginState::Running, _) => Presence::Serving,
            (_, FailStrategy::FailOpen) => Presence::Skipped,
            (_, FailStrategy::FailClosed | FailStrategy::FailReload) => Presence::Broken,
        }
    }

    /// Envoy shares a VM between plugins of equal VM id, VM configuration and
    /// code.
    fn shares_vm_with(&self, module: &Module, config: &PluginConfig) -> bool {
        self.config.vm_id == config.vm_id
            && self.config.vm_configuration == config.vm_configuration
            && self.config.environment == config.environment
            && self.module.same_code(module)
    }
}

impl Chain {
    /// Adds a plugin at the end of the chain, and starts it.
    pub(super) fn add_plugin(
        &mut self,
        module: Module,
        config: PluginConfig,
    ) -> Result<(), HostError> {
        let index = self.plugins.len();
        let shared = self
            .plugins
            .iter()
            .find(|plugin| plugin.shares_vm_with(&module, &config))
            .map(|found| found.vm);
        let vm = shared.unwrap_or(self.vms.len());
        self.worker.roots.push(new_root(&config, vm));
        self.worker.idle_costs.push(Cost::default());
        self.plugins.push(Plugin {
            module,
            config,
            vm,
            state: PluginState::Running,
        });
        if shared.is_none() {
            self.worker.books.push(VmBooks::default());
            for _ in 0..self.worker.main_thread_starts {
                self.start_vm(index)?;
                self.start_root(index);
            }
            self.start_vm(index)?;
        }
        self.start_root(index);
        Ok(())
    }

    /// Puts a new VM in the plugin's place.
    fn start_vm(&mut self, index: usize) -> Result<(), HostError> {
        let Some(plugin) = self.plugins.get(index) else {
            return Ok(());
        };
        if let Some(books) = self.worker.books.get_mut(plugin.vm) {
            *books = VmBooks::default();
        }
        let place = Place {
            context_id: 0,
            plugin: index,
            stream: None,
        };
        let mut fresh = Vm::start(
            &self.engine,
            &plugin.module,
            &plugin.config,
            &mut self.worker,
            place,
        )?;
        match self.vms.get_mut(plugin.vm) {
            Some(slot) => {
                fresh.generation = slot.generation.wrapping_add(1);
                *slot = fresh;
            }
            None => self.vms.push(fresh),
        }
        Ok(())
    }

    /// Creates the root context and has it accept its configurations.
    fn start_root(&mut self, index: usize) {
        let place = self.worker.new_context(index, None);
        let Some(root) = self.worker.roots.get_mut(index) else {
            return;
        };
        root.context_id = place.context_id;
        root.tick_ms = 0;
        root.declared.clear();
        let vm_size = length(&root.vm_configuration);
        let plugin_size = length(&root.configuration);
        let id = place.context_id;
        self.call(
            place,
            "proxy_on_context_create",
            |exports| &exports.context_create,
            (id, 0),
        );
        let started = self.call(
            place,
            "proxy_on_vm_start",
            |exports| &exports.vm_start,
            (id, vm_size),
        );
        let accepted = agrees(started) && {
            self.set_configuring(index, true);
            let validated = self.call(
                place,
                "proxy_validate_configuration",
                |exports| &exports.validate_configuration,
                (id, plugin_size),
            );
            let configured = agrees(validated)
                && agrees(self.call(
                    place,
                    "proxy_on_configure",
                    |exports| &exports.configure,
                    (id, plugin_size),
                ));
            self.set_configuring(index, false);
            configured
        };
        self.settle_actions();
        let failure = self.vm_of(index).and_then(|vm| vm.failure.clone());
        let Some(plugin) = self.plugins.get_mut(index) else {
            return;
        };
        plugin.state = match failure {
            Some(reason) => PluginState::Failed(reason),
            None if accepted => PluginState::Running,
            None => PluginState::Refused,
        };
    }

    fn set_configuring(&mut self, index: usize, configuring: bool) {
        if let Some(root) = self.worker.roots.get_mut(index) {
            root.configuring = configuring;
        }
    }

    pub(super) fn vm_of(&self, plugin: usize) -> Option<&Vm> {
        self.vms.get(self.plugins.get(plugin)?.vm)
    }

    /// Starts failed VMs again where the strategy says so and the last start
    /// is long enough ago. Only traps count, not a refused configuration.
    pub(super) fn reload_failed_plugins(&mut self) {
        for index in 0..self.plugins.len() {
            if self.is_due_for_reload(index) {
                self.reload(index);
            }
        }
    }

    fn is_due_for_reload(&self, index: usize) -> bool {
        let Some(plugin) = self.plugins.get(index) else {
            return false;
        };
        let reloads = plugin.config.fail_strategy == FailStrategy::FailReload;
        if !reloads || !matches!(plugin.state, PluginState::Failed(_)) {
            return false;
        }
        let loaded_ns = self.vms.get(plugin.vm).map_or(0, |vm| vm.loaded_ns);
        self.worker.now_ns.saturating_sub(loaded_ns) >= RELOAD_INTERVAL_NS
    }

    fn reload(&mut self, index: usize) {
        let Some(vm) = self.plugins.get(index).map(|plugin| plugin.vm) else {
            return;
        };
        self.worker.open_calls.retain(|call| call.plugin != index);
        // It started before, so a failure now is the guest's own and shows as
        // a trap.
        if self.start_vm(index).is_err() {
            return;
        }
        for sharer in 0..self.plugins.len() {
            if self
                .plugins
                .get(sharer)
                .is_some_and(|plugin| plugin.vm == vm)
            {
                self.start_root(sharer);
            }
        }
    }

    /// `on_done`, and then `on_delete`, unless the root wants to linger until
    /// it calls `proxy_done`.
    pub(super) fn end_root(&mut self, plugin: usize) {
        let place = self.root_place(plugin);
        let done = self.call(
            place,
            "proxy_on_done",
            |exports| &exports.done,
            place.context_id,
        );
        if agrees(done) {
            self.delete_root(plugin);
        } else if let Some(root) = self.worker.roots.get_mut(plugin) {
            root.lingering = true;
        }
        self.settle_actions();
    }

    pub(super) fn delete_root(&mut self, plugin: usize) {
        let place = self.root_place(plugin);
        if let Some(root) = self.worker.roots.get_mut(plugin) {
            root.lingering = false;
            root.tick_ms = 0;
        }
        self.call(
            place,
            "proxy_on_delete",
            |exports| &exports.delete,
            place.context_id,
        );
        self.worker.forget_context(place);
    }
}

/// A callback that is missing agrees; one that failed does not.
fn agrees(called: Called<u32>) -> bool {
    match called {
        Called::Returned(result) => result != 0,
        Called::Missing => true,
        Called::Failed => false,
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn new_root(config: &PluginConfig, vm: usize) -> Root {
    Root {
        name: config.name.as_str().into(),
        root_id: config.root_id.clone(),
        vm_id: config.vm_id.clone(),
        vm,
        context_id: 0,
        configuration: config.configuration.clone(),
        vm_configuration: config.vm_configuration.clone(),
        configuring: false,
        tick_ms: 0,
        tick_at_ns: None,
        answer: None,
        grpc_initial: None,
        grpc_trailing: None,
        grpc_message: None,
        status: (0, String::new()),
        declared: Vec::new(),
        lingering: false,
    }
}
