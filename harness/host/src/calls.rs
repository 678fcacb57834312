//! Callouts: making them, and planning what comes back.

use crate::agenda::Event;
use crate::callout::{
    CalloutRecord, CalloutResult, GrpcCall, GrpcEvent, HttpAnswer, HttpCall, Timed,
};
use crate::exchange::Message;
use crate::protobuf::{self, Field};
use crate::status::Status;
use crate::worker::{OpenCall, Place, Worker};
use std::sync::Arc;

/// The low two bits of a callout id say what it is; ids step by four.
const KIND_MASK: u32 = 3;
const HTTP_CALL: u32 = 0;
const GRPC_CALL: u32 = 1;
const GRPC_STREAM: u32 = 2;

/// gRPC status of a call that ran out of time.
const DEADLINE_EXCEEDED: u32 = 4;

/// Makes an HTTP call and gives its token.
pub(crate) fn http(worker: &mut Worker, place: Place, call: &HttpCall) -> Result<u32, Status> {
    let complete = [":path", ":method", ":authority"]
        .iter()
        .all(|name| call.message.headers.get(name).is_some());
    if !worker.callouts.has_cluster(&call.cluster) || !complete {
        return Err(Status::BadArgument);
    }
    let token = next_token(worker, place, HTTP_CALL)?;
    let header = |name| {
        String::from_utf8_lossy(call.message.headers.get(name).unwrap_or_default()).into_owned()
    };
    let target = format!("{} {}", header(":method"), header(":path"));
    open(worker, place, token, &call.cluster, target, None);
    let answer = worker.callouts.http(call);
    let (after_ns, answer) = within_timeout(answer, call.timeout_ms);
    let at_ns = worker.now_ns.saturating_add(after_ns);
    worker.agenda.add(
        at_ns,
        Event::HttpAnswer {
            plugin: place.plugin,
            token,
            answer,
        },
    );
    Ok(token)
}

/// Envoy's asynchronous client answers a call that takes too long itself, as
/// its router does.
fn within_timeout(answer: Timed<HttpAnswer>, timeout_ms: u32) -> (u64, HttpAnswer) {
    let timeout_ns = u64::from(timeout_ms) * 1_000_000;
    if timeout_ms == 0 || answer.after_ns <= timeout_ns {
        return (answer.after_ns, answer.what);
    }
    let body = b"upstream request timeout";
    let headers = [
        (":status", "504"),
        ("content-length", "24"),
        ("content-type", "text/plain"),
    ];
    let message = Message {
        body: vec![body.to_vec()],
        ..Message::of_headers(headers)
    };
    (timeout_ns, HttpAnswer::Response(message))
}

/// The cluster of a gRPC target: a serialized `GrpcService`, or the cluster's
/// plain name.
pub(crate) fn grpc_cluster(worker: &Worker, target: &[u8]) -> Result<String, Status> {
    let plain = std::str::from_utf8(target)
        .ok()
        .filter(|name| worker.callouts.has_cluster(name));
    if let Some(name) = plain {
        return Ok(name.to_owned());
    }
    let name = cluster_of_service(target).ok_or(Status::ParseFailure)?;
    if worker.callouts.has_cluster(&name) {
        Ok(name)
    } else {
        Err(Status::InternalFailure)
    }
}

/// `envoy_grpc.cluster_name`: fields 1 and 1.
fn cluster_of_service(message: &[u8]) -> Option<String> {
    let envoy_grpc = bytes_field(message, 1)?;
    let name = bytes_field(envoy_grpc, 1)?;
    String::from_utf8(name.to_vec()).ok()
}

fn bytes_field(message: &[u8], number: u64) -> Option<&[u8]> {
    protobuf::fields(message)?
        .into_iter()
        .rev()
        .find_map(|(known, field)| match field {
            Field::Bytes(bytes) if known == number => Some(bytes),
            _ => None,
        })
}

/// Opens a gRPC call or stream and gives its token.
pub(crate) fn grpc(worker: &mut Worker, place: Place, call: &GrpcCall) -> Result<u32, Status> {
    let kind = if call.timeout_ms.is_some() {
        GRPC_CALL
    } else {
        GRPC_STREAM
    };
    let token = next_token(worker, place, kind)?;
    let target = format!("{}/{}", call.service, call.method);
    open(
        worker,
        place,
        token,
        &call.cluster,
        target,
        Some(call.clone()),
    );
    let events = worker.callouts.grpc(call);
    plan(worker, place.plugin, token, events, call.timeout_ms);
    Ok(token)
}

fn plan(
    worker: &mut Worker,
    plugin: usize,
    token: u32,
    events: Vec<Timed<GrpcEvent>>,
    timeout_ms: Option<u32>,
) {
    let deadline_ns = timeout_ms
        .filter(|ms| *ms > 0)
        .map_or(u64::MAX, |ms| u64::from(ms) * 1_000_000);
    let late = events.iter().any(|event| event.after_ns > deadline_ns);
    let in_time = events
        .into_iter()
        .filter(|event| event.after_ns <= deadline_ns);
    for Timed { after_ns, what } in in_time {
        worker.agenda.add(
            worker.now_ns.saturating_add(after_ns),
            Event::Grpc {
                plugin,
                token,
                event: what,
            },
        );
    }
    if late {
        let event = GrpcEvent::Close(DEADLINE_EXCEEDED, String::new());
        worker.agenda.add(
            worker.now_ns.saturating_add(deadline_ns),
            Event::Grpc {
                plugin,
                token,
                event,
            },
        );
    }
}

/// Sends a message on an open stream.
pub(crate) fn send(
    worker: &mut Worker,
    place: Place,
    token: u32,
    message: &[u8],
    end: bool,
) -> Result<(), Status> {
    if token & KIND_MASK != GRPC_STREAM {
        return Err(Status::BadArgument);
    }
    let index = find(worker, place, token).ok_or(Status::NotFound)?;
    let call = worker
        .open_calls
        .get(index)
        .and_then(|open| open.grpc.clone())
        .ok_or(Status::NotFound)?;
    let events = worker.callouts.grpc_message(&call, message, end);
    plan(worker, place.plugin, token, events, None);
    Ok(())
}

/// Cancels a call or resets a stream; nothing more comes of it.
pub(crate) fn cancel(worker: &mut Worker, place: Place, token: u32) -> Result<(), Status> {
    check_grpc(token)?;
    let index = find(worker, place, token).ok_or(Status::NotFound)?;
    let call = worker.open_calls.swap_remove(index);
    worker.book_callout(&call, CalloutResult::Cancelled);
    Ok(())
}

/// Closes a stream on our side. Closing a call cancels it.
pub(crate) fn close(worker: &mut Worker, place: Place, token: u32) -> Result<(), Status> {
    check_grpc(token)?;
    let index = find(worker, place, token).ok_or(Status::NotFound)?;
    let open = worker.open_calls.get_mut(index).ok_or(Status::NotFound)?;
    if token & KIND_MASK == GRPC_STREAM && !open.remote_closed {
        open.local_closed = true;
        return Ok(());
    }
    let call = worker.open_calls.swap_remove(index);
    worker.book_callout(&call, CalloutResult::Cancelled);
    Ok(())
}

/// Ends a call: takes it off the books and records the result.
pub(crate) fn end(worker: &mut Worker, plugin: usize, token: u32, result: CalloutResult) {
    let found = worker
        .open_calls
        .iter()
        .position(|call| call.plugin == plugin && call.token == token);
    if let Some(index) = found {
        let call = worker.open_calls.swap_remove(index);
        worker.book_callout(&call, result);
    }
}

/// The far side of a gRPC call or stream closed it. A stream stays open until
/// both sides have.
pub(crate) fn remote_closed(worker: &mut Worker, plugin: usize, token: u32, status: u32) {
    let found = worker
        .open_calls
        .iter_mut()
        .find(|call| call.plugin == plugin && call.token == token);
    let Some(call) = found else { return };
    call.remote_closed = true;
    let half_open = is_stream(token) && !call.local_closed;
    if half_open {
        let closed = OpenCall {
            grpc: None,
            ..*call
        };
        worker.book_callout(&closed, CalloutResult::Grpc(status));
    } else {
        end(worker, plugin, token, CalloutResult::Grpc(status));
    }
}

/// Whether a token means a gRPC stream rather than a call.
pub(crate) fn is_stream(token: u32) -> bool {
    token & KIND_MASK == GRPC_STREAM
}

/// An open call and the stream it was made for.
pub(crate) fn stream_of(worker: &Worker, plugin: usize, token: u32) -> Option<Option<usize>> {
    let call = worker
        .open_calls
        .iter()
        .find(|call| call.plugin == plugin && call.token == token)?;
    Some(call.record.map(|(stream, _)| stream))
}

fn check_grpc(token: u32) -> Result<(), Status> {
    if matches!(token & KIND_MASK, GRPC_CALL | GRPC_STREAM) {
        Ok(())
    } else {
        Err(Status::BadArgument)
    }
}

fn find(worker: &Worker, place: Place, token: u32) -> Option<usize> {
    worker
        .open_calls
        .iter()
        .position(|call| call.plugin == place.plugin && call.token == token)
}

fn next_token(worker: &mut Worker, place: Place, kind: u32) -> Result<u32, Status> {
    let books = worker.books_mut(place).ok_or(Status::InternalFailure)?;
    let slot = usize::try_from(kind).map_err(|_| Status::InternalFailure)?;
    let count = books
        .callouts
        .get_mut(slot)
        .ok_or(Status::InternalFailure)?;
    *count += 1;
    Ok((*count << 2) | kind)
}

fn open(
    worker: &mut Worker,
    place: Place,
    token: u32,
    cluster: &str,
    target: String,
    grpc: Option<GrpcCall>,
) {
    let record = book(worker, place, token, cluster, target);
    worker.open_calls.push(OpenCall {
        plugin: place.plugin,
        token,
        grpc,
        record,
        at_ns: worker.now_ns,
        local_closed: false,
        remote_closed: false,
    });
}

/// Enters a record with the stream being served; calls made outside any
/// stream have none.
fn book(
    worker: &mut Worker,
    place: Place,
    token: u32,
    cluster: &str,
    target: String,
) -> Option<(usize, usize)> {
    let plugin = Arc::clone(&worker.root(place)?.name);
    let at_ns = worker.now_ns;
    let index = place.stream.or(worker.serving)?;
    let callouts = &mut worker.stream_mut(index)?.tally.callouts;
    let cluster = cluster.to_owned();
    callouts.push(CalloutRecord {
        plugin,
        token,
        cluster,
        target,
        at_ns,
        result: CalloutResult::Pending,
        took_ns: 0,
    });
    Some((index, callouts.len() - 1))
}
