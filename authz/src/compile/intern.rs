//! Equal things once: subjects, predicates, rules.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hash};

use crate::predicate::{Predicate, Value};
use crate::rules::{Group, Literal, Rules};
use crate::seedless::Seedless;
use crate::spans::position;
use crate::subject::Subject;

fn hash(item: &impl Hash) -> u64 {
    Seedless::default().hash_one(item)
}

/// Subjects and predicates by number.
#[derive(Debug, Default)]
pub(super) struct Interner {
    subjects: Vec<Subject>,
    subject_numbers: HashMap<Subject, u32, Seedless>,
    predicates: Vec<Predicate>,
    /// Numbers of predicates by hash; a predicate whose hash is taken by
    /// another one is merely not shared.
    predicate_numbers: HashMap<u64, u32, Seedless>,
}

impl Interner {
    /// The literal that some value matches, or none does.
    pub(super) fn literal(
        &mut self,
        subject: Subject,
        mut values: Vec<Value>,
        negated: bool,
    ) -> Literal {
        values.dedup();
        let predicate = Predicate {
            subject: self.subject(subject),
            values: values.into(),
        };
        let hash = hash(&predicate);
        if let Some(&number) = self.predicate_numbers.get(&hash)
            && self.predicates.get(number as usize) == Some(&predicate)
        {
            return Literal::new(number as usize, negated);
        }
        let number = self.predicates.len();
        self.predicates.push(predicate);
        self.predicate_numbers.insert(hash, position(number));
        Literal::new(number, negated)
    }

    fn subject(&mut self, subject: Subject) -> u32 {
        if let Some(&number) = self.subject_numbers.get(&subject) {
            return number;
        }
        let number = position(self.subjects.len());
        self.subjects.push(subject.clone());
        self.subject_numbers.insert(subject, number);
        number
    }

    /// Everything by number.
    pub(super) fn finish(mut self) -> (Vec<Subject>, Vec<Predicate>) {
        self.subjects.shrink_to_fit();
        self.predicates.shrink_to_fit();
        (self.subjects, self.predicates)
    }
}

/// The first rule of a layer with a given hash.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<u64, u32, Seedless>);

impl Seen {
    /// Whether a rule is none of those that were seen before and that `rules`
    /// holds. A rule whose hash is taken by another one counts as new.
    pub(super) fn is_new(&mut self, groups: &[Group], rules: &Rules) -> bool {
        match self.0.entry(hash(&groups)) {
            Entry::Occupied(entry) => rules.groups(*entry.get() as usize) != groups,
            Entry::Vacant(entry) => {
                entry.insert(position(rules.len()));
                true
            }
        }
    }
}
