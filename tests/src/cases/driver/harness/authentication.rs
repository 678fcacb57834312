//! The JWT module in front of the authorization module.

use sluice_host::{HttpAnswer, HttpCall, Message, Module, PluginConfig};

use crate::cases::authentication::{Address, Authentication, Served};
use crate::cases::scenario::Scenario;

type Plugin = (Module, PluginConfig);

/// The chain of a scenario. A filter without resources is left out where another
/// one is there.
pub fn plugins(
    scenario: &Scenario,
    jwt: &Result<Module, String>,
    authorization: Plugin,
) -> Result<Vec<Plugin>, String> {
    let Some(rules) = &scenario.authentication else {
        return Ok(vec![authorization]);
    };
    let module = jwt.as_ref().map_err(Clone::clone)?.clone();
    let config = PluginConfig {
        environment: authorization.1.environment.clone(),
        ..PluginConfig::new("jwt", rules.plugin.config().to_string())
    };
    let authorizes = !scenario.plugin.resources.is_empty();
    let authorization = authorizes.then_some(authorization);
    Ok([(module, config)]
        .into_iter()
        .chain(authorization)
        .collect())
}

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
