//! Which rules hold for a client that sends to a host, and what they say of a subset.

#[cfg(test)]
mod tests;

use sluice_policy::{Labels, Workload};

use super::traffic_policy::{BudgetPolicy, Limits, Outlier, TrafficPolicy};
use super::{DestinationRule, host};

/// What holds for a subset of a host, at a port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SubsetPolicy {
    /// Limits of requests.
    pub limits: Limits,
    /// When the subset is taken out; `None` is never.
    pub outlier: Option<Outlier>,
    /// Its budget of retries; `None` is none, as in Istio.
    pub retry_budget: Option<BudgetPolicy>,
}

/// The rules that a proxy may meet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DestinationRules {
    /// Those of one namespace, host and selector are one, as Istio makes them.
    rules: Vec<DestinationRule>,
    client_namespace: Box<str>,
    root_namespace: Box<str>,
}

impl DestinationRules {
    /// Keeps what the proxy of `workload` can meet, oldest first.
    pub fn new(rules: Vec<DestinationRule>, workload: &Workload, root_namespace: &str) -> Self {
        // By insertion: a sort is 4 KB of a module, for what are a few rules.
        let mut by_age: Vec<DestinationRule> = Vec::with_capacity(rules.len());
        for rule in rules {
            if is_met(&rule, workload) {
                let place = by_age.partition_point(|older| age(older) <= age(&rule));
                by_age.insert(place, rule);
            }
        }
        let mut merged: Vec<DestinationRule> = Vec::with_capacity(by_age.len());
        for rule in by_age {
            match merged.iter_mut().find(|known| is_one(known, &rule)) {
                Some(known) => merge(known, rule),
                None => merged.push(rule),
            }
        }
        Self {
            rules: merged,
            client_namespace: workload.namespace.as_str().into(),
            root_namespace: root_namespace.into(),
        }
    }

    /// The rule for `host`, a name in full. One of the client's namespace comes before one
    /// of the service's, and that before one of the root namespace; among those of one
    /// namespace the closest host counts, and of these one that selects the client.
    pub fn find(&self, host: &str) -> Option<&DestinationRule> {
        let service = crate::host::namespace(host);
        let tiers = [
            Some(&*self.client_namespace),
            service,
            Some(&*self.root_namespace),
        ];
        let mut tiers = tiers.into_iter().flatten();
        tiers.find_map(|namespace| self.find_in(namespace, host))
    }

    /// The hosts that there are rules for.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| &*rule.host)
    }

    fn find_in(&self, namespace: &str, host: &str) -> Option<&DestinationRule> {
        let rules = self
            .rules
            .iter()
            .filter(|rule| &*rule.namespace == namespace);
        let mut best: Option<((usize, bool), &DestinationRule)> = None;
        for rule in rules {
            let Some(closeness) = host::closeness(&rule.host, host) else {
                continue;
            };
            let rank = (closeness, rule.selector.is_some());
            if best.is_none_or(|(best, _)| rank > best) {
                best = Some((rank, rule));
            }
        }
        best.map(|(_, rule)| rule)
    }

    /// What holds for a subset of a host; for the host as a whole without a subset.
    ///
    /// # Errors
    ///
    /// The subset does not exist, in which case Istio's route leads to a cluster that does
    /// not either.
    pub fn resolve(
        &self,
        host: &str,
        subset: Option<&str>,
        port: Option<u16>,
    ) -> Result<SubsetPolicy, NoSubset> {
        match (self.find(host), subset) {
            (Some(rule), subset) => rule.resolve(subset, port).ok_or(NoSubset),
            (None, None) => Ok(SubsetPolicy::default()),
            (None, Some(_)) => Err(NoSubset),
        }
    }
}

/// No rule for the host names the subset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSubset;

fn is_met(rule: &DestinationRule, workload: &Workload) -> bool {
    let is_own = *rule.namespace == *workload.namespace;
    // A selector says nothing to workloads of other namespaces.
    if let Some(labels) = &rule.selector {
        return is_own && selects(labels, workload);
    }
    let is_for = |to: &str| match to {
        "*" => true,
        "." => is_own,
        namespace => namespace == workload.namespace,
    };
    is_own || rule.export_to.is_empty() || rule.export_to.iter().any(|to| is_for(to))
}

fn selects(labels: &Labels, workload: &Workload) -> bool {
    labels
        .iter()
        .all(|(key, value)| workload.labels.get(key) == Some(value))
}

fn age(rule: &DestinationRule) -> (&str, &str, &str) {
    (&rule.created, &rule.name, &rule.namespace)
}

fn is_one(one: &DestinationRule, other: &DestinationRule) -> bool {
    one.namespace == other.namespace && one.host == other.host && one.selector == other.selector
}

/// Adds the subsets of a younger rule, and its policy if there was none.
fn merge(older: &mut DestinationRule, younger: DestinationRule) {
    for subset in younger.subsets {
        if older.subsets.iter().all(|known| known.name != subset.name) {
            older.subsets.push(subset);
        }
    }
    if older.policy.is_none() {
        older.policy = younger.policy;
    }
}

impl DestinationRule {
    /// What the rule says of one of its subsets, or of its host. `None` when there is no
    /// such subset.
    pub fn resolve(&self, subset: Option<&str>, port: Option<u16>) -> Option<SubsetPolicy> {
        let (host, _) = at_port(self.policy.as_ref(), port);
        let Some(name) = subset else {
            return Some(host.into());
        };
        let subset = self.subsets.iter().find(|subset| *subset.name == *name)?;
        let (own, is_of_port) = at_port(subset.policy.as_ref(), port);
        Some(
            Fields {
                // A port's settings are all that holds for it: what they leave out is default.
                limits: own.limits.or(if is_of_port { None } else { host.limits }),
                outlier: own.outlier.or(if is_of_port { None } else { host.outlier }),
                retry_budget: own.retry_budget.or(host.retry_budget),
            }
            .into(),
        )
    }
}

/// What a policy sets, and what it leaves open.
#[derive(Debug, Clone, Copy, Default)]
struct Fields {
    limits: Option<Limits>,
    outlier: Option<Outlier>,
    retry_budget: Option<BudgetPolicy>,
}

impl From<Fields> for SubsetPolicy {
    fn from(fields: Fields) -> Self {
        Self {
            limits: fields.limits.unwrap_or_default(),
            outlier: fields.outlier,
            retry_budget: fields.retry_budget,
        }
    }
}

/// What a policy sets for a port, and whether it speaks of that port.
fn at_port(policy: Option<&TrafficPolicy>, port: Option<u16>) -> (Fields, bool) {
    let Some(policy) = policy else {
        return (Fields::default(), false);
    };
    let of_port = policy.ports.iter().find(|of| Some(of.port) == port);
    let fields = match of_port {
        Some(of) => Fields {
            limits: of.limits,
            outlier: of.outlier,
            // Ports have no budget of their own, and the policy around them is gone.
            retry_budget: None,
        },
        None => Fields {
            limits: policy.limits,
            outlier: policy.outlier,
            retry_budget: policy.retry_budget,
        },
    };
    (fields, of_port.is_some())
}
