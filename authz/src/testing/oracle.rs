//! The same decision, the slow and obvious way: every rule of every policy, in
//! the order of their ids, with nothing shared, remembered or indexed.

use sluice_policy::matcher::TrustDomains;
use sluice_policy::{ProxyKind, Request, Workload};

use crate::compile::lower::comparisons;
use crate::config::{Action, AuthorizationPolicy, Config, Conjunction, Rule, Test};
use crate::predicate::Predicate;
use crate::subject::{Facts, IdentitySource};
use crate::truth::Truth;
use crate::{Stage, Verdict};

/// What the naive evaluator says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Whether the request may pass.
    pub allowed: bool,
    /// Who decided.
    pub stage: Stage,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The AUDIT rule that matched.
    pub audit: Option<String>,
    /// First rule of the dry-run DENY and ALLOW policies.
    pub dry_run: [Option<String>; 2],
}

impl Judgement {
    /// The part of a decision that the naive evaluator makes too.
    pub fn of(decision: &crate::Decision<'_>) -> Self {
        let rule = |rule: Option<&str>| rule.map(str::to_owned);
        Self {
            allowed: decision.verdict == Verdict::Allow,
            stage: decision.stage,
            rule: rule(decision.rule),
            audit: rule(decision.audit),
            dry_run: [decision.dry_run_deny, decision.dry_run_allow]
                .map(|dry| rule(dry.and_then(|dry| dry.rule))),
        }
    }
}

/// Judges a request by AUDIT, DENY and ALLOW policies.
pub fn judge(config: &Config, workload: &Workload, request: &Request<'_>) -> Judgement {
    let identity = match workload.kind {
        ProxyKind::Waypoint => IdentitySource::FilterState,
        ProxyKind::Sidecar | ProxyKind::Gateway => IdentitySource::Certificate,
    };
    let naive = Naive {
        policies: config
            .policies
            .iter()
            .filter(|policy| policy.applies_to(workload, &config.mesh))
            .collect(),
        domains: TrustDomains::new(&config.mesh.trust_domain, &config.mesh.trust_domain_aliases),
        facts: Facts { request, identity },
    };
    naive.judge()
}

struct Naive<'n> {
    policies: Vec<&'n AuthorizationPolicy>,
    domains: TrustDomains,
    facts: Facts<'n>,
}

impl Naive<'_> {
    fn judge(&self) -> Judgement {
        let cautious = |action, dry_run| {
            self.first(action, dry_run, Truth::True)
                .or_else(|| self.first(action, dry_run, Truth::Unknown))
        };
        let mut judgement = Judgement {
            allowed: true,
            stage: Stage::Default,
            rule: None,
            audit: cautious(&Action::Audit, false),
            dry_run: [cautious(&Action::Deny, true), None],
        };
        if let Some(rule) = cautious(&Action::Deny, false) {
            judgement.allowed = false;
            judgement.stage = Stage::Deny;
            judgement.rule = Some(rule);
            return judgement;
        }
        judgement.dry_run[1] = self.first(&Action::Allow, true, Truth::True);
        if self
            .policies
            .iter()
            .any(|policy| policy.action == Action::Allow && !policy.dry_run)
        {
            judgement.stage = Stage::Allow;
            judgement.rule = self.first(&Action::Allow, false, Truth::True);
            judgement.allowed = judgement.rule.is_some();
        }
        judgement
    }

    fn first(&self, action: &Action, dry_run: bool, wanted: Truth) -> Option<String> {
        let mine = self
            .policies
            .iter()
            .filter(|policy| policy.action == *action && policy.dry_run == dry_run);
        let rules = mine.flat_map(|policy| {
            policy
                .rules
                .iter()
                .enumerate()
                .map(move |rule| (policy, rule))
        });
        let matching =
            rules.filter(|(policy, (_, rule))| self.rule(rule, &policy.namespace) == wanted);
        matching
            .map(|(policy, (number, _))| policy.rule_id(number))
            .min()
    }

    fn rule(&self, rule: &Rule, namespace: &str) -> Truth {
        let from = self.any(&rule.from, namespace);
        let to = self.any(&rule.to, namespace);
        from.and(to).and(self.all(&rule.when, namespace))
    }

    fn any(&self, alternatives: &[Conjunction], namespace: &str) -> Truth {
        if alternatives.is_empty() {
            return Truth::True;
        }
        Truth::any(alternatives.iter().map(|tests| self.all(tests, namespace)))
    }

    fn all(&self, tests: &Conjunction, namespace: &str) -> Truth {
        Truth::all(tests.iter().map(|test| self.test(test, namespace)))
    }

    fn test(&self, test: &Test, namespace: &str) -> Truth {
        let comparisons = comparisons(test, namespace, &self.domains).into_iter();
        let truths = comparisons.map(|(subject, values)| {
            Truth::any(values.into_iter().map(|value| {
                Predicate {
                    subject: 0,
                    values: [value].into(),
                }
                .evaluate(&subject, &self.facts)
            }))
        });
        Truth::any(truths).negate_if(test.negated)
    }
}
