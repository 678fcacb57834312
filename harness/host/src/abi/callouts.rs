//! HTTP and gRPC calls to other services. Every call is the root context's,
//! whichever context makes it.

use super::{Answer, Call, host_call};
use crate::callout::{GrpcCall, HttpCall};
use crate::exchange::Message;
use crate::guest::Guest;
use crate::headers::Headers;
use crate::status::Status;
use crate::{calls, memory, pairs};
use wasmtime::{Caller, Linker};

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_http_call", http_call)?;
    linker.func_wrap("env", "proxy_grpc_call", grpc_call)?;
    linker.func_wrap("env", "proxy_grpc_stream", grpc_stream)?;
    linker.func_wrap("env", "proxy_grpc_send", grpc_send)?;
    linker.func_wrap("env", "proxy_grpc_cancel", grpc_cancel)?;
    linker.func_wrap("env", "proxy_grpc_close", grpc_close)?;
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "the ABI's arguments")]
fn http_call(
    caller: Caller<'_, Guest>,
    cluster_ptr: u32,
    cluster_len: u32,
    headers_ptr: u32,
    headers_len: u32,
    body_ptr: u32,
    body_len: u32,
    trailers_ptr: u32,
    trailers_len: u32,
    timeout_ms: i32,
    token_ptr: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_http_call", |call| {
        let (memory, guest) = call.split()?;
        let cluster = memory::read(memory, cluster_ptr, cluster_len)?;
        let headers = memory::read(memory, headers_ptr, headers_len)?;
        let body = memory::read(memory, body_ptr, body_len)?;
        let trailers = memory::read(memory, trailers_ptr, trailers_len)?;
        // Envoy writes a zero token first, to learn early that it can.
        if !memory::contains(memory, token_ptr, 4) {
            return Err(Status::InvalidMemoryAccess.into());
        }
        let copied = [cluster_len, headers_len, body_len, trailers_len];
        guest.cost.bytes_copied += copied.into_iter().map(u64::from).sum::<u64>();
        let timeout_ms = u32::try_from(timeout_ms).map_err(|_| Status::BadArgument)?;
        let request = HttpCall {
            cluster: String::from_utf8_lossy(cluster).into_owned(),
            message: message(headers, body, trailers),
            timeout_ms,
        };
        let token = calls::http(&mut guest.worker, guest.place, &request)?;
        Ok(call.put_u32(token_ptr, token)?)
    })
}

/// Envoy adds the content length of a body itself.
fn message(headers: &[u8], body: &[u8], trailers: &[u8]) -> Message {
    let mut headers: Headers = pairs::decode(headers).into_iter().collect();
    if !body.is_empty() {
        headers.set("content-length", body.len().to_string());
    }
    let trailers: Headers = pairs::decode(trailers).into_iter().collect();
    Message {
        headers,
        body: if body.is_empty() {
            Vec::new()
        } else {
            vec![body.to_vec()]
        },
        trailers: Some(trailers).filter(|trailers| !trailers.is_empty()),
    }
}

#[expect(clippy::too_many_arguments, reason = "the ABI's arguments")]
fn grpc_call(
    caller: Caller<'_, Guest>,
    target_ptr: u32,
    target_len: u32,
    service_ptr: u32,
    service_len: u32,
    method_ptr: u32,
    method_len: u32,
    metadata_ptr: u32,
    metadata_len: u32,
    message_ptr: u32,
    message_len: u32,
    timeout_ms: u32,
    token_ptr: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_grpc_call", |call| {
        let opening = Opening {
            target: (target_ptr, target_len),
            service: (service_ptr, service_len),
            method: (method_ptr, method_len),
            metadata: (metadata_ptr, metadata_len),
            message: (message_ptr, message_len),
            timeout_ms: Some(timeout_ms),
        };
        open_grpc(call, &opening, token_ptr)
    })
}

#[expect(clippy::too_many_arguments, reason = "the ABI's arguments")]
fn grpc_stream(
    caller: Caller<'_, Guest>,
    target_ptr: u32,
    target_len: u32,
    service_ptr: u32,
    service_len: u32,
    method_ptr: u32,
    method_len: u32,
    metadata_ptr: u32,
    metadata_len: u32,
    token_ptr: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_grpc_stream", |call| {
        let opening = Opening {
            target: (target_ptr, target_len),
            service: (service_ptr, service_len),
            method: (method_ptr, method_len),
            metadata: (metadata_ptr, metadata_len),
            message: (0, 0),
            timeout_ms: None,
        };
        open_grpc(call, &opening, token_ptr)
    })
}

/// Where the arguments of a gRPC call lie.
struct Opening {
    target: (u32, u32),
    service: (u32, u32),
    method: (u32, u32),
    metadata: (u32, u32),
    message: (u32, u32),
    timeout_ms: Option<u32>,
}

fn open_grpc(call: &mut Call<'_>, opening: &Opening, token_ptr: u32) -> Answer {
    let (memory, guest) = call.split()?;
    let read = |(ptr, len)| memory::read(memory, ptr, len);
    let text = |place| read(place).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let target = read(opening.target)?;
    let mut request = GrpcCall {
        cluster: String::new(),
        service: text(opening.service)?,
        method: text(opening.method)?,
        metadata: pairs::decode(read(opening.metadata)?).into_iter().collect(),
        message: read(opening.message)?.to_vec(),
        timeout_ms: opening.timeout_ms,
    };
    request.cluster = calls::grpc_cluster(&guest.worker, target)?;
    guest.cost.bytes_copied += u64::from(opening.message.1) + u64::from(opening.metadata.1);
    let token = calls::grpc(&mut guest.worker, guest.place, &request)?;
    Ok(call.put_u32(token_ptr, token)?)
}

fn grpc_send(
    caller: Caller<'_, Guest>,
    token: u32,
    ptr: u32,
    len: u32,
    end: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_grpc_send", |call| {
        let (memory, guest) = call.split()?;
        let message = memory::read(memory, ptr, len)?;
        guest.cost.bytes_copied += u64::from(len);
        Ok(calls::send(
            &mut guest.worker,
            guest.place,
            token,
            message,
            end != 0,
        )?)
    })
}

fn grpc_cancel(caller: Caller<'_, Guest>, token: u32) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_grpc_cancel", |call| {
        let guest = call.guest();
        Ok(calls::cancel(&mut guest.worker, guest.place, token)?)
    })
}

fn grpc_close(caller: Caller<'_, Guest>, token: u32) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_grpc_close", |call| {
        let guest = call.guest();
        Ok(calls::close(&mut guest.worker, guest.place, token)?)
    })
}
