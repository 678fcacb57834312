//! The host functions of ABI 0.2.1, each returning a status and what it wrote.

use std::ptr;

/// A status and the value that came with it.
pub(crate) type Answer<T = ()> = (u32, T);

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, text: *const u8, size: usize) -> u32;
    fn proxy_get_log_level(level: *mut u32) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_get_status(code: *mut u32, text: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_buffer_bytes(
        kind: u32,
        start: usize,
        max: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_buffer_bytes(
        kind: u32,
        start: usize,
        length: usize,
        data: *const u8,
        size: usize,
    ) -> u32;
    fn proxy_get_buffer_status(kind: u32, length: *mut usize, flags: *mut u32) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_set_header_map_pairs(map: u32, data: *const u8, size: usize) -> u32;
    fn proxy_get_header_map_size(map: u32, size: *mut usize) -> u32;
    fn proxy_get_header_map_value(
        map: u32,
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_add_header_map_value(
        map: u32,
        key: *const u8,
        key_size: usize,
        value: *const u8,
        size: usize,
    ) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        key: *const u8,
        key_size: usize,
        value: *const u8,
        size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, key: *const u8, key_size: usize) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, size: usize) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_continue_stream(kind: u32) -> u32;
    fn proxy_close_stream(kind: u32) -> u32;
    fn proxy_http_call(
        cluster: *const u8,
        cluster_size: usize,
        headers: *const u8,
        headers_size: usize,
        body: *const u8,
        body_size: usize,
        trailers: *const u8,
        trailers_size: usize,
        timeout: i32,
        token: *mut u32,
    ) -> u32;
    fn proxy_grpc_call(
        service: *const u8,
        service_size: usize,
        name: *const u8,
        name_size: usize,
        method: *const u8,
        method_size: usize,
        metadata: *const u8,
        metadata_size: usize,
        message: *const u8,
        message_size: usize,
        timeout: u32,
        token: *mut u32,
    ) -> u32;
    fn proxy_grpc_send(token: u32, message: *const u8, size: usize, end: u32) -> u32;
    fn proxy_grpc_cancel(token: u32) -> u32;
    fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        value: *const u8,
        size: usize,
        cas: u32,
    ) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    fn proxy_register_shared_queue(name: *const u8, size: usize, queue: *mut u32) -> u32;
    fn proxy_resolve_shared_queue(
        vm: *const u8,
        vm_size: usize,
        name: *const u8,
        size: usize,
        queue: *mut u32,
    ) -> u32;
    fn proxy_enqueue_shared_queue(queue: u32, data: *const u8, size: usize) -> u32;
    fn proxy_dequeue_shared_queue(queue: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, size: usize, metric: *mut u32) -> u32;
    fn proxy_increment_metric(metric: u32, by: i64) -> u32;
    fn proxy_record_metric(metric: u32, value: u64) -> u32;
    fn proxy_get_metric(metric: u32, value: *mut u64) -> u32;
    fn proxy_set_effective_context(context: u32) -> u32;
    fn proxy_done() -> u32;
    fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        argument: *const u8,
        argument_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
}

/// Memory that the host fills through [`proxy_on_memory_allocate`], and an
/// `Answer` of it. The host allocated it as a boxed slice of exactly that size.
fn bytes(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Answer<Vec<u8>> {
    let mut data: *mut u8 = ptr::null_mut();
    let mut size = 0;
    let status = call(&raw mut data, &raw mut size);
    if data.is_null() {
        return (status, Vec::new());
    }
    // SAFETY: `data` came from `proxy_on_memory_allocate` with this size.
    let boxed = unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(data, size)) };
    (status, boxed.into_vec())
}

/// Hands the host memory of its own; see [`bytes`].
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    let memory: Box<[u8]> = vec![0; size].into_boxed_slice();
    Box::into_raw(memory).cast()
}

/// A number that the host writes.
fn number<T: Default>(call: impl FnOnce(*mut T) -> u32) -> Answer<T> {
    let mut value = T::default();
    let status = call(&raw mut value);
    (status, value)
}

/// Declares a safe function over a foreign one. Slices become pointer and size.
macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $kind:tt),*) = $foreign:ident;)*) => {
        $($(#[$doc])* pub(crate) fn $name($($argument: calls!(@type $kind)),*) -> Answer {
            calls!(@call $foreign [] $($argument: $kind),*)
        })*
    };
    (@type bytes) => { &[u8] };
    (@type $kind:tt) => { $kind };
    (@call $foreign:ident [$($done:expr),*]) => {
        // SAFETY: every pointer comes from a live slice with its size.
        (unsafe { $foreign($($done),*) }, ())
    };
    (@call $foreign:ident [$($done:expr),*] $argument:ident: bytes $(, $rest:ident: $kind:tt)*) => {
        calls!(@call $foreign [$($done,)* $argument.as_ptr(), $argument.len()] $($rest: $kind),*)
    };
    (@call $foreign:ident [$($done:expr),*] $argument:ident: $plain:tt $(, $rest:ident: $kind:tt)*) => {
        calls!(@call $foreign [$($done,)* $argument] $($rest: $kind),*)
    };
}

calls! {
    log(level: u32, text: bytes) = proxy_log;
    set_tick_period(period: u32) = proxy_set_tick_period_milliseconds;
    set_buffer(kind: u32, start: usize, length: usize, data: bytes) = proxy_set_buffer_bytes;
    set_pairs(map: u32, pairs: bytes) = proxy_set_header_map_pairs;
    add_header(map: u32, key: bytes, value: bytes) = proxy_add_header_map_value;
    replace_header(map: u32, key: bytes, value: bytes) = proxy_replace_header_map_value;
    remove_header(map: u32, key: bytes) = proxy_remove_header_map_value;
    set_property(path: bytes, value: bytes) = proxy_set_property;
    local_response(status: u32, details: bytes, body: bytes, headers: bytes, grpc_status: i32) = proxy_send_local_response;
    continue_stream(kind: u32) = proxy_continue_stream;
    close_stream(kind: u32) = proxy_close_stream;
    grpc_send(token: u32, message: bytes, end: u32) = proxy_grpc_send;
    grpc_cancel(token: u32) = proxy_grpc_cancel;
    set_shared(key: bytes, value: bytes, cas: u32) = proxy_set_shared_data;
    enqueue(queue: u32, data: bytes) = proxy_enqueue_shared_queue;
    increment_metric(metric: u32, by: i64) = proxy_increment_metric;
    record_metric(metric: u32, value: u64) = proxy_record_metric;
    set_effective_context(context: u32) = proxy_set_effective_context;
    done() = proxy_done;
}

pub(crate) fn log_level() -> Answer<u32> {
    // SAFETY: the pointer is to a live number; so in all that follow.
    number(|level| unsafe { proxy_get_log_level(level) })
}

pub(crate) fn status() -> Answer<(u32, Vec<u8>)> {
    let mut code = 0;
    let (status, text) = bytes(|data, size| unsafe { proxy_get_status(&raw mut code, data, size) });
    (status, (code, text))
}

pub(crate) fn get_buffer(kind: u32, start: usize, max: usize) -> Answer<Vec<u8>> {
    bytes(|data, size| unsafe { proxy_get_buffer_bytes(kind, start, max, data, size) })
}

pub(crate) fn buffer_status(kind: u32) -> Answer<(usize, u32)> {
    let mut flags = 0;
    let (status, length) =
        number(|length| unsafe { proxy_get_buffer_status(kind, length, &raw mut flags) });
    (status, (length, flags))
}

pub(crate) fn get_pairs(map: u32) -> Answer<Vec<u8>> {
    bytes(|data, size| unsafe { proxy_get_header_map_pairs(map, data, size) })
}

pub(crate) fn map_size(map: u32) -> Answer<usize> {
    number(|size| unsafe { proxy_get_header_map_size(map, size) })
}

pub(crate) fn get_header(map: u32, key: &[u8]) -> Answer<Vec<u8>> {
    bytes(|data, size| unsafe {
        proxy_get_header_map_value(map, key.as_ptr(), key.len(), data, size)
    })
}

pub(crate) fn get_property(path: &[u8]) -> Answer<Vec<u8>> {
    bytes(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) })
}

pub(crate) fn http_call(
    cluster: &[u8],
    headers: &[u8],
    body: &[u8],
    trailers: &[u8],
    timeout: i32,
) -> Answer<u32> {
    number(|token| unsafe {
        proxy_http_call(
            cluster.as_ptr(),
            cluster.len(),
            headers.as_ptr(),
            headers.len(),
            body.as_ptr(),
            body.len(),
            trailers.as_ptr(),
            trailers.len(),
            timeout,
            token,
        )
    })
}

pub(crate) fn grpc_call(
    service: &[u8],
    name: &[u8],
    method: &[u8],
    message: &[u8],
    timeout: u32,
) -> Answer<u32> {
    let metadata: [u8; 4] = [0; 4];
    number(|token| unsafe {
        proxy_grpc_call(
            service.as_ptr(),
            service.len(),
            name.as_ptr(),
            name.len(),
            method.as_ptr(),
            method.len(),
            metadata.as_ptr(),
            metadata.len(),
            message.as_ptr(),
            message.len(),
            timeout,
            token,
        )
    })
}

pub(crate) fn get_shared(key: &[u8]) -> Answer<(Vec<u8>, u32)> {
    let mut cas = 0;
    let (status, value) = bytes(|data, size| unsafe {
        proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &raw mut cas)
    });
    (status, (value, cas))
}

pub(crate) fn register_queue(name: &[u8]) -> Answer<u32> {
    number(|queue| unsafe { proxy_register_shared_queue(name.as_ptr(), name.len(), queue) })
}

pub(crate) fn resolve_queue(vm: &[u8], name: &[u8]) -> Answer<u32> {
    number(|queue| unsafe {
        proxy_resolve_shared_queue(vm.as_ptr(), vm.len(), name.as_ptr(), name.len(), queue)
    })
}

pub(crate) fn dequeue(queue: u32) -> Answer<Vec<u8>> {
    bytes(|data, size| unsafe { proxy_dequeue_shared_queue(queue, data, size) })
}

pub(crate) fn define_metric(kind: u32, name: &[u8]) -> Answer<u32> {
    number(|metric| unsafe { proxy_define_metric(kind, name.as_ptr(), name.len(), metric) })
}

pub(crate) fn get_metric(metric: u32) -> Answer<u64> {
    number(|value| unsafe { proxy_get_metric(metric, value) })
}

pub(crate) fn foreign(name: &[u8], argument: &[u8]) -> Answer<Vec<u8>> {
    bytes(|data, size| unsafe {
        proxy_call_foreign_function(
            name.as_ptr(),
            name.len(),
            argument.as_ptr(),
            argument.len(),
            data,
            size,
        )
    })
}

/// A header name far outside of memory.
pub(crate) fn wild_header() -> Answer {
    let mut size = 0;
    let mut data: *mut u8 = ptr::null_mut();
    let wild = ptr::without_provenance(0xffff_ff00);
    // SAFETY: the host must refuse the address; this side never reads it.
    let status = unsafe { proxy_get_header_map_value(0, wild, 16, &raw mut data, &raw mut size) };
    (status, ())
}

/// A read whose result has nowhere to go.
pub(crate) fn property_into_nowhere(path: &[u8]) -> Answer {
    // SAFETY: the host must cope with null; this side never reads it.
    let status =
        unsafe { proxy_get_property(path.as_ptr(), path.len(), ptr::null_mut(), ptr::null_mut()) };
    (status, ())
}

/// The pairs that the host wrote; nothing if they are malformed.
pub(crate) fn pairs_to_text(bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let count = read_u32(bytes, 0)?;
    let mut sizes = 4;
    let mut data = 4 + count * 8;
    let mut pairs = Vec::new();
    for _ in 0..count {
        let key = take(bytes, &mut data, read_u32(bytes, sizes)?)?;
        let value = take(bytes, &mut data, read_u32(bytes, sizes + 4)?)?;
        sizes += 8;
        pairs.push((key, value));
    }
    Some(pairs)
}

fn take<'a>(bytes: &'a [u8], at: &mut usize, size: usize) -> Option<&'a [u8]> {
    let taken = bytes.get(*at..*at + size)?;
    *at += size + 1;
    Some(taken)
}

fn read_u32(bytes: &[u8], at: usize) -> Option<usize> {
    let word: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(word)).ok()
}

/// Pairs as the ABI passes them: count, sizes, then data with a NUL after each.
pub(crate) fn encode_pairs(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = to_u32(pairs.len()).to_vec();
    for (key, value) in pairs {
        bytes.extend_from_slice(&to_u32(key.len()));
        bytes.extend_from_slice(&to_u32(value.len()));
    }
    for (key, value) in pairs {
        for part in [key, value] {
            bytes.extend_from_slice(part);
            bytes.push(0);
        }
    }
    bytes
}

fn to_u32(size: usize) -> [u8; 4] {
    u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes()
}
