//! Reads `fault` of a route.

use sluice_policy::json::{Node, Object};
use sluice_policy::{DiagnosticCode, Diagnostics, duration};

use super::{Abort, AbortStatus, Delay, Fault};
use crate::config::{MILLION, read_percentage};

/// gRPC statuses by the names that Istio takes (`google.rpc.Code`).
const GRPC_STATUSES: [(&str, u8); 17] = [
    ("OK", 0),
    ("CANCELLED", 1),
    ("UNKNOWN", 2),
    ("INVALID_ARGUMENT", 3),
    ("DEADLINE_EXCEEDED", 4),
    ("NOT_FOUND", 5),
    ("ALREADY_EXISTS", 6),
    ("PERMISSION_DENIED", 7),
    ("RESOURCE_EXHAUSTED", 8),
    ("FAILED_PRECONDITION", 9),
    ("ABORTED", 10),
    ("OUT_OF_RANGE", 11),
    ("UNIMPLEMENTED", 12),
    ("INTERNAL", 13),
    ("UNAVAILABLE", 14),
    ("DATA_LOSS", 15),
    ("UNAUTHENTICATED", 16),
];

/// Reads `fault` of a route; a part that is wrong is left out, and there is an error.
pub fn read(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Fault> {
    let mut object = node.object(diagnostics)?;
    let delay = object.take("delay");
    let abort = object.take("abort");
    object.finish(diagnostics);
    if delay.is_none() && abort.is_none() {
        missing(node.path(), "delay or abort", diagnostics);
    }
    Some(Fault {
        delay: delay.and_then(|delay| read_delay(&delay, diagnostics)),
        abort: abort.and_then(|abort| read_abort(&abort, diagnostics)),
    })
}

fn read_delay(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Delay> {
    let mut object = node.object(diagnostics)?;
    let percent = object.take("percent");
    let share = share(&mut object, node, percent, diagnostics);
    let fixed = object.take("fixedDelay");
    let exponential = object.take("exponentialDelay");
    object.finish(diagnostics);
    if let Some(exponential) = exponential {
        let expected = "fixedDelay: no delays are distributed";
        exponential.error(DiagnosticCode::IgnoredKey, expected, diagnostics);
    } else if fixed.is_none() {
        missing(node.path(), "fixedDelay", diagnostics);
    }
    let for_ms = fixed.and_then(|fixed| duration::milliseconds(&fixed, diagnostics));
    Some(Delay {
        for_ms: for_ms?,
        share: share?,
    })
}

fn read_abort(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Abort> {
    let mut object = node.object(diagnostics)?;
    let share = share(&mut object, node, None, diagnostics);
    let http = object.take("httpStatus");
    let grpc = object.take("grpcStatus");
    let http2 = object.take("http2Error");
    object.finish(diagnostics);
    if let Some(http2) = http2 {
        let expected = "httpStatus or grpcStatus: no errors of HTTP/2 are made";
        http2.error(DiagnosticCode::IgnoredKey, expected, diagnostics);
        return None;
    }
    if let (Some(_), Some(grpc)) = (&http, &grpc) {
        let expected = "only one of httpStatus and grpcStatus";
        grpc.error(DiagnosticCode::ConflictingFields, expected, diagnostics);
    }
    let status = match (http, grpc) {
        // Istio takes 600, too, and Envoy refuses it.
        (Some(http), _) => http.integer(200..=599, diagnostics).map(AbortStatus::Http),
        (None, Some(grpc)) => grpc
            .one_of(&GRPC_STATUSES, diagnostics)
            .map(AbortStatus::Grpc),
        (None, None) => {
            missing(node.path(), "httpStatus or grpcStatus", diagnostics);
            None
        }
    };
    Some(Abort {
        status: status?,
        share: share?,
    })
}

/// Share of requests, in millionths. Left out it is 0, whatever Istio's documentation
/// says: the control plane fills in nothing, and Envoy takes nothing for nobody.
fn share(
    object: &mut Object<'_>,
    node: &Node<'_>,
    percent: Option<Node<'_>>,
    diagnostics: &mut Diagnostics,
) -> Option<u32> {
    let percentage = object.take("percentage");
    let percent = percent.map(|percent| percent.integer(0..=100, diagnostics));
    if let Some(percentage) = percentage {
        return read_percentage(&percentage, diagnostics);
    }
    if let Some(percent) = percent {
        return percent.map(|percent: u32| percent * (MILLION / 100));
    }
    diagnostics.warning(
        DiagnosticCode::IgnoredKey,
        node.path(),
        "no percentage",
        "percentage: without it no request meets the fault, as in Istio",
    );
    Some(0)
}

fn missing(path: &str, expected: &str, diagnostics: &mut Diagnostics) {
    diagnostics.error(DiagnosticCode::MissingKey, path, "nothing", expected);
}

#[cfg(test)]
mod tests;
