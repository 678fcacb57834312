//! Properties.

use super::host_call;
use crate::guest::Guest;
use crate::{memory, property};
use wasmtime::{Caller, Linker};

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_get_property", get_property)?;
    linker.func_wrap("env", "proxy_set_property", set_property)?;
    Ok(())
}

fn get_property(
    caller: Caller<'_, Guest>,
    path_ptr: u32,
    path_len: u32,
    address_ptr: u32,
    size_ptr: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_get_property", |call| {
        call.hand_over_with(address_ptr, size_ptr, |memory, guest, out| {
            let path = memory::read(memory, path_ptr, path_len)?;
            property::read(&mut guest.worker, guest.place, path, out)
        })
    })
}

fn set_property(
    caller: Caller<'_, Guest>,
    path_ptr: u32,
    path_len: u32,
    value_ptr: u32,
    value_len: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_set_property", |call| {
        let (memory, guest) = call.split()?;
        let path = memory::read(memory, path_ptr, path_len)?;
        let value = memory::read(memory, value_ptr, value_len)?;
        guest.cost.bytes_copied += u64::from(path_len) + u64::from(value_len);
        Ok(property::set(&mut guest.worker, guest.place, path, value)?)
    })
}
