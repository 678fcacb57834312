//! The host functions that a guest can import.
//!
//! Each function only decodes and checks its arguments, calls what does the
//! work, and encodes the result. Adding a function means one line in the table
//! of its group and one function below it.

mod buffers;
mod callouts;
mod foreign;
mod general;
mod headers;
mod metrics;
mod properties;
mod shared;
mod streams;
mod wasi;

use crate::guest::{Confinement, Guest};
use crate::memory;
use crate::status::Status;
use wasmtime::{Caller, Linker, Memory};

/// Offers every host function.
pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    general::link(linker)?;
    headers::link(linker)?;
    buffers::link(linker)?;
    properties::link(linker)?;
    streams::link(linker)?;
    callouts::link(linker)?;
    metrics::link(linker)?;
    shared::link(linker)?;
    foreign::link(linker)?;
    wasi::link(linker)
}

/// Whether a module of this ABI may import `env.NAME`.
pub(crate) fn offers(abi: crate::AbiVersion, name: &str) -> bool {
    use crate::AbiVersion::{V0_1_0, V0_2_1};
    match name {
        "proxy_get_configuration"
        | "proxy_continue_request"
        | "proxy_continue_response"
        | "proxy_clear_route_cache" => abi == V0_1_0,
        "proxy_continue_stream" | "proxy_close_stream" => abi != V0_1_0,
        "proxy_get_log_level" => abi == V0_2_1,
        _ => true,
    }
}

/// Why a host call does not succeed.
pub(crate) enum Refusal {
    /// The guest is told.
    Status(Status),
    /// The guest is stopped.
    Trap(wasmtime::Error),
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<wasmtime::Error> for Refusal {
    fn from(error: wasmtime::Error) -> Self {
        Self::Trap(error)
    }
}

type Answer = Result<(), Refusal>;

/// A host call in progress.
pub(crate) struct Call<'a> {
    caller: Caller<'a, Guest>,
}

/// Runs one `proxy_*` function: counts it, keeps it out of phases in which
/// Envoy does not allow it, and turns its answer into a status.
fn host_call(
    caller: Caller<'_, Guest>,
    name: &str,
    body: impl FnOnce(&mut Call<'_>) -> Answer,
) -> wasmtime::Result<u32> {
    confined_call(caller, name, &[], body)
}

/// The same for a function that is also allowed in the given phases.
fn confined_call(
    mut caller: Caller<'_, Guest>,
    name: &str,
    allowed: &[Confinement],
    body: impl FnOnce(&mut Call<'_>) -> Answer,
) -> wasmtime::Result<u32> {
    admit(&mut caller, name, allowed)?;
    match body(&mut Call { caller }) {
        Ok(()) => Ok(Status::Ok as u32),
        Err(Refusal::Status(status)) => Ok(status as u32),
        Err(Refusal::Trap(error)) => Err(error),
    }
}

fn admit(
    caller: &mut Caller<'_, Guest>,
    name: &str,
    allowed: &[Confinement],
) -> wasmtime::Result<()> {
    let guest = caller.data_mut();
    guest.cost.host_calls += 1;
    if guest.confinement == Confinement::Free || allowed.contains(&guest.confinement) {
        return Ok(());
    }
    let phase = match guest.confinement {
        Confinement::Starting => "while the module starts",
        _ => "inside the guest's allocator",
    };
    Err(wasmtime::Error::msg(format!(
        "restricted import {name} called {phase}"
    )))
}

impl Call<'_> {
    fn memory(&mut self) -> Result<Memory, Status> {
        match self.caller.data().memory {
            Some(memory) => Ok(memory),
            // Inside a `start` section, before the host has looked.
            None => {
                let export = self
                    .caller
                    .get_export("memory")
                    .and_then(wasmtime::Extern::into_memory);
                export.ok_or(Status::InvalidMemoryAccess)
            }
        }
    }

    /// Guest memory and the host's side of the guest, at once.
    fn split(&mut self) -> Result<(&mut [u8], &mut Guest), Status> {
        let memory = self.memory()?;
        Ok(memory.data_and_store_mut(&mut self.caller))
    }

    fn guest(&mut self) -> &mut Guest {
        self.caller.data_mut()
    }

    fn put(&mut self, ptr: u32, bytes: &[u8]) -> Result<(), Status> {
        let (memory, guest) = self.split()?;
        guest.cost.bytes_copied += bytes.len() as u64;
        memory::write(memory, ptr, bytes)
    }

    fn put_u32(&mut self, ptr: u32, word: u32) -> Result<(), Status> {
        let (memory, _) = self.split()?;
        memory::write(memory, ptr, &word.to_le_bytes())
    }

    fn put_u64(&mut self, ptr: u32, word: u64) -> Result<(), Status> {
        let (memory, _) = self.split()?;
        memory::write(memory, ptr, &word.to_le_bytes())
    }

    /// Asks the guest for memory. The guest runs, so it may trap.
    fn allocate(&mut self, size: u32) -> Result<u32, Refusal> {
        let guest = self.guest();
        let Some(allocator) = guest.allocator.clone() else {
            return Err(Status::InvalidMemoryAccess.into());
        };
        let before = std::mem::replace(&mut guest.confinement, Confinement::Allocating);
        let address = allocator.call(&mut self.caller, size);
        self.guest().confinement = before;
        let address = address?;
        let (memory, _) = self.split()?;
        if address == 0 || !memory::contains(memory, address, size) {
            return Err(Status::InvalidMemoryAccess.into());
        }
        Ok(address)
    }

    /// Hands bytes over in memory that the guest allocates; nothing is
    /// allocated for no bytes.
    fn hand_over(&mut self, bytes: &[u8], address_ptr: u32, size_ptr: u32) -> Answer {
        let size = u32::try_from(bytes.len()).map_err(|_| Status::InvalidMemoryAccess)?;
        let address = if size == 0 { 0 } else { self.allocate(size)? };
        if size != 0 {
            self.put(address, bytes)?;
        }
        self.put_u32(address_ptr, address)?;
        Ok(self.put_u32(size_ptr, size)?)
    }

    /// Fills the scratch buffer from memory and worker, and hands it over.
    fn hand_over_with(
        &mut self,
        address_ptr: u32,
        size_ptr: u32,
        fill: impl FnOnce(&[u8], &mut Guest, &mut Vec<u8>) -> Result<(), Status>,
    ) -> Answer {
        let mut scratch = std::mem::take(&mut self.guest().scratch);
        scratch.clear();
        let answer = match self.split() {
            Ok((memory, guest)) => fill(memory, guest, &mut scratch).map_err(Refusal::from),
            Err(status) => Err(status.into()),
        };
        let answer = answer.and_then(|()| self.hand_over(&scratch, address_ptr, size_ptr));
        self.guest().scratch = scratch;
        answer
    }
}
