//! One instance of a module, and calling into it.

use crate::engine::Engine;
use crate::error::HostError;
use crate::exports::Exports;
use crate::guest::{Confinement, Guest};
use crate::module::{AbiVersion, Module};
use crate::outcome::Trap;
use crate::plugin::PluginConfig;
use crate::worker::{Place, Worker};
use std::sync::Arc;
use wasmtime::{Store, TypedFunc, WasmParams, WasmResults};

/// One VM of a worker.
pub(crate) struct Vm {
    store: Store<Guest>,
    exports: Exports,
    /// Why it does not run any more.
    pub failure: Option<String>,
    /// Which life this is, counted over reloads.
    pub generation: u32,
    pub loaded_ns: u64,
}

/// What came of a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Called<R> {
    Returned(R),
    /// The module does not have it.
    Missing,
    /// The VM has failed, now or before.
    Failed,
}

impl Vm {
    /// Instantiates `module` and runs its start functions for the plugin at
    /// `place`.
    pub(crate) fn start(
        engine: &Engine,
        module: &Module,
        config: &PluginConfig,
        worker: &mut Box<Worker>,
        place: Place,
    ) -> Result<Self, HostError> {
        let refuse = |error: &wasmtime::Error| HostError {
            path: config.name.clone(),
            code: "module-not-instantiable",
            message: format!("{} does not start: {error:#}", module.name()),
        };
        let legacy_abi = module.abi_version() == AbiVersion::V0_1_0;
        let guest = Guest::new(&config.environment, config.limits, legacy_abi);
        let mut store = Store::new(engine.wasmtime(), guest);
        store.limiter(|guest| guest);
        store
            .set_fuel(config.limits.fuel_per_callback)
            .map_err(|error| refuse(&error))?;
        // A `start` section may call the host as well.
        store.data_mut().confinement = Confinement::Starting;
        std::mem::swap(&mut store.data_mut().worker, worker);
        let instance = module.instance_pre().instantiate(&mut store);
        std::mem::swap(&mut store.data_mut().worker, worker);
        let instance = instance.map_err(|error| refuse(&error))?;
        let exports = Exports::find(&mut store, &instance, module.abi_version())
            .map_err(|error| refuse(&error))?;
        let guest = store.data_mut();
        guest.memory = exports.memory;
        guest.allocator.clone_from(&exports.allocator);
        let mut vm = Self {
            store,
            exports,
            failure: None,
            generation: 0,
            loaded_ns: worker.now_ns,
        };
        vm.run_start_functions(worker, place);
        vm.store.data_mut().confinement = Confinement::Free;
        Ok(vm)
    }

    /// `_initialize` and then `main`, or else `_start`, as the C++ host does.
    fn run_start_functions(&mut self, worker: &mut Box<Worker>, place: Place) {
        if self.exports.initialize.is_some() {
            self.call(
                worker,
                place,
                "_initialize",
                |exports| &exports.initialize,
                (),
            );
            self.call(worker, place, "main", |exports| &exports.main, (0, 0));
            self.call(
                worker,
                place,
                "__main_void",
                |exports| &exports.main_void,
                (),
            );
        } else {
            self.call(worker, place, "_start", |exports| &exports.start, ());
        }
    }

    /// Calls one export in the context of `place`.
    pub(crate) fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        worker: &mut Box<Worker>,
        place: Place,
        name: &'static str,
        pick: impl FnOnce(&Exports) -> &Option<TypedFunc<P, R>>,
        params: P,
    ) -> Called<R> {
        if self.failure.is_some() {
            return Called::Failed;
        }
        let Some(function) = pick(&self.exports) else {
            return Called::Missing;
        };
        let fuel = self.store.data().limits.fuel_per_callback;
        let fuelled = self.store.set_fuel(fuel);
        let guest = self.store.data_mut();
        guest.own = place;
        guest.place = place;
        std::mem::swap(&mut guest.worker, worker);
        let result = fuelled.and_then(|()| function.call(&mut self.store, params));
        let left = self.store.get_fuel().unwrap_or_default();
        let guest = self.store.data_mut();
        std::mem::swap(&mut guest.worker, worker);
        let mut cost = std::mem::take(&mut guest.cost);
        cost.fuel = fuel.saturating_sub(left);
        worker.charge(place.plugin, cost);
        match result {
            Ok(result) => Called::Returned(result),
            Err(error) => {
                self.fail(worker, place, name, &error, left == 0);
                Called::Failed
            }
        }
    }

    /// Linear memory now, in bytes.
    pub(crate) fn memory_bytes(&self) -> Option<usize> {
        self.exports
            .memory
            .map(|memory| memory.data_size(&self.store))
    }

    pub(crate) fn exports(&self) -> &Exports {
        &self.exports
    }

    fn fail(
        &mut self,
        worker: &mut Worker,
        place: Place,
        callback: &'static str,
        error: &wasmtime::Error,
        dry: bool,
    ) {
        let guest = self.store.data_mut();
        guest.confinement = Confinement::Free;
        let out_of_fuel = matches!(error.downcast_ref(), Some(wasmtime::Trap::OutOfFuel)) || dry;
        let limit = out_of_fuel || guest.starved;
        let reason = match error.downcast_ref::<wasmtime::Trap>() {
            _ if out_of_fuel => format!(
                "more than {} instructions in one callback",
                guest.limits.fuel_per_callback
            ),
            _ if guest.starved => format!(
                "{error}; it was refused more than {} bytes",
                guest.limits.memory_bytes
            ),
            Some(trap) => trap.to_string(),
            None => error.root_cause().to_string(),
        };
        let plugin = worker
            .root(place)
            .map_or_else(|| Arc::from(""), |root| Arc::clone(&root.name));
        // Envoy logs a trap as critical, whatever the level.
        let message = format!("Function: {callback} failed: {reason}");
        worker.log(place, crate::outcome::LogLevel::Critical, message);
        worker.book_trap(Trap {
            plugin,
            callback,
            reason: reason.clone(),
            limit,
        });
        self.failure = Some(format!("{callback}: {reason}"));
    }
}
