//! The keys that the JWT filter would have, from scripted services.

use sluice_host::{HttpAnswer, HttpCall, Message};
use sluice_jwt::{Fetch, KeyStore, Program, SharedData};
use sluice_policy::{Callout, CalloutEvent};

use crate::callouts::Script;

/// Most fetches one after another: of a document, and of the keys that it leads to.
const ROUNDS: usize = 2;

/// A filter that stands alone.
struct Nobody;

impl SharedData for Nobody {
    fn get(&mut self, _: &str) -> Option<(Vec<u8>, u32)> {
        None
    }

    fn set(&mut self, _: &str, _: &[u8], _: u32) -> bool {
        false
    }
}

/// Fetches every key set as the filter does, from services that say what is scripted, at
/// a time in seconds since 1970.
pub fn fetch(program: &Program, script: &Script, now: u64) -> KeyStore {
    let now_ms = now.saturating_mul(1_000);
    let mut store = KeyStore::new(program.sources(), 0);
    for _ in 0..ROUNDS {
        for fetch in store.poll(now_ms, &mut Nobody) {
            answer(&mut store, &fetch, script, now_ms);
        }
    }
    store
}

fn answer(store: &mut KeyStore, fetch: &Fetch, script: &Script, now_ms: u64) {
    let response = response(&fetch.callout, script);
    let lines: Vec<_> = response
        .iter()
        .flat_map(|response| response.headers.iter())
        .collect();
    let body = response.as_ref().map(Message::body_bytes);
    let event = body
        .as_ref()
        .map_or(CalloutEvent::Failed, |body| CalloutEvent::HttpResponse {
            headers: &lines,
            body,
        });
    store.on_response(fetch.id, &event, now_ms, &mut Nobody);
}

/// What comes back; none where nothing is scripted, or that nothing comes back.
fn response(callout: &Callout, script: &Script) -> Option<Message> {
    let Callout::Http {
        cluster,
        headers,
        timeout_ms,
    } = callout
    else {
        return None;
    };
    let lines = headers.iter().map(|(name, value)| (name, value));
    let call = HttpCall {
        cluster: cluster.clone(),
        message: Message::of_headers(lines),
        timeout_ms: *timeout_ms,
    };
    let (_, entry) = script.for_http(&call)?;
    match entry.answer.to_http(&call).what {
        HttpAnswer::Response(message) => Some(message),
        HttpAnswer::Reset => None,
    }
}
