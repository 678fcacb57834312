//! What the guest remembers between callbacks.

use std::{cell::RefCell, collections::BTreeMap};

use crate::script::Script;

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

#[derive(Default)]
struct State {
    /// Root context of every context; a root's is itself.
    roots: BTreeMap<u32, u32>,
    /// Script by root context.
    scripts: BTreeMap<u32, Script>,
    /// The stream context that was created last.
    last_stream: u32,
    /// The compare-and-swap number that was read last.
    last_cas: u32,
}

pub(crate) fn created(context: u32, parent: u32) {
    STATE.with_borrow_mut(|state| {
        let root = if parent == 0 { context } else { parent };
        state.roots.insert(context, root);
        if parent != 0 {
            state.last_stream = context;
        }
    });
}

pub(crate) fn configured(root: u32, script: Script) {
    STATE.with_borrow_mut(|state| state.scripts.insert(root, script));
}

/// The script for `context`, and whether it is a root or a stream.
pub(crate) fn script(context: u32) -> Option<(Script, &'static str)> {
    STATE.with_borrow(|state| {
        let root = state.roots.get(&context)?;
        let kind = if *root == context { "root" } else { "stream" };
        Some((state.scripts.get(root)?.clone(), kind))
    })
}

pub(crate) fn last_stream() -> u32 {
    STATE.with_borrow(|state| state.last_stream)
}

pub(crate) fn read_cas(cas: u32) {
    STATE.with_borrow_mut(|state| state.last_cas = cas);
}

pub(crate) fn last_cas() -> u32 {
    STATE.with_borrow(|state| state.last_cas)
}

pub(crate) fn deleted(context: u32) {
    STATE.with_borrow_mut(|state| {
        state.roots.remove(&context);
        state.scripts.remove(&context);
    });
}
