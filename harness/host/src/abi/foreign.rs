//! Foreign functions.

use super::host_call;
use crate::guest::Guest;
use crate::status::Status;
use crate::{foreign, memory};
use wasmtime::{Caller, Linker};

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_call_foreign_function", call_foreign_function)?;
    Ok(())
}

/// A caller that does not want the result passes null pointers. Envoy writes
/// the pointers of those that do, even when the function failed.
fn call_foreign_function(
    caller: Caller<'_, Guest>,
    name_ptr: u32,
    name_len: u32,
    argument_ptr: u32,
    argument_len: u32,
    result_ptr: u32,
    result_len_ptr: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_call_foreign_function", |call| {
        let (memory, guest) = call.split()?;
        let name = memory::read(memory, name_ptr, name_len)?;
        let argument = memory::read(memory, argument_ptr, argument_len)?;
        let known = foreign::find(name).filter(|_| guest.worker.foreign_functions);
        let function = known.ok_or(Status::NotFound)?;
        guest.cost.bytes_copied += u64::from(argument_len);
        let outcome = function(&mut guest.worker, guest.place, argument);
        let result = outcome.as_deref().unwrap_or_default();
        let len = u32::try_from(result.len()).map_err(|_| Status::InternalFailure)?;
        let address = if result_ptr == 0 || len == 0 {
            0
        } else {
            call.allocate(len)?
        };
        if address != 0 {
            call.put(address, result)?;
        }
        if result_ptr != 0 {
            call.put_u32(result_ptr, address)?;
        }
        if result_len_ptr != 0 {
            call.put_u32(result_len_ptr, len)?;
        }
        Ok(outcome.map(|_| ())?)
    })
}
