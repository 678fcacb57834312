//! Steering the stream: go on, close, answer.

use super::host_call;
use crate::guest::Guest;
use crate::status::Status;
use crate::stream::{BodyView, Direction};
use crate::worker::{Action, LocalReply, Place, Worker};
use crate::{memory, pairs};
use wasmtime::{Caller, Linker};

/// `WasmStreamType`.
const REQUEST: u32 = 0;
const RESPONSE: u32 = 1;
const LAST: u32 = 3;

/// gRPC statuses that a local reply can carry; others count as unset, and
/// SDKs use -1 for that.
const LAST_GRPC_STATUS: u32 = 16;

pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_continue_stream", continue_stream)?;
    linker.func_wrap("env", "proxy_close_stream", close_stream)?;
    linker.func_wrap("env", "proxy_send_local_response", send_local_response)?;
    linker.func_wrap(
        "env",
        "proxy_continue_request",
        |caller: Caller<'_, Guest>| continue_stream(caller, REQUEST),
    )?;
    linker.func_wrap(
        "env",
        "proxy_continue_response",
        |caller: Caller<'_, Guest>| continue_stream(caller, RESPONSE),
    )?;
    linker.func_wrap("env", "proxy_clear_route_cache", clear_route_cache)?;
    Ok(())
}

fn continue_stream(caller: Caller<'_, Guest>, kind: u32) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_continue_stream", |call| {
        let guest = call.guest();
        let direction = match kind {
            REQUEST => Direction::Request,
            RESPONSE => Direction::Response,
            _ => return Err(Status::BadArgument.into()),
        };
        if guest.place.stream.is_some() {
            guest.worker.actions.push(Action::Continue {
                place: guest.place,
                direction,
            });
            forget_request(&mut guest.worker, guest.place);
        }
        Ok(())
    })
}

/// Envoy forgets the request's maps whichever direction goes on.
fn forget_request(worker: &mut Worker, place: Place) {
    let Some(stream) = place.stream.and_then(|index| worker.stream_mut(index)) else {
        return;
    };
    let Some(seat) = stream.seats.get_mut(place.plugin) else {
        return;
    };
    seat.request.headers = false;
    seat.request.trailers = false;
    seat.request.body = BodyView::Nothing;
}

fn close_stream(caller: Caller<'_, Guest>, kind: u32) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_close_stream", |call| {
        if kind > LAST {
            return Err(Status::BadArgument.into());
        }
        let guest = call.guest();
        if kind <= RESPONSE && guest.place.stream.is_some() {
            guest
                .worker
                .actions
                .push(Action::Reset { place: guest.place });
        }
        Ok(())
    })
}

#[expect(clippy::too_many_arguments, reason = "the ABI's arguments")]
fn send_local_response(
    caller: Caller<'_, Guest>,
    status: u32,
    details_ptr: u32,
    details_len: u32,
    body_ptr: u32,
    body_len: u32,
    headers_ptr: u32,
    headers_len: u32,
    grpc_status: u32,
) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_send_local_response", |call| {
        let (memory, guest) = call.split()?;
        let details = memory::read(memory, details_ptr, details_len)?;
        let body = memory::read(memory, body_ptr, body_len)?;
        let headers = pairs::decode(memory::read(memory, headers_ptr, headers_len)?);
        guest.cost.bytes_copied +=
            u64::from(details_len) + u64::from(body_len) + u64::from(headers_len);
        let reply = LocalReply {
            status,
            // Envoy's details never contain white space.
            details: details
                .iter()
                .map(|byte| {
                    if byte.is_ascii_whitespace() {
                        b'_'
                    } else {
                        *byte
                    }
                })
                .collect(),
            body: body.to_vec(),
            headers: headers
                .into_iter()
                .map(|(name, value)| (name.to_vec(), value.to_vec()))
                .collect(),
            grpc_status: Some(grpc_status).filter(|status| *status <= LAST_GRPC_STATUS),
        };
        if guest.place.stream.is_some() {
            guest.worker.actions.push(Action::Reply {
                place: guest.place,
                reply,
            });
        }
        Ok(())
    })
}

fn clear_route_cache(caller: Caller<'_, Guest>) -> wasmtime::Result<u32> {
    host_call(caller, "proxy_clear_route_cache", |call| {
        let guest = call.guest();
        if let Some(stream) = guest
            .place
            .stream
            .and_then(|index| guest.worker.stream_mut(index))
        {
            stream.route_cache_cleared = true;
        }
        Ok(())
    })
}
