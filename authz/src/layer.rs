//! A layer: all rules of one action, searched together.

use std::cell::Cell;

use crate::index::{Index, KeysOf};
use crate::rules::{Literal, Rules};
use crate::spans::Spans;
use crate::subject::Facts;
use crate::truth::Truth;

/// Rules of one action, in the order of their ids.
///
/// Envoy keeps the rules of a filter in a map sorted by id and reports the
/// first that matches, so rank is the order of ids as bytes: `rule[10]` comes
/// before `rule[2]`.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    ids: String,
    spans: Spans,
    rules: Rules,
    index: Index,
}

/// The first rules that match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Lowest rank that holds.
    pub(crate) holds: Option<u32>,
    /// Lowest rank that an unavailable fact would decide; only complete when
    /// nothing holds.
    pub(crate) unknown: Option<u32>,
}

impl Layer {
    /// Adds a rule; ids must come in ascending order.
    pub(crate) fn push(&mut self, id: &str, groups: &[crate::rules::Group]) {
        self.ids.push_str(id);
        self.spans.close(self.ids.len());
        self.rules.push(groups);
    }

    /// Builds the index, once every rule is there.
    pub(crate) fn seal(&mut self, keys_of: &KeysOf<'_>) {
        self.ids.shrink_to_fit();
        self.spans.shrink();
        self.rules.shrink();
        self.index = Index::build(&self.rules, keys_of);
    }

    /// The id of the rule with that rank.
    pub(crate) fn id(&self, rank: u32) -> &str {
        let id = self
            .spans
            .get(rank as usize)
            .and_then(|span| self.ids.get(span));
        id.unwrap_or_default()
    }

    /// The rules, by rank.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Finds the first rule that holds.
    pub(crate) fn search(
        &self,
        facts: &Facts<'_>,
        test: &mut dyn FnMut(Literal) -> Truth,
    ) -> Found {
        let found = Cell::new(Found::default());
        let all_read = self.index.look_up(facts, &mut |list| {
            found.set(self.scan(self.index.ranks(list).iter().copied(), found.get(), test));
        });
        if !all_read {
            return self.scan(
                0..crate::spans::position(self.rules.len()),
                Found::default(),
                test,
            );
        }
        let mut found = found.get();
        for (literal, ranks) in self.index.residual() {
            if literal.is_none_or(|literal| test(literal) != Truth::False) {
                found = self.scan(ranks.iter().copied(), found, test);
            }
        }
        found
    }

    /// Goes through ascending ranks until one holds or cannot be the lowest.
    fn scan(
        &self,
        ranks: impl Iterator<Item = u32>,
        mut found: Found,
        test: &mut dyn FnMut(Literal) -> Truth,
    ) -> Found {
        for rank in ranks {
            if found.holds.is_some_and(|holds| holds <= rank) {
                break;
            }
            match self.rules.evaluate(rank as usize, &mut *test) {
                Truth::False => {}
                Truth::Unknown => {
                    found.unknown = Some(found.unknown.map_or(rank, |first| first.min(rank)));
                }
                Truth::True => found.holds = Some(rank),
            }
        }
        found
    }
}
