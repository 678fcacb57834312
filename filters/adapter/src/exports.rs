//! The callbacks that the host calls, its start-up, and the marker of the ABI.
//!
//! In Envoy each exported callback costs a call into the VM for every request,
//! needed or not: there are only those that a filter of ours can need. That is
//! also why the SDK is not used: it exports all of them, over a dispatcher of its
//! own, which alone is 60 KB of a module.

#![cfg_attr(
    target_family = "wasm",
    expect(
        unsafe_code,
        reason = "exporting under a fixed name is an unsafe attribute, and so is calling what the linker makes"
    )
)]
#![cfg_attr(
    not(target_family = "wasm"),
    allow(dead_code, reason = "only a host calls these")
)]

use std::cell::RefCell;

use crate::abi::Host;
use crate::arena;
use crate::filter::HttpFilter;
use crate::runtime::{Action, Callbacks, Runtime};

thread_local! {
    static RUNTIME: RefCell<Option<Box<dyn Callbacks>>> = const { RefCell::new(None) };
}

#[cfg(target_os = "wasi")]
unsafe extern "C" {
    fn __wasm_call_ctors();
}

/// Starts the module, with `F` as its filter: the body of its `_initialize`.
pub fn start<F: HttpFilter>() {
    #[cfg(target_os = "wasi")]
    // Sound: the linker makes this function, and the host calls `_initialize` once,
    // before anything else. Left out, the linker would call it on every export.
    unsafe {
        __wasm_call_ctors();
    }
    RUNTIME.set(Some(Box::new(Runtime::<F>::new())));
}

/// Says by its name alone which version of the ABI this module speaks.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
extern "C" fn proxy_abi_version_0_2_1() {}

/// Runs a callback; `otherwise` stands for a module without filter, and for a
/// host that calls back while a callback runs, which Envoy does not.
fn dispatch<R>(otherwise: R, callback: impl FnOnce(&mut dyn Callbacks, Host<'_>) -> R) -> R {
    RUNTIME.with(|runtime| match runtime.try_borrow_mut() {
        Ok(mut runtime) => match runtime.as_deref_mut() {
            Some(runtime) => Host::enter(|host| callback(runtime, host)),
            None => otherwise,
        },
        Err(_) => otherwise,
    })
}

#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    arena::allocate(size)
}

#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
extern "C" fn proxy_on_context_create(context: u32, parent: u32) {
    dispatch((), |runtime, _| runtime.on_context_create(context, parent));
}

#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
extern "C" fn proxy_on_configure(root: u32, size: usize) -> u32 {
    dispatch(0, |runtime, host| {
        runtime.on_configure(host, root, size).into()
    })
}

#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
extern "C" fn proxy_on_request_headers(stream: u32, _headers: u32, _end_of_stream: u32) -> u32 {
    dispatch(Action::Pause, |runtime, host| {
        runtime.on_request_headers(host, stream)
    }) as u32
}

#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
extern "C" fn proxy_on_response_headers(stream: u32, _headers: u32, _end_of_stream: u32) -> u32 {
    dispatch((), |runtime, host| {
        runtime.on_response_headers(host, stream);
    });
    Action::Continue as u32
}

#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
extern "C" fn proxy_on_http_call_response(
    _root: u32,
    token: u32,
    headers: usize,
    body_size: usize,
    _trailers: u32,
) {
    dispatch((), |runtime, host| {
        runtime.on_http_call_response(host, token, headers, body_size);
    });
}

#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
extern "C" fn proxy_on_grpc_receive(_root: u32, token: u32, size: usize) {
    dispatch((), |runtime, host| {
        runtime.on_grpc_receive(host, token, size);
    });
}

#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
extern "C" fn proxy_on_grpc_close(_root: u32, token: u32, status: u32) {
    dispatch((), |runtime, host| {
        runtime.on_grpc_close(host, token, status);
    });
}

#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
extern "C" fn proxy_on_tick(root: u32) {
    dispatch((), |runtime, host| runtime.on_tick(host, root));
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::{proxy_on_configure, proxy_on_request_headers};
    use crate::runtime::Action;

    #[test]
    fn a_module_without_a_filter_lets_nothing_pass() {
        assert_eq!(proxy_on_configure(1, 0), 0);
        assert_eq!(proxy_on_request_headers(2, 5, 1), Action::Pause as u32);
    }
}
