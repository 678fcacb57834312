//! The keys of every source: fetched before they are needed, once for all VMs of a
//! proxy, again before they are old, and kept while their issuer is down.
//!
//! Sans-IO: [`KeyStore`] says what to fetch and is told what came. Envoy's own
//! filter fetches per worker, when a request waits for it, does not remember that it
//! failed, and does not ask again when a token names a key it does not know; all
//! four are different here.
//!
//! # Life of a source
//!
//! * A first attempt begins at once. While it is under way requests wait; when it
//!   fails they, and those that come until the next begins, are answered
//!   `Jwks remote fetch is failed`.
//! * The next attempt follows at 80 to 95 % of five minutes, or of what
//!   `cache-control: max-age` says between one minute and one hour.
//! * After a failure it follows in 1 s, doubling to a minute, or to 5 s while there are no
//!   keys. Keys that are there stay however long that lasts: an issuer that is down must
//!   not take the services down that trust it. [`KeyReport`] tells how old they are.
//! * A set without any good key is an answer, not a failure: the issuer has withdrawn them.
//! * A token that names an unknown key leads to an attempt and waits for it, unless such
//!   an attempt has begun or ended in the last 10 s in any VM.
//!
//! # One attempt for all VMs
//!
//! A record in the host's shared data holds the newest keys and a lease. Who puts
//! the lease in by compare-and-swap fetches; the others see the result at their next
//! [`poll`](KeyStore::poll). A lease runs out, so the death of a VM holds nothing up.
//! Attempts are numbered through the record, so an old answer that comes late never
//! replaces a newer one, whatever the clock does meanwhile. A host without shared data
//! costs a fetch per VM and nothing else.

mod ledger;
mod record;
mod response;
mod schedule;
mod source;

use std::rc::Rc;

use sluice_policy::{Callout, CalloutEvent};

use crate::{KeySet, KeySource, Keys, SourceId, Status};
use sluice_policy::SharedData;

pub use response::FetchFailure;
use schedule::Jitter;
use source::{RemoteKeys, Turn};

/// Number of a fetch within its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FetchId(pub u64);

/// A fetch to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// To come back with the answer.
    pub id: FetchId,
    /// What to send.
    pub callout: Callout,
}

/// The state of a source, for counters and logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyReport {
    /// Keys in the set.
    pub keys: usize,
    /// Time since they were fetched; `None` when they never were.
    pub age_ms: Option<u64>,
    /// Failed attempts since the last that did not, of all VMs.
    pub failures: u64,
    /// Why the last attempt of this VM failed; `None` when it did not.
    pub last_failure: Option<FetchFailure>,
}

/// The keys of all sources of a program.
#[derive(Debug)]
pub struct KeyStore {
    sources: Vec<Source>,
    jitter: Jitter,
    last_id: u64,
    /// The second halves of discoveries, for the next poll.
    queued: Vec<Fetch>,
}

#[derive(Debug)]
enum Source {
    Inline(Result<Rc<KeySet>, Status>),
    Remote(Box<RemoteKeys>),
}

impl KeyStore {
    /// The keys of these sources. `seed` spreads the fetches of many proxies over
    /// time: any number that differs between them.
    pub fn new(sources: &[KeySource], seed: u64) -> Self {
        let read = |source: &KeySource| match source {
            KeySource::Inline(text) => Source::Inline(KeySet::parse(text.as_bytes()).map(Rc::new)),
            KeySource::Remote(remote) => Source::Remote(Box::new(RemoteKeys::new(remote.clone()))),
        };
        Self {
            sources: sources.iter().map(read).collect(),
            jitter: Jitter(seed),
            last_id: 0,
            queued: Vec::new(),
        }
    }

    /// The keys of a source.
    pub fn keys(&self, source: SourceId) -> Keys {
        match self.sources.get(source.0) {
            Some(Source::Inline(Ok(keys))) => Keys::Ready(Rc::clone(keys)),
            Some(Source::Inline(Err(status))) => Keys::Failed(*status),
            Some(Source::Remote(remote)) => remote.keys(),
            None => Keys::Failed(Status::FetchFailed),
        }
    }

    /// Counts the key sets that a source has had: what was verified with another
    /// one is to be verified again. A fetch that brings the same keys is none.
    pub fn version(&self, source: SourceId) -> u64 {
        match self.sources.get(source.0) {
            Some(Source::Remote(remote)) => remote.version(),
            Some(Source::Inline(_)) | None => 0,
        }
    }

    /// A token names a key that the source does not have. Whether to wait: new keys
    /// are being fetched, or will be by the next [`poll`](Self::poll), which is then
    /// to follow at once.
    pub fn unknown_key(&mut self, source: SourceId, key_id: &str, now_ms: u64) -> bool {
        match self.sources.get_mut(source.0) {
            Some(Source::Remote(remote)) => remote.unknown_key(key_id, now_ms),
            Some(Source::Inline(_)) | None => false,
        }
    }

    /// Looks at the clock and at what other VMs did. To be called at the start, about
    /// once a second, and after [`unknown_key`](Self::unknown_key) and
    /// [`on_response`](Self::on_response). Every returned fetch is owed an answer: one
    /// that the host does not take has [`CalloutEvent::Failed`].
    ///
    /// The start is the first tick or request, not `proxy_on_configure`: Envoy tries a
    /// configuration in a VM that it throws away, and the lease with it, until which
    /// runs out nobody else would fetch.
    pub fn poll(&mut self, now_ms: u64, shared: &mut dyn SharedData) -> Vec<Fetch> {
        let mut fetches = std::mem::take(&mut self.queued);
        let mut turn = Turn {
            now_ms,
            shared,
            jitter: &mut self.jitter,
            last_id: &mut self.last_id,
            fetches: &mut fetches,
        };
        for source in &mut self.sources {
            if let Source::Remote(remote) = source {
                remote.poll(&mut turn);
            }
        }
        fetches
    }

    /// Takes in an answer. Whether keys have changed or somebody's wait is over, as
    /// [`take_news`](Self::take_news) tells it.
    pub fn on_response(
        &mut self,
        fetch: FetchId,
        event: &CalloutEvent<'_>,
        now_ms: u64,
        shared: &mut dyn SharedData,
    ) -> bool {
        let mut turn = Turn {
            now_ms,
            shared,
            jitter: &mut self.jitter,
            last_id: &mut self.last_id,
            fetches: &mut self.queued,
        };
        let asked = self.sources.iter_mut().find_map(|source| match source {
            Source::Remote(remote) if remote.awaits(fetch) => Some(remote),
            Source::Remote(_) | Source::Inline(_) => None,
        });
        if let Some(remote) = asked {
            remote.on_response(event, &mut turn);
        }
        self.take_news()
    }

    /// Whether, since it was last asked, keys have changed or there is nothing more
    /// to wait for at some source: requests that wait are to be asked again.
    pub fn take_news(&mut self) -> bool {
        let mut has_news = false;
        for source in &mut self.sources {
            if let Source::Remote(remote) = source {
                has_news |= remote.take_news();
            }
        }
        has_news
    }

    /// The state of a source; `None` when its keys stand in the configuration.
    pub fn report(&self, source: SourceId, now_ms: u64) -> Option<KeyReport> {
        match self.sources.get(source.0) {
            Some(Source::Remote(remote)) => Some(remote.report(now_ms)),
            Some(Source::Inline(_)) | None => None,
        }
    }
}

#[cfg(test)]
mod proxy;

#[cfg(test)]
mod tests;

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod simulation;
