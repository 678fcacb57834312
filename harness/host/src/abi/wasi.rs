//! WASI preview 1, as much of it as Envoy offers: the log, the environment,
//! the clock and random bytes work; files and sockets answer that they do not.

use super::{Call, Refusal, admit};
use crate::guest::{Confinement, Guest};
use crate::memory;
use crate::outcome::LogLevel;
use crate::status::Status;
use wasmtime::{Caller, Linker};

/// Old and new name of the module.
const MODULES: [&str; 2] = ["wasi_snapshot_preview1", "wasi_unstable"];

const SUCCESS: u32 = 0;
const BADF: u32 = 8;
const FAULT: u32 = 21;
const INVAL: u32 = 28;
const NOENT: u32 = 44;
const NOSYS: u32 = 52;
const NOTSUP: u32 = 58;

/// Most random bytes of one call (`limits.h` of the C++ host).
const MAX_RANDOM_BYTES: u32 = 64 * 1024;

const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;

/// `fs_rights_base` of standard output and error: only `fd_write`.
const RIGHTS_FD_WRITE: u64 = 64;

const EARLY: &[Confinement] = &[Confinement::Starting];
const EARLY_AND_ALLOCATING: &[Confinement] = &[Confinement::Starting, Confinement::Allocating];

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    for module in MODULES {
        link_working(linker, module)?;
        link_files(linker, module)?;
        link_paths(linker, module)?;
    }
    Ok(())
}

fn link_working(linker: &mut Linker<Guest>, module: &str) -> wasmtime::Result<()> {
    linker.func_wrap(
        module,
        "args_get",
        |caller: Caller<'_, Guest>, _: u32, _: u32| answer(caller, "args_get", EARLY, |_| Ok(())),
    )?;
    linker.func_wrap(module, "args_sizes_get", args_sizes_get)?;
    linker.func_wrap(module, "environ_get", environ_get)?;
    linker.func_wrap(module, "environ_sizes_get", environ_sizes_get)?;
    linker.func_wrap(module, "clock_time_get", clock_time_get)?;
    linker.func_wrap(module, "clock_res_get", clock_res_get)?;
    linker.func_wrap(module, "random_get", random_get)?;
    linker.func_wrap(module, "fd_write", fd_write)?;
    linker.func_wrap(module, "fd_fdstat_get", fd_fdstat_get)?;
    linker.func_wrap(module, "poll_oneoff", poll_oneoff)?;
    linker.func_wrap(module, "proc_exit", proc_exit)?;
    linker.func_wrap(module, "sched_yield", || SUCCESS)?;
    Ok(())
}

/// Functions on files: each with the one answer that Envoy gives.
fn link_files(linker: &mut Linker<Guest>, module: &str) -> wasmtime::Result<()> {
    linker.func_wrap(module, "fd_advise", |_: u32, _: u64, _: u64, _: u32| NOTSUP)?;
    linker.func_wrap(module, "fd_allocate", |_: u32, _: u64, _: u64| NOTSUP)?;
    linker.func_wrap(module, "fd_close", |caller: Caller<'_, Guest>, _: u32| {
        complain(caller, "fd_close")
    })?;
    linker.func_wrap(module, "fd_datasync", |_: u32| NOTSUP)?;
    linker.func_wrap(module, "fd_fdstat_set_flags", |_: u32, _: u32| NOSYS)?;
    linker.func_wrap(module, "fd_fdstat_set_rights", |_: u32, _: u64, _: u64| {
        NOTSUP
    })?;
    linker.func_wrap(module, "fd_filestat_get", |_: u32, _: u32| NOTSUP)?;
    linker.func_wrap(module, "fd_filestat_set_size", |_: u32, _: u64| NOTSUP)?;
    linker.func_wrap(
        module,
        "fd_filestat_set_times",
        |_: u32, _: u64, _: u64, _: u32| NOTSUP,
    )?;
    linker.func_wrap(
        module,
        "fd_pread",
        |_: u32, _: u32, _: u32, _: u64, _: u32| NOTSUP,
    )?;
    linker.func_wrap(module, "fd_prestat_get", |_: u32, _: u32| BADF)?;
    linker.func_wrap(module, "fd_prestat_dir_name", |_: u32, _: u32, _: u32| {
        NOTSUP
    })?;
    linker.func_wrap(
        module,
        "fd_pwrite",
        |_: u32, _: u32, _: u32, _: u64, _: u32| NOTSUP,
    )?;
    linker.func_wrap(module, "fd_read", |_: u32, _: u32, _: u32, _: u32| NOSYS)?;
    linker.func_wrap(
        module,
        "fd_readdir",
        |_: u32, _: u32, _: u32, _: u64, _: u32| NOTSUP,
    )?;
    linker.func_wrap(module, "fd_renumber", |_: u32, _: u32| NOTSUP)?;
    linker.func_wrap(
        module,
        "fd_seek",
        |caller: Caller<'_, Guest>, _: u32, _: u64, _: u32, _: u32| complain(caller, "fd_seek"),
    )?;
    linker.func_wrap(module, "fd_sync", |_: u32| NOTSUP)?;
    linker.func_wrap(module, "fd_tell", |_: u32, _: u32| NOTSUP)?;
    Ok(())
}

/// Functions on paths and sockets.
fn link_paths(linker: &mut Linker<Guest>, module: &str) -> wasmtime::Result<()> {
    linker.func_wrap(module, "path_create_directory", |_: u32, _: u32, _: u32| {
        NOTSUP
    })?;
    linker.func_wrap(
        module,
        "path_filestat_get",
        |_: u32, _: u32, _: u32, _: u32, _: u32| NOTSUP,
    )?;
    linker.func_wrap(
        module,
        "path_filestat_set_times",
        |_: u32, _: u32, _: u32, _: u32, _: u64, _: u64, _: u32| NOTSUP,
    )?;
    linker.func_wrap(
        module,
        "path_link",
        |_: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32| NOTSUP,
    )?;
    linker.func_wrap(
        module,
        "path_open",
        |_: u32, _: u32, _: u32, _: u32, _: u32, _: u64, _: u64, _: u32, _: u32| NOENT,
    )?;
    linker.func_wrap(
        module,
        "path_readlink",
        |_: u32, _: u32, _: u32, _: u32, _: u32, _: u32| NOTSUP,
    )?;
    linker.func_wrap(module, "path_remove_directory", |_: u32, _: u32, _: u32| {
        NOTSUP
    })?;
    linker.func_wrap(
        module,
        "path_rename",
        |_: u32, _: u32, _: u32, _: u32, _: u32, _: u32| NOTSUP,
    )?;
    linker.func_wrap(
        module,
        "path_symlink",
        |_: u32, _: u32, _: u32, _: u32, _: u32| NOTSUP,
    )?;
    linker.func_wrap(module, "path_unlink_file", |_: u32, _: u32, _: u32| NOTSUP)?;
    linker.func_wrap(module, "sock_accept", |_: u32, _: u32, _: u32| NOTSUP)?;
    linker.func_wrap(
        module,
        "sock_recv",
        |_: u32, _: u32, _: u32, _: u32, _: u32, _: u32| NOTSUP,
    )?;
    linker.func_wrap(
        module,
        "sock_send",
        |_: u32, _: u32, _: u32, _: u32, _: u32| NOTSUP,
    )?;
    linker.func_wrap(module, "sock_shutdown", |_: u32, _: u32| NOTSUP)?;
    Ok(())
}

/// Runs one function; `Err` is a WASI error number.
fn answer(
    mut caller: Caller<'_, Guest>,
    name: &str,
    allowed: &[Confinement],
    body: impl FnOnce(&mut Call<'_>) -> Result<(), u32>,
) -> wasmtime::Result<u32> {
    admit(&mut caller, name, allowed)?;
    Ok(body(&mut Call { caller }).err().unwrap_or(SUCCESS))
}

/// Whatever goes wrong with memory is a fault.
fn fault<E: Into<Refusal>>(_: E) -> u32 {
    FAULT
}

fn args_sizes_get(
    caller: Caller<'_, Guest>,
    count_ptr: u32,
    size_ptr: u32,
) -> wasmtime::Result<u32> {
    answer(caller, "args_sizes_get", EARLY, |call| {
        call.put_u32(count_ptr, 0).map_err(fault)?;
        call.put_u32(size_ptr, 0).map_err(fault)
    })
}

fn environ_sizes_get(
    caller: Caller<'_, Guest>,
    count_ptr: u32,
    size_ptr: u32,
) -> wasmtime::Result<u32> {
    answer(caller, "environ_sizes_get", EARLY, |call| {
        let environment = &call.guest().environment;
        let count = u32::try_from(environment.len()).map_err(|_| FAULT)?;
        let size = environment.iter().map(Vec::len).sum::<usize>();
        let size = u32::try_from(size).map_err(|_| FAULT)?;
        call.put_u32(count_ptr, count).map_err(fault)?;
        call.put_u32(size_ptr, size).map_err(fault)
    })
}

fn environ_get(
    caller: Caller<'_, Guest>,
    mut array_ptr: u32,
    mut buffer_ptr: u32,
) -> wasmtime::Result<u32> {
    answer(caller, "environ_get", EARLY, |call| {
        let (memory, guest) = call.split().map_err(fault)?;
        for variable in &guest.environment {
            memory::write(memory, array_ptr, &buffer_ptr.to_le_bytes()).map_err(fault)?;
            memory::write(memory, buffer_ptr, variable).map_err(fault)?;
            let len = u32::try_from(variable.len()).map_err(|_| FAULT)?;
            array_ptr = array_ptr.checked_add(4).ok_or(FAULT)?;
            buffer_ptr = buffer_ptr.checked_add(len).ok_or(FAULT)?;
        }
        Ok(())
    })
}

/// Both clocks are the virtual one.
fn clock_time_get(
    caller: Caller<'_, Guest>,
    clock: u32,
    _precision: u64,
    time_ptr: u32,
) -> wasmtime::Result<u32> {
    answer(caller, "clock_time_get", EARLY, |call| {
        if !matches!(clock, REALTIME | MONOTONIC) {
            return Err(NOTSUP);
        }
        let now_ns = call.guest().worker.now_ns;
        call.put_u64(time_ptr, now_ns).map_err(fault)
    })
}

fn clock_res_get(
    caller: Caller<'_, Guest>,
    clock: u32,
    resolution_ptr: u32,
) -> wasmtime::Result<u32> {
    answer(caller, "clock_res_get", EARLY, |call| {
        if !matches!(clock, REALTIME | MONOTONIC) {
            return Err(NOTSUP);
        }
        call.put_u64(resolution_ptr, 1).map_err(fault)
    })
}

fn random_get(caller: Caller<'_, Guest>, ptr: u32, len: u32) -> wasmtime::Result<u32> {
    answer(caller, "random_get", EARLY, |call| {
        if len > MAX_RANDOM_BYTES {
            return Err(INVAL);
        }
        let mut bytes = vec![0; usize::try_from(len).map_err(|_| INVAL)?];
        call.guest().worker.random.fill(&mut bytes);
        call.put(ptr, &bytes).map_err(fault)
    })
}

/// Standard output is the log at level info, standard error at level error.
/// One newline at the end is cut off.
fn fd_write(
    caller: Caller<'_, Guest>,
    fd: u32,
    vectors: u32,
    count: u32,
    written_ptr: u32,
) -> wasmtime::Result<u32> {
    answer(caller, "fd_write", EARLY_AND_ALLOCATING, |call| {
        let level = match fd {
            1 => LogLevel::Info,
            2 => LogLevel::Error,
            _ => return Err(BADF),
        };
        let (memory, guest) = call.split().map_err(fault)?;
        let text = gather(memory, vectors, count).map_err(fault)?;
        let written = u32::try_from(text.len()).map_err(|_| FAULT)?;
        guest.cost.bytes_copied += u64::from(written);
        if written > 0 {
            let line = text.strip_suffix(b"\n").unwrap_or(&text);
            guest.worker.log(
                guest.place,
                level,
                String::from_utf8_lossy(line).into_owned(),
            );
        }
        call.put_u32(written_ptr, written).map_err(fault)
    })
}

/// The bytes of `count` vectors. What overlaps counts again, so the sum is
/// bounded by the guest's whole memory to keep a small guest from filling the
/// host's.
fn gather(memory: &[u8], vectors: u32, count: u32) -> Result<Vec<u8>, Status> {
    let mut text = Vec::new();
    for index in 0..count {
        let vector = index
            .checked_mul(8)
            .and_then(|offset| vectors.checked_add(offset));
        let vector = vector.ok_or(Status::InvalidMemoryAccess)?;
        let ptr = memory::read_u32(memory, vector)?;
        let len = memory::read_u32(
            memory,
            vector.checked_add(4).ok_or(Status::InvalidMemoryAccess)?,
        )?;
        text.extend_from_slice(memory::read(memory, ptr, len)?);
        if text.len() > memory.len() {
            return Err(Status::InvalidMemoryAccess);
        }
    }
    Ok(text)
}

fn fd_fdstat_get(caller: Caller<'_, Guest>, fd: u32, stat_ptr: u32) -> wasmtime::Result<u32> {
    answer(caller, "fd_fdstat_get", EARLY, |call| {
        if !matches!(fd, 1 | 2) {
            return Err(BADF);
        }
        let mut stat = [0; 24];
        for (place, byte) in stat.iter_mut().skip(8).zip(RIGHTS_FD_WRITE.to_le_bytes()) {
            *place = byte;
        }
        // Envoy does not look whether the write succeeds.
        let _ = call.put(stat_ptr, &stat);
        Ok(())
    })
}

/// No event ever happens.
fn poll_oneoff(
    caller: Caller<'_, Guest>,
    _in: u32,
    _out: u32,
    _count: u32,
    events_ptr: u32,
) -> wasmtime::Result<u32> {
    answer(caller, "poll_oneoff", &[], |call| {
        call.put_u32(events_ptr, 0).map_err(fault)
    })
}

/// Logged, and otherwise without effect.
fn proc_exit(caller: Caller<'_, Guest>, _code: u32) -> wasmtime::Result<()> {
    complain(caller, "proc_exit").map(|_| ())
}

fn complain(mut caller: Caller<'_, Guest>, name: &str) -> wasmtime::Result<u32> {
    admit(&mut caller, name, EARLY)?;
    let guest = caller.data_mut();
    // The C++ host hands these to Envoy's `error`, which logs at level trace.
    guest.worker.log(
        guest.place,
        LogLevel::Trace,
        format!("wasi_unstable {name}"),
    );
    Ok(SUCCESS)
}
