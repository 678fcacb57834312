//! The keys that the JWT filter would have, from scripted services.

use sluice_host::{HttpAnswer, HttpCall, Message};
use sluice_jwt::{Fetch, KeyStore, Program};
use sluice_policy::SharedData;
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sluice_jwt::{Keys, SourceId, Status, configure};
    use sluice_policy::{Diagnostics, Workload};

    use super::*;

    /// The key of RFC 7515 appendix A.3.
    const KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

    /// The keys of an issuer that is asked for its configuration document first.
    fn keys(callouts: &Value) -> Keys {
        let config = json!({"resources": [{
            "apiVersion": "security.istio.io/v1",
            "kind": "RequestAuthentication",
            "metadata": {"name": "a", "namespace": "default"},
            "spec": {"jwtRules": [{"issuer": "https://a.example"}]},
        }]});
        let workload = Workload {
            namespace: "default".to_owned(),
            ..Workload::default()
        };
        let (program, _) = configure(config.to_string().as_bytes(), Some(&workload));
        assert_eq!(program.sources().len(), 1);
        let mut diagnostics = Diagnostics::new();
        let script = Script::read(&json!({"callouts": callouts}), &mut diagnostics);
        assert!(
            !diagnostics.has_errors(),
            "{}",
            diagnostics.errors_in_words()
        );
        fetch(&program, &script, 1_767_225_600).keys(SourceId(0))
    }

    fn answer(path: &str, answer: &Value) -> Value {
        let cluster = "outbound|443||a.example";
        json!({"cluster": cluster, "request": {"path": path}, "answer": answer})
    }

    #[test]
    fn keys_are_found_by_way_of_the_document() {
        let document = json!({"jwks_uri": "https://a.example/keys"}).to_string();
        let found = keys(&json!([
            answer("/keys", &json!({"status": 200, "body": KEYS})),
            answer("/.well-known/*", &json!({"status": 200, "body": document})),
        ]));
        assert!(matches!(found, Keys::Ready(_)), "{found:?}");
    }

    #[test]
    fn keys_that_nobody_scripted_are_not_there() {
        for callouts in [
            json!([answer("/other", &json!({"status": 200, "body": KEYS}))]),
            json!([answer("/*", &json!({"status": 500}))]),
            json!([answer("/*", &json!({"failure": "reset"}))]),
        ] {
            let found = keys(&callouts);
            assert!(
                matches!(found, Keys::Failed(Status::FetchFailed)),
                "{callouts}: {found:?}"
            );
        }
    }
}
