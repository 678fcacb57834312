//! Which scenarios share a process, which a listener, and what those are.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use sluice_envoy::bootstrap::http_filter::{WasmFilter, jwt_authn};
use sluice_envoy::bootstrap::transport_socket::{ClientCertificate, downstream_tls};
use sluice_envoy::bootstrap::{
    FilterChain, HttpConnectionManager, Listener, PathNormalization, extension,
};
use sluice_envoy::identity::{Authority, Identity};
use sluice_envoy::service::documents::Library;

use super::Modules;
use crate::cases::authentication::{Authentication, Served, Tier};
use crate::cases::driver::NativeEngine;
use crate::cases::jwt_authn::{JwtAuthn, Location, Rule};
use crate::cases::provider::{self, Provider};
use crate::cases::scenario::{Driver as _, Observation, Obstacle, Plugin, Scenario};

/// Response header in which a listener tells its response-code details.
pub const DETAILS_HEADER: &str = "x-case-details";

const OWN_DICE: &str = "a module throws its own dice: no case deals it a number";

const OTHER_TIME: &str = "the token is judged differently at the time of the case";

/// Why a scenario cannot be staged in front of a real Envoy.
pub fn obstacle(scenario: &Scenario, modules: &Modules) -> Option<String> {
    let traffic = [
        (scenario.faults.is_some(), &modules.fault),
        (scenario.routing.is_some(), &modules.routing),
    ];
    for (is_wanted, module) in traffic {
        if let (true, Err(reason)) = (is_wanted, module) {
            return Some(reason.clone());
        }
    }
    if scenario.dealt.is_some() {
        return Some(OWN_DICE.to_owned());
    }
    if let Some(rules) = &scenario.authentication {
        let missing = modules.jwt.clone().err();
        return missing
            .or_else(|| tier_obstacle(rules.tier))
            .or_else(|| clock_obstacle(scenario, rules));
    }
    let jwt = scenario.jwt.as_ref()?;
    let token_dies = jwt.outcome_differs_from_today(&scenario.traffic);
    token_dies.then(|| OTHER_TIME.to_owned())
}

/// Whatever Envoy is used with has its cryptography.
fn tier_obstacle(tier: Tier) -> Option<String> {
    let missing = tier == Tier::InVm;
    missing.then(|| "Envoy has `verify_signature`; a host without it is the harness".to_owned())
}

/// Envoy judges tokens by the clock on the wall.
fn clock_obstacle(scenario: &Scenario, rules: &Authentication) -> Option<String> {
    let today = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut later = scenario.clone();
    later.authentication = Some(Authentication {
        now_s: today.as_secs(),
        ..rules.clone()
    });
    let answers = NativeEngine::default().run(&[scenario.clone(), later]);
    let outcome = |answer: &Result<Observation, Obstacle>| {
        let found = answer.as_ref().ok();
        found.map(|found| (found.forwarded, found.status, found.body.clone()))
    };
    let mut outcomes = answers.iter().map(outcome);
    let differs = outcomes.next() != outcomes.next();
    differs.then(|| OTHER_TIME.to_owned())
}

/// Scenarios with equal keys may share a process.
pub fn process_key(scenario: &Scenario) -> String {
    let workload = &scenario.workload;
    let without_keys = scenario.authentication.as_ref().map(urls_without_keys);
    format!(
        "{:?} {} {:?} {:?} {without_keys:?}",
        workload.kind, workload.namespace, workload.labels, scenario.unreachable
    )
}

/// Filters of one process share the keys of a URL.
fn urls_without_keys(rules: &Authentication) -> Vec<&String> {
    let served = rules.served.iter();
    let missing = served.filter(|(_, served)| !matches!(served, Served::Document(_)));
    missing.map(|(url, _)| url).collect()
}

/// Scenarios with equal keys share a listener.
fn listener_key(scenario: &Scenario) -> String {
    let jwt = scenario.jwt.as_ref().map(jwt_fields);
    let metadata = json!(scenario.traffic.metadata);
    let front = &scenario.front;
    let rules = scenario
        .authentication
        .as_ref()
        .map(|rules| rules.plugin.config());
    let config = scenario.plugin.config();
    let [faults, routing] =
        [&scenario.faults, &scenario.routing].map(|plugin| plugin.as_ref().map(Plugin::config));
    format!("{config} {faults:?} {routing:?} {rules:?} {front:?} {jwt:?} {metadata}")
}

/// Cuts `members` where a process would get more than `limit` listeners.
pub fn parts(scenarios: &[Scenario], members: &[usize], limit: usize) -> Vec<Vec<usize>> {
    let stages = Stages::of(scenarios, members);
    let mut parts = vec![Vec::new(); stages.len().div_ceil(limit).max(1)];
    for &member in members {
        let part = stages.numbers.get(&member).copied().unwrap_or_default() / limit;
        if let Some(part) = parts.get_mut(part) {
            part.push(member);
        }
    }
    parts
}

/// The listeners of one process.
pub struct Stages<'s> {
    /// A scenario for each listener.
    distinct: Vec<&'s Scenario>,
    /// Scenario to listener.
    numbers: BTreeMap<usize, usize>,
}

impl<'s> Stages<'s> {
    /// One listener for every distinct configuration.
    pub fn of(scenarios: &'s [Scenario], members: &[usize]) -> Self {
        let mut by_key: BTreeMap<String, usize> = BTreeMap::new();
        let mut stages = Self {
            distinct: Vec::new(),
            numbers: BTreeMap::new(),
        };
        for &member in members {
            let Some(scenario) = scenarios.get(member) else {
                continue;
            };
            let number = *by_key
                .entry(listener_key(scenario))
                .or_insert(stages.distinct.len());
            if number == stages.distinct.len() {
                stages.distinct.push(scenario);
            }
            stages.numbers.insert(member, number);
        }
        stages
    }

    /// How many listeners there are.
    pub fn len(&self) -> usize {
        self.distinct.len()
    }

    /// Listener of a scenario.
    pub fn name_of(&self, member: usize) -> String {
        name(self.numbers.get(&member).copied().unwrap_or_default())
    }

    /// Two halves by listeners.
    pub fn halves(&self, members: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let middle = self.len() / 2;
        members.iter().partition(|member| {
            self.numbers
                .get(member)
                .is_some_and(|number| *number < middle)
        })
    }

    /// Every provider once, by cluster.
    pub fn providers(&self) -> Vec<Provider> {
        let all = self
            .distinct
            .iter()
            .flat_map(|scenario| provider::providers(&scenario.plugin.mesh));
        let by_cluster: BTreeMap<String, Provider> = all
            .map(|provider| (provider.cluster.clone(), provider))
            .collect();
        by_cluster.into_values().collect()
    }

    /// Has the library keep every key set of these listeners, and gives the clusters
    /// that lead to it: whether anybody listens there.
    pub fn keep_keys(&self, library: &Library) -> BTreeMap<String, bool> {
        let rules = self
            .distinct
            .iter()
            .filter_map(|scenario| scenario.authentication.as_ref());
        let mut clusters = BTreeMap::new();
        for (address, served) in rules.flat_map(Authentication::addresses) {
            if let Served::Document(document) = served {
                library.keep(&address.authority, &address.path, document.as_str());
            }
            clusters.insert(address.cluster, *served != Served::Unreachable);
        }
        clusters
    }

    /// The listeners.
    pub fn listeners(&self, modules: &Modules, tls: &Value) -> Vec<Listener> {
        let numbered = self.distinct.iter().enumerate();
        numbered
            .map(|(number, scenario)| listener(number, scenario, modules, tls))
            .collect()
    }
}

fn name(number: usize) -> String {
    format!("case-{number}")
}

fn listener(number: usize, scenario: &Scenario, modules: &Modules, tls: &Value) -> Listener {
    let manager = manager(scenario, modules);
    Listener::new(&name(number))
        .proxy_protocol()
        .tls_inspector()
        .chain(FilterChain::new(&manager).tls(tls.clone()))
        .chain(FilterChain::new(&manager).raw())
}

fn manager(scenario: &Scenario, modules: &Modules) -> HttpConnectionManager {
    let mut manager = HttpConnectionManager::to_cluster("upstream")
        .path_normalization(normalization(scenario))
        .field("local_reply_config", tell_details());
    if let Some(hops) = scenario.front.trusted_proxies {
        manager = manager
            .field("use_remote_address", json!(true))
            .field("xff_num_trusted_hops", json!(hops));
    }
    if !scenario.traffic.metadata.is_empty() {
        manager = manager.filter(set_metadata(scenario));
    }
    if let Some(jwt) = &scenario.jwt {
        manager = manager.filter(jwt_authn(jwt_fields(jwt)));
    }
    for (name, module, plugin) in plugins(scenario, modules) {
        let config = plugin.config().to_string();
        manager = manager.filter(WasmFilter::new(name, module, &config).to_json());
    }
    manager
}

/// The filters of a scenario, in order.
fn plugins<'s>(
    scenario: &'s Scenario,
    modules: &'s Modules,
) -> impl Iterator<Item = (&'static str, &'s PathBuf, &'s Plugin)> {
    let jwt = scenario.authentication.as_ref().map(|rules| &rules.plugin);
    let authz = scenario.authorizes().then_some(&scenario.plugin);
    let all = [
        ("jwt", modules.jwt.as_ref(), jwt),
        ("authz", Ok(&modules.authz), authz),
        ("fault", modules.fault.as_ref(), scenario.faults.as_ref()),
        (
            "routing",
            modules.routing.as_ref(),
            scenario.routing.as_ref(),
        ),
    ];
    // Of a module that is not there `obstacle` has told.
    all.into_iter()
        .filter_map(|(name, module, plugin)| Some((name, module.ok()?, plugin?)))
}

fn normalization(scenario: &Scenario) -> PathNormalization {
    match scenario.front.path_normalization.as_deref() {
        Some("NONE") => PathNormalization::None,
        Some("MERGE_SLASHES") => PathNormalization::MergeSlashes,
        Some("DECODE_AND_MERGE_SLASHES") => PathNormalization::DecodeAndMergeSlashes,
        _ => PathNormalization::Base,
    }
}

/// Every reply of the proxy's own says why, in a header.
fn tell_details() -> Value {
    let any_status = json!({"status_code_filter": {"comparison": {
        "op": "GE", "value": {"default_value": 100, "runtime_key": "case.any_status"},
    }}});
    let details = json!({"key": DETAILS_HEADER, "value": "%RESPONSE_CODE_DETAILS%"});
    json!({"mappers": [{"filter": any_status, "headers_to_add": [{"header": details}]}]})
}

fn set_metadata(scenario: &Scenario) -> Value {
    let entries = scenario.traffic.metadata.iter();
    let entries = entries.map(|(name, value)| json!({"metadata_namespace": name, "value": value}));
    extension(
        "envoy.filters.http.set_metadata",
        "envoy.extensions.filters.http.set_metadata.v3.Config",
        json!({"metadata": entries.collect::<Vec<_>>()}),
    )
}

/// The filter that Istio generates for the same rules.
fn jwt_fields(jwt: &JwtAuthn) -> Value {
    let names: Vec<String> = (0..jwt.rules.len())
        .map(|index| format!("origins-{index}"))
        .collect();
    let providers = names
        .iter()
        .zip(&jwt.rules)
        .map(|(name, rule)| (name.clone(), provider_of(rule)));
    json!({
        "providers": providers.collect::<serde_json::Map<_, _>>(),
        "rules": [{"match": {"prefix": "/"}, "requires": requirement(&names)}],
        "bypass_cors_preflight": true,
    })
}

fn provider_of(rule: &Rule) -> Value {
    let mut headers = Vec::new();
    let mut parameters = Vec::new();
    for location in &rule.locations {
        match location {
            Location::Header { name, prefix } => {
                headers.push(json!({"name": name, "value_prefix": prefix}));
            }
            Location::Parameter(name) => parameters.push(json!(name)),
        }
    }
    json!({
        "issuer": rule.issuer,
        "audiences": rule.audiences,
        "local_jwks": {"inline_string": rule.key_set.to_string()},
        "from_headers": headers,
        "from_params": parameters,
        "forward": rule.forward,
        "payload_in_metadata": "payload",
        "normalize_payload_in_metadata": {"space_delimited_claims": rule.space_delimited},
    })
}

/// A missing token is accepted, an invalid one is not.
fn requirement(names: &[String]) -> Value {
    let one = |name: &String| json!({"provider_name": name});
    let missing = json!({"allow_missing": {}});
    if let [name] = names {
        return json!({"requires_any": {"requirements": [one(name), missing]}});
    }
    let each = names
        .iter()
        .map(|name| json!({"requires_any": {"requirements": [one(name), missing]}}));
    let all = json!({"requires_all": {"requirements": each.collect::<Vec<_>>()}});
    let any: Vec<Value> = names.iter().map(one).chain([all]).collect();
    json!({"requires_any": {"requirements": any}})
}

/// A client certificate is verified if there is one, and not demanded.
pub fn optional_mutual_tls(authority: &Authority, server: &Identity) -> Value {
    let mut tls = downstream_tls(authority, server, ClientCertificate::Required);
    if let Some(required) = tls.pointer_mut("/typed_config/require_client_certificate") {
        *required = json!(false);
    }
    tls
}
