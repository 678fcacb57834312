//! A host for tests: answers what a test tells it to, and notes what is done to it.

#![expect(
    unsafe_code,
    reason = "it stands in for functions of the ABI, which write through pointers"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::arena;

/// Statuses of the ABI.
pub(crate) const NOT_FOUND: u32 = 1;
/// The host could not do it.
pub(crate) const INTERNAL_FAILURE: u32 = 10;

/// What the host has, and what was done to it.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// Bytes by `function`, or `function:key` for headers and properties.
    pub(crate) answers: BTreeMap<String, Result<Vec<u8>, u32>>,
    /// Statuses of functions that return no bytes, by name or by name and argument;
    /// success if not said otherwise.
    pub(crate) failures: BTreeMap<&'static str, u32>,
    /// Functions that were called, with the text of their argument.
    pub(crate) calls: Vec<String>,
    /// The time, if there is a clock.
    pub(crate) now_ns: Option<u64>,
    /// HTTP calls so far.
    http_calls: u32,
}

thread_local! {
    static SCRIPT: RefCell<Script> = RefCell::new(Script::default());
}

/// Begins a test with a host of its own.
pub(crate) fn script(change: impl FnOnce(&mut Script)) {
    let mut script = Script::default();
    change(&mut script);
    SCRIPT.set(script);
}

/// What has been called, without log lines.
pub(crate) fn calls() -> Vec<String> {
    SCRIPT.with_borrow(|script| {
        let calls = script.calls.iter();
        calls
            .filter(|call| !call.starts_with("proxy_log"))
            .cloned()
            .collect()
    })
}

/// How many lines have been logged.
pub(crate) fn log_lines() -> usize {
    SCRIPT.with_borrow(|script| {
        let calls = script.calls.iter();
        calls.filter(|call| call.starts_with("proxy_log")).count()
    })
}

/// Notes a call and says how it ends.
pub(crate) fn act(function: &'static str, argument: &str) -> u32 {
    SCRIPT.with_borrow_mut(|script| {
        let call = format!("{function} {argument}").trim_end().to_owned();
        let failure = script.failures.get(call.as_str());
        let status = failure.or_else(|| script.failures.get(function)).copied();
        script.calls.push(call);
        status.unwrap_or(0)
    })
}

/// Answers with bytes, as the host does: into memory that the guest allocates.
pub(crate) fn answer(key: &str, data: *mut *mut u8, size: *mut usize) -> u32 {
    let found = SCRIPT.with_borrow(|script| script.answers.get(key).cloned());
    match found {
        None => NOT_FOUND,
        Some(Err(status)) => status,
        Some(Ok(bytes)) => {
            let memory = arena::allocate(bytes.len());
            // Sound: the arena gave room for that many bytes, and both pointers
            // are to locals of the caller.
            unsafe {
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len());
                data.write(memory);
                size.write(bytes.len());
            }
            0
        }
    }
}

/// The time of the script's clock.
pub(crate) fn now_ns() -> Option<u64> {
    SCRIPT.with_borrow(|script| script.now_ns)
}

/// Tokens go up by four, as Envoy's do.
pub(crate) fn next_token() -> u32 {
    SCRIPT.with_borrow_mut(|script| {
        script.http_calls += 1;
        script.http_calls * 4
    })
}

/// Goes on with the same host at another time.
pub(crate) fn set_now_ns(now_ns: u64) {
    SCRIPT.with_borrow_mut(|script| script.now_ns = Some(now_ns));
}

/// The text at a pointer that the guest passed.
pub(crate) fn text(data: *const u8, size: usize) -> String {
    // Sound: callers pass the pointer and length of one live slice.
    let bytes = unsafe { std::slice::from_raw_parts(data, size) };
    String::from_utf8_lossy(bytes).replace('\0', ".")
}

/// The functions of the ABI, answered from the script.
pub(crate) mod imports {
    #![expect(clippy::too_many_arguments, reason = "the ABI has as many")]

    use super::{act, answer, text};

    type Data = *mut *mut u8;
    type Size = *mut usize;

    pub(crate) unsafe fn proxy_log(_: u32, data: *const u8, size: usize) -> u32 {
        act("proxy_log", &text(data, size))
    }

    pub(crate) unsafe fn proxy_set_tick_period_milliseconds(period_ms: u32) -> u32 {
        act("proxy_set_tick_period_milliseconds", &period_ms.to_string())
    }

    pub(crate) unsafe fn proxy_get_log_level(_: *mut u32) -> u32 {
        act("proxy_get_log_level", "")
    }

    pub(crate) unsafe fn proxy_get_buffer_bytes(
        kind: u32,
        _: usize,
        most: usize,
        data: Data,
        size: Size,
    ) -> u32 {
        let status = answer(&format!("buffer:{kind}"), data, size);
        // Sound: both pointers are to locals of the caller, and a shorter piece of what is
        // there is there.
        unsafe { size.write(size.read().min(most)) };
        status
    }

    pub(crate) unsafe fn proxy_get_header_map_pairs(map: u32, data: Data, size: Size) -> u32 {
        answer(&format!("pairs:{map}"), data, size)
    }

    pub(crate) unsafe fn proxy_get_header_map_value(
        _: u32,
        key: *const u8,
        key_size: usize,
        data: Data,
        size: Size,
    ) -> u32 {
        answer(&format!("header:{}", text(key, key_size)), data, size)
    }

    pub(crate) unsafe fn proxy_add_header_map_value(
        _: u32,
        key: *const u8,
        key_size: usize,
        _: *const u8,
        _: usize,
    ) -> u32 {
        act("proxy_add_header_map_value", &text(key, key_size))
    }

    pub(crate) unsafe fn proxy_replace_header_map_value(
        _: u32,
        key: *const u8,
        key_size: usize,
        _: *const u8,
        _: usize,
    ) -> u32 {
        act("proxy_replace_header_map_value", &text(key, key_size))
    }

    pub(crate) unsafe fn proxy_remove_header_map_value(
        _: u32,
        key: *const u8,
        key_size: usize,
    ) -> u32 {
        act("proxy_remove_header_map_value", &text(key, key_size))
    }

    pub(crate) unsafe fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: Data,
        size: Size,
    ) -> u32 {
        answer(&format!("property:{}", text(path, path_size)), data, size)
    }

    pub(crate) unsafe fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32 {
        let argument = format!("{} {}", text(path, path_size), text(value, value_size));
        act("proxy_set_property", &argument)
    }

    /// The number of every value is 9.
    pub(crate) unsafe fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: Data,
        size: Size,
        cas: *mut u32,
    ) -> u32 {
        // Sound: the caller passes a pointer to a local of its own.
        unsafe { cas.write(9) };
        answer(&format!("shared:{}", text(key, key_size)), data, size)
    }

    pub(crate) unsafe fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        _: *const u8,
        _: usize,
        cas: u32,
    ) -> u32 {
        let argument = format!("{} {cas}", text(key, key_size));
        act("proxy_set_shared_data", &argument)
    }

    pub(crate) unsafe fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        argument: *const u8,
        argument_size: usize,
        data: Data,
        size: Size,
    ) -> u32 {
        let (name, argument) = (text(name, name_size), text(argument, argument_size));
        answer(&format!("foreign:{name}:{argument}"), data, size)
    }

    pub(crate) unsafe fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32 {
        let Some(now_ns) = super::now_ns() else {
            return super::INTERNAL_FAILURE;
        };
        // Sound: the caller passes a pointer to a local of its own.
        unsafe { time.write(now_ns) };
        0
    }

    pub(crate) unsafe fn proxy_record_metric(_: u32, value: u64) -> u32 {
        act("proxy_record_metric", &value.to_string())
    }

    pub(crate) unsafe fn proxy_send_local_response(
        status: u32,
        _: *const u8,
        _: usize,
        _: *const u8,
        _: usize,
        _: *const u8,
        _: usize,
        _: i32,
    ) -> u32 {
        act("proxy_send_local_response", &status.to_string())
    }

    pub(crate) unsafe fn proxy_continue_stream(_: u32) -> u32 {
        act("proxy_continue_stream", "")
    }

    pub(crate) unsafe fn proxy_close_stream(_: u32) -> u32 {
        act("proxy_close_stream", "")
    }

    pub(crate) unsafe fn proxy_http_call(
        cluster: *const u8,
        cluster_size: usize,
        _: *const u8,
        _: usize,
        _: *const u8,
        _: usize,
        _: *const u8,
        _: usize,
        _: u32,
        token: *mut u32,
    ) -> u32 {
        // Sound: the caller passes a pointer to a local of its own.
        unsafe { token.write(super::next_token()) };
        act("proxy_http_call", &text(cluster, cluster_size))
    }

    pub(crate) unsafe fn proxy_grpc_call(
        _: *const u8,
        _: usize,
        _: *const u8,
        _: usize,
        _: *const u8,
        _: usize,
        _: *const u8,
        _: usize,
        _: *const u8,
        _: usize,
        _: u32,
        _: *mut u32,
    ) -> u32 {
        act("proxy_grpc_call", "")
    }

    pub(crate) unsafe fn proxy_define_metric(
        _: u32,
        name: *const u8,
        size: usize,
        _: *mut u32,
    ) -> u32 {
        act("proxy_define_metric", &text(name, size))
    }

    pub(crate) unsafe fn proxy_increment_metric(_: u32, offset: i64) -> u32 {
        act("proxy_increment_metric", &offset.to_string())
    }

    pub(crate) unsafe fn proxy_set_effective_context(context: u32) -> u32 {
        act("proxy_set_effective_context", &context.to_string())
    }
}
