//! Bodies, configurations and callout answers.

use super::host_call;
use crate::guest::Guest;
use crate::status::Status;
use crate::{bodies, memory};
use wasmtime::{Caller, Linker};

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_get_buffer_bytes", get_bytes)?;
    linker.func_wrap("env", "proxy_set_buffer_bytes", set_bytes)?;
    linker.func_wrap("env", "proxy_get_buffer_status", get_status)?;
    Ok(())
}

/// Reading past the end gives no bytes, also where the range is longer than
/// 32 bits can say.
fn get_bytes(
    caller: Caller<'_, Guest>,
    buffer: u32,
    start: u32,
    max: u32,
    address_ptr: u32,
    size_ptr: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_get_buffer_bytes", |call| {
        bodies::check(buffer)?;
        call.hand_over_with(address_ptr, size_ptr, |_, guest, out| {
            let bytes = bodies::readable(&guest.worker, guest.place, buffer)?;
            let start = usize::try_from(start).map_err(|_| Status::BadArgument)?;
            let max = usize::try_from(max).map_err(|_| Status::BadArgument)?;
            let end = start.saturating_add(max).min(bytes.len());
            out.extend_from_slice(bytes.get(start..end).unwrap_or_default());
            Ok(())
        })
    })
}

fn set_bytes(
    caller: Caller<'_, Guest>,
    buffer: u32,
    start: u32,
    len: u32,
    data_ptr: u32,
    data_len: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_set_buffer_bytes", |call| {
        bodies::check(buffer)?;
        let (memory, guest) = call.split()?;
        bodies::readable(&guest.worker, guest.place, buffer)?;
        let data = memory::read(memory, data_ptr, data_len)?;
        guest.cost.bytes_copied += u64::from(data_len);
        Ok(bodies::change(
            &mut guest.worker,
            guest.place,
            buffer,
            start,
            len,
            data,
        )?)
    })
}

fn get_status(
    caller: Caller<'_, Guest>,
    buffer: u32,
    len_ptr: u32,
    flags_ptr: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_get_buffer_status", |call| {
        bodies::check(buffer)?;
        let guest = call.guest();
        let len = bodies::readable(&guest.worker, guest.place, buffer)?.len();
        let len = u32::try_from(len).map_err(|_| Status::InternalFailure)?;
        call.put_u32(len_ptr, len)?;
        Ok(call.put_u32(flags_ptr, 0)?)
    })
}
