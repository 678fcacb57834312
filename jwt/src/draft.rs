//! The headers of a request as they will be: what rules changed so far is seen by the
//! rules after them, as in Envoy, which edits the request on the way.

use std::borrow::Cow;
use std::rc::Rc;

use sluice_policy::{HeaderEdit, HeaderLine};

use crate::program::{NameId, Program};
use crate::query;

/// A request and the changes to it.
pub(crate) struct Draft<'r> {
    program: &'r Program,
    lines: &'r [HeaderLine<'r>],
    path: Cow<'r, [u8]>,
    /// By number of the name: whether the client's lines are gone.
    removed: Vec<bool>,
    added: Vec<(NameId, Rc<[u8]>)>,
}

impl<'r> Draft<'r> {
    /// A request that nothing was done to.
    pub(crate) fn new(program: &'r Program, lines: &'r [HeaderLine<'r>], path: &'r [u8]) -> Self {
        Self {
            program,
            lines,
            path: Cow::Borrowed(path),
            removed: vec![false; program.names.len()],
            added: Vec::new(),
        }
    }

    /// The values of a header, in order.
    pub(crate) fn values(&self, name: NameId) -> impl Iterator<Item = Cow<'r, [u8]>> {
        let of_client = (!self.is_removed(name)).then(|| self.of_client(name));
        let added = self.added.iter().filter(move |(added, _)| *added == name);
        of_client
            .into_iter()
            .flatten()
            .map(Cow::Borrowed)
            .chain(added.map(|(_, value)| Cow::Owned(value.to_vec())))
    }

    fn of_client(&self, name: NameId) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        let name = self.program.name(name);
        let lines = self.lines.iter().filter(move |(key, _)| *key == name);
        lines.map(|(_, value)| *value)
    }

    fn is_removed(&self, name: NameId) -> bool {
        self.removed.get(name.0).copied().unwrap_or_default()
    }

    /// The path with its query.
    pub(crate) fn path(&self) -> &Cow<'r, [u8]> {
        &self.path
    }

    /// Takes a header away, whoever put it there.
    pub(crate) fn remove(&mut self, name: NameId) {
        if let Some(removed) = self.removed.get_mut(name.0) {
            *removed = true;
        }
        self.added.retain(|(added, _)| *added != name);
    }

    /// Adds a line.
    pub(crate) fn add(&mut self, name: NameId, value: &Rc<[u8]>) {
        self.added.push((name, Rc::clone(value)));
    }

    /// Takes every parameter of that name out of the query.
    pub(crate) fn remove_parameter(&mut self, name: &[u8]) {
        if let Some(path) = query::without(&self.path, name) {
            self.path = Cow::Owned(path);
        }
    }

    /// What leads from the client's request to this one.
    pub(crate) fn into_edits(self) -> Vec<HeaderEdit> {
        let mut edits = Vec::new();
        for number in 0..self.removed.len() {
            self.edits_of(NameId(number), &mut edits);
        }
        if let Cow::Owned(path) = self.path {
            edits.push(HeaderEdit::Set(b":path".to_vec(), path));
        }
        edits
    }

    fn edits_of(&self, name: NameId, edits: &mut Vec<HeaderEdit>) {
        let must_go = self.is_removed(name) && self.of_client(name).next().is_some();
        let mut values = self.added.iter().filter(|(added, _)| *added == name);
        let key = || self.program.name(name).to_vec();
        if must_go {
            // Replacing is one call to the host, removing and adding are two.
            edits.push(match values.next() {
                Some((_, value)) => HeaderEdit::Set(key(), value.to_vec()),
                None => HeaderEdit::Remove(key()),
            });
        }
        edits.extend(values.map(|(_, value)| HeaderEdit::Append(key(), value.to_vec())));
    }
}
