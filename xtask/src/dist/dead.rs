//! Drops the data and the functions of the table that nothing leads to any more.
//!
//! Once panics are cut (`traps.rs`), their messages and places and all that would
//! print them are still in the data section and in the table: to the format, a
//! constant of code is a number like any other. The linker knows better. What it
//! tells (`relocations.rs`) makes a graph of functions, data and table, and what
//! cannot be reached in it from an export is cleared: data become zeros, which the
//! optimiser leaves out of the file, and slots of the table a function that traps.
//! Nothing moves, so no address has to change.

use std::collections::HashSet;

use anyhow::{Context, Result, bail, ensure};
use walrus::ir::{Call, Instr, InstrLocId, RefFunc, ReturnCall, Value, Visitor, dfs_in_order};
use walrus::{
    ConstExpr, DataId, ElementItems, ElementKind, ExportItem, FunctionBuilder, FunctionId,
    FunctionKind, GlobalKind, LocalFunction, Module,
};

use super::relocations::{FromData, Named, Relocations};

/// Clears what is dead. `relocations` are those of the file that `module` was read
/// from; instructions may have been removed since.
pub(super) fn clear(module: &mut Module, relocations: &Relocations) -> Result<()> {
    let segments: Vec<DataId> = module.data.iter().map(walrus::Data::id).collect();
    let alive = Alive::find(module, relocations, &segments)?;
    clear_data(module, relocations, &segments, &alive);
    clear_table(module, &alive)
}

/// Fails unless every relocation belongs to an instruction that is followed, in the
/// module as it was read: a reference that is overlooked could clear what is needed.
pub(super) fn check(module: &Module, relocations: &Relocations) -> Result<()> {
    let mut found = 0;
    for (_, function) in module.funcs.iter_local() {
        found += References::of(function, relocations).explained;
    }
    let told = relocations.code.len();
    ensure!(
        found == told,
        "found {found} instructions that relocations are known for, expected {told}"
    );
    Ok(())
}

/// What an export leads to.
#[derive(Default)]
struct Alive {
    functions: HashSet<FunctionId>,
    /// Numbers of symbols.
    symbols: HashSet<usize>,
    slots: HashSet<u32>,
}

/// Something that was found alive and whose references are to be followed.
enum Next {
    Function(FunctionId),
    Symbol(usize),
    Slot(u32),
}

impl Alive {
    fn find(module: &Module, relocations: &Relocations, segments: &[DataId]) -> Result<Self> {
        let mut alive = Self::default();
        let mut open = roots(module, relocations, segments)?;
        while let Some(next) = open.pop() {
            match next {
                Next::Function(id) if alive.functions.insert(id) => {
                    if let FunctionKind::Local(function) = &module.funcs.get(id).kind {
                        let references = References::of(function, relocations);
                        open.extend(references.lead_to);
                    }
                }
                Next::Symbol(number) if alive.symbols.insert(number) => {
                    for from in within(number, relocations) {
                        open.push(follow(from, module, segments)?);
                    }
                }
                Next::Slot(slot) if alive.slots.insert(slot) => {
                    open.extend(function_at(module, slot).map(Next::Function));
                }
                _ => {}
            }
        }
        Ok(alive)
    }
}

/// Exports, what globals begin with, and what data refer to that belong to no symbol.
fn roots(module: &Module, relocations: &Relocations, segments: &[DataId]) -> Result<Vec<Next>> {
    let exports = module
        .exports
        .iter()
        .filter_map(|export| match export.item {
            ExportItem::Function(id) => Some(id),
            _ => None,
        });
    let mut roots: Vec<Next> = exports.chain(module.start).map(Next::Function).collect();
    for global in module.globals.iter() {
        roots.extend(first_value(global)?.map(Next::Function));
    }
    for from in &relocations.data {
        if !relocations.symbols.iter().flatten().any(|symbol| {
            symbol.segment == from.segment && symbol.bytes.contains(&from.bytes.start)
        }) {
            roots.push(follow(from, module, segments)?);
        }
    }
    Ok(roots)
}

/// The function that a global begins with, if it is one.
fn first_value(global: &walrus::Global) -> Result<Option<FunctionId>> {
    Ok(match global.kind {
        GlobalKind::Local(ConstExpr::RefFunc(id)) => Some(id),
        GlobalKind::Local(ConstExpr::Extended(_)) => {
            bail!("found a global that begins with a sum, expected a constant")
        }
        GlobalKind::Local(_) | GlobalKind::Import(_) => None,
    })
}

/// The references that stand in a symbol.
fn within(number: usize, relocations: &Relocations) -> impl Iterator<Item = &FromData> {
    let symbol = relocations.symbols.get(number).and_then(Option::as_ref);
    let from_data = relocations.data.iter();
    from_data.filter(move |from| {
        symbol.is_some_and(|symbol| {
            symbol.segment == from.segment && symbol.bytes.contains(&from.bytes.start)
        })
    })
}

fn follow(from: &FromData, module: &Module, segments: &[DataId]) -> Result<Next> {
    match from.named {
        Named::Data(number) => Ok(Next::Symbol(number)),
        Named::Slot => {
            let segment = segments.get(from.segment).context("no such segment")?;
            let bytes = module.data.get(*segment).value.get(from.bytes.clone());
            let bytes = bytes.context("a relocation ends beyond its segment")?;
            Ok(Next::Slot(u32::from_le_bytes(bytes.try_into()?)))
        }
        Named::Function => bail!("found data that call a function, expected a slot of the table"),
    }
}

/// What the instructions of a function refer to.
struct References<'r> {
    relocations: &'r Relocations,
    lead_to: Vec<Next>,
    /// How many relocations belong to these instructions.
    explained: usize,
}

impl<'r> References<'r> {
    fn of(function: &LocalFunction, relocations: &'r Relocations) -> Self {
        let mut references = Self {
            relocations,
            lead_to: Vec::new(),
            explained: 0,
        };
        dfs_in_order(&mut references, function, function.entry_block());
        references
    }

    /// Follows what stands at a place, if it fits the instruction there.
    fn explain(&mut self, place: usize, meaning: impl FnOnce(Named) -> Option<Next>) {
        let named = self.relocations.code.get(&place).copied();
        if let Some(next) = named.and_then(meaning) {
            self.lead_to.push(next);
            self.explained += 1;
        }
    }
}

impl<'i> Visitor<'i> for References<'_> {
    fn visit_instr(&mut self, instr: &'i Instr, place: &'i InstrLocId) {
        if place.is_default() {
            // Put in after the module was read, so it refers to nothing.
            return;
        }
        let place = place.data() as usize;
        // Behind the opcode stands a constant or a function; before an offset, also the
        // alignment.
        match instr {
            Instr::Const(constant) => self.explain(place + 1, |named| match named {
                Named::Data(number) => Some(Next::Symbol(number)),
                Named::Slot => slot(constant.value),
                Named::Function => None,
            }),
            Instr::Load(_) | Instr::Store(_) => self.explain(place + 2, data),
            Instr::Call(Call { func })
            | Instr::ReturnCall(ReturnCall { func })
            | Instr::RefFunc(RefFunc { func }) => self.explain(place + 1, |named| {
                (named == Named::Function).then_some(Next::Function(*func))
            }),
            _ => {}
        }
    }

    /// Whatever names a function leads to it, with or without a word of the linker,
    /// which has none on functions that it made itself.
    fn visit_function_id(&mut self, function: &FunctionId) {
        self.lead_to.push(Next::Function(*function));
    }
}

fn data(named: Named) -> Option<Next> {
    match named {
        Named::Data(number) => Some(Next::Symbol(number)),
        Named::Slot | Named::Function => None,
    }
}

fn slot(constant: Value) -> Option<Next> {
    match constant {
        Value::I32(slot) => Some(Next::Slot(slot.cast_unsigned())),
        _ => None,
    }
}

/// Zeros the symbols that are dead, except where they share bytes with living ones.
fn clear_data(module: &mut Module, relocations: &Relocations, segments: &[DataId], alive: &Alive) {
    for (number, id) in segments.iter().enumerate() {
        let segment = module.data.get_mut(*id);
        let symbols = || {
            let symbols = relocations.symbols.iter().enumerate();
            symbols
                .filter_map(|(symbol, place)| Some((symbol, place.as_ref()?)))
                .filter(|(_, place)| place.segment == number)
                .map(|(symbol, place)| (alive.symbols.contains(&symbol), place.bytes.clone()))
        };
        let mut kept = segment.value.clone();
        for (_, bytes) in symbols() {
            if let Some(bytes) = kept.get_mut(bytes) {
                bytes.fill(0);
            }
        }
        for (_, bytes) in symbols().filter(|(is_alive, _)| *is_alive) {
            if let (Some(to), Some(from)) = (kept.get_mut(bytes.clone()), segment.value.get(bytes))
            {
                to.copy_from_slice(from);
            }
        }
        segment.value = kept;
    }
}

fn function_at(module: &Module, slot: u32) -> Option<FunctionId> {
    module.elements.iter().find_map(|element| {
        let (first, functions) = table_part(element).ok()?;
        functions.get(slot.checked_sub(first)? as usize).copied()
    })
}

fn table_part(element: &walrus::Element) -> Result<(u32, &[FunctionId])> {
    match (&element.kind, &element.items) {
        (
            ElementKind::Active {
                offset: ConstExpr::Value(Value::I32(first)),
                ..
            },
            ElementItems::Functions(functions),
        ) => Ok((first.cast_unsigned(), functions)),
        _ => bail!("found an odd part of the table, expected functions from a constant slot on"),
    }
}

fn clear_table(module: &mut Module, alive: &Alive) -> Result<()> {
    let mut trap = FunctionBuilder::new(&mut module.types, &[], &[]);
    trap.func_body().unreachable();
    let trap = trap.finish(Vec::new(), &mut module.funcs);
    for element in module.elements.iter_mut() {
        if matches!(element.kind, ElementKind::Declared) {
            // In no table: it tells which functions `ref.func` may name.
            continue;
        }
        let (first, _) = table_part(element)?;
        if let ElementItems::Functions(functions) = &mut element.items {
            for (slot, function) in (first..).zip(functions) {
                if !alive.slots.contains(&slot) {
                    *function = trap;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use walrus::ir::Value;
    use walrus::{
        ConstExpr, DataKind, ElementItems, ElementKind, FunctionBuilder, Module, RefType,
    };

    use super::{check, clear};
    use crate::dist::relocations::{FromData, Named, Relocations, Symbol};

    /// An exported function whose only constant is the first word of the data, which
    /// are two words; and a table of that function, from slot 1 on.
    fn built() -> (Module, Relocations) {
        let mut module = Module::default();
        let memory = module.memories.add_local(false, false, 1, None, None);
        let mut reader = FunctionBuilder::new(&mut module.types, &[], &[]);
        reader.func_body().i32_const(16).drop();
        let reader = reader.finish(Vec::new(), &mut module.funcs);
        module.exports.add("reader", reader);
        let offset = ConstExpr::Value(Value::I32(16));
        let kind = DataKind::Active { memory, offset };
        module.data.add(kind, b"\x01\0\0\0word".to_vec());
        let table = module.tables.add_local(false, 2, None, RefType::FUNCREF);
        let offset = ConstExpr::Value(Value::I32(1));
        let kind = ElementKind::Active { table, offset };
        let functions = ElementItems::Functions(vec![reader]);
        let element = module.elements.add(kind, functions);
        module.tables.get_mut(table).elem_segments.insert(element);
        let wasm = module.emit_wasm();
        // `i32.const 16`, `drop`, `end`.
        let constant = [0x41, 16, 0x1a, 0x0b];
        let place = wasm.windows(4).position(|bytes| bytes == constant);
        let symbol = |bytes| Some(Symbol { segment: 0, bytes });
        let relocations = Relocations {
            code: [(place.unwrap() + 1, Named::Data(0))].into(),
            data: Vec::new(),
            symbols: vec![symbol(0..4), symbol(4..8)],
        };
        (Module::from_buffer(&wasm).unwrap(), relocations)
    }

    fn data(module: &Module) -> Vec<u8> {
        module.data.iter().next().unwrap().value.clone()
    }

    /// Whether slot 1 still holds a function that is exported.
    fn has_slot(module: &Module) -> bool {
        let function = super::function_at(module, 1).unwrap();
        module.exports.get_exported_func(function).is_some()
    }

    #[test]
    fn what_nothing_names_is_cleared() {
        let (mut module, relocations) = built();
        check(&module, &relocations).unwrap();
        clear(&mut module, &relocations).unwrap();
        assert_eq!(data(&module), b"\x01\0\0\0\0\0\0\0");
        assert!(!has_slot(&module));
        Module::from_buffer(&module.emit_wasm()).unwrap();
    }

    #[test]
    fn what_living_data_name_stays() {
        let (mut module, mut relocations) = built();
        let from = |bytes, named| FromData {
            segment: 0,
            bytes,
            named,
        };
        relocations.data = vec![from(0..4, Named::Slot), from(0..4, Named::Data(1))];
        clear(&mut module, &relocations).unwrap();
        assert_eq!(data(&module), b"\x01\0\0\0word");
        assert!(has_slot(&module));
    }

    #[test]
    fn data_of_no_symbol_stay() {
        let (mut module, mut relocations) = built();
        relocations.symbols = vec![relocations.symbols.remove(0)];
        relocations.data = vec![FromData {
            segment: 0,
            bytes: 4..8,
            named: Named::Data(0),
        }];
        clear(&mut module, &relocations).unwrap();
        assert_eq!(data(&module), b"\x01\0\0\0word");
    }

    /// Words of data that a function reads which is reached in one way each.
    const WAYS: &str = r#"(module
        (memory 1)
        (data (i32.const 1024) "calltailrefsinitdead")
        (global $first (mut funcref) (ref.func $from_global))
        (elem declare func $referred)
        (func $called (drop (i32.const 1024)))
        (func $left_to (drop (i32.const 1028)))
        (func $referred (drop (i32.const 1032)))
        (func $from_global (drop (i32.const 1036)))
        (func (export "start")
            (call $called)
            (drop (ref.func $referred))
            (return_call $left_to)))"#;

    /// A module of [`WAYS`], and what a linker would tell of it.
    fn ways() -> (Module, Relocations) {
        let wasm = wat::parse_str(WAYS).unwrap();
        let place = |bytes: &[u8]| {
            let mut windows = wasm.windows(bytes.len());
            windows.position(|window| window == bytes).unwrap() + 1
        };
        // `call 0`, `ref.func 2`, `drop`, `return_call 1`: an opcode and a number each.
        let start = place(&[0x10, 0, 0xd2, 2, 0x1a, 0x12, 1]);
        let mut code: HashMap<usize, Named> = [start, start + 2, start + 5]
            .map(|place| (place, Named::Function))
            .into();
        for (number, low) in [0x80, 0x84, 0x88, 0x8c].into_iter().enumerate() {
            // `i32.const`, an address of two bytes, `drop`.
            code.insert(place(&[0x41, low, 0x08, 0x1a]), Named::Data(number));
        }
        let symbols = (0..5).map(|word| {
            let bytes = 4 * word..4 * word + 4;
            Some(Symbol { segment: 0, bytes })
        });
        let relocations = Relocations {
            code,
            data: Vec::new(),
            symbols: symbols.collect(),
        };
        (Module::from_buffer(&wasm).unwrap(), relocations)
    }

    #[test]
    fn whatever_way_a_function_is_reached_its_data_stay() {
        let (mut module, relocations) = ways();
        check(&module, &relocations).unwrap();
        clear(&mut module, &relocations).unwrap();
        assert_eq!(data(&module), b"calltailrefsinit\0\0\0\0");
        Module::from_buffer(&module.emit_wasm()).unwrap();
    }

    #[test]
    fn a_function_named_by_an_instruction_that_is_not_followed_is_refused() {
        let (module, mut relocations) = ways();
        let (&place, _) = relocations
            .code
            .iter()
            .find(|(_, named)| matches!(named, Named::Data(_)))
            .unwrap();
        relocations.code.insert(place, Named::Function);
        let failure = check(&module, &relocations).unwrap_err();
        assert!(failure.to_string().contains("found 6 "), "{failure}");
    }

    #[test]
    fn a_relocation_without_an_instruction_is_refused() {
        let (module, mut relocations) = built();
        relocations.code.insert(3, Named::Slot);
        let failure = check(&module, &relocations).unwrap_err();
        assert!(failure.to_string().contains("expected 2"), "{failure}");
    }
}
