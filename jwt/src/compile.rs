//! From the configuration to the program of one workload.

use sluice_policy::Workload;

use crate::audience::Audiences;
use crate::claims::ClaimPath;
use crate::config::{Config, JwtRule, RequestAuthentication};
use crate::key_source::{KeySource, Remote, SourceId};
use crate::program::{Locations, NameId, Program, Rule};
use crate::sorted::{distinct, order};

/// What a rule that names no place looks at, as Istio has it.
const DEFAULT_HEADER: [&str; 2] = ["authorization", "Bearer "];
const DEFAULT_PARAMETER: &str = "access_token";

/// Compiles the resources that apply to a workload: all of their rules together, in
/// the order of their issuers. No resource overrides another.
///
/// Infallible: whatever a [`Config`] can hold has a meaning.
pub fn compile(config: &Config, workload: &Workload) -> Program {
    let mut rules = Vec::new();
    let mut keys = Vec::new();
    for resource in &config.resources {
        if resource.applies_to(workload, &config.mesh) {
            for rule in &resource.rules {
                keys.push(key(rule, resource));
                rules.push(rule);
            }
        }
    }
    let mut program = Program::default();
    for (_, number) in order(keys) {
        if let Some(rule) = rules.get(number) {
            let rule = program.compile(rule, config);
            program.rules.push(rule);
        }
    }
    let outputs = program.rules.iter().flat_map(|rule| &rule.outputs).copied();
    program.outputs = each_once(outputs);
    program
}

/// Istio leaves rules of one issuer in the order in which it was told of their
/// resources, which has no meaning; here it is that of their names.
fn key(rule: &JwtRule, resource: &RequestAuthentication) -> Vec<u8> {
    let parts = [&rule.issuer, &resource.namespace, &resource.name];
    parts.map(|part| part.as_bytes()).join(&0)
}

impl Program {
    fn compile(&mut self, rule: &JwtRule, config: &Config) -> Rule {
        let source = rule
            .keys
            .source(&rule.issuer, &config.jwks_clusters, rule.timeout_ms);
        let payload_header = rule.output_payload_to_header.as_ref();
        let payload_header = payload_header.map(|name| self.intern(name));
        let claim_headers: Vec<_> = rule
            .output_claim_to_headers
            .iter()
            .map(|(name, claim)| (self.intern(name), ClaimPath::parse(claim)))
            .collect();
        let names = claim_headers.iter().map(|(name, _)| *name);
        Rule {
            issuer: (&*rule.issuer).into(),
            audiences: Audiences::new(&rule.audiences),
            source: self.source(source),
            locations: self.locations(rule),
            payload_header,
            outputs: each_once(payload_header.into_iter().chain(names)),
            claim_headers,
            forwards_token: rule.forward_original_token,
            space_delimited: rule.space_delimited_claims.clone(),
        }
    }

    fn locations(&mut self, rule: &JwtRule) -> Locations {
        let is_default = rule.from_headers.is_empty()
            && rule.from_params.is_empty()
            && rule.from_cookies.is_empty();
        if is_default {
            return Locations {
                headers: self.headers(&[DEFAULT_HEADER.map(Into::into).into()]),
                parameters: names(&[DEFAULT_PARAMETER.into()]),
                ..Locations::default()
            };
        }
        Locations {
            headers: self.headers(&rule.from_headers),
            parameters: names(&rule.from_params),
            cookies: names(&rule.from_cookies),
            cookie_header: (!rule.from_cookies.is_empty()).then(|| self.intern("cookie")),
        }
    }

    /// Envoy's map goes by the name with the prefix behind it.
    fn headers(&mut self, headers: &[(Box<str>, Box<str>)]) -> Vec<(NameId, Box<[u8]>)> {
        let keys = headers.iter();
        let keys = keys.map(|(name, prefix)| [name.as_bytes(), prefix.as_bytes()].concat());
        let mut found = Vec::new();
        for (_, number) in distinct(keys.collect()) {
            if let Some((name, prefix)) = headers.get(number) {
                found.push((self.intern(name), prefix.as_bytes().into()));
            }
        }
        found
    }

    fn intern(&mut self, name: &str) -> NameId {
        let known = self
            .names
            .iter()
            .position(|known| **known == *name.as_bytes());
        NameId(known.unwrap_or_else(|| {
            self.names.push(bytes(name));
            self.names.len() - 1
        }))
    }

    /// Rules that share a source share its fetches, and the longest of their timeouts.
    fn source(&mut self, source: KeySource) -> SourceId {
        let known = self
            .sources
            .iter_mut()
            .enumerate()
            .find(|(_, known)| is_same(known, &source));
        if let Some((number, known)) = known {
            if let (KeySource::Remote(known), KeySource::Remote(other)) = (known, source) {
                known.timeout_ms = known.timeout_ms.max(other.timeout_ms);
            }
            return SourceId(number);
        }
        self.sources.push(source);
        SourceId(self.sources.len() - 1)
    }
}

fn is_same(source: &KeySource, other: &KeySource) -> bool {
    match (source, other) {
        (KeySource::Remote(remote), KeySource::Remote(other)) => {
            let timeout_ms = remote.timeout_ms;
            *remote
                == Remote {
                    timeout_ms,
                    ..other.clone()
                }
        }
        _ => source == other,
    }
}

fn bytes(text: &str) -> Box<[u8]> {
    text.as_bytes().into()
}

/// Names, sorted, each once.
fn names(names: &[Box<str>]) -> Vec<Box<[u8]>> {
    let names = names.iter().map(|name| name.as_bytes().to_vec());
    let names = distinct(names.collect()).into_iter();
    names.map(|(name, _)| name.into()).collect()
}

/// Each once.
fn each_once(ids: impl Iterator<Item = NameId>) -> Vec<NameId> {
    let mut found = Vec::new();
    for id in ids {
        if !found.contains(&id) {
            found.push(id);
        }
    }
    found
}
