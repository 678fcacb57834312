//! What a client is told.

use sluice_policy::Reply;

use crate::decision::{Decision, Stage, Verdict};

/// Envoy's own text for what its RBAC filter refuses.
const BODY: &[u8] = b"RBAC: access denied";

/// gRPC status `PERMISSION_DENIED`.
const PERMISSION_DENIED: u8 = 7;

/// The reply to a refused request; none if it was not refused.
pub fn reply_for(decision: &Decision<'_>) -> Option<Reply> {
    (decision.verdict == Verdict::Deny).then(|| refusal(&details(decision)))
}

/// A refusal with those response-code details, for what happens outside of the
/// engine as well.
///
/// Status and body are those of Envoy's RBAC filter, and so are the details of
/// [`reply_for`], so that access logs and alerts written for it go on working. A
/// gRPC client gets status 7 in the headers of an HTTP 200: Envoy makes that of
/// it. Like Envoy, replaces white space in the details by `_`.
pub fn refusal(details: &str) -> Reply {
    let underscored = |byte: u8| match byte.is_ascii_whitespace() {
        true => b'_',
        false => byte,
    };
    Reply {
        status: 403,
        headers: vec![(b"content-type".to_vec(), b"text/plain".to_vec())],
        body: BODY.to_vec(),
        details: details.bytes().map(underscored).collect(),
        grpc_status: Some(PERMISSION_DENIED),
    }
}

fn details(decision: &Decision<'_>) -> String {
    let reason = match decision.stage {
        Stage::Invalid => "rbac_access_denied_invalid_configuration",
        Stage::PeerAuthentication => "peer_authentication_denied",
        Stage::Custom | Stage::Deny | Stage::Allow | Stage::Default => {
            "rbac_access_denied_matched_policy"
        }
    };
    let rule = decision.rule.unwrap_or("none");
    format!("{reason}[{rule}]")
}
