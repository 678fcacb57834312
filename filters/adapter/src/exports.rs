//! The callbacks that the host calls, its start-up, and the marker of the ABI.
//!
//! In Envoy each exported callback costs a call into the VM for every request,
//! needed or not: a module exports those that its filter names in [`main!`]. That
//! is also why the SDK is not used: it exports all of them, over a dispatcher of its
//! own, which alone is 60 KB of a module.
//!
//! [`main!`]: crate::main

#![cfg_attr(
    target_os = "wasi",
    expect(
        unsafe_code,
        reason = "what the linker makes can only be called in unsafe code"
    )
)]

use std::cell::RefCell;

use crate::abi::Host;
use crate::arena;
use crate::filter::HttpFilter;
use crate::runtime::{Action, Runtime};

#[cfg(target_os = "wasi")]
unsafe extern "C" {
    fn __wasm_call_ctors();
}

/// The body of `_initialize`.
pub fn initialize() {
    #[cfg(target_os = "wasi")]
    // Sound: the linker makes this function, and the host calls `_initialize` once,
    // before anything else. Left out, the linker would call it on every export.
    unsafe {
        __wasm_call_ctors();
    }
}

/// The body of `proxy_on_memory_allocate`.
pub fn allocate(size: usize) -> *mut u8 {
    arena::allocate(size)
}

/// The one filter of a module, behind the bodies of its callbacks.
pub struct Module<F: HttpFilter>(RefCell<Runtime<F>>);

impl<F: HttpFilter> Module<F> {
    /// Before any configuration.
    #[expect(
        clippy::new_without_default,
        reason = "a thread-local needs a constant, which a trait cannot give"
    )]
    pub const fn new() -> Self {
        Self(RefCell::new(Runtime::new()))
    }

    /// Runs a callback, then asks the requests held back that it woke, each with memory of
    /// its own. `otherwise` stands for a host that calls back while a callback runs,
    /// which Envoy does not.
    fn run<R>(&self, otherwise: R, callback: impl FnOnce(&mut Runtime<F>, Host<'_>) -> R) -> R {
        let Ok(mut runtime) = self.0.try_borrow_mut() else {
            return otherwise;
        };
        let result = Host::enter(|host| callback(&mut runtime, host));
        if F::HAS_ERRANDS || F::HAS_DELAYS {
            for (stream, why) in runtime.take_woken() {
                Host::enter(|host| runtime.ask_woken(host, stream, why));
            }
        }
        result
    }

    /// A context begins.
    pub fn on_context_create(&self, context: u32, parent: u32) {
        // Not by way of `run`: nothing is asked of the host.
        if let Ok(mut runtime) = self.0.try_borrow_mut() {
            runtime.on_context_create(context, parent);
        }
    }

    /// A root context is configured: whether that went well.
    pub fn on_configure(&self, root: u32, size: usize) -> u32 {
        self.run(0, |runtime, host| {
            runtime.on_configure(host, root, size).into()
        })
    }

    /// A request begins: what the host does with it.
    pub fn on_request_headers(&self, stream: u32) -> u32 {
        self.run(Action::Pause, |runtime, host| {
            runtime.on_request_headers(host, stream)
        }) as u32
    }

    /// A response begins: what the host does with it.
    pub fn on_response_headers(&self, stream: u32) -> u32 {
        self.run((), |runtime, host| {
            runtime.on_response_headers(host, stream);
        });
        Action::Continue as u32
    }

    /// A stream is over.
    pub fn on_log(&self, stream: u32) {
        self.run((), |runtime, host| runtime.on_log(host, stream));
    }

    /// An HTTP callout ended.
    pub fn on_http_call_response(&self, token: u32, headers: usize, body_size: usize) {
        self.run((), |runtime, host| {
            runtime.on_http_call_response(host, token, headers, body_size);
        });
    }

    /// A gRPC callout was answered.
    pub fn on_grpc_receive(&self, token: u32, size: usize) {
        self.run((), |runtime, host| {
            runtime.on_grpc_receive(host, token, size);
        });
    }

    /// A gRPC callout ended.
    pub fn on_grpc_close(&self, token: u32, status: u32) {
        self.run((), |runtime, host| {
            runtime.on_grpc_close(host, token, status);
        });
    }

    /// Time has passed.
    pub fn on_tick(&self, root: u32) {
        self.run((), |runtime, host| runtime.on_tick(host, root));
    }
}

/// Makes a filter the one of this module: the whole of a filter crate's entry.
///
/// Behind the filter stand the callbacks to export beside those that every filter
/// needs: `response_headers`, `http_call_response`, `grpc`, `log`, `tick`.
#[macro_export]
macro_rules! main {
    ($filter:ty; $($callback:ident),* $(,)?) => {
        /// What the host calls.
        mod entry {
            #![expect(
                unsafe_code,
                reason = "exporting under a fixed name is an unsafe attribute"
            )]
            use super::*;

            std::thread_local! {
                static MODULE: $crate::Module<$filter> = const { $crate::Module::new() };
            }

            /// Says by its name alone which version of the ABI this module speaks.
            #[unsafe(no_mangle)]
            extern "C" fn proxy_abi_version_0_2_1() {}

            #[unsafe(no_mangle)]
            extern "C" fn _initialize() {
                $crate::initialize();
            }

            #[unsafe(no_mangle)]
            extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
                $crate::allocate(size)
            }

            #[unsafe(no_mangle)]
            extern "C" fn proxy_on_context_create(context: u32, parent: u32) {
                MODULE.with(|module| module.on_context_create(context, parent));
            }

            #[unsafe(no_mangle)]
            extern "C" fn proxy_on_configure(root: u32, size: usize) -> u32 {
                MODULE.with(|module| module.on_configure(root, size))
            }

            #[unsafe(no_mangle)]
            extern "C" fn proxy_on_request_headers(stream: u32, _lines: u32, _end: u32) -> u32 {
                MODULE.with(|module| module.on_request_headers(stream))
            }

            $($crate::export! { $callback })*
        }
    };
}

/// Exports a callback that not every filter needs.
#[doc(hidden)]
#[macro_export]
macro_rules! export {
    (response_headers) => {
        #[unsafe(no_mangle)]
        extern "C" fn proxy_on_response_headers(stream: u32, _lines: u32, _end: u32) -> u32 {
            MODULE.with(|module| module.on_response_headers(stream))
        }
    };
    (http_call_response) => {
        #[unsafe(no_mangle)]
        extern "C" fn proxy_on_http_call_response(
            _root: u32,
            token: u32,
            headers: usize,
            body_size: usize,
            _trailers: u32,
        ) {
            MODULE.with(|module| module.on_http_call_response(token, headers, body_size));
        }
    };
    (grpc) => {
        #[unsafe(no_mangle)]
        extern "C" fn proxy_on_grpc_receive(_root: u32, token: u32, size: usize) {
            MODULE.with(|module| module.on_grpc_receive(token, size));
        }

        #[unsafe(no_mangle)]
        extern "C" fn proxy_on_grpc_close(_root: u32, token: u32, status: u32) {
            MODULE.with(|module| module.on_grpc_close(token, status));
        }
    };
    (log) => {
        #[unsafe(no_mangle)]
        extern "C" fn proxy_on_log(stream: u32) {
            MODULE.with(|module| module.on_log(stream));
        }
    };
    (tick) => {
        #[unsafe(no_mangle)]
        extern "C" fn proxy_on_tick(root: u32) {
            MODULE.with(|module| module.on_tick(root));
        }
    };
}
