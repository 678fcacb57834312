//! The keys of all sources, and the tokens that they were tried on.

use std::rc::Rc;

use sluice_adapter::{Host, Shared, Wants};
use sluice_jwt::{
    CacheLimits, FetchId, KeyReport, KeySource, KeyStore, KeyVerdict, Keys, Recalled, SourceId,
    Status, Token, TokenCache,
};
use sluice_policy::CalloutEvent;

/// Keys, and the memory of tokens.
pub struct Keyring {
    store: KeyStore,
    tokens: TokenCache<Recalled>,
    /// The last token that keys were tried on.
    previous: Option<Rc<Token>>,
    /// Whether the store is to look at the clock and at what other VMs did.
    is_due: bool,
    has_news: bool,
}

impl Keyring {
    /// Fetches nothing yet: Envoy tries a configuration in a VM that it throws away.
    pub fn new(sources: &[KeySource], seed: u64) -> Self {
        Self {
            store: KeyStore::new(sources, seed),
            tokens: TokenCache::new(CacheLimits::default(), !seed),
            previous: None,
            is_due: false,
            has_news: false,
        }
    }

    /// The keys of a source.
    pub fn keys(&self, source: SourceId) -> Keys {
        self.store.keys(source)
    }

    /// The state of a source whose keys are fetched.
    pub fn report(&self, source: SourceId, now_ms: u64) -> Option<KeyReport> {
        self.store.report(source, now_ms)
    }

    /// Has the store look around once the callback is over.
    pub fn look_again(&mut self) {
        self.is_due = true;
    }

    /// Whether to wait for a key that a source does not have.
    pub fn unknown_key(&mut self, source: SourceId, key_id: &str, now_ms: u64) -> bool {
        let waits = self.store.unknown_key(source, key_id, now_ms);
        self.is_due |= waits;
        waits
    }

    /// What is remembered of a token.
    pub fn recall(&mut self, token: &[u8], now_s: u64) -> Option<Recalled> {
        self.tokens.recalled(token, now_s)
    }

    /// What the present keys of a source said about a token.
    pub fn verdict(&self, token: &Recalled, source: SourceId) -> Option<Result<(), Status>> {
        token.verdicts.of(source, self.store.version(source))
    }

    /// The last token that keys were tried on.
    pub fn previous(&self) -> Option<Rc<Token>> {
        self.previous.clone()
    }

    /// Remembers what they said.
    pub fn remember(&mut self, token: &Recalled, source: SourceId, result: Result<(), Status>) {
        let verdict = KeyVerdict {
            source,
            version: self.store.version(source),
            result,
        };
        self.previous = Some(Rc::clone(&token.token));
        let (text, expiry_s) = (token.token.text(), token.token.expiry());
        self.tokens.remember(text, expiry_s, verdict, token.clone());
    }

    /// Takes in the answer to a fetch.
    pub fn on_errand(&mut self, host: Host<'_>, errand: u64, event: &CalloutEvent<'_>) {
        let now_ms = host.now_ms().unwrap_or_default();
        let shared = &mut Shared(host);
        let news = self
            .store
            .on_response(FetchId(errand), event, now_ms, shared);
        self.has_news |= news;
        self.is_due = true;
    }

    /// Fetches to make, and whether requests that wait are to be judged again.
    pub fn wants(&mut self, host: Host<'_>) -> Wants {
        let mut wants = Wants {
            wake: std::mem::take(&mut self.has_news),
            ..Wants::default()
        };
        if std::mem::take(&mut self.is_due)
            && let Ok(now_ms) = host.now_ms()
        {
            let fetches = self.store.poll(now_ms, &mut Shared(host));
            let errands = fetches.into_iter().map(|fetch| (fetch.id.0, fetch.callout));
            wants.errands.extend(errands);
            wants.wake |= self.store.take_news();
        }
        wants
    }
}
