//! The host calls, with every answer checked.
//!
//! The wrappers of the Rust SDK panic on a status they do not expect and on header
//! bytes that are not UTF-8; in a filter both would turn a client's odd request
//! into a trap of the whole VM. Here a status is a value, and bytes stay bytes.
//! What the host returns lies in the [`arena`] until the callback ends.

mod calls;
mod stream;

pub use calls::{GrpcCall, HttpCall, LocalReply};

use std::cell::Cell;
use std::marker::PhantomData;

use crate::arena;

/// Envoy's status codes for a host call that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostError {
    /// The thing asked for does not exist (status 1).
    NotFound,
    /// Any other status: the host could not or would not answer.
    Failed(u32),
}

/// Result of a host call.
pub type HostResult<T> = Result<T, HostError>;

/// Which header map a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderMap {
    /// Headers of the request.
    Request = 0,
    /// Headers of the response.
    Response = 2,
    /// Headers of a reply to an HTTP callout.
    CalloutResponse = 6,
}

/// Which byte buffer a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Buffer {
    /// Body of a reply to an HTTP callout.
    CalloutResponseBody = 4,
    /// Message of a gRPC callout.
    GrpcMessage = 5,
    /// pluginConfig; readable during `proxy_on_configure` only.
    PluginConfiguration = 7,
}

/// Kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Grows only.
    Counter = 0,
    /// Goes up and down.
    Gauge = 1,
}

/// What became of a write to shared data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The value is there now.
    Done,
    /// Another VM wrote since the number was read (status 7).
    Overtaken,
}

/// Level of a log line, in the host's numbering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Deciding rule of every request.
    Debug = 1,
    /// Things that happen seldom.
    Info = 2,
    /// Suspicious, but served.
    Warn = 3,
    /// Refused configuration and worse.
    Error = 4,
}

/// Declares the host functions. Off wasm there is no host: a scripted one stands in
/// for tests, and otherwise each answers "unimplemented".
macro_rules! host_functions {
    ($($name:ident($($argument:ident: $kind:ty),* $(,)?);)*) => {
        #[cfg(target_family = "wasm")]
        mod imports {
            #![expect(unsafe_code, reason = "the ABI of the host is declared here and called only below")]
            #[link(wasm_import_module = "env")]
            unsafe extern "C" {
                $(pub(super) fn $name($($argument: $kind),*) -> u32;)*
            }
        }
        #[cfg(all(not(target_family = "wasm"), not(test)))]
        mod imports {
            #![expect(unsafe_code, reason = "the stand-ins have the signatures of the host's functions")]
            #![expect(clippy::too_many_arguments, reason = "the ABI has as many")]
            /// The status of a host function that does not exist.
            const UNIMPLEMENTED: u32 = 12;
            $(pub(super) unsafe fn $name($(_: $kind),*) -> u32 {
                UNIMPLEMENTED
            })*
        }
    };
}

#[cfg(all(not(target_family = "wasm"), test))]
use crate::scripted_host::imports;

host_functions! {
    proxy_log(level: u32, data: *const u8, size: usize);
    proxy_set_tick_period_milliseconds(period_ms: u32);
    proxy_get_log_level(level: *mut u32);
    proxy_get_buffer_bytes(kind: u32, start: usize, max: usize, data: *mut *mut u8, size: *mut usize);
    proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize);
    proxy_get_header_map_value(map: u32, key: *const u8, key_size: usize, data: *mut *mut u8, size: *mut usize);
    proxy_add_header_map_value(map: u32, key: *const u8, key_size: usize, value: *const u8, value_size: usize);
    proxy_replace_header_map_value(map: u32, key: *const u8, key_size: usize, value: *const u8, value_size: usize);
    proxy_remove_header_map_value(map: u32, key: *const u8, key_size: usize);
    proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize);
    proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize);
    proxy_get_shared_data(key: *const u8, key_size: usize, data: *mut *mut u8, size: *mut usize, cas: *mut u32);
    proxy_set_shared_data(key: *const u8, key_size: usize, value: *const u8, value_size: usize, cas: u32);
    proxy_call_foreign_function(name: *const u8, name_size: usize, argument: *const u8, argument_size: usize, data: *mut *mut u8, size: *mut usize);
    proxy_get_current_time_nanoseconds(time: *mut u64);
    proxy_send_local_response(status: u32, details: *const u8, details_size: usize, body: *const u8, body_size: usize, headers: *const u8, headers_size: usize, grpc_status: i32);
    proxy_continue_stream(stream: u32);
    proxy_close_stream(stream: u32);
    proxy_http_call(cluster: *const u8, cluster_size: usize, headers: *const u8, headers_size: usize, body: *const u8, body_size: usize, trailers: *const u8, trailers_size: usize, timeout_ms: u32, token: *mut u32);
    proxy_grpc_call(service: *const u8, service_size: usize, service_name: *const u8, service_name_size: usize, method: *const u8, method_size: usize, metadata: *const u8, metadata_size: usize, message: *const u8, message_size: usize, timeout_ms: u32, token: *mut u32);
    proxy_define_metric(kind: u32, name: *const u8, size: usize, id: *mut u32);
    proxy_increment_metric(id: u32, offset: i64);
    proxy_record_metric(id: u32, value: u64);
    proxy_set_effective_context(context: u32);
}

/// Leave to call the host, for the length of one callback.
///
/// Bytes that the host returns live as long as the callback (`'cb`).
#[derive(Clone, Copy)]
pub struct Host<'cb> {
    callback: PhantomData<&'cb ()>,
}

thread_local! {
    /// The lowest level of log lines that the host keeps.
    static LOG_LEVEL: Cell<u32> = const { Cell::new(Level::Info as u32) };
}

fn check(status: u32) -> HostResult<()> {
    match status {
        0 => Ok(()),
        1 => Err(HostError::NotFound),
        other => Err(HostError::Failed(other)),
    }
}

#[expect(
    unsafe_code,
    reason = "each call passes pointers to live locals and slices with their own lengths"
)]
impl<'cb> Host<'cb> {
    /// Runs one callback: what the host returned in earlier ones is let go.
    pub(crate) fn enter<R>(callback: impl for<'any> FnOnce(Host<'any>) -> R) -> R {
        arena::reset();
        callback(Host {
            callback: PhantomData,
        })
    }

    /// Writes one line to the proxy's log.
    pub fn log(self, level: Level, message: &str) {
        // Nothing sensible can be done when even the log fails.
        let _ = unsafe { imports::proxy_log(level as u32, message.as_ptr(), message.len()) };
    }

    /// Whether lines of `level` reach the log, as of the last tick.
    pub fn logs(self, level: Level) -> bool {
        level as u32 >= LOG_LEVEL.get()
    }

    /// Asks the host which lines reach the log: it can be changed at any time, and
    /// asking for every request would cost as much as a header.
    #[expect(clippy::unused_self, reason = "whoever calls the host needs leave to")]
    pub(crate) fn refresh_log_level(self) {
        let mut threshold = Level::Info as u32;
        if unsafe { imports::proxy_get_log_level(&raw mut threshold) } == 0 {
            LOG_LEVEL.set(threshold);
        }
    }

    /// Has `proxy_on_tick` called again and again for the root context at hand.
    ///
    /// # Errors
    /// When the host has no timers.
    pub fn set_tick_period_ms(self, period_ms: u32) -> HostResult<()> {
        check(unsafe { imports::proxy_set_tick_period_milliseconds(period_ms) })
    }

    /// A whole buffer.
    ///
    /// # Errors
    /// `NotFound` outside the callback to which the buffer belongs.
    pub fn buffer(self, buffer: Buffer, size: usize) -> HostResult<&'cb [u8]> {
        Self::returned(|data, length| unsafe {
            imports::proxy_get_buffer_bytes(buffer as u32, 0, size, data, length)
        })
    }

    /// All lines of a header map, in the host's pair encoding.
    ///
    /// # Errors
    /// When there is no such map now.
    pub fn header_pairs(self, map: HeaderMap) -> HostResult<&'cb [u8]> {
        Self::returned(|data, length| unsafe {
            imports::proxy_get_header_map_pairs(map as u32, data, length)
        })
    }

    /// The **first** line of a header: right only for headers that cannot
    /// repeat, the pseudo-headers.
    ///
    /// # Errors
    /// `NotFound` when there is no such header.
    pub fn first_header(self, map: HeaderMap, name: &str) -> HostResult<&'cb [u8]> {
        Self::returned(|data, length| unsafe {
            imports::proxy_get_header_map_value(map as u32, name.as_ptr(), name.len(), data, length)
        })
    }

    /// Adds a header line.
    ///
    /// # Errors
    /// When the map cannot be written now.
    pub fn add_header(self, map: HeaderMap, name: &[u8], value: &[u8]) -> HostResult<()> {
        check(unsafe {
            imports::proxy_add_header_map_value(
                map as u32,
                name.as_ptr(),
                name.len(),
                value.as_ptr(),
                value.len(),
            )
        })
    }

    /// Replaces every line of a header by one.
    ///
    /// # Errors
    /// When the map cannot be written now.
    pub fn set_header(self, map: HeaderMap, name: &[u8], value: &[u8]) -> HostResult<()> {
        check(unsafe {
            imports::proxy_replace_header_map_value(
                map as u32,
                name.as_ptr(),
                name.len(),
                value.as_ptr(),
                value.len(),
            )
        })
    }

    /// Removes every line of a header.
    ///
    /// # Errors
    /// When the map cannot be written now.
    pub fn remove_header(self, map: HeaderMap, name: &[u8]) -> HostResult<()> {
        check(unsafe {
            imports::proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len())
        })
    }

    /// A property; `path` has its segments joined by NUL.
    ///
    /// # Errors
    /// `NotFound` when the host knows no such property or it has no value.
    pub fn property(self, path: &str) -> HostResult<&'cb [u8]> {
        Self::returned(|data, length| unsafe {
            imports::proxy_get_property(path.as_ptr(), path.len(), data, length)
        })
    }

    /// Keeps a value until the stream ends, for filters after this one too: they find
    /// it under the same `path`, or as `wasm.` and `path` in Envoy's filter state.
    ///
    /// # Errors
    /// When there is no stream, or the host made the property read-only.
    pub fn set_property(self, path: &str, value: &[u8]) -> HostResult<()> {
        check(unsafe {
            imports::proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len())
        })
    }

    /// A value that the VMs of all workers share, and the number to replace it by.
    ///
    /// # Errors
    /// `NotFound` when nobody has written it yet.
    pub fn shared_data(self, key: &str) -> HostResult<(&'cb [u8], u32)> {
        let mut cas = 0;
        let value = Self::returned(|data, length| unsafe {
            imports::proxy_get_shared_data(key.as_ptr(), key.len(), data, length, &raw mut cas)
        })?;
        Ok((value, cas))
    }

    /// Writes a value that the VMs of all workers share, if it is still the one that
    /// was read with the number `cas`. With 0, or where nothing is, it is written
    /// whatever others did.
    ///
    /// # Errors
    /// When the host shares no data.
    pub fn set_shared_data(self, key: &str, value: &[u8], cas: u32) -> HostResult<Written> {
        /// The status of a write that came too late.
        const CAS_MISMATCH: u32 = 7;
        let status = unsafe {
            imports::proxy_set_shared_data(
                key.as_ptr(),
                key.len(),
                value.as_ptr(),
                value.len(),
                cas,
            )
        };
        match check(status) {
            Err(HostError::Failed(CAS_MISMATCH)) => Ok(Written::Overtaken),
            other => other.map(|()| Written::Done),
        }
    }

    /// Calls a function that the host offers beyond the ABI.
    ///
    /// # Errors
    /// `NotFound` when the host has no function of that name.
    pub fn call_foreign_function(self, name: &str, argument: &[u8]) -> HostResult<&'cb [u8]> {
        Self::returned(|data, length| unsafe {
            imports::proxy_call_foreign_function(
                name.as_ptr(),
                name.len(),
                argument.as_ptr(),
                argument.len(),
                data,
                length,
            )
        })
    }

    /// The time of the proxy's clock, in nanoseconds since 1970.
    ///
    /// # Errors
    /// When the host has no clock.
    pub fn now_ns(self) -> HostResult<u64> {
        let mut time_ns = 0;
        check(unsafe { imports::proxy_get_current_time_nanoseconds(&raw mut time_ns) })?;
        Ok(time_ns)
    }

    /// The same in whole milliseconds.
    ///
    /// # Errors
    /// When the host has no clock.
    pub fn now_ms(self) -> HostResult<u64> {
        Ok(self.now_ns()? / 1_000_000)
    }

    /// Answers the request in place of the upstream, once the callback returns.
    ///
    /// # Errors
    /// When response headers have already been sent.
    pub fn reply(self, reply: &LocalReply<'_>) -> HostResult<()> {
        let headers = crate::pairs::encode(reply.headers);
        check(unsafe {
            imports::proxy_send_local_response(
                reply.status,
                reply.details.as_ptr(),
                reply.details.len(),
                reply.body.as_ptr(),
                reply.body.len(),
                headers.as_ptr(),
                headers.len(),
                reply.grpc_status.map_or(-1, i32::from),
            )
        })
    }

    /// Lets a paused request go on.
    ///
    /// # Errors
    /// When the stream is gone.
    pub fn resume_request(self) -> HostResult<()> {
        check(unsafe { imports::proxy_continue_stream(0) })
    }

    /// Resets the request: the last resort when a reply cannot be sent.
    ///
    /// # Errors
    /// When the stream is gone.
    pub fn reset_request(self) -> HostResult<()> {
        check(unsafe { imports::proxy_close_stream(0) })
    }

    /// Starts an HTTP callout; the token names its answer.
    ///
    /// # Errors
    /// When the cluster is unknown or a pseudo-header is missing.
    pub fn http_call(self, call: &HttpCall<'_>) -> HostResult<u32> {
        let headers = crate::pairs::encode(call.headers);
        let mut token = 0;
        check(unsafe {
            imports::proxy_http_call(
                call.cluster.as_ptr(),
                call.cluster.len(),
                headers.as_ptr(),
                headers.len(),
                call.body.as_ptr(),
                call.body.len(),
                std::ptr::null(),
                0,
                call.timeout_ms,
                &raw mut token,
            )
        })?;
        Ok(token)
    }

    /// Starts a unary gRPC callout; the token names its answer.
    ///
    /// # Errors
    /// When the cluster is unknown.
    pub fn grpc_call(self, call: &GrpcCall<'_>) -> HostResult<u32> {
        let metadata = crate::pairs::encode(call.metadata);
        let mut token = 0;
        check(unsafe {
            imports::proxy_grpc_call(
                call.service.as_ptr(),
                call.service.len(),
                call.service_name.as_ptr(),
                call.service_name.len(),
                call.method.as_ptr(),
                call.method.len(),
                metadata.as_ptr(),
                metadata.len(),
                call.message.as_ptr(),
                call.message.len(),
                call.timeout_ms,
                &raw mut token,
            )
        })?;
        Ok(token)
    }

    /// Defines a metric, or finds the one of that name.
    ///
    /// # Errors
    /// When the host has no metrics.
    pub fn define_metric(self, kind: MetricKind, name: &str) -> HostResult<u32> {
        let mut id = 0;
        check(unsafe {
            imports::proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &raw mut id)
        })?;
        Ok(id)
    }

    /// Adds to a metric.
    ///
    /// # Errors
    /// When the host does not know the metric.
    pub fn increment_metric(self, id: u32, offset: i64) -> HostResult<()> {
        check(unsafe { imports::proxy_increment_metric(id, offset) })
    }

    /// Sets a gauge.
    ///
    /// # Errors
    /// When the host does not know the metric.
    pub fn record_metric(self, id: u32, value: u64) -> HostResult<()> {
        check(unsafe { imports::proxy_record_metric(id, value) })
    }

    /// Makes `context` the one that the next calls are about.
    ///
    /// # Errors
    /// When the context is gone.
    pub fn set_effective_context(self, context: u32) -> HostResult<()> {
        check(unsafe { imports::proxy_set_effective_context(context) })
    }

    /// Calls a host function that returns bytes in the arena.
    fn returned(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> HostResult<&'cb [u8]> {
        let mut data = std::ptr::null_mut();
        let mut size = 0;
        check(call(&raw mut data, &raw mut size))?;
        if data.is_null() || size == 0 {
            return Ok(&[]);
        }
        // Sound: the host got `data` from `proxy_on_memory_allocate` for
        // `size` bytes, and the arena keeps them until the next callback.
        Ok(unsafe { std::slice::from_raw_parts(data, size) })
    }
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::{Buffer, HeaderMap, Host, HostError, Level, MetricKind, Written};
    use crate::scripted_host::{INTERNAL_FAILURE, calls, script};
    use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType, Status};

    /// The SDK is the reference for what the numbers of the ABI mean.
    #[test]
    fn numbers_mean_what_the_sdk_takes_them_for() {
        assert_eq!(
            HeaderMap::Request as u32,
            MapType::HttpRequestHeaders as u32
        );
        assert_eq!(
            HeaderMap::Response as u32,
            MapType::HttpResponseHeaders as u32
        );
        assert_eq!(
            HeaderMap::CalloutResponse as u32,
            MapType::HttpCallResponseHeaders as u32
        );
        assert_eq!(
            Buffer::CalloutResponseBody as u32,
            BufferType::HttpCallResponseBody as u32
        );
        assert_eq!(
            Buffer::GrpcMessage as u32,
            BufferType::GrpcReceiveBuffer as u32
        );
        assert_eq!(
            Buffer::PluginConfiguration as u32,
            BufferType::PluginConfiguration as u32
        );
        assert_eq!(MetricKind::Counter as u32, MetricType::Counter as u32);
        assert_eq!(MetricKind::Gauge as u32, MetricType::Gauge as u32);
        assert_eq!(Level::Debug as u32, LogLevel::Debug as u32);
        assert_eq!(Level::Info as u32, LogLevel::Info as u32);
        assert_eq!(Level::Warn as u32, LogLevel::Warn as u32);
        assert_eq!(Level::Error as u32, LogLevel::Error as u32);
        assert_eq!(Status::NotFound as u32, 1);
    }

    #[test]
    fn shared_data_comes_with_its_number_and_a_late_write_is_told_from_a_failed_one() {
        script(|host| {
            host.answers
                .insert("shared:k".to_owned(), Ok(b"v".to_vec()));
        });
        Host::enter(|host| {
            assert_eq!(host.shared_data("k"), Ok((&b"v"[..], 9)));
            assert_eq!(host.shared_data("none"), Err(HostError::NotFound));
        });
        let statuses = [
            (0, Ok(Written::Done)),
            (7, Ok(Written::Overtaken)),
            (INTERNAL_FAILURE, Err(HostError::Failed(INTERNAL_FAILURE))),
        ];
        for (status, written) in statuses {
            script(|host| {
                host.failures.insert("proxy_set_shared_data", status);
            });
            Host::enter(|host| assert_eq!(host.set_shared_data("k", b"v", 9), written));
            assert_eq!(calls(), ["proxy_set_shared_data k 9"]);
        }
    }

    #[test]
    fn a_foreign_function_that_the_host_lacks_is_not_found() {
        script(|host| {
            host.answers
                .insert("foreign:known:x".to_owned(), Ok(b"y".to_vec()));
        });
        Host::enter(|host| {
            assert_eq!(host.call_foreign_function("known", b"x"), Ok(&b"y"[..]));
            let unknown = host.call_foreign_function("unknown", b"x");
            assert_eq!(unknown, Err(HostError::NotFound));
        });
    }

    #[test]
    fn the_clock_may_be_missing() {
        script(|host| host.now_ns = Some(5));
        Host::enter(|host| assert_eq!(host.now_ns(), Ok(5)));
        script(|_| {});
        Host::enter(|host| assert!(host.now_ns().is_err()));
    }

    #[test]
    fn a_property_is_kept_under_its_path() {
        script(|_| {});
        Host::enter(|host| assert_eq!(host.set_property("a.b", b"c"), Ok(())));
        assert_eq!(calls(), ["proxy_set_property a.b c"]);
    }
}
