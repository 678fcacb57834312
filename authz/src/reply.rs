//! What a client is told.

use sluice_policy::Reply;

use crate::decision::{Decision, Stage, Verdict};

/// Envoy's own text for what its RBAC filter refuses.
const BODY: &[u8] = b"RBAC: access denied";

/// gRPC status `PERMISSION_DENIED`.
const PERMISSION_DENIED: u8 = 7;

/// The reply to a refused request; none if it was not refused.
///
/// Status, body and details are those of Envoy's RBAC filter, so that access
/// logs and alerts written for it go on working. A gRPC client gets status 7 in
/// the headers of an HTTP 200: Envoy makes that of it.
pub fn reply_for(decision: &Decision<'_>) -> Option<Reply> {
    (decision.verdict == Verdict::Deny).then(|| Reply {
        status: 403,
        headers: vec![(b"content-type".to_vec(), b"text/plain".to_vec())],
        body: BODY.to_vec(),
        details: details(decision),
        grpc_status: Some(PERMISSION_DENIED),
    })
}

/// Response-code details. Envoy replaces white space in them by `_`.
fn details(decision: &Decision<'_>) -> Vec<u8> {
    let reason = match decision.stage {
        Stage::Invalid => "rbac_access_denied_invalid_configuration",
        Stage::PeerAuthentication => "peer_authentication_denied",
        Stage::Custom | Stage::Deny | Stage::Allow | Stage::Default => {
            "rbac_access_denied_matched_policy"
        }
    };
    let rule = decision.rule.unwrap_or("none");
    let details = format!("{reason}[{rule}]");
    details
        .bytes()
        .map(|byte| {
            if byte.is_ascii_whitespace() {
                b'_'
            } else {
                byte
            }
        })
        .collect()
}
