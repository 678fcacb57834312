//! The wasmtime engine that modules are compiled for.

use crate::abi;
use crate::error::HostError;
use crate::guest::Guest;
use std::sync::Arc;
use wasmtime::Linker;

/// How code is compiled.
#[derive(Debug, Clone, Copy, Default)]
pub struct EngineOptions {
    /// Compile faster and run slower; for tests that compile much and run
    /// little.
    pub quick_compile: bool,
}

/// Compiles modules. Cheap to clone, shared by threads.
#[derive(Clone)]
pub struct Engine {
    engine: wasmtime::Engine,
    linker: Arc<Linker<Guest>>,
}

impl Engine {
    /// An engine that meters fuel, so that every cost is exact and every loop
    /// ends.
    ///
    /// # Errors
    ///
    /// When wasmtime does not run on this machine.
    pub fn new(options: EngineOptions) -> Result<Self, HostError> {
        let mut config = wasmtime::Config::new();
        config.consume_fuel(true);
        if options.quick_compile {
            config.cranelift_opt_level(wasmtime::OptLevel::None);
        }
        let unavailable = |error: wasmtime::Error| HostError {
            path: "engine".to_owned(),
            code: "engine-unavailable",
            message: format!("wasmtime does not run here: {error:#}"),
        };
        let engine = wasmtime::Engine::new(&config).map_err(unavailable)?;
        let mut linker = Linker::new(&engine);
        abi::link(&mut linker).map_err(unavailable)?;
        Ok(Self {
            engine,
            linker: Arc::new(linker),
        })
    }

    pub(crate) fn linker(&self) -> &Linker<Guest> {
        &self.linker
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.engine
    }
}
