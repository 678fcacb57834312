//! The keys of one remote source.

use std::rc::Rc;

use ring::digest;
use sluice_policy::{Callout, CalloutEvent};

use super::ledger::Ledger;
use super::record::{Progress, Record};
use super::response::{self, Answer, FetchFailure};
use super::schedule::{self, Jitter};
use super::{Fetch, FetchId, KeyReport};
use crate::discovery;
use crate::key_source::Remote;
use crate::{KeySet, Keys, Status};
use sluice_policy::shared_data::{Change, SharedData};

/// What a lease lasts beyond the time limits of the fetches it is for: the host's
/// own delay in giving up and telling.
const LEASE_MARGIN_MS: u64 = 2_000;

/// The longest lease, however long a fetch may take: what the death of a VM costs.
const MOST_LEASE_MS: u64 = 5 * 60 * 1_000;

/// What a source may use while it has its turn.
pub(super) struct Turn<'t> {
    pub(super) now_ms: u64,
    pub(super) shared: &'t mut dyn SharedData,
    pub(super) jitter: &'t mut Jitter,
    pub(super) last_id: &'t mut u64,
    pub(super) fetches: &'t mut Vec<Fetch>,
}

/// The keys of one remote source, as this VM sees them.
#[derive(Debug)]
pub(super) struct RemoteKeys {
    remote: Remote,
    ledger: Ledger,
    /// How far the VMs are together, as of the last look.
    progress: Progress,
    held: Option<Held>,
    /// Number of the attempt whose keys were last looked at.
    seen_attempt: u64,
    version: u64,
    /// The attempt that this VM makes.
    own: Option<Attempt>,
    is_under_way: bool,
    /// A token named an unknown key.
    is_wanted: bool,
    /// Whether a request may be waiting.
    is_awaited: bool,
    has_news: bool,
    last_failure: Option<FetchFailure>,
}

/// A key set that was fetched.
#[derive(Debug)]
struct Held {
    keys: Rc<KeySet>,
    /// Of the text, to know it again.
    digest: digest::Digest,
    fetched_at_ms: u64,
}

/// An attempt of this VM.
#[derive(Debug)]
struct Attempt {
    number: u64,
    fetch: FetchId,
    began_ms: u64,
    /// Whether it was due to an unknown key alone.
    is_extra: bool,
    /// Whether the fetch is of the document that leads to the keys.
    is_document: bool,
}

impl RemoteKeys {
    pub(super) fn new(remote: Remote) -> Self {
        Self {
            ledger: Ledger::new(&remote.identity()),
            remote,
            progress: Progress::default(),
            held: None,
            seen_attempt: 0,
            version: 0,
            own: None,
            is_under_way: false,
            is_wanted: false,
            is_awaited: true,
            has_news: false,
            last_failure: None,
        }
    }

    pub(super) fn keys(&self) -> Keys {
        match &self.held {
            Some(held) => Keys::Ready(Rc::clone(&held.keys)),
            None if self.is_under_way || self.is_untried() => Keys::Pending,
            None => Keys::Failed(Status::FetchFailed),
        }
    }

    /// Whether no attempt has come to an end.
    fn is_untried(&self) -> bool {
        self.progress.failures == 0 && self.last_failure.is_none()
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    pub(super) fn report(&self, now_ms: u64) -> KeyReport {
        let held = self.held.as_ref();
        KeyReport {
            keys: held.map_or(0, |held| held.keys.len()),
            age_ms: held.map(|held| now_ms.saturating_sub(held.fetched_at_ms)),
            failures: self.progress.failures,
            last_failure: self.last_failure.clone(),
        }
    }

    pub(super) fn unknown_key(&mut self, key_id: &str, now_ms: u64) -> bool {
        let has_it = |held: &Held| held.keys.has_key_id(key_id);
        if self.held.as_ref().is_some_and(has_it) {
            return false;
        }
        if !self.is_awaited && self.progress.permits_unknown_key(now_ms) {
            self.is_wanted = true;
            self.is_awaited = true;
        }
        self.is_awaited
    }

    pub(super) fn poll(&mut self, turn: &mut Turn<'_>) {
        self.give_up_if_lost(turn);
        let (record, cas) = self.ledger.read(turn.shared, &self.progress);
        self.take_over(&record);
        if self.needs_attempt(turn.now_ms) {
            self.begin(record, cas, turn);
        }
        self.is_wanted = false;
        self.settle(turn.now_ms);
    }

    fn needs_attempt(&self, now_ms: u64) -> bool {
        let is_under_way = self.own.is_some() || self.is_leased(now_ms);
        let is_wanted = self.is_wanted && self.progress.permits_unknown_key(now_ms);
        !is_under_way && (is_wanted || self.progress.is_due(now_ms))
    }

    fn is_leased(&self, now_ms: u64) -> bool {
        self.progress.is_under_way(now_ms, self.lease_ms())
    }

    fn lease_ms(&self) -> u64 {
        let fetches = if self.remote.is_discovery { 2 } else { 1 };
        let longest = u64::from(self.remote.timeout_ms) * fetches + LEASE_MARGIN_MS;
        longest.min(MOST_LEASE_MS)
    }

    /// Whether somebody waits no more is news.
    fn settle(&mut self, now_ms: u64) {
        self.is_under_way = self.own.is_some() || self.is_leased(now_ms);
        self.has_news |= self.is_awaited && !self.is_under_way;
        self.is_awaited = self.is_under_way;
    }

    // What is known together.

    /// Takes over what another VM has come to.
    fn take_over(&mut self, record: &Record) {
        self.progress = record.progress;
        let keys_attempt = record.progress.keys_attempt;
        // The record is right even if its number is a smaller one: then it was lost,
        // and begun anew with keys that were fetched since.
        if keys_attempt == 0 || keys_attempt == self.seen_attempt {
            return;
        }
        self.seen_attempt = keys_attempt;
        let fetched_at_ms = record.progress.fetched_at_ms;
        match self.read(&record.body, fetched_at_ms) {
            Ok(keys) => self.hold(keys, fetched_at_ms),
            // Another version of the module may read more than this one.
            Err(status) => self.last_failure = Some(FetchFailure::BadKeys(status)),
        }
    }

    /// The keys in a text; none if they are those that are held, as they mostly are.
    fn read(&self, body: &[u8], fetched_at_ms: u64) -> Result<Option<Held>, Status> {
        let digest = digest::digest(&digest::SHA256, body);
        let is_same = |held: &Held| held.digest.as_ref() == digest.as_ref();
        if self.held.as_ref().is_some_and(is_same) {
            return Ok(None);
        }
        Ok(Some(Held {
            keys: Rc::new(KeySet::published(body)?),
            digest,
            fetched_at_ms,
        }))
    }

    /// Believes what was read from now on.
    fn hold(&mut self, keys: Option<Held>, fetched_at_ms: u64) {
        self.last_failure = None;
        if keys.is_some() {
            self.held = keys;
            self.version += 1;
            self.has_news = true;
        } else if let Some(held) = &mut self.held {
            held.fetched_at_ms = fetched_at_ms;
        }
    }

    // Attempts.

    /// Begins an attempt if this VM is the first to want to.
    fn begin(&mut self, mut record: Record, cas: Option<u32>, turn: &mut Turn<'_>) {
        let progress = &mut record.progress;
        // By the clock ahead of the numbers in a record that was lost, too.
        progress.attempt = progress.attempt.max(turn.now_ms).saturating_add(1);
        progress.lease_until_ms = turn.now_ms.saturating_add(self.lease_ms());
        let is_extra = !progress.is_due(turn.now_ms);
        if is_extra {
            progress.unknown_key_at_ms = turn.now_ms;
        }
        let number = progress.attempt;
        if self.ledger.change(turn.shared, &record, cas) == Change::Overtaken {
            let (record, _) = self.ledger.read(turn.shared, &self.progress);
            return self.take_over(&record);
        }
        self.progress = record.progress;
        let fetch = ask(&self.remote, turn);
        self.own = Some(Attempt {
            number,
            fetch,
            began_ms: turn.now_ms,
            is_extra,
            is_document: self.remote.is_discovery,
        });
    }

    /// Ends an attempt that the host has forgotten.
    fn give_up_if_lost(&mut self, turn: &mut Turn<'_>) {
        let longest = self.lease_ms() + schedule::CLOCK_SLACK_MS;
        let is_lost = |own: &mut Attempt| turn.now_ms.abs_diff(own.began_ms) > longest;
        if let Some(own) = self.own.take_if(is_lost) {
            self.fail(&own, FetchFailure::NoAnswer, turn);
        }
    }

    pub(super) fn awaits(&self, fetch: FetchId) -> bool {
        self.own.as_ref().is_some_and(|own| own.fetch == fetch)
    }

    pub(super) fn on_response(&mut self, event: &CalloutEvent<'_>, turn: &mut Turn<'_>) {
        let Some(own) = self.own.take() else {
            return;
        };
        let outcome = response::read(event).and_then(|answer| match own.is_document {
            true => self.follow(&own, &answer, turn),
            false => self.succeed(&own, &answer, turn),
        });
        if let Err(failure) = outcome {
            self.fail(&own, failure, turn);
        }
        self.settle(turn.now_ms);
    }

    /// Goes on from the document to the keys.
    fn follow(
        &mut self,
        own: &Attempt,
        answer: &Answer<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), FetchFailure> {
        let keys =
            discovery::key_set(&self.remote, answer.body).map_err(FetchFailure::BadDocument)?;
        self.own = Some(Attempt {
            fetch: ask(&keys, turn),
            is_document: false,
            ..*own
        });
        Ok(())
    }

    fn succeed(
        &mut self,
        own: &Attempt,
        answer: &Answer<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), FetchFailure> {
        let now_ms = turn.now_ms;
        // Before anybody is told of them.
        let keys = self.read(answer.body, now_ms);
        let keys = keys.map_err(FetchFailure::BadKeys)?;
        let next_at_ms = now_ms.saturating_add(schedule::refresh_ms(answer.max_age_s, turn.jitter));
        let record = self
            .ledger
            .write(turn.shared, &self.progress, &mut |record| {
                let progress = &mut record.progress;
                if progress.keys_attempt > own.number {
                    return false;
                }
                // Somebody who took over after the lease was up keeps his own.
                if progress.attempt <= own.number {
                    progress.attempt = own.number;
                    progress.lease_until_ms = 0;
                }
                progress.end(now_ms, own.is_extra);
                progress.next_at_ms = next_at_ms;
                progress.failures = 0;
                progress.keys_attempt = own.number;
                progress.fetched_at_ms = now_ms;
                record.body = answer.body.to_vec();
                true
            });
        if record.progress.keys_attempt == own.number {
            self.seen_attempt = own.number;
            self.hold(keys, now_ms);
        }
        self.take_over(&record);
        Ok(())
    }

    fn fail(&mut self, own: &Attempt, failure: FetchFailure, turn: &mut Turn<'_>) {
        let now_ms = turn.now_ms;
        let jitter = &mut *turn.jitter;
        let record = self
            .ledger
            .write(turn.shared, &self.progress, &mut |record| {
                let progress = &mut record.progress;
                if progress.attempt != own.number {
                    return false;
                }
                progress.lease_until_ms = 0;
                progress.failures = progress.failures.saturating_add(1);
                progress.end(now_ms, own.is_extra);
                let has_keys = progress.keys_attempt != 0;
                let pause_ms = schedule::back_off_ms(progress.failures, has_keys, jitter);
                progress.next_at_ms = now_ms.saturating_add(pause_ms);
                true
            });
        self.take_over(&record);
        self.last_failure = Some(failure);
    }
}

/// Asks for what a URL names. The lines are those of Envoy's own filter.
fn ask(remote: &Remote, turn: &mut Turn<'_>) -> FetchId {
    *turn.last_id += 1;
    let id = FetchId(*turn.last_id);
    let header = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    turn.fetches.push(Fetch {
        id,
        callout: Callout::Http {
            cluster: remote.cluster.clone(),
            headers: vec![
                header(":method", "GET"),
                header(":scheme", remote.scheme),
                header(":authority", &remote.authority),
                header(":path", &remote.path),
            ],
            timeout_ms: remote.timeout_ms,
        },
    });
    id
}
