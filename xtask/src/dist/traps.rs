//! Cuts what only leads to a trap.
//!
//! A panic of a filter ends in a trap, and the host gives the instance up: whatever
//! is done before (finding words for a message, writing them to a stream) changes
//! nothing that is left afterwards. So a call that never returns becomes
//! `unreachable`, together with the straight-line code right before it, and a
//! function that does nothing else is one that never returns.
//!
//! This follows what the code does, not how functions are called: the compiler
//! merges functions with equal bodies, and the name that stays may be anyone's.

use std::collections::HashSet;

use anyhow::{Result, ensure};
use walrus::ir::{Instr, InstrLocId, InstrSeqId, Unreachable};
use walrus::{FunctionId, LocalFunction, Module};

/// Where every panic goes through and where a failed allocation ends, as mangled; then
/// what chooses words for a panic, which is no straight line.
const ENDS: [&str; 5] = [
    "4core9panicking9panic_fmt",
    "5alloc18handle_alloc_error",
    "4core5slice5index16slice_index_fail",
    "4core3str16slice_error_fail",
    "4core9panicking19assert_failed_inner",
];

/// Which of [`ENDS`] some module had.
#[derive(Debug, Default)]
pub(super) struct EndsFound(HashSet<&'static str>);

impl EndsFound {
    /// Fails if there is a name that no module had: the standard library no longer
    /// calls a function so, and without a word all that led to it would stay.
    pub(super) fn check(&self) -> Result<()> {
        let stale: Vec<&str> = ENDS
            .into_iter()
            .filter(|end| !self.0.contains(end))
            .collect();
        ensure!(
            stale.is_empty(),
            "xtask/src/dist/traps.rs: found no function of any filter that is called {}, expected one for each of ENDS; does another toolchain name them otherwise?",
            stale.join(" or ")
        );
        Ok(())
    }
}

/// Cuts all that only leads to a trap. Needs the names of functions.
pub(super) fn cut(module: &mut Module, found: &mut EndsFound) {
    let mut lost = HashSet::new();
    for id in named(module, found) {
        if let walrus::FunctionKind::Local(function) = &mut module.funcs.get_mut(id).kind {
            let entry = function.entry_block();
            function.block_mut(entry).instrs = vec![trap()];
            lost.insert(id);
        }
    }
    loop {
        let mut found = HashSet::new();
        for (id, function) in module.funcs.iter_local_mut() {
            cut_function(function, &lost);
            if !lost.contains(&id) && only_traps(function) {
                found.insert(id);
            }
        }
        if found.is_empty() {
            return;
        }
        lost.extend(found);
    }
}

fn named(module: &Module, found: &mut EndsFound) -> Vec<FunctionId> {
    let mut ids = Vec::new();
    for function in module.funcs.iter() {
        let name = function.name.as_deref().unwrap_or_default();
        if let Some(end) = ENDS.into_iter().find(|end| name.contains(end)) {
            found.0.insert(end);
            ids.push(function.id());
        }
    }
    ids
}

fn trap() -> (Instr, InstrLocId) {
    (Unreachable {}.into(), InstrLocId::default())
}

fn only_traps(function: &LocalFunction) -> bool {
    let entry = function.block(function.entry_block());
    matches!(entry.instrs.first(), Some((Instr::Unreachable(_), _)))
}

fn cut_function(function: &mut LocalFunction, lost: &HashSet<FunctionId>) {
    let mut open = vec![function.entry_block()];
    while let Some(id) = open.pop() {
        let instrs = &mut function.block_mut(id).instrs;
        cut_sequence(instrs, lost);
        open.extend(instrs.iter().flat_map(|(instr, _)| nested(instr)));
    }
}

/// Nothing after a trap runs; what lies quietly before it cannot be noticed.
fn cut_sequence(instrs: &mut Vec<(Instr, InstrLocId)>, lost: &HashSet<FunctionId>) {
    let is_end = |(instr, _): &(Instr, InstrLocId)| match instr {
        Instr::Unreachable(_) => true,
        Instr::Call(call) => lost.contains(&call.func),
        _ => false,
    };
    if let Some(end) = instrs.iter().position(is_end) {
        let noticed = instrs
            .iter()
            .take(end)
            .rposition(|(instr, _)| !is_quiet(instr));
        instrs.truncate(noticed.map_or(0, |last| last + 1));
        instrs.push(trap());
    }
}

/// Whether an instruction neither leaves its sequence nor reaches the host. It may
/// trap itself, or leave values on the stack: `unreachable` makes up for both.
fn is_quiet(instr: &Instr) -> bool {
    matches!(
        instr,
        Instr::Const(_)
            | Instr::LocalGet(_)
            | Instr::LocalSet(_)
            | Instr::LocalTee(_)
            | Instr::GlobalGet(_)
            | Instr::GlobalSet(_)
            | Instr::Load(_)
            | Instr::Store(_)
            | Instr::Binop(_)
            | Instr::Unop(_)
            | Instr::Select(_)
            | Instr::Drop(_)
            | Instr::MemoryCopy(_)
            | Instr::MemoryFill(_)
    )
}

fn nested(instr: &Instr) -> Vec<InstrSeqId> {
    match instr {
        Instr::Block(block) => vec![block.seq],
        Instr::Loop(repeat) => vec![repeat.seq],
        Instr::IfElse(choice) => vec![choice.consequent, choice.alternative],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use walrus::{FunctionBuilder, FunctionId, Module, ValType};

    use super::{ENDS, EndsFound};

    fn cut(module: &mut Module) {
        super::cut(module, &mut EndsFound::default());
    }

    /// `panic_fmt(message)`, and `fail()` that calls it with one.
    fn module() -> (Module, FunctionId) {
        let mut module = Module::default();
        let mut panic = FunctionBuilder::new(&mut module.types, &[ValType::I32], &[]);
        panic.name("_ZN4core9panicking9panic_fmt17h0E".to_owned());
        panic.func_body().i32_const(1).drop().unreachable();
        let message = module.locals.add(ValType::I32);
        let panic = panic.finish(vec![message], &mut module.funcs);
        let mut fail = FunctionBuilder::new(&mut module.types, &[], &[]);
        fail.func_body().i32_const(1).call(panic).unreachable();
        let fail = fail.finish(Vec::new(), &mut module.funcs);
        (module, fail)
    }

    fn size_of(module: &Module, function: FunctionId) -> u64 {
        module.funcs.get(function).kind.unwrap_local().size()
    }

    #[test]
    fn who_only_panics_is_cut() {
        let (mut module, fail) = module();
        cut(&mut module);
        assert_eq!(size_of(&module, fail), 1);
    }

    #[test]
    fn what_comes_before_a_choice_stays() {
        let (mut module, fail) = module();
        let mut checked = FunctionBuilder::new(&mut module.types, &[ValType::I32], &[]);
        let number = module.locals.add(ValType::I32);
        checked.func_body().local_get(number).if_else(
            None,
            |bad| {
                bad.i32_const(7).drop().call(fail);
            },
            |_| {},
        );
        let checked = checked.finish(vec![number], &mut module.funcs);
        let before = size_of(&module, checked);
        cut(&mut module);
        // `local.get` and `if` stay; of its three instructions a trap does.
        assert_eq!(size_of(&module, checked), before - 2);
        module.exports.add("checked", checked);
        Module::from_buffer(&module.emit_wasm()).unwrap();
    }

    #[test]
    fn what_the_host_sees_before_a_panic_stays() {
        let (mut module, fail) = module();
        let kind = module.types.add(&[], &[]);
        let (log, _) = module.add_import_func("env", "proxy_log", kind);
        let mut logged = FunctionBuilder::new(&mut module.types, &[], &[]);
        logged.func_body().call(log).i32_const(1).drop().call(fail);
        let logged = logged.finish(Vec::new(), &mut module.funcs);
        cut(&mut module);
        assert_eq!(size_of(&module, logged), 2);
    }

    #[test]
    fn a_name_that_no_module_has_is_told() {
        let (mut module, _) = module();
        let mut found = EndsFound::default();
        super::cut(&mut module, &mut found);
        let failure = found.check().unwrap_err().to_string();
        for end in ENDS {
            assert_eq!(failure.contains(end), !end.ends_with("panic_fmt"), "{end}");
        }
        found.0.extend(ENDS);
        found.check().unwrap();
    }
}
