//! Which header map a context can reach, by the ABI's map types.

use crate::headers::Headers;
use crate::status::Status;
use crate::stream::{Direction, View};
use crate::worker::{Place, Worker};

/// `WasmHeaderMapType`.
const REQUEST_HEADERS: u32 = 0;
const REQUEST_TRAILERS: u32 = 1;
const RESPONSE_HEADERS: u32 = 2;
const RESPONSE_TRAILERS: u32 = 3;
const GRPC_INITIAL: u32 = 4;
const GRPC_TRAILING: u32 = 5;
const ANSWER_HEADERS: u32 = 6;
const ANSWER_TRAILERS: u32 = 7;
const LAST: u32 = ANSWER_TRAILERS;

/// Whether `map` is a map type at all.
pub(crate) fn check(map: u32) -> Result<(), Status> {
    if map <= LAST {
        Ok(())
    } else {
        Err(Status::BadArgument)
    }
}

/// The name that a line is kept under: Envoy's request headers know `host` as
/// another name of `:authority`.
pub(crate) fn known_as(map: u32, name: &[u8]) -> &[u8] {
    if map == REQUEST_HEADERS {
        request_name(name)
    } else {
        name
    }
}

/// The same for a map that is known to hold request headers.
pub(crate) fn request_name(name: &[u8]) -> &[u8] {
    if name.eq_ignore_ascii_case(b"host") {
        b":authority"
    } else {
        name
    }
}

/// The map to read, if the context can reach it now.
pub(crate) fn readable(worker: &Worker, place: Place, map: u32) -> Option<&Headers> {
    match map {
        GRPC_INITIAL => worker.root(place)?.grpc_initial.as_ref(),
        GRPC_TRAILING => worker.root(place)?.grpc_trailing.as_ref(),
        ANSWER_HEADERS => worker
            .root(place)?
            .answer
            .as_ref()
            .map(|answer| &answer.headers),
        ANSWER_TRAILERS => worker.root(place)?.answer.as_ref()?.trailers.as_ref(),
        _ => of_stream(worker, place, map),
    }
}

fn of_stream(worker: &Worker, place: Place, map: u32) -> Option<&Headers> {
    let stream = worker.stream(place.stream?)?;
    let direction = direction_of(map)?;
    let lane = stream.lane(direction);
    let seat = stream.seats.get(place.plugin)?;
    let view = match direction {
        Direction::Request => &seat.request,
        Direction::Response => &seat.response,
    };
    if is_trailers(map) {
        // Envoy's access log gives the response trailers but not the request's.
        let logged = stream.logging && direction == Direction::Response;
        return if view.trailers || logged {
            lane.trailers.as_ref()
        } else {
            None
        };
    }
    let logged = stream.logging && lane.arrived;
    (view.headers || logged).then_some(&lane.headers)
}

/// Whether a missing map is the access log's way of saying "none", which
/// reads as NotFound, rather than a wrong question.
pub(crate) fn missing(worker: &Worker, place: Place) -> Status {
    let logging = place
        .stream
        .and_then(|index| worker.stream(index))
        .is_some_and(|stream| stream.logging);
    if logging {
        Status::NotFound
    } else {
        Status::BadArgument
    }
}

/// Changes a map, if the context can change it now. Changing request headers
/// makes Envoy choose the route anew.
pub(crate) fn change<R>(
    worker: &mut Worker,
    place: Place,
    map: u32,
    change: impl FnOnce(&mut Headers) -> R,
) -> Result<R, Status> {
    let direction = direction_of(map).ok_or(Status::BadArgument)?;
    let index = place.stream.ok_or(Status::BadArgument)?;
    let stream = worker.stream_mut(index).ok_or(Status::BadArgument)?;
    let seat = stream
        .seats
        .get_mut(place.plugin)
        .ok_or(Status::BadArgument)?;
    let view: &View = seat.view_mut(direction);
    let trailers = is_trailers(map);
    let reachable = if trailers {
        view.trailers
    } else {
        view.headers
    };
    if !reachable {
        return Err(Status::BadArgument);
    }
    if map == REQUEST_HEADERS {
        stream.route_cache_cleared = true;
    }
    let lane = stream.lane_mut(direction);
    if trailers {
        return lane
            .trailers
            .as_mut()
            .map(change)
            .ok_or(Status::BadArgument);
    }
    if lane.sent.started && lane.sent.headers.is_none() {
        lane.sent.headers = Some(lane.headers.clone());
    }
    Ok(change(&mut lane.headers))
}

/// The size of a map that could be changed, as Envoy counts it: in bytes.
pub(crate) fn byte_size(worker: &mut Worker, place: Place, map: u32) -> Result<usize, Status> {
    let direction = direction_of(map).ok_or(Status::BadArgument)?;
    let index = place.stream.ok_or(Status::BadArgument)?;
    let stream = worker.stream_mut(index).ok_or(Status::BadArgument)?;
    let view = stream
        .seats
        .get_mut(place.plugin)
        .ok_or(Status::BadArgument)?
        .view_mut(direction);
    let reachable = if is_trailers(map) {
        view.trailers
    } else {
        view.headers
    };
    if !reachable {
        return Err(Status::BadArgument);
    }
    let lane = stream.lane(direction);
    let map = if is_trailers(map) {
        lane.trailers.as_ref()
    } else {
        Some(&lane.headers)
    };
    map.map(Headers::byte_size).ok_or(Status::BadArgument)
}

fn direction_of(map: u32) -> Option<Direction> {
    match map {
        REQUEST_HEADERS | REQUEST_TRAILERS => Some(Direction::Request),
        RESPONSE_HEADERS | RESPONSE_TRAILERS => Some(Direction::Response),
        _ => None,
    }
}

fn is_trailers(map: u32) -> bool {
    matches!(map, REQUEST_TRAILERS | RESPONSE_TRAILERS)
}
