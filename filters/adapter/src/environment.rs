//! What the host gives by way of WASI: the environment of the VM, which is
//! `vmConfig.env` of a WasmPlugin, randomness, and a clock that is never set.
//!
//! Asked of WASI directly: the standard library's way is 5 KB of a module.

/// The value of a variable; `None` when it is not set or the host has no environment.
#[cfg(not(target_os = "wasi"))]
pub(crate) fn variable(_name: &str) -> Option<Vec<u8>> {
    None
}

/// The value of a variable; `None` when it is not set or the host has no environment.
#[cfg(target_os = "wasi")]
pub(crate) fn variable(name: &str) -> Option<Vec<u8>> {
    let all = wasi::all()?;
    value(&all, name).map(<[u8]>::to_vec)
}

/// A number that no client can know, and that differs between VMs; 0 where the host has
/// no randomness.
pub fn random_seed() -> u64 {
    #[cfg(target_os = "wasi")]
    let seed = wasi::random();
    #[cfg(not(target_os = "wasi"))]
    let seed = 0;
    seed
}

/// The time of a clock that only goes forward, in nanoseconds from whenever; `None` where
/// the host has no such clock.
pub(crate) fn monotonic_ns() -> Option<u64> {
    #[cfg(target_os = "wasi")]
    let now_ns = wasi::monotonic_ns();
    #[cfg(all(not(target_os = "wasi"), not(target_family = "wasm"), test))]
    let now_ns = crate::scripted_host::now_ns();
    #[cfg(all(not(target_os = "wasi"), any(target_family = "wasm", not(test))))]
    let now_ns = None;
    now_ns
}

/// Finds a variable among `NAME=value` entries, each with a NUL behind it.
#[cfg(any(target_os = "wasi", test))]
fn value<'e>(all: &'e [u8], name: &str) -> Option<&'e [u8]> {
    let mut entries = all.split(|&byte| byte == 0);
    entries.find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

#[cfg(target_os = "wasi")]
mod wasi {
    #![expect(
        unsafe_code,
        reason = "the functions of WASI write through pointers, here into live locals"
    )]

    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        fn environ_sizes_get(count: *mut usize, size: *mut usize) -> u16;
        fn environ_get(entries: *mut *mut u8, bytes: *mut u8) -> u16;
        fn random_get(bytes: *mut u8, size: usize) -> u16;
        fn clock_time_get(clock: u32, precision_ns: u64, time_ns: *mut u64) -> u16;
    }

    pub(super) fn random() -> u64 {
        let mut bytes = [0; 8];
        // Sound: the host writes as many bytes as there are. If it fails, zeros stay.
        let _ = unsafe { random_get(bytes.as_mut_ptr(), bytes.len()) };
        u64::from_le_bytes(bytes)
    }

    pub(super) fn monotonic_ns() -> Option<u64> {
        /// Number of the clock.
        const MONOTONIC: u32 = 1;
        let mut time_ns = 0;
        let status = unsafe { clock_time_get(MONOTONIC, 1, &raw mut time_ns) };
        (status == 0).then_some(time_ns)
    }

    /// Every entry, each with a NUL behind it.
    pub(super) fn all() -> Option<Vec<u8>> {
        let (mut count, mut size) = (0, 0);
        if unsafe { environ_sizes_get(&raw mut count, &raw mut size) } != 0 {
            return None;
        }
        let mut entries = vec![std::ptr::null_mut(); count];
        let mut bytes = vec![0; size];
        // Sound: the host writes `count` pointers and `size` bytes, as it just said.
        let status = unsafe { environ_get(entries.as_mut_ptr(), bytes.as_mut_ptr()) };
        (status == 0).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn a_variable_is_found_by_its_whole_name() {
        let all = b"MESHES=no\0MESH=east=1\0EMPTY=\0";
        assert_eq!(value(all, "MESH"), Some(&b"east=1"[..]));
        assert_eq!(value(all, "EMPTY"), Some(&b""[..]));
        assert_eq!(value(all, "MES"), None);
        assert_eq!(value(b"", "MESH"), None);
    }
}
