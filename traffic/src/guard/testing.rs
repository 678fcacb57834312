//! What the tests of guards have in common: a configuration, and the data that VMs share.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use serde_json::{Value, json};
use sluice_policy::json::Node;
use sluice_policy::resource::CANARY_GUARD;
use sluice_policy::{Diagnostics, Resource};

use super::config::{self, CanaryGuard};
use sluice_policy::SharedData;

/// When a test begins.
pub(super) const START: u64 = 1_790_000_000_000;

/// A guard as somebody declares it.
pub(super) fn resource(spec: &Value) -> Value {
    json!({"apiVersion": "sluice/v1alpha1", "kind": "CanaryGuard",
           "metadata": {"name": "orders", "namespace": "shop"}, "spec": spec})
}

/// What a spec comes to, and what is wrong with it.
pub(super) fn read(spec: &Value) -> (CanaryGuard, Diagnostics) {
    let (resource, mut diagnostics) = (resource(spec), Diagnostics::new());
    let node = Node::new(&resource, "r");
    let resource = Resource::read(&node, &[&CANARY_GUARD], &mut diagnostics).unwrap();
    (config::read(&resource, &mut diagnostics), diagnostics)
}

/// The defaults.
pub(super) fn config() -> CanaryGuard {
    let spec = json!({"virtualService": "orders", "stable": "v1", "canary": "v2"});
    let (config, diagnostics) = read(&spec);
    assert_eq!(diagnostics.to_string(), "");
    config
}

/// A short window, so that runs are.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn short() -> CanaryGuard {
    CanaryGuard {
        window_ms: 20_000,
        ..config()
    }
}

/// What happens between a read of the shared data and the next write.
type Meanwhile = Rc<RefCell<Option<Box<dyn FnOnce()>>>>;

/// Values by key, each with the number that its last change had.
type Values = HashMap<String, (Vec<u8>, u32)>;

/// The data as Envoy shares it: one number counts all changes, 0 changes whatever
/// there is, and what is not there takes any number.
#[derive(Clone, Default)]
pub(super) struct Shared {
    values: Rc<RefCell<Values>>,
    last_cas: Rc<RefCell<u32>>,
    is_missing: bool,
    pub(super) meanwhile: Meanwhile,
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
    pub(super) fn missing() -> Self {
        Self {
            is_missing: true,
            ..Self::default()
        }
    }

    /// The same data without what happens meanwhile.
    pub(super) fn undisturbed(&self) -> Self {
        Self {
            meanwhile: Meanwhile::default(),
            ..self.clone()
        }
    }

    /// Somebody else writes into every record, or `None`: the host loses them.
    pub(super) fn spoil(&self, value: Option<&[u8]>) {
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

    /// The first record as it is.
    pub(super) fn copy(&self) -> Option<Vec<u8>> {
        let values = self.values.borrow();
        values.values().next().map(|(value, _)| value.clone())
    }

    /// How often anything was written.
    pub(super) fn writes(&self) -> u32 {
        *self.last_cas.borrow()
    }
}
