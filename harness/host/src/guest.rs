//! What a guest's store holds: its memory and allocator, and the worker that
//! is lent to it while it runs.

use crate::outcome::Cost;
use crate::plugin::Limits;
use crate::worker::{Place, Worker};
use wasmtime::{Memory, ResourceLimiter, TypedFunc};

/// Which host calls a guest may make. Envoy narrows them while a module
/// starts and while it allocates for the host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Confinement {
    #[default]
    Free,
    Starting,
    Allocating,
}

/// Store data of one VM.
pub(crate) struct Guest {
    /// The real worker during a callback, an empty one otherwise.
    pub worker: Box<Worker>,
    pub memory: Option<Memory>,
    pub allocator: Option<TypedFunc<u32, u32>>,
    pub environment: Vec<Vec<u8>>,
    pub legacy_abi: bool,
    /// The context that the callback runs in.
    pub own: Place,
    /// The one that host calls work for: `own`, unless the guest chose another.
    pub place: Place,
    pub confinement: Confinement,
    pub cost: Cost,
    /// Holds what is handed over to the guest; kept for its memory.
    pub scratch: Vec<u8>,
    pub limits: Limits,
    /// Whether the guest was refused memory.
    pub starved: bool,
}

impl Guest {
    pub(crate) fn new(environment: &[(String, String)], limits: Limits, legacy_abi: bool) -> Self {
        let environment = environment
            .iter()
            .map(|(name, value)| format!("{name}={value}\0").into_bytes())
            .collect();
        Self {
            worker: Box::default(),
            memory: None,
            allocator: None,
            environment,
            legacy_abi,
            own: Place::default(),
            place: Place::default(),
            confinement: Confinement::Free,
            cost: Cost::default(),
            scratch: Vec::new(),
            limits,
            starved: false,
        }
    }
}

impl ResourceLimiter for Guest {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = desired <= self.limits.memory_bytes;
        self.starved |= !granted;
        Ok(granted)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // V8's own limit on table elements.
        Ok(desired <= 10_000_000)
    }
}
