//! Calls to services, of which a replay has only those that are scripted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sluice_host::{Callouts, GrpcCall, GrpcEvent, HttpAnswer, HttpCall, Timed};

use crate::callouts::{self, Answer, Script};
use crate::report::UnscriptedCall;
use crate::report::exchange::folded_route;

/// The services of one worker.
///
/// A call to a cluster that the script does not name is refused, as Envoy
/// refuses one to a cluster that it does not know; a call to a scripted
/// cluster that fits no entry is cut off. In either case what the service
/// would have said is unknown, and so is all that follows from it.
#[derive(Debug, Clone, Default)]
pub struct Services {
    script: Arc<Script>,
    told: Arc<Mutex<Told>>,
}

#[derive(Debug, Default)]
struct Told {
    unscripted: BTreeSet<UnscriptedCall>,
    answered: BTreeMap<usize, u64>,
}

impl Services {
    /// Services that say what is scripted.
    pub fn new(script: Arc<Script>) -> Self {
        Self {
            script,
            told: Arc::default(),
        }
    }

    /// The calls since the last time that nothing answers, each once.
    pub fn take_unscripted(&self) -> Vec<UnscriptedCall> {
        std::mem::take(&mut self.told().unscripted)
            .into_iter()
            .collect()
    }

    /// How many calls each entry answered since the last time.
    pub fn take_answered(&self) -> BTreeMap<usize, u64> {
        std::mem::take(&mut self.told().answered)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_answered(&self, entry: usize) {
        *self.told().answered.entry(entry).or_default() += 1;
    }

    fn note_unscripted(&self, cluster: &str, target: Option<String>) {
        self.told().unscripted.insert(UnscriptedCall {
            cluster: cluster.to_owned(),
            target,
        });
    }
}

impl Callouts for Services {
    fn has_cluster(&self, cluster: &str) -> bool {
        let is_known = self.script.knows(cluster);
        // The host also asks for a serialized gRPC service as if it were a name.
        if !is_known && !cluster.contains(char::is_control) {
            self.note_unscripted(cluster, None);
        }
        is_known
    }

    fn http(&mut self, call: &HttpCall) -> Timed<HttpAnswer> {
        if let Some((place, entry)) = self.script.for_http(call) {
            self.note_answered(place);
            return entry.answer.to_http(call);
        }
        let target = folded_route(&call.message.headers);
        self.note_unscripted(&call.cluster, Some(target));
        Answer::CUT_OFF.to_http(call)
    }

    fn grpc(&mut self, call: &GrpcCall) -> Vec<Timed<GrpcEvent>> {
        if let Some((place, entry)) = self.script.for_grpc(call) {
            self.note_answered(place);
            return entry.answer.to_grpc(call);
        }
        self.note_unscripted(&call.cluster, Some(callouts::grpc_target(call)));
        Answer::CUT_OFF.to_grpc(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_to_an_unscripted_cluster_is_told_once() {
        let services = Services::default();
        let world = services.clone();
        for cluster in ["b", "a", "b", "\n\u{3}\n\u{1}c"] {
            assert!(!world.has_cluster(cluster));
        }
        let told: Vec<_> = services
            .take_unscripted()
            .into_iter()
            .map(|call| (call.cluster, call.target))
            .collect();
        assert_eq!(told, [("a".to_owned(), None), ("b".to_owned(), None)]);
        assert!(services.take_unscripted().is_empty());
    }
}
