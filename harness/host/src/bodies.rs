//! Which buffer a context can reach, by the ABI's buffer types.

use crate::status::Status;
use crate::stream::{BodyView, Direction};
use crate::worker::{Place, Worker};

/// `WasmBufferType`.
const REQUEST_BODY: u32 = 0;
const RESPONSE_BODY: u32 = 1;
const DOWNSTREAM_DATA: u32 = 2;
const UPSTREAM_DATA: u32 = 3;
const ANSWER_BODY: u32 = 4;
const GRPC_MESSAGE: u32 = 5;
const VM_CONFIGURATION: u32 = 6;
const PLUGIN_CONFIGURATION: u32 = 7;
const CALL_DATA: u32 = 8;
const LAST: u32 = CALL_DATA;

/// Whether `buffer` is a buffer type at all.
pub(crate) fn check(buffer: u32) -> Result<(), Status> {
    if buffer <= LAST {
        Ok(())
    } else {
        Err(Status::BadArgument)
    }
}

/// The bytes of a buffer. Envoy has a body buffer in every stream context;
/// outside the body callbacks it is empty.
pub(crate) fn readable(worker: &Worker, place: Place, buffer: u32) -> Result<&[u8], Status> {
    let root = worker.root(place).ok_or(Status::NotFound)?;
    match buffer {
        REQUEST_BODY => Ok(body(worker, place, Direction::Request)),
        RESPONSE_BODY => Ok(body(worker, place, Direction::Response)),
        DOWNSTREAM_DATA | UPSTREAM_DATA | CALL_DATA => Ok(&[]),
        ANSWER_BODY => {
            let answer = root.answer.as_ref().ok_or(Status::NotFound)?;
            Ok(answer.body.first().map(Vec::as_slice).unwrap_or_default())
        }
        GRPC_MESSAGE => Ok(root.grpc_message.as_deref().unwrap_or_default()),
        VM_CONFIGURATION => Ok(&root.vm_configuration),
        // Only while it is being handed over; later reads find nothing.
        PLUGIN_CONFIGURATION if root.configuring => Ok(&root.configuration),
        _ => Err(Status::NotFound),
    }
}

fn body(worker: &Worker, place: Place, direction: Direction) -> &[u8] {
    let Some(stream) = place.stream.and_then(|index| worker.stream(index)) else {
        return &[];
    };
    let Some(seat) = stream.seats.get(place.plugin) else {
        return &[];
    };
    let (view, lane) = match direction {
        Direction::Request => (seat.request.body, &stream.request),
        Direction::Response => (seat.response.body, &stream.response),
    };
    match view {
        BodyView::Nothing => &[],
        BodyView::Frame => &lane.frame,
        BodyView::Buffered => lane.buffered.as_deref().unwrap_or_default(),
    }
}

/// Changes a body. Envoy can prepend (`start` 0, `len` 0), replace all
/// (`start` 0, `len` at least the size) and append (`start` at least the
/// size), and nothing in between.
pub(crate) fn change(
    worker: &mut Worker,
    place: Place,
    buffer: u32,
    start: u32,
    len: u32,
    data: &[u8],
) -> Result<(), Status> {
    let body = changeable(worker, place, buffer)?;
    let start = usize::try_from(start).map_err(|_| Status::BadArgument)?;
    let len = usize::try_from(len).map_err(|_| Status::BadArgument)?;
    match (start, len) {
        (0, 0) => {
            body.splice(0..0, data.iter().copied());
        }
        (0, len) if len >= body.len() => {
            body.clear();
            body.extend_from_slice(data);
        }
        (start, _) if start >= body.len() && start > 0 => body.extend_from_slice(data),
        _ => return Err(Status::BadArgument),
    }
    Ok(())
}

fn changeable(worker: &mut Worker, place: Place, buffer: u32) -> Result<&mut Vec<u8>, Status> {
    let direction = match buffer {
        REQUEST_BODY => Direction::Request,
        RESPONSE_BODY => Direction::Response,
        _ => {
            readable(worker, place, buffer)?;
            return Err(Status::BadArgument);
        }
    };
    let stream = place
        .stream
        .and_then(|index| worker.stream_mut(index))
        .ok_or(Status::BadArgument)?;
    let view = stream
        .seats
        .get_mut(place.plugin)
        .ok_or(Status::BadArgument)?
        .view_mut(direction)
        .body;
    let lane = stream.lane_mut(direction);
    match view {
        BodyView::Nothing => Err(Status::BadArgument),
        BodyView::Frame => Ok(&mut lane.frame),
        BodyView::Buffered => Ok(lane.buffered.get_or_insert_default()),
    }
}
