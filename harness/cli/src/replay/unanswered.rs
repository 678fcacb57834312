//! Calls to services, of which a replay has none.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use sluice_host::{Callouts, GrpcCall, GrpcEvent, HttpAnswer, HttpCall, Timed};

/// The clusters that plugins called. Every such call is refused, as Envoy
/// refuses one to a cluster that it does not know; what the service would have
/// said is unknown, and so is all that follows from it.
#[derive(Debug, Clone, Default)]
pub struct Unanswered {
    clusters: Arc<Mutex<BTreeSet<String>>>,
}

impl Unanswered {
    /// The clusters called since the last time, as names of what is unknown.
    pub fn take(&self) -> Vec<String> {
        let mut clusters = self.clusters.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *clusters)
            .into_iter()
            .map(|cluster| format!("callout.{cluster}"))
            .collect()
    }
}

impl Callouts for Unanswered {
    fn has_cluster(&self, cluster: &str) -> bool {
        // The host also asks for a serialized gRPC service as if it were a name.
        if !cluster.contains(char::is_control) {
            let mut clusters = self.clusters.lock().unwrap_or_else(PoisonError::into_inner);
            clusters.insert(cluster.to_owned());
        }
        false
    }

    fn http(&mut self, _call: &HttpCall) -> Timed<HttpAnswer> {
        Timed {
            after_ns: 0,
            what: HttpAnswer::Reset,
        }
    }

    fn grpc(&mut self, _call: &GrpcCall) -> Vec<Timed<GrpcEvent>> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_told_once() {
        let unanswered = Unanswered::default();
        let world = unanswered.clone();
        for cluster in ["b", "a", "b", "\n\u{3}\n\u{1}c"] {
            assert!(!world.has_cluster(cluster));
        }
        assert_eq!(unanswered.take(), ["callout.a", "callout.b"]);
        assert_eq!(unanswered.take(), Vec::<String>::new());
    }
}
