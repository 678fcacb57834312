//! Shared data and queues.

use super::host_call;
use crate::agenda::Event;
use crate::guest::Guest;
use crate::memory;
use crate::status::Status;
use wasmtime::{Caller, Linker};

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_get_shared_data", get_data)?;
    linker.func_wrap("env", "proxy_set_shared_data", set_data)?;
    linker.func_wrap("env", "proxy_register_shared_queue", register_queue)?;
    linker.func_wrap("env", "proxy_resolve_shared_queue", resolve_queue)?;
    linker.func_wrap("env", "proxy_enqueue_shared_queue", enqueue)?;
    linker.func_wrap("env", "proxy_dequeue_shared_queue", dequeue)?;
    Ok(())
}

fn get_data(
    caller: Caller<'_, Guest>,
    key_ptr: u32,
    key_len: u32,
    address_ptr: u32,
    size_ptr: u32,
    cas_ptr: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_get_shared_data", |call| {
        let mut known_cas = 0;
        call.hand_over_with(address_ptr, size_ptr, |memory, guest, out| {
            let key = memory::read(memory, key_ptr, key_len)?;
            let root = guest.worker.root(guest.place).ok_or(Status::NotFound)?;
            let (value, cas) = guest
                .worker
                .shared
                .get(root.vm_id.as_bytes(), key)
                .ok_or(Status::NotFound)?;
            out.extend_from_slice(value);
            known_cas = cas;
            Ok(())
        })?;
        Ok(call.put_u32(cas_ptr, known_cas)?)
    })
}

fn set_data(
    caller: Caller<'_, Guest>,
    key_ptr: u32,
    key_len: u32,
    value_ptr: u32,
    value_len: u32,
    cas: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_set_shared_data", |call| {
        let (memory, guest) = call.split()?;
        let key = memory::read(memory, key_ptr, key_len)?;
        let value = memory::read(memory, value_ptr, value_len)?;
        guest.cost.bytes_copied += u64::from(key_len) + u64::from(value_len);
        let worker = &mut *guest.worker;
        let root = worker
            .roots
            .get(guest.place.plugin)
            .ok_or(Status::InternalFailure)?;
        Ok(worker.shared.set(root.vm_id.as_bytes(), key, value, cas)?)
    })
}

fn register_queue(
    caller: Caller<'_, Guest>,
    name_ptr: u32,
    name_len: u32,
    token_ptr: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_register_shared_queue", |call| {
        let (memory, guest) = call.split()?;
        let name = memory::read(memory, name_ptr, name_len)?;
        let worker = &mut *guest.worker;
        let root = worker
            .roots
            .get(guest.place.plugin)
            .ok_or(Status::InternalFailure)?;
        let token = worker
            .queues
            .register(root.vm_id.as_bytes(), name, guest.place.plugin)?;
        Ok(call.put_u32(token_ptr, token)?)
    })
}

fn resolve_queue(
    caller: Caller<'_, Guest>,
    vm_id_ptr: u32,
    vm_id_len: u32,
    name_ptr: u32,
    name_len: u32,
    token_ptr: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_resolve_shared_queue", |call| {
        let (memory, guest) = call.split()?;
        let vm_id = memory::read(memory, vm_id_ptr, vm_id_len)?;
        let name = memory::read(memory, name_ptr, name_len)?;
        let token = guest
            .worker
            .queues
            .resolve(vm_id, name)
            .ok_or(Status::NotFound)?;
        Ok(call.put_u32(token_ptr, token)?)
    })
}

fn enqueue(
    caller: Caller<'_, Guest>,
    token: u32,
    item_ptr: u32,
    item_len: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_enqueue_shared_queue", |call| {
        let (memory, guest) = call.split()?;
        let item = memory::read(memory, item_ptr, item_len)?;
        guest.cost.bytes_copied += u64::from(item_len);
        let worker = &mut *guest.worker;
        let plugin = worker.queues.enqueue(token, item)?;
        worker
            .agenda
            .add(worker.now_ns, Event::QueueReady { plugin, token });
        Ok(())
    })
}

fn dequeue(
    caller: Caller<'_, Guest>,
    token: u32,
    address_ptr: u32,
    size_ptr: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_dequeue_shared_queue", |call| {
        call.hand_over_with(address_ptr, size_ptr, |_, guest, out| {
            *out = guest.worker.queues.dequeue(token)?;
            Ok(())
        })
    })
}
