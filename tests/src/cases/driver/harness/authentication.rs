//! The world of the JWT module.

use sluice_host::{HttpAnswer, HttpCall, Message};

use crate::cases::authentication::{Address, Authentication, Served};
use crate::cases::scenario::Scenario;

/// Requests until the one that is observed.
pub fn requests(scenario: &Scenario) -> usize {
    let rules = scenario.authentication.as_ref();
    rules.map_or(1, |rules| rules.tier.requests())
}

/// Whether a cluster leads to keys, and not to a provider that is asked.
pub fn is_of_keys(scenario: &Scenario, cluster: &str) -> bool {
    let rules = scenario.authentication.iter();
    let mut addresses = rules.flat_map(Authentication::addresses);
    addresses.any(|(address, _)| address.cluster == cluster)
}

/// What a server of keys answers; none if it is not one that is asked.
pub fn answer(rules: &Authentication, call: &HttpCall) -> Option<HttpAnswer> {
    let text = |name: &str| {
        let value = call.message.headers.get(name).unwrap_or_default();
        String::from_utf8_lossy(value).into_owned()
    };
    let asked = Address {
        cluster: call.cluster.clone(),
        authority: text(":authority"),
        path: text(":path"),
    };
    Some(match rules.answer(&asked)? {
        Served::Document(document) => {
            let mut message = Message::of_headers([(":status", b"200".to_vec())]);
            message.body = vec![document.clone().into_bytes()];
            HttpAnswer::Response(message)
        }
        Served::Missing => {
            HttpAnswer::Response(Message::of_headers([(":status", b"404".to_vec())]))
        }
        Served::Unreachable => HttpAnswer::Reset,
    })
}
