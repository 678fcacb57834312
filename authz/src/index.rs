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
mod table;

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use key::Options;
use lane::Lanes;
use table::Table;

use crate::rules::{Literal, Rules};
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

/// Hashes are their own hashes.
#[derive(Debug, Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes
            .iter()
            .fold(self.0, |hash, &byte| hash << 8 | u64::from(byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

type Counts = HashMap<u64, u32, BuildHasherDefault<Identity>>;

struct Builder<'k> {
    keys_of: &'k KeysOf<'k>,
    lanes: Lanes,
    /// How many literals use each key.
    crowd: Counts,
    /// How many alternatives use each literal.
    uses: BTreeMap<Literal, u32>,
    /// Cost of filing under each predicate that can be looked up.
    costs: BTreeMap<usize, u32>,
    pairs: Vec<(u64, u32)>,
    residual: BTreeMap<Option<Literal>, Vec<u32>>,
}

impl<'k> Builder<'k> {
    fn count(rules: &Rules, keys_of: &'k KeysOf<'k>) -> Self {
        let mut builder = Self {
            keys_of,
            lanes: Lanes::default(),
            crowd: Counts::default(),
            uses: BTreeMap::new(),
            costs: BTreeMap::new(),
            pairs: Vec::new(),
            residual: BTreeMap::new(),
        };
        for literal in rules.literals() {
            *builder.uses.entry(literal).or_insert(0) += 1;
        }
        builder.count_crowds();
        builder.count_costs();
        builder
    }

    fn positive(&self) -> Vec<(usize, u32)> {
        let positive = self
            .uses
            .iter()
            .filter(|(literal, _)| !literal.is_negated());
        positive
            .map(|(literal, &uses)| (literal.predicate(), uses))
            .collect()
    }

    fn count_crowds(&mut self) {
        for (predicate, uses) in self.positive() {
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
        for (predicate, _) in self.positive() {
            let Some(values) = (self.keys_of)(predicate) else {
                continue;
            };
            let costs = values
                .iter()
                .map(|options| self.cheapest(options).map(|(_, cost)| cost));
            if let Some(costs) = costs.collect::<Option<Vec<u32>>>() {
                self.costs
                    .insert(predicate, costs.into_iter().max().unwrap_or(0));
            }
        }
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
                self.residual
                    .entry(literal)
                    .or_default()
                    .push(position(rank));
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
                self.costs.get(&predicate).map(|&cost| (cost, predicate))
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
            .max_by_key(|literal| (self.uses.get(literal).copied(), *literal))
    }

    fn finish(mut self) -> Index {
        self.lanes.seal();
        Index {
            lanes: self.lanes,
            table: Table::build(self.pairs),
            residual: self.residual.into_iter().collect(),
        }
    }
}

struct Plan {
    cost: u32,
    predicates: Vec<usize>,
}
