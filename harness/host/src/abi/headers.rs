//! Header maps.

use super::{Answer, Call, host_call};
use crate::guest::Guest;
use crate::headers::Headers;
use crate::status::Status;
use crate::{maps, memory, pairs};
use wasmtime::{Caller, Linker};

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_get_header_map_pairs", get_pairs)?;
    linker.func_wrap("env", "proxy_set_header_map_pairs", set_pairs)?;
    linker.func_wrap("env", "proxy_get_header_map_value", get_value)?;
    linker.func_wrap("env", "proxy_add_header_map_value", add_value)?;
    linker.func_wrap("env", "proxy_replace_header_map_value", replace_value)?;
    linker.func_wrap("env", "proxy_remove_header_map_value", remove_value)?;
    linker.func_wrap("env", "proxy_get_header_map_size", get_size)?;
    Ok(())
}

/// A map that cannot be reached reads as an empty one.
fn get_pairs(
    caller: Caller<'_, Guest>,
    map: u32,
    address_ptr: u32,
    size_ptr: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_get_header_map_pairs", |call| {
        maps::check(map)?;
        call.hand_over_with(address_ptr, size_ptr, |_, guest, out| {
            match maps::readable(&guest.worker, guest.place, map) {
                Some(headers) if !headers.is_empty() => pairs::encode(headers.iter(), out),
                _ => {}
            }
            Ok(())
        })
    })
}

fn set_pairs(caller: Caller<'_, Guest>, map: u32, ptr: u32, len: u32) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_set_header_map_pairs", |call| {
        maps::check(map)?;
        let (memory, guest) = call.split()?;
        let lines = pairs::decode(memory::read(memory, ptr, len)?);
        guest.cost.bytes_copied += u64::from(len);
        maps::change(&mut guest.worker, guest.place, map, |headers| {
            headers.clear();
            headers.extend(
                lines
                    .into_iter()
                    .map(|(name, value)| (maps::known_as(map, name), value)),
            );
        })?;
        Ok(())
    })
}

/// Only the first value of a repeated name. ABI 0.1.0 reads a missing name as
/// an empty value.
fn get_value(
    caller: Caller<'_, Guest>,
    map: u32,
    key_ptr: u32,
    key_len: u32,
    address_ptr: u32,
    size_ptr: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_get_header_map_value", |call| {
        maps::check(map)?;
        call.hand_over_with(address_ptr, size_ptr, |memory, guest, out| {
            let key = memory::read(memory, key_ptr, key_len)?;
            let Some(headers) = maps::readable(&guest.worker, guest.place, map) else {
                let missing = maps::missing(&guest.worker, guest.place);
                let empty = missing == Status::NotFound && guest.legacy_abi;
                return if empty { Ok(()) } else { Err(missing) };
            };
            match headers.get(maps::known_as(map, key)) {
                Some(value) => out.extend_from_slice(value),
                None if guest.legacy_abi => {}
                None => return Err(Status::NotFound),
            }
            Ok(())
        })
    })
}

fn add_value(
    caller: Caller<'_, Guest>,
    map: u32,
    key_ptr: u32,
    key_len: u32,
    value_ptr: u32,
    value_len: u32,
) -> wasmtime::Result<u32> {
    let line = ((key_ptr, key_len), (value_ptr, value_len));
    host_call(caller, "proxy_add_header_map_value", |call| {
        write_line(call, map, line, |headers, key, value| {
            headers.add(key, value);
        })
    })
}

fn replace_value(
    caller: Caller<'_, Guest>,
    map: u32,
    key_ptr: u32,
    key_len: u32,
    value_ptr: u32,
    value_len: u32,
) -> wasmtime::Result<u32> {
    let line = ((key_ptr, key_len), (value_ptr, value_len));
    host_call(caller, "proxy_replace_header_map_value", |call| {
        write_line(call, map, line, |headers, key, value| {
            headers.set(key, value);
        })
    })
}

/// Changes a map by one line, given as the places of its name and value.
fn write_line(
    call: &mut Call<'_>,
    map: u32,
    ((key_ptr, key_len), (value_ptr, value_len)): ((u32, u32), (u32, u32)),
    write: impl FnOnce(&mut Headers, &[u8], &[u8]),
) -> Answer {
    maps::check(map)?;
    let (memory, guest) = call.split()?;
    let key = maps::known_as(map, memory::read(memory, key_ptr, key_len)?);
    let value = memory::read(memory, value_ptr, value_len)?;
    guest.cost.bytes_copied += u64::from(key_len) + u64::from(value_len);
    maps::change(&mut guest.worker, guest.place, map, |headers| {
        write(headers, key, value);
    })?;
    Ok(())
}

fn remove_value(
    caller: Caller<'_, Guest>,
    map: u32,
    key_ptr: u32,
    key_len: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_remove_header_map_value", |call| {
        maps::check(map)?;
        let (memory, guest) = call.split()?;
        let key = maps::known_as(map, memory::read(memory, key_ptr, key_len)?);
        maps::change(&mut guest.worker, guest.place, map, |headers| {
            headers.remove(key)
        })?;
        Ok(())
    })
}

fn get_size(caller: Caller<'_, Guest>, map: u32, size_ptr: u32) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_get_header_map_size", |call| {
        maps::check(map)?;
        let guest = call.guest();
        let size = maps::byte_size(&mut guest.worker, guest.place, map)?;
        let size = u32::try_from(size).map_err(|_| Status::InternalFailure)?;
        Ok(call.put_u32(size_ptr, size)?)
    })
}
