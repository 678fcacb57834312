//! Lanes: the places of a request where an index looks things up.

use std::collections::HashMap;

use sluice_policy::Fact;

use super::hash::{Fnv, Relation};
use super::key::{Key, NetworkShape};
use super::table::Table;
use crate::seedless::Seedless;
use crate::sorted::sorted;
use crate::spans::position;
use crate::subject::{Facts, Subject, is_pseudo};
use crate::truth::Truth;

/// One subject, and how its texts are looked up.
#[derive(Debug)]
pub(crate) struct Lane {
    subject: Subject,
    exact: bool,
    /// Lengths of the prefixes on file, ascending.
    prefixes: Vec<u32>,
    /// Lengths of the suffixes on file, ascending.
    suffixes: Vec<u32>,
    networks: Vec<NetworkShape>,
}

impl Lane {
    fn new(subject: Subject) -> Self {
        Self {
            subject,
            exact: false,
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            networks: Vec::new(),
        }
    }

    /// Makes sure that lookups will find `key`.
    fn file(&mut self, key: &Key) {
        match key {
            Key::Text {
                relation: Relation::Exact,
                ..
            } => self.exact = true,
            Key::Text {
                relation: Relation::Prefix,
                text,
                ..
            } => insert(&mut self.prefixes, position(text.len())),
            Key::Text {
                relation: Relation::Suffix,
                text,
                ..
            } => insert(&mut self.suffixes, position(text.len())),
            Key::Network { network, .. } => insert(&mut self.networks, network.shape()),
        }
    }

    fn is_used(&self) -> bool {
        self.exact
            || !self.prefixes.is_empty()
            || !self.suffixes.is_empty()
            || !self.networks.is_empty()
    }

    /// Host names are compared without regard to case.
    fn fold(&self, byte: u8) -> u8 {
        if self.subject == Subject::Host {
            byte.to_ascii_lowercase()
        } else {
            byte
        }
    }
}

fn insert<T: Ord>(sorted: &mut Vec<T>, item: T) {
    if let Err(at) = sorted.binary_search(&item) {
        sorted.insert(at, item);
    }
}

/// All lanes of an index.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
    /// Lanes of headers by name: the request's headers are walked once,
    /// however many names the policies mention.
    headers: Vec<(Box<[u8]>, usize)>,
    /// Whether one of them is a pseudo-header.
    has_pseudo: bool,
    /// The other lanes in use.
    others: Vec<usize>,
    /// Every lane by its subject, while the index is being built.
    numbers: HashMap<Subject, u32, Seedless>,
}

impl Lanes {
    /// The hash of a key, in the lane of its subject.
    pub(crate) fn hash(&mut self, key: &Key) -> u64 {
        let number = self.number(key.subject());
        self.hash_in(number, key)
    }

    /// The hash of a key that will be on file: lookups must find it.
    pub(crate) fn file(&mut self, key: &Key) -> u64 {
        let number = self.number(key.subject());
        if let Some(lane) = self.lanes.get_mut(number) {
            lane.file(key);
        }
        self.hash_in(number, key)
    }

    fn number(&mut self, subject: &Subject) -> usize {
        if let Some(&number) = self.numbers.get(subject) {
            return number as usize;
        }
        let number = self.lanes.len();
        self.lanes.push(Lane::new(subject.clone()));
        self.numbers.insert(subject.clone(), position(number));
        number
    }

    fn hash_in(&self, number: usize, key: &Key) -> u64 {
        let Some(lane) = self.lanes.get(number) else {
            return 0;
        };
        match key {
            Key::Text { relation, text, .. } => {
                let folded: Vec<u8> = text.iter().map(|&byte| lane.fold(byte)).collect();
                super::hash::key(number, *relation, &folded)
            }
            Key::Network { network, .. } => match network.shape().text(network.address) {
                Some(text) => super::hash::key(number, Relation::Exact, &text),
                None => 0,
            },
        }
    }

    /// Sorts out the lanes where something was filed.
    pub(crate) fn seal(&mut self) {
        self.numbers = HashMap::default();
        for (number, lane) in self
            .lanes
            .iter()
            .enumerate()
            .filter(|(_, lane)| lane.is_used())
        {
            match &lane.subject {
                Subject::Header(name) => {
                    self.has_pseudo |= is_pseudo(name);
                    self.headers.push((name.clone(), number));
                }
                _ => self.others.push(number),
            }
        }
        self.headers = sorted(std::mem::take(&mut self.headers));
    }

    /// Looks up everything that the request has, and calls `found` with each
    /// list. `false` if some lane could not be read: any rule may then match.
    pub(crate) fn look_up(&self, facts: &Facts<'_>, table: &Table, found: &mut Found<'_>) -> bool {
        self.look_up_headers(facts, table, found)
            && self
                .others
                .iter()
                .all(|&number| match self.lanes.get(number) {
                    Some(lane) => lane.look_up(number, facts, table, found),
                    None => false,
                })
    }

    fn header(&self, name: &[u8]) -> Option<usize> {
        let at = self
            .headers
            .binary_search_by(|(known, _)| (**known).cmp(name));
        at.ok()
            .and_then(|at| self.headers.get(at))
            .map(|(_, number)| *number)
    }

    fn look_up_headers(&self, facts: &Facts<'_>, table: &Table, found: &mut Found<'_>) -> bool {
        if self.headers.is_empty() {
            return true;
        }
        let Fact::Present(lines) = facts.request.headers else {
            return !facts.request.headers.is_unavailable();
        };
        if self.has_pseudo && !lines.iter().any(|line| is_pseudo(line.0)) {
            return false;
        }
        for (name, text) in lines {
            let Some(number) = self.header(name) else {
                continue;
            };
            if let Some(lane) = self.lanes.get(number) {
                lane.look_up_text(number, text, table, found);
            }
        }
        true
    }
}

/// Called with every list of ranks that a request hits.
pub(crate) type Found<'f> = dyn FnMut(std::ops::Range<u32>) + 'f;

impl Lane {
    fn look_up(
        &self,
        number: usize,
        facts: &Facts<'_>,
        table: &Table,
        found: &mut Found<'_>,
    ) -> bool {
        if !self.networks.is_empty() {
            return self.look_up_address(number, facts, table, found);
        }
        let truth = facts.any_text(&self.subject, &mut |text| {
            self.look_up_text(number, text, table, found);
            false
        });
        truth != Truth::Unknown
    }

    fn look_up_address(
        &self,
        number: usize,
        facts: &Facts<'_>,
        table: &Table,
        found: &mut Found<'_>,
    ) -> bool {
        let address = facts.address(&self.subject);
        if let Fact::Present(address) = address {
            for text in self.networks.iter().filter_map(|shape| shape.text(address)) {
                table
                    .find(super::hash::key(number, Relation::Exact, &text))
                    .into_iter()
                    .for_each(&mut *found);
            }
        }
        !address.is_unavailable()
    }

    fn look_up_text(&self, number: usize, text: &[u8], table: &Table, found: &mut Found<'_>) {
        let start = Fnv::for_lane(number);
        if self.exact || !self.prefixes.is_empty() {
            let whole = walk(start, self.folded(text.iter()), &self.prefixes, |hash| {
                table
                    .find(hash.finish(Relation::Prefix))
                    .into_iter()
                    .for_each(&mut *found);
            });
            if self.exact {
                table
                    .find(whole.finish(Relation::Exact))
                    .into_iter()
                    .for_each(&mut *found);
            }
        }
        if !self.suffixes.is_empty() {
            walk(
                start,
                self.folded(text.iter().rev()),
                &self.suffixes,
                |hash| {
                    table
                        .find(hash.finish(Relation::Suffix))
                        .into_iter()
                        .for_each(&mut *found);
                },
            );
        }
    }

    fn folded<'t>(&'t self, bytes: impl Iterator<Item = &'t u8>) -> impl Iterator<Item = u8> {
        bytes.map(|&byte| self.fold(byte))
    }
}

/// Hashes `bytes` one by one and calls `at` after each of the `lengths`;
/// returns the hash of all of them.
fn walk(
    start: Fnv,
    bytes: impl Iterator<Item = u8>,
    lengths: &[u32],
    mut at: impl FnMut(Fnv),
) -> Fnv {
    let mut lengths = lengths.iter().copied().peekable();
    let mut hash = start;
    let mut fed = 0;
    if lengths.next_if_eq(&fed).is_some() {
        at(hash);
    }
    for byte in bytes {
        hash = hash.feed(byte);
        fed += 1;
        if lengths.next_if_eq(&fed).is_some() {
            at(hash);
        }
    }
    hash
}
