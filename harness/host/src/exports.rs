//! The callbacks that a module offers, found once.

use crate::guest::Guest;
use crate::module::AbiVersion;
use wasmtime::{Instance, Memory, Store, TypedFunc, WasmParams, WasmResults};

type Function<P, R> = Option<TypedFunc<P, R>>;

/// Every export that the host calls; names as in proxy-wasm without `proxy_`.
pub(crate) struct Exports {
    pub memory: Option<Memory>,
    pub allocator: Function<u32, u32>,
    pub initialize: Function<(), ()>,
    pub start: Function<(), ()>,
    pub main: Function<(u32, u32), u32>,
    pub main_void: Function<(), u32>,
    pub context_create: Function<(u32, u32), ()>,
    pub vm_start: Function<(u32, u32), u32>,
    pub validate_configuration: Function<(u32, u32), u32>,
    pub configure: Function<(u32, u32), u32>,
    pub tick: Function<u32, ()>,
    pub queue_ready: Function<(u32, u32), ()>,
    pub done: Function<u32, u32>,
    pub log: Function<u32, ()>,
    pub delete: Function<u32, ()>,
    pub request_headers: HeadersCallback,
    pub request_body: Function<(u32, u32, u32), u32>,
    pub request_trailers: Function<(u32, u32), u32>,
    pub response_headers: HeadersCallback,
    pub response_body: Function<(u32, u32, u32), u32>,
    pub response_trailers: Function<(u32, u32), u32>,
    pub http_call_response: Function<(u32, u32, u32, u32, u32), ()>,
    pub grpc_receive_initial_metadata: Function<(u32, u32, u32), ()>,
    pub grpc_receive: Function<(u32, u32, u32), ()>,
    pub grpc_receive_trailing_metadata: Function<(u32, u32, u32), ()>,
    pub grpc_close: Function<(u32, u32, u32), ()>,
}

/// ABI 0.1.0 does not tell whether the stream ends with the headers.
pub(crate) struct HeadersCallback {
    pub with_end: Function<(u32, u32, u32), u32>,
    pub without_end: Function<(u32, u32), u32>,
}

/// Looks exports up, and refuses one whose type is not the ABI's.
struct Finder<'a> {
    store: &'a mut Store<Guest>,
    instance: &'a Instance,
}

impl Finder<'_> {
    fn find<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &str,
    ) -> wasmtime::Result<Function<P, R>> {
        match self.instance.get_func(&mut *self.store, name) {
            None => Ok(None),
            Some(function) => match function.typed(&*self.store) {
                Ok(function) => Ok(Some(function)),
                Err(error) => Err(wasmtime::Error::msg(format!("export {name}: {error}"))),
            },
        }
    }

    fn headers(&mut self, name: &str, abi: AbiVersion) -> wasmtime::Result<HeadersCallback> {
        let legacy = abi == AbiVersion::V0_1_0;
        let with_end = if legacy { None } else { self.find(name)? };
        let without_end = if legacy { self.find(name)? } else { None };
        Ok(HeadersCallback {
            with_end,
            without_end,
        })
    }

    /// Envoy looks for `malloc` first.
    fn allocator(&mut self) -> wasmtime::Result<Function<u32, u32>> {
        match self.find("malloc")? {
            Some(function) => Ok(Some(function)),
            None => self.find("proxy_on_memory_allocate"),
        }
    }
}

impl Exports {
    /// Finds every export of `instance`.
    pub(crate) fn find(
        store: &mut Store<Guest>,
        instance: &Instance,
        abi: AbiVersion,
    ) -> wasmtime::Result<Self> {
        let memory = instance.get_memory(&mut *store, "memory");
        let mut finder = Finder { store, instance };
        Ok(Self {
            memory,
            allocator: finder.allocator()?,
            initialize: finder.find("_initialize")?,
            start: finder.find("_start")?,
            main: finder.find("main")?,
            main_void: finder.find("__main_void")?,
            context_create: finder.find("proxy_on_context_create")?,
            vm_start: finder.find("proxy_on_vm_start")?,
            validate_configuration: finder.find("proxy_validate_configuration")?,
            configure: finder.find("proxy_on_configure")?,
            tick: finder.find("proxy_on_tick")?,
            queue_ready: finder.find("proxy_on_queue_ready")?,
            done: finder.find("proxy_on_done")?,
            log: finder.find("proxy_on_log")?,
            delete: finder.find("proxy_on_delete")?,
            request_headers: finder.headers("proxy_on_request_headers", abi)?,
            request_body: finder.find("proxy_on_request_body")?,
            request_trailers: finder.find("proxy_on_request_trailers")?,
            response_headers: finder.headers("proxy_on_response_headers", abi)?,
            response_body: finder.find("proxy_on_response_body")?,
            response_trailers: finder.find("proxy_on_response_trailers")?,
            http_call_response: finder.find("proxy_on_http_call_response")?,
            grpc_receive_initial_metadata: finder.find("proxy_on_grpc_receive_initial_metadata")?,
            grpc_receive: finder.find("proxy_on_grpc_receive")?,
            grpc_receive_trailing_metadata: finder
                .find("proxy_on_grpc_receive_trailing_metadata")?,
            grpc_close: finder.find("proxy_on_grpc_close")?,
        })
    }
}
