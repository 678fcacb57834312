//! Logging, time, ticks, contexts and status.

use super::{Answer, Call, confined_call, host_call};
use crate::agenda::Event;
use crate::guest::{Confinement, Guest};
use crate::memory;
use crate::outcome::LogLevel;
use crate::status::Status;
use crate::worker::Action;
use wasmtime::{Caller, Linker};

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_log", log)?;
    linker.func_wrap("env", "proxy_get_log_level", get_log_level)?;
    linker.func_wrap(
        "env",
        "proxy_get_current_time_nanoseconds",
        get_current_time_nanoseconds,
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_tick_period_milliseconds",
        set_tick_period_milliseconds,
    )?;
    linker.func_wrap("env", "proxy_set_effective_context", set_effective_context)?;
    linker.func_wrap("env", "proxy_done", done)?;
    linker.func_wrap("env", "proxy_get_status", get_status)?;
    linker.func_wrap("env", "proxy_get_configuration", get_configuration)?;
    linker.func_wrap("env", "pthread_equal", |left: u32, right: u32| {
        u32::from(left == right)
    })?;
    linker.func_wrap("env", "emscripten_notify_memory_growth", |_memory: u32| ())?;
    Ok(())
}

fn log(caller: Caller<'_, Guest>, level: u32, ptr: u32, len: u32) -> wasmtime::Result<u32> {
    confined_call(
        caller,
        "proxy_log",
        &[Confinement::Starting, Confinement::Allocating],
        |call| {
            let level = LogLevel::from_number(level).ok_or(Status::BadArgument)?;
            let (memory, guest) = call.split()?;
            let message = memory::read(memory, ptr, len)?;
            guest.cost.bytes_copied += u64::from(len);
            if level >= guest.worker.log_level {
                guest.worker.log(
                    guest.place,
                    level,
                    String::from_utf8_lossy(message).into_owned(),
                );
            }
            Ok(())
        },
    )
}

fn get_log_level(caller: Caller<'_, Guest>, level_ptr: u32) -> wasmtime::Result<u32> {
    confined_call(
        caller,
        "proxy_get_log_level",
        &[Confinement::Starting],
        |call| {
            let level = call.guest().worker.log_level as u32;
            Ok(call.put_u32(level_ptr, level)?)
        },
    )
}

fn get_current_time_nanoseconds(caller: Caller<'_, Guest>, time_ptr: u32) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_get_current_time_nanoseconds", |call| {
        let now_ns = call.guest().worker.now_ns;
        Ok(call.put_u64(time_ptr, now_ns)?)
    })
}

/// The timer starts anew with the period, whatever it was set to: Envoy makes a new
/// one.
fn set_tick_period_milliseconds(
    caller: Caller<'_, Guest>,
    period_ms: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_set_tick_period_milliseconds", |call| {
        let guest = call.guest();
        let (worker, plugin) = (&mut guest.worker, guest.place.plugin);
        let now_ns = worker.now_ns;
        let Some(root) = worker.roots.get_mut(plugin) else {
            return Ok(());
        };
        root.tick_ms = period_ms;
        root.tick_at_ns = None;
        if period_ms > 0 {
            let at_ns = now_ns + u64::from(period_ms) * 1_000_000;
            root.tick_at_ns = Some(at_ns);
            worker.agenda.add(at_ns, Event::Tick { plugin, at_ns });
        }
        Ok(())
    })
}

fn set_effective_context(caller: Caller<'_, Guest>, context_id: u32) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_set_effective_context", |call| {
        let guest = call.guest();
        let books = guest.worker.books(guest.place).ok_or(Status::BadArgument)?;
        let known = books
            .contexts
            .iter()
            .find(|known| known.context_id == context_id);
        guest.place = *known.ok_or(Status::BadArgument)?;
        Ok(())
    })
}

/// Only a root context that said it was not done yet can be done later.
fn done(caller: Caller<'_, Guest>) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_done", |call| {
        let guest = call.guest();
        let place = guest.place;
        let lingering =
            place.stream.is_none() && guest.worker.root(place).is_some_and(|root| root.lingering);
        if !lingering {
            return Err(Status::NotFound.into());
        }
        guest.worker.actions.push(Action::Done {
            plugin: place.plugin,
        });
        Ok(())
    })
}

fn get_status(
    caller: Caller<'_, Guest>,
    code_ptr: u32,
    message_ptr: u32,
    size_ptr: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_get_status", |call| {
        let guest = call.guest();
        let code = guest
            .worker
            .root(guest.place)
            .map_or(0, |root| root.status.0);
        call.put_u32(code_ptr, code)?;
        call.hand_over_with(message_ptr, size_ptr, |_, guest, out| {
            if let Some(root) = guest.worker.root(guest.place) {
                out.extend_from_slice(root.status.1.as_bytes());
            }
            Ok(())
        })
    })
}

/// ABI 0.1.0: the plugin's configuration during `on_configure`, the VM's at
/// any other time.
fn get_configuration(
    caller: Caller<'_, Guest>,
    address_ptr: u32,
    size_ptr: u32,
) -> wasmtime::Result<u32> {
    host_call(
        caller,
        "proxy_get_configuration",
        |call: &mut Call<'_>| -> Answer {
            call.hand_over_with(address_ptr, size_ptr, |_, guest, out| {
                if let Some(root) = guest.worker.root(guest.place) {
                    out.extend_from_slice(if root.configuring {
                        &root.configuration
                    } else {
                        &root.vm_configuration
                    });
                }
                Ok(())
            })
        },
    )
}
