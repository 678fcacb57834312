//! The JWT engine, natively: its world is a token cache and the key sets of the case.

use std::rc::Rc;

use serde_json::{Map, Value};
use sluice_jwt::testing::RingHost;
use sluice_jwt::{
    CacheLimits, HostCrypto, Identity, KeySet, KeySource, KeyVerdict, Keys, NoHostCrypto, Outcome,
    Program, Progress, Recalled, Remote, SourceId, Status, TokenCache, Verdict, World,
    authenticate, configure, refusal,
};
use sluice_policy::Request;

use super::{Stopped, edits};
use crate::cases::authentication::{Address, Authentication, Served, Tier};
use crate::cases::front::Fronted;
use crate::cases::jwt_authn::NAMESPACE;
use crate::cases::scenario::Scenario;

/// Any: nothing here depends on how tokens are spread.
const SEED: u64 = 0;

/// Version of key sets that never change.
const ONLY: u64 = 1;

/// Passes the request through the filter: its headers change, and what the token
/// says becomes metadata, as the filter's successor sees it.
///
/// # Errors
/// The reply, or why there is none.
pub fn pass(
    scenario: &Scenario,
    authentication: &Authentication,
    fronted: &mut Fronted,
) -> Result<(), Stopped> {
    let config = authentication.plugin.config().to_string();
    let (program, diagnostics) = configure(config.as_bytes(), Some(&scenario.workload));
    if diagnostics.has_errors() {
        return Err(Stopped::Broken(format!(
            "configuration refused: {diagnostics}"
        )));
    }
    let lines = super::lines(scenario, fronted);
    let request = super::demanded(super::request(scenario, fronted, &lines), program.demand());
    let mut world = Case::new(&program, authentication);
    let mut outcome = judge(&program, &request, authentication, &mut world)?;
    for _ in 1..authentication.tier.requests() {
        outcome = judge(&program, &request, authentication, &mut world)?;
    }
    if world.verified_anew {
        return Err(Stopped::Broken(
            "the third request was verified anew".to_owned(),
        ));
    }
    match outcome.verdict {
        Verdict::Refuse(status) => Err(Stopped::Replied(refusal(status, &request))),
        Verdict::Pass => {
            let identity = outcome.identity;
            edits::apply(&mut fronted.headers, &outcome.edits);
            take_path(fronted);
            fronted
                .metadata
                .extend(identity.and_then(|identity| metadata(&identity)));
            Ok(())
        }
    }
}

fn judge(
    program: &Program,
    request: &Request<'_>,
    authentication: &Authentication,
    world: &mut Case,
) -> Result<Outcome, Stopped> {
    match authenticate(program, request, authentication.now_s, world) {
        Progress::Done(outcome) => Ok(outcome),
        Progress::Wait(_) => Err(Stopped::Broken("it waits for keys".to_owned())),
    }
}

/// A pseudo header is a header to the filter.
fn take_path(fronted: &mut Fronted) {
    let is_path = |(name, _): &(String, Vec<u8>)| name == ":path";
    if let Some(at) = fronted.headers.iter().position(is_path) {
        let (_, path) = fronted.headers.remove(at);
        fronted.path = String::from_utf8_lossy(&path).into_owned();
    }
}

/// What the authorization filter reads where Envoy's own filter would have put it.
fn metadata(identity: &Identity) -> Option<(String, Value)> {
    let Ok(claims) = serde_json::from_slice::<Map<String, Value>>(&identity.json) else {
        return None;
    };
    Some((NAMESPACE.to_owned(), Value::Object(claims)))
}

/// The world of one case.
struct Case {
    keys: Vec<Keys>,
    host: Box<dyn HostCrypto>,
    tokens: TokenCache<Recalled>,
    /// The token that was verified last, if it is one that is remembered.
    last: Vec<u8>,
    /// How often it was, in a row.
    times: usize,
    verified_anew: bool,
}

impl Case {
    fn new(program: &Program, authentication: &Authentication) -> Self {
        let keys = program.sources().iter().map(|source| match source {
            KeySource::Inline(text) => parsed(text.as_bytes()),
            KeySource::Remote(remote) => fetched(remote, authentication),
        });
        let host: Box<dyn HostCrypto> = match authentication.tier {
            Tier::InVm => Box::new(NoHostCrypto),
            Tier::Host | Tier::Cached => Box::new(RingHost::default()),
        };
        Self {
            keys: keys.collect(),
            host,
            tokens: TokenCache::new(CacheLimits::default(), SEED),
            last: Vec::new(),
            times: 0,
            verified_anew: false,
        }
    }
}

fn parsed(text: &[u8]) -> Keys {
    KeySet::parse(text).map_or_else(Keys::Failed, |set| Keys::Ready(Rc::new(set)))
}

/// What the store of keys makes of an answer: any that is no key set is a failed fetch.
fn fetched(remote: &Remote, authentication: &Authentication) -> Keys {
    let address = Address {
        cluster: remote.cluster.clone(),
        authority: remote.authority.clone(),
        path: remote.path.clone(),
    };
    match authentication.answer(&address) {
        Some(Served::Document(set)) => match parsed(set.as_bytes()) {
            Keys::Failed(_) => Keys::Failed(Status::FetchFailed),
            keys => keys,
        },
        Some(Served::Missing | Served::Unreachable) | None => Keys::Failed(Status::FetchFailed),
    }
}

impl World for Case {
    fn recall(&mut self, token: &[u8]) -> Option<Recalled> {
        self.tokens.recalled(token, 0)
    }

    fn keys(&mut self, source: SourceId) -> Keys {
        let keys = self.keys.get(source.0).cloned();
        keys.unwrap_or(Keys::Failed(Status::FetchFailed))
    }

    fn verify(&mut self, token: &Recalled, source: SourceId, keys: &KeySet) -> Result<(), Status> {
        if let Some(result) = token.verdicts.of(source, ONLY) {
            return result;
        }
        let text = token.token.text();
        self.times = if self.last == text { self.times + 1 } else { 1 };
        self.verified_anew |= self.times >= Tier::Cached.requests();
        if text.len() <= CacheLimits::default().token_bytes {
            self.last = text.to_vec();
        }
        let (result, _) = sluice_jwt::verify(&token.token, keys, self.host.as_mut());
        let verdict = KeyVerdict {
            source,
            version: ONLY,
            result,
        };
        let expiry = token.token.expiry();
        self.tokens.remember(text, expiry, verdict, token.clone());
        result
    }

    fn unknown_key(&mut self, _: SourceId, _: &str) -> bool {
        false
    }
}
