//! Shared data for tests of what uses it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::SharedData;

/// What happens between a read of the data and the next write.
type Meanwhile = Rc<RefCell<Option<Box<dyn FnOnce()>>>>;

/// Values by key, each with the number that its last change had.
type Values = HashMap<String, (Vec<u8>, u32)>;

/// The data as Envoy shares it: one number counts all changes, 0 changes whatever
/// there is, and what is not there takes any number. Clones share it.
#[derive(Clone, Default)]
pub struct Shared {
    values: Rc<RefCell<Values>>,
    last_cas: Rc<RefCell<u32>>,
    is_missing: bool,
    /// Runs once, after the next read.
    pub meanwhile: Meanwhile,
}

impl SharedData for Shared {
    fn get(&mut self, key: &str) -> Option<(Vec<u8>, u32)> {
        let value = self.values.borrow().get(key).cloned();
        let meanwhile = self.meanwhile.borrow_mut().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        value
    }

    fn set(&mut self, key: &str, value: &[u8], cas: u32) -> bool {
        if self.is_missing {
            return false;
        }
        let mut values = self.values.borrow_mut();
        let known = values.get(key).map(|(_, known)| *known);
        if known.is_some_and(|known| cas != 0 && cas != known) {
            return false;
        }
        *self.last_cas.borrow_mut() += 1;
        values.insert(key.to_owned(), (value.to_vec(), *self.last_cas.borrow()));
        true
    }
}

impl Shared {
    /// Of a host that keeps nothing.
    #[must_use]
    pub fn missing() -> Self {
        Self {
            is_missing: true,
            ..Self::default()
        }
    }

    /// The same data without what happens meanwhile.
    #[must_use]
    pub fn undisturbed(&self) -> Self {
        Self {
            meanwhile: Meanwhile::default(),
            ..self.clone()
        }
    }

    /// Somebody else writes into every record, or `None`: the host loses them.
    pub fn spoil(&self, value: Option<&[u8]>) {
        let mut values = self.values.borrow_mut();
        match value {
            None => values.clear(),
            Some(value) => {
                for (held, cas) in values.values_mut() {
                    *self.last_cas.borrow_mut() += 1;
                    (*held, *cas) = (value.to_vec(), *self.last_cas.borrow());
                }
            }
        }
    }

    /// The first record as it is, to be put back later.
    #[must_use]
    pub fn copy(&self) -> Option<Vec<u8>> {
        let values = self.values.borrow();
        values.values().next().map(|(value, _)| value.clone())
    }

    /// Under what something is kept.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.values.borrow().keys().cloned().collect()
    }

    /// How often anything was written.
    #[must_use]
    pub fn writes(&self) -> u32 {
        *self.last_cas.borrow()
    }
}
