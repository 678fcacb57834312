//! Compiled rules: a rule is an AND of groups, a group an OR of alternatives,
//! an alternative an AND of literals, a literal a predicate or its negation.
//!
//! Istio's `from`, `to` and `when` become the (up to three) groups of a rule.
//! Four flat arrays hold all rules of a layer: some 30 bytes a rule.

use crate::spans::{Spans, position};
use crate::truth::Truth;

/// A predicate by number, or its negation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Literal(u32);

impl Literal {
    /// The literal of the predicate with that number.
    pub(crate) fn new(predicate: usize, negated: bool) -> Self {
        Self(position(predicate) << 1 | u32::from(negated))
    }

    /// A number of its own, twice that of its predicate or one more.
    pub(crate) fn number(self) -> usize {
        self.0 as usize
    }

    /// Number of the predicate.
    pub(crate) fn predicate(self) -> usize {
        (self.0 >> 1) as usize
    }

    /// Whether the predicate must not hold.
    pub(crate) fn is_negated(self) -> bool {
        self.0 & 1 == 1
    }
}

/// An AND of literals: one `source`, one `operation`, or all of `when`.
pub(crate) type Alternative = Vec<Literal>;

/// An OR of alternatives.
pub(crate) type Group = Vec<Alternative>;

/// All rules of a layer, by rank.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    groups_of_rule: Spans,
    alternatives_of_group: Spans,
    literals_of_alternative: Spans,
    literals: Vec<Literal>,
}

impl Rules {
    /// Adds a rule after the ones that are there.
    pub(crate) fn push(&mut self, groups: &[Group]) {
        for group in groups {
            for alternative in group {
                self.literals.extend_from_slice(alternative);
                self.literals_of_alternative.close(self.literals.len());
            }
            self.alternatives_of_group
                .close(self.literals_of_alternative.len());
        }
        self.groups_of_rule.close(self.alternatives_of_group.len());
    }

    /// How many rules there are.
    pub(crate) fn len(&self) -> usize {
        self.groups_of_rule.len()
    }

    /// Whether the rule with that rank holds.
    ///
    /// A rank that does not exist is `Unknown`: it cannot grant anything.
    pub(crate) fn evaluate(&self, rank: usize, mut test: impl FnMut(Literal) -> Truth) -> Truth {
        let Some(groups) = self.groups_of_rule.get(rank) else {
            return Truth::Unknown;
        };
        Truth::all(groups.map(|group| self.evaluate_group(group, &mut test)))
    }

    fn evaluate_group(&self, group: usize, test: &mut impl FnMut(Literal) -> Truth) -> Truth {
        let Some(alternatives) = self.alternatives_of_group.get(group) else {
            return Truth::Unknown;
        };
        Truth::any(
            alternatives.map(|alternative| match self.alternative(alternative) {
                Some(literals) => Truth::all(literals.iter().map(|&literal| test(literal))),
                None => Truth::Unknown,
            }),
        )
    }

    /// Every literal of every rule, repeated as it is.
    pub(crate) fn literals(&self) -> impl Iterator<Item = Literal> {
        self.literals.iter().copied()
    }

    /// The groups of a rule, each as its alternatives.
    pub(crate) fn groups(&self, rank: usize) -> Vec<Vec<&[Literal]>> {
        let groups = self.groups_of_rule.get(rank).unwrap_or_default();
        groups.map(|group| self.alternatives(group)).collect()
    }

    fn alternatives(&self, group: usize) -> Vec<&[Literal]> {
        let numbers = self.alternatives_of_group.get(group).unwrap_or_default();
        numbers
            .map(|number| self.alternative(number).unwrap_or_default())
            .collect()
    }

    fn alternative(&self, number: usize) -> Option<&[Literal]> {
        self.literals.get(self.literals_of_alternative.get(number)?)
    }

    /// Gives back memory that growing left unused.
    pub(crate) fn shrink(&mut self) {
        self.groups_of_rule.shrink();
        self.alternatives_of_group.shrink();
        self.literals_of_alternative.shrink();
        self.literals.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn literal(predicate: usize) -> Literal {
        Literal::new(predicate, false)
    }

    fn evaluate(groups: &[Group], truths: &[Truth]) -> Truth {
        let mut rules = Rules::default();
        rules.push(&[]);
        rules.push(groups);
        assert_eq!(rules.len(), 2);
        rules.evaluate(1, |literal| {
            truths[literal.predicate()].negate_if(literal.is_negated())
        })
    }

    #[test]
    fn a_rule_without_groups_holds_for_everything() {
        assert_eq!(evaluate(&[], &[]), Truth::True);
    }

    #[test]
    fn groups_are_anded_alternatives_ored_and_literals_anded() {
        let groups = [
            vec![vec![literal(0), literal(1)], vec![literal(2)]],
            vec![vec![Literal::new(3, true)]],
        ];
        let (t, f, u) = (Truth::True, Truth::False, Truth::Unknown);
        assert_eq!(evaluate(&groups, &[t, t, f, f]), t);
        assert_eq!(evaluate(&groups, &[t, f, f, f]), f);
        assert_eq!(evaluate(&groups, &[t, f, t, f]), t);
        assert_eq!(evaluate(&groups, &[t, t, t, t]), f);
        assert_eq!(evaluate(&groups, &[t, u, f, f]), u);
        assert_eq!(evaluate(&groups, &[f, u, f, f]), f);
        assert_eq!(evaluate(&groups, &[t, t, f, u]), u);
    }

    #[test]
    fn a_rank_out_of_range_grants_nothing() {
        assert_eq!(
            Rules::default().evaluate(0, |_| Truth::True),
            Truth::Unknown
        );
    }

    #[test]
    fn groups_read_back_as_they_were_pushed() {
        let mut rules = Rules::default();
        rules.push(&[vec![vec![literal(1)], vec![literal(2), literal(3)]]]);
        let (first, second) = ([literal(1)], [literal(2), literal(3)]);
        assert_eq!(rules.groups(0), [[&first[..], &second[..]]]);
    }
}
