//! Metrics.

use super::host_call;
use crate::guest::Guest;
use crate::memory;
use crate::metrics::{MetricIds, Metrics};
use crate::status::Status;
use wasmtime::{Caller, Linker};

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_define_metric", define)?;
    linker.func_wrap("env", "proxy_increment_metric", increment)?;
    linker.func_wrap("env", "proxy_record_metric", record)?;
    linker.func_wrap("env", "proxy_get_metric", get)?;
    Ok(())
}

/// The worker's statistics and the ids of the calling VM.
fn with_ids<R>(
    guest: &mut Guest,
    work: impl FnOnce(&mut Metrics, &mut MetricIds) -> Result<R, Status>,
) -> Result<R, Status> {
    let vm = guest
        .worker
        .root(guest.place)
        .ok_or(Status::InternalFailure)?
        .vm;
    let worker = &mut *guest.worker;
    let books = worker.books.get_mut(vm).ok_or(Status::InternalFailure)?;
    work(&mut worker.metrics, &mut books.metric_ids)
}

fn define(
    caller: Caller<'_, Guest>,
    kind: u32,
    name_ptr: u32,
    name_len: u32,
    id_ptr: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_define_metric", |call| {
        let (memory, guest) = call.split()?;
        let name = String::from_utf8_lossy(memory::read(memory, name_ptr, name_len)?);
        guest.cost.bytes_copied += u64::from(name_len);
        let id = with_ids(guest, |metrics, ids| metrics.define(ids, kind, &name))?;
        Ok(call.put_u32(id_ptr, id)?)
    })
}

fn increment(caller: Caller<'_, Guest>, id: u32, by: i64) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_increment_metric", |call| {
        let guest = call.guest();
        let change = with_ids(guest, |metrics, ids| metrics.increment(ids, id, by))?;
        guest.worker.book_metric(change);
        Ok(())
    })
}

fn record(caller: Caller<'_, Guest>, id: u32, value: u64) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_record_metric", |call| {
        let guest = call.guest();
        let change = with_ids(guest, |metrics, ids| metrics.record(ids, id, value))?;
        guest.worker.book_metric(change);
        Ok(())
    })
}

fn get(caller: Caller<'_, Guest>, id: u32, value_ptr: u32) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_get_metric", |call| {
        let value = with_ids(call.guest(), |metrics, ids| metrics.get(ids, id))?;
        Ok(call.put_u64(value_ptr, value)?)
    })
}
