//! The index of a layer: from a request to the few rules that could match it.
//!
//! A rule is filed under one of its groups (`from`, `to` or `when`): whoever
//! satisfies the rule satisfies some alternative of that group, hence all its
//! positive predicates, hence some configured value of each. So every
//! alternative is filed under the values of one of its predicates. Which group
//! and which predicate is decided by counting: the one whose most crowded value
//! is shared by the fewest rules of the layer. Thus 5,000 rules on one path
//! with 5,000 principals are filed by principal, and the reverse by path.
//!
//! Rules without such a predicate (negations, `*`, `{*}` alone) are *residual*.
//! They are gathered under the literal that most of them share and are looked
//! at only when it holds.
//!
//! Cost of a lookup: the bytes of the texts looked at, each hashed once, plus
//! the lists they hit, each read in order of rank until the first match. Equal
//! rules are one, so a list holds rules that share the value *and* differ.
//! What does grow with the policies: one memoised test for each distinct
//! literal of the residual rules (5,000 policies that each negate another set
//! of values, or each have another pattern such as `*x*` for a namespace), and
//! one lookup for each distinct claim path.

mod hash;
pub(crate) mod key;
mod lane;
#[cfg(test)]
mod selectivity;
mod table;

use std::collections::HashMap;
use std::ops::Range;

use key::Options;
use lane::Lanes;
use table::Table;

use crate::rules::{Literal, Rules};
use crate::seedless::Seedless;
use crate::sorted::sorted;
use crate::spans::position;
use crate::subject::Facts;

/// Gives, for a predicate, the lookup options of each of its values; `None` if
/// some value cannot be looked up.
pub(crate) type KeysOf<'k> = dyn Fn(usize) -> Option<Vec<Options>> + 'k;

/// The index of one layer.
#[derive(Debug, Default)]
pub(crate) struct Index {
    lanes: Lanes,
    table: Table,
    /// Residual rules by the literal that they need; `None`: by nothing.
    residual: Vec<(Option<Literal>, Vec<u32>)>,
}

impl Index {
    /// Indexes all rules.
    pub(crate) fn build(rules: &Rules, keys_of: &KeysOf<'_>) -> Self {
        let mut builder = Builder::count(rules, keys_of);
        for rank in 0..rules.len() {
            builder.file(rules, rank);
        }
        builder.finish()
    }

    /// Calls `found` with every list that the request hits. `false` if a fact
    /// was unavailable, so that any rule may be a candidate.
    pub(crate) fn look_up(&self, facts: &Facts<'_>, found: &mut dyn FnMut(Range<u32>)) -> bool {
        self.lanes.look_up(facts, &self.table, found)
    }

    /// The ranks of a list, ascending.
    pub(crate) fn ranks(&self, list: Range<u32>) -> &[u32] {
        self.table.ranks(list)
    }

    /// Residual rules with the literal that they need.
    pub(crate) fn residual(&self) -> impl Iterator<Item = (Option<Literal>, &[u32])> {
        self.residual
            .iter()
            .map(|(literal, ranks)| (*literal, ranks.as_slice()))
    }
}

struct Builder<'k> {
    keys_of: &'k KeysOf<'k>,
    lanes: Lanes,
    /// How many literals use each key.
    crowd: HashMap<u64, u32, Seedless>,
    /// How many alternatives use each literal, by its number.
    uses: Vec<u32>,
    /// Cost of filing under each predicate; none if it cannot be looked up.
    costs: Vec<Option<u32>>,
    pairs: Vec<(u64, u32)>,
    residual: Vec<(Option<Literal>, u32)>,
}

impl<'k> Builder<'k> {
    fn count(rules: &Rules, keys_of: &'k KeysOf<'k>) -> Self {
        let mut builder = Self {
            keys_of,
            lanes: Lanes::default(),
            crowd: HashMap::default(),
            uses: Vec::new(),
            costs: Vec::new(),
            pairs: Vec::new(),
            residual: Vec::new(),
        };
        for literal in rules.literals() {
            let number = literal.number();
            if builder.uses.len() <= number {
                builder.uses.resize(number + 1, 0);
            }
            if let Some(uses) = builder.uses.get_mut(number) {
                *uses += 1;
            }
        }
        builder.count_crowds();
        builder.count_costs();
        builder
    }

    fn uses(&self, literal: Literal) -> u32 {
        self.uses.get(literal.number()).copied().unwrap_or(0)
    }

    /// Predicates up to the highest that some literal uses.
    fn predicates(&self) -> Range<usize> {
        0..self.uses.len().div_ceil(2)
    }

    fn count_crowds(&mut self) {
        for predicate in self.predicates() {
            let uses = self.uses(Literal::new(predicate, false));
            if uses == 0 {
                continue;
            }
            for key in (self.keys_of)(predicate)
                .unwrap_or_default()
                .iter()
                .flatten()
            {
                *self.crowd.entry(self.lanes.hash(key)).or_insert(0) += uses;
            }
        }
    }

    fn count_costs(&mut self) {
        for predicate in self.predicates() {
            let is_used = self.uses(Literal::new(predicate, false)) > 0;
            let values = if is_used {
                (self.keys_of)(predicate)
            } else {
                None
            };
            let cost = values.and_then(|values| self.cost(&values));
            self.costs.push(cost);
        }
    }

    /// The crowd of the most crowded value, each looked up the best way.
    fn cost(&mut self, values: &[Options]) -> Option<u32> {
        let mut cost = 0;
        for options in values {
            cost = cost.max(self.cheapest(options)?.1);
        }
        Some(cost)
    }

    /// The least crowded way to look a value up.
    fn cheapest<'o>(&mut self, options: &'o Options) -> Option<(&'o key::Key, u32)> {
        let crowds = options.iter().map(|key| {
            let crowd = self.crowd.get(&self.lanes.hash(key)).copied();
            (key, crowd.unwrap_or(u32::MAX))
        });
        crowds.min_by_key(|&(_, crowd)| crowd)
    }

    fn file(&mut self, rules: &Rules, rank: usize) {
        let groups = rules.groups(rank);
        let plans = groups.iter().filter_map(|group| self.plan(group));
        match plans.min_by_key(|plan| plan.cost) {
            Some(plan) => {
                for predicate in plan.predicates {
                    self.file_under(predicate, rank);
                }
            }
            None => {
                let literal = self.most_shared(&groups);
                self.residual.push((literal, position(rank)));
            }
        }
    }

    /// How to file a rule under a group: one predicate of each alternative.
    fn plan(&self, group: &[&[Literal]]) -> Option<Plan> {
        let mut plan = Plan {
            cost: 0,
            predicates: Vec::new(),
        };
        for alternative in group {
            let positive = alternative.iter().filter(|literal| !literal.is_negated());
            let costs = positive.filter_map(|literal| {
                let predicate = literal.predicate();
                self.costs
                    .get(predicate)
                    .copied()
                    .flatten()
                    .map(|cost| (cost, predicate))
            });
            let (cost, predicate) = costs.min()?;
            plan.cost = plan.cost.max(cost);
            plan.predicates.push(predicate);
        }
        Some(plan)
    }

    fn file_under(&mut self, predicate: usize, rank: usize) {
        for options in (self.keys_of)(predicate).unwrap_or_default() {
            if let Some((key, _)) = self.cheapest(&options) {
                let hash = self.lanes.file(key);
                self.pairs.push((hash, position(rank)));
            }
        }
    }

    /// Of the literals that a rule cannot do without, the most common one.
    fn most_shared(&self, groups: &[Vec<&[Literal]>]) -> Option<Literal> {
        let mandatory = groups.iter().filter_map(|group| match group.as_slice() {
            [only] => Some(only.iter().copied()),
            _ => None,
        });
        mandatory
            .flatten()
            .max_by_key(|&literal| (self.uses(literal), literal))
    }

    fn finish(mut self) -> Index {
        self.lanes.seal();
        let residual = sorted(self.residual);
        let lists = residual.chunk_by(|left, right| left.0 == right.0);
        let residual = lists.filter_map(|list| {
            let ranks = list.iter().map(|&(_, rank)| rank).collect();
            list.first().map(|&(literal, _)| (literal, ranks))
        });
        Index {
            lanes: self.lanes,
            residual: residual.collect(),
            table: Table::build(self.pairs),
        }
    }
}

struct Plan {
    cost: u32,
    predicates: Vec<usize>,
}
