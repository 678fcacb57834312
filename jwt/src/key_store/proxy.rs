//! A proxy for tests: VMs with one source each, the data they share, an issuer whose
//! keys rotate, and a clock that is set by hand.

use sluice_policy::{Callout, CalloutEvent, HeaderLine};

use super::{Fetch, KeyStore};
use crate::{KeySource, Keys, Remote, SourceId};
pub(super) use sluice_policy::shared_data::testing::Shared;

pub(super) const SOURCE: SourceId = SourceId(0);

/// Limit of a fetch, and how long a lease for it lasts.
pub(super) const TIMEOUT_MS: u32 = 5_000;
pub(super) const LEASE_MS: u64 = 7_000;

/// The key set of the issuer after so many rotations: its key and the one before.
pub(super) fn key_set(rotation: u64) -> String {
    let key = |rotation: u64| {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"k{rotation}","x":"{x}"}}"#)
    };
    let before = rotation.saturating_sub(1);
    format!(r#"{{"keys":[{},{}]}}"#, key(rotation), key(before))
}

/// The name of the newest key after so many rotations.
pub(super) fn key_id(rotation: u64) -> String {
    format!("k{rotation}")
}

/// A VM with its fetches that no answer has come for.
pub(super) struct Vm {
    pub(super) store: KeyStore,
    pub(super) fetches: Vec<Fetch>,
}

impl Vm {
    pub(super) fn new(seed: u64) -> Self {
        let remote = Remote::of("https://a.example/keys", &[], TIMEOUT_MS).unwrap();
        Self::of(&KeySource::Remote(remote), seed)
    }

    pub(super) fn of(source: &KeySource, seed: u64) -> Self {
        Self {
            store: KeyStore::new(std::slice::from_ref(source), seed),
            fetches: Vec::new(),
        }
    }

    /// Polls; how many fetches that began.
    pub(super) fn poll(&mut self, now_ms: u64, shared: &Shared) -> usize {
        let begun = self.store.poll(now_ms, &mut shared.clone());
        let count = begun.len();
        self.fetches.extend(begun);
        count
    }

    /// Answers the oldest fetch; whether that is news.
    pub(super) fn answer(
        &mut self,
        now_ms: u64,
        shared: &Shared,
        event: &CalloutEvent<'_>,
    ) -> bool {
        let fetch = self.fetches.remove(0);
        let mut shared = shared.clone();
        self.store.on_response(fetch.id, event, now_ms, &mut shared)
    }

    /// Answers the oldest fetch with a status, a body and more header lines.
    pub(super) fn respond(
        &mut self,
        now_ms: u64,
        shared: &Shared,
        (status, body): (&str, &str),
        lines: &[HeaderLine<'_>],
    ) -> bool {
        let mut headers: Vec<HeaderLine<'_>> = vec![(b":status", status.as_bytes())];
        headers.extend_from_slice(lines);
        let event = CalloutEvent::HttpResponse {
            headers: &headers,
            body: body.as_bytes(),
        };
        self.answer(now_ms, shared, &event)
    }

    /// Answers the oldest fetch with the key set of that rotation.
    pub(super) fn serve(&mut self, now_ms: u64, shared: &Shared, rotation: u64) -> bool {
        self.respond(now_ms, shared, ("200", &key_set(rotation)), &[])
    }

    /// The fetch ends, with the same keys or without any.
    pub(super) fn end(&mut self, now_ms: u64, shared: &Shared, is_up: bool) -> bool {
        match is_up {
            true => self.serve(now_ms, shared, 0),
            false => self.fail(now_ms, shared),
        }
    }

    pub(super) fn fail(&mut self, now_ms: u64, shared: &Shared) -> bool {
        self.answer(now_ms, shared, &CalloutEvent::Failed)
    }

    /// What is known: `pending`, a status, or the name of the newest key.
    pub(super) fn keys(&self) -> String {
        match self.store.keys(SOURCE) {
            Keys::Ready(keys) => {
                let first = keys.iter().next().unwrap();
                first.id().to_owned()
            }
            Keys::Pending => "pending".to_owned(),
            Keys::Failed(status) => status.text().to_owned(),
        }
    }

    /// Host and path of the oldest fetch.
    pub(super) fn asked(&self) -> String {
        let Callout::Http { headers, .. } = &self.fetches[0].callout else {
            return String::new();
        };
        let line = |wanted: &[u8]| {
            let found = headers.iter().find(|(name, _)| name == wanted);
            String::from_utf8(found.unwrap().1.clone()).unwrap()
        };
        [line(b":authority"), line(b":path")].concat()
    }
}
