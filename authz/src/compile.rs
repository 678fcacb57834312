//! From the configuration to the program of one workload.

mod intern;
pub(crate) mod lower;
mod peers;

use std::hash::{Hash, Hasher};

use sluice_policy::matcher::TrustDomains;
use sluice_policy::{AttributeSet, ProxyKind, Workload};

use crate::config::{Action, AuthorizationPolicy, Config};
use crate::ext_authz::Provider;
use crate::layer::Layer;
use crate::program::{CustomLayer, OnMatch, Program};
use crate::seedless::Fnv;
use crate::sorted::sorted;
use crate::subject::IdentitySource;
use intern::Interner;

/// Istio's prefix of the ids of CUSTOM rules.
const CUSTOM_PREFIX: &str = "istio-ext-authz-";
/// Istio's suffix of the ids of CUSTOM rules that have become DENY rules.
const BAD_CUSTOM_SUFFIX: &str = "-deny-due-to-bad-CUSTOM-action";

/// Compiles the policies that apply to a workload.
///
/// Infallible: whatever a [`Config`] can hold has a meaning. A CUSTOM policy
/// whose provider is unknown, or one of several without
/// [`Config::multiple_custom_providers`], refuses what it matches, as in Istio.
pub fn compile(config: &Config, workload: &Workload) -> Program {
    let mut compiler = Compiler {
        interner: Interner::default(),
        trust_domains: TrustDomains::new(
            &config.mesh.trust_domain,
            &config.mesh.trust_domain_aliases,
        ),
        policies: config
            .policies
            .iter()
            .filter(|policy| policy.applies_to(workload, &config.mesh))
            .collect(),
    };
    let mut program = Program {
        identity: identity_source(workload.kind),
        peers: peers::compile(config, workload),
        ..Program::default()
    };
    compiler.custom_layers(config, &mut program);
    program.audit = compiler.layer(&|policy| policy.action == Action::Audit && !policy.dry_run);
    program.deny = compiler.layer(&|policy| policy.action == Action::Deny && !policy.dry_run);
    program.allow = compiler.layer(&|policy| policy.action == Action::Allow && !policy.dry_run);
    program.dry_run_deny =
        compiler.layer(&|policy| policy.action == Action::Deny && policy.dry_run);
    program.dry_run_allow =
        compiler.layer(&|policy| policy.action == Action::Allow && policy.dry_run);
    compiler.finish(&mut program);
    program
}

fn identity_source(kind: ProxyKind) -> IdentitySource {
    match kind {
        ProxyKind::Sidecar | ProxyKind::Gateway => IdentitySource::Certificate,
        ProxyKind::Waypoint => IdentitySource::FilterState,
    }
}

struct Compiler<'c> {
    interner: Interner,
    trust_domains: TrustDomains,
    policies: Vec<&'c AuthorizationPolicy>,
}

impl Compiler<'_> {
    /// One layer a provider, by name: Istio puts a pair of filters for each.
    fn custom_layers(&mut self, config: &Config, program: &mut Program) {
        let names = self.policies.iter().filter_map(|policy| policy.provider());
        let mut names = sorted(names.collect());
        names.dedup();
        let one_too_many = names.len() > 1 && !config.multiple_custom_providers;
        let mut mark = Fnv::default();
        for name in names {
            let provider = config.provider(name).filter(|_| !one_too_many);
            (name, provider).hash(&mut mark);
            let is_mine = |policy: &AuthorizationPolicy| policy.provider() == Some(name);
            let on_match = match provider {
                Some(provider) => {
                    program.providers.push(Provider::new(provider));
                    OnMatch::Ask(crate::spans::position(program.providers.len() - 1))
                }
                None => OnMatch::Refuse,
            };
            let suffix = if on_match == OnMatch::Refuse {
                BAD_CUSTOM_SUFFIX
            } else {
                ""
            };
            let prefix = [CUSTOM_PREFIX, name, "-"].concat();
            if let Some(layer) = self.layer_with_ids(&is_mine, &|id| [&prefix, id, suffix].concat())
            {
                program.custom.push(CustomLayer { layer, on_match });
                program.custom_mark = mark.finish();
            }
        }
    }

    fn layer(&mut self, is_mine: &dyn Fn(&AuthorizationPolicy) -> bool) -> Option<Layer> {
        self.layer_with_ids(is_mine, &str::to_owned)
    }

    /// The rules of some policies, in the order of their ids; none if there is
    /// no such policy. A policy without rules makes a layer that never matches.
    fn layer_with_ids(
        &mut self,
        is_mine: &dyn Fn(&AuthorizationPolicy) -> bool,
        decorate: &dyn Fn(&str) -> String,
    ) -> Option<Layer> {
        let policies: Vec<_> = self
            .policies
            .iter()
            .copied()
            .filter(|policy| is_mine(policy))
            .collect();
        if policies.is_empty() {
            return None;
        }
        let mut ids = Vec::new();
        let mut rules = Vec::new();
        for policy in policies {
            for (number, rule) in policy.rules.iter().enumerate() {
                ids.push((decorate(&policy.rule_id(number)), rules.len()));
                rules.push((&policy.namespace, rule));
            }
        }
        let mut layer = Layer::default();
        let mut seen = intern::Seen::default();
        for (id, at) in sorted(ids) {
            // Every id comes with a rule.
            let Some((namespace, rule)) = rules.get(at) else {
                continue;
            };
            let groups = lower::rule(rule, namespace, &self.trust_domains, &mut self.interner);
            // Of equal rules only the first can ever be reported.
            if seen.is_new(&groups, layer.rules()) {
                layer.push(&id, &groups);
            }
        }
        Some(layer)
    }

    fn finish(self, program: &mut Program) {
        (program.subjects, program.predicates) = self.interner.finish();
        let (subjects, predicates) = (&program.subjects, &program.predicates);
        let keys_of = |number: usize| {
            let predicate = predicates.get(number)?;
            predicate.keys(subjects.get(predicate.subject as usize)?)
        };
        let own = [
            &mut program.audit,
            &mut program.deny,
            &mut program.allow,
            &mut program.dry_run_deny,
            &mut program.dry_run_allow,
        ];
        let custom = program.custom.iter_mut().map(|custom| &mut custom.layer);
        for layer in own.into_iter().flatten().chain(custom) {
            layer.seal(&keys_of);
        }
        let subjects = program
            .subjects
            .iter()
            .map(|subject| subject.demand(program.identity));
        let checks = program.providers.iter().map(Provider::demand);
        program.demand = subjects
            .chain(checks)
            .fold(program.peers.demand(), AttributeSet::union);
    }
}
