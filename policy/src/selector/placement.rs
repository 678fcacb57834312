//! Whether enough is known of a workload to say which resources apply to it.

use super::Attachment;
use crate::diagnostic::{DiagnosticCode, Diagnostics};
use crate::workload::{ProxyKind, Workload};

/// Kinds of targets that only a waypoint can stand before.
const SERVICE_KINDS: [&str; 2] = ["Service", "ServiceEntry"];

/// Demands what is needed to choose among resources with these attachments: a workload
/// when there are any, and its services where a waypoint is to be told by them. What is
/// not known must not pass for "does not apply": a DENY would deny nothing, and tokens
/// would go unchecked.
pub fn demand_placement<'a>(
    attachments: impl IntoIterator<Item = &'a Attachment>,
    workload: Option<&Workload>,
    diagnostics: &mut Diagnostics,
) {
    let mut attachments = attachments.into_iter().peekable();
    let Some(workload) = workload else {
        if attachments.peek().is_some() {
            let found = "neither node metadata with a NAMESPACE nor a workload";
            let expected = "one of them: resources apply by namespace and labels";
            diagnostics.error(DiagnosticCode::UnknownWorkload, "workload", found, expected);
        }
        return;
    };
    if workload.kind != ProxyKind::Waypoint || !workload.services.is_empty() {
        return;
    }
    let mut targets = attachments.flat_map(|attachment| &attachment.targets);
    if targets.any(|target| SERVICE_KINDS.contains(&target.kind.as_str())) {
        // A waypoint's node does not say which services it stands before.
        let found = "a waypoint of unknown services, and resources that target services";
        let expected = "the services that the waypoint stands before, under workload.services";
        let code = DiagnosticCode::UnknownWorkload;
        diagnostics.error(code, "workload.services", found, expected);
    }
}
