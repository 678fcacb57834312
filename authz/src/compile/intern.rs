//! Equal things once: subjects, predicates, rules.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};

use crate::predicate::{Predicate, Value};
use crate::rules::{Group, Literal};
use crate::spans::position;
use crate::subject::Subject;

/// A hasher without a seed: the same configuration compiles to the same
/// program everywhere.
#[derive(Debug, Clone, Copy)]
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Seedless = BuildHasherDefault<Fnv>;

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
    pub(super) fn literal(&mut self, subject: Subject, mut values: Vec<Value>, negated: bool) -> Literal {
        values.dedup();
        let predicate = Predicate { subject: self.subject(subject), values: values.into() };
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

/// Rules of a layer that were there before.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<u64, Vec<Group>, Seedless>);

impl Seen {
    /// Whether this is the first rule of this form.
    pub(super) fn is_new(&mut self, groups: &[Group]) -> bool {
        match self.0.entry(hash(&groups)) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.get().as_slice() != groups,
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(groups.to_vec());
                true
            }
        }
    }
}
