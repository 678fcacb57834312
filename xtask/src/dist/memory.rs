//! What the optimiser takes for granted of a module's memory.
//!
//! It is told `--low-memory-unused`: no address below 1,024 is one that the program
//! uses. That holds where the linker puts the stack first, as rustc has it do for this
//! target: the stack grows down from the first byte of the data, so the lowest
//! kilobyte is the very last that it would use before it overflows and traps.

use anyhow::{Context, Result, bail, ensure};
use walrus::ir::Value;
use walrus::{ConstExpr, Data, DataKind, GlobalKind, Module};

/// What Binaryen calls low, in bytes.
const LOW: u32 = 1024;

/// What the linker calls the global with the end of the stack.
const STACK_POINTER: &str = "__stack_pointer";

/// Fails unless the stack comes first, with more than low memory to itself. Needs the
/// names of globals.
pub(super) fn check(module: &Module) -> Result<()> {
    let top = stack_top(module)?;
    ensure!(
        top > LOW,
        "found a stack of {top} bytes, expected more than {LOW}"
    );
    for segment in module.data.iter() {
        let start = start(segment)?;
        ensure!(
            start >= top,
            "found data at address {start}, expected none below the stack's upper end at {top}"
        );
    }
    Ok(())
}

fn stack_top(module: &Module) -> Result<u32> {
    let mut globals = module.globals.iter();
    let pointer = globals
        .find(|global| global.name.as_deref() == Some(STACK_POINTER))
        .with_context(|| format!("found no global `{STACK_POINTER}`, expected the linker's"))?;
    match &pointer.kind {
        GlobalKind::Local(first) => constant(first),
        GlobalKind::Import(_) => bail!("found an imported stack, expected the module's own"),
    }
}

fn start(segment: &Data) -> Result<u32> {
    match &segment.kind {
        DataKind::Active { offset, .. } => constant(offset),
        DataKind::Passive => bail!("found data without an address, expected a constant one"),
    }
}

fn constant(address: &ConstExpr) -> Result<u32> {
    match address {
        ConstExpr::Value(Value::I32(address)) => Ok(address.cast_unsigned()),
        other => bail!("found the address {other:?}, expected a constant"),
    }
}

#[cfg(test)]
mod tests {
    use walrus::Module;

    use super::check;

    fn failure(text: &str) -> Option<String> {
        let wasm = wat::parse_str(text).unwrap();
        let module = Module::from_buffer(&wasm).unwrap();
        check(&module).err().map(|failure| failure.to_string())
    }

    #[test]
    fn a_stack_before_the_data_is_as_expected() {
        let module = r#"(module (memory 1)
            (global $other i32 (i32.const 7))
            (global $__stack_pointer (mut i32) (i32.const 4096))
            (data (i32.const 4096) "a") (data (i32.const 5000) "b"))"#;
        assert_eq!(failure(module), None);
    }

    #[test]
    fn another_layout_is_refused() {
        let cases = [
            (
                "(global $__stack_pointer (mut i32) (i32.const 1024))",
                "a stack of 1024 bytes",
            ),
            // Data first: the stack begins above them.
            (
                r#"(data (i32.const 1024) "a") (global $__stack_pointer (mut i32) (i32.const 70000))"#,
                "data at address 1024",
            ),
            (
                r#"(data (i32.const 4095) "a") (global $__stack_pointer (mut i32) (i32.const 4096))"#,
                "data at address 4095",
            ),
            (
                r#"(data "a") (global $__stack_pointer (mut i32) (i32.const 4096))"#,
                "data without an address",
            ),
            (
                r#"(import "env" "sp" (global $__stack_pointer (mut i32)))"#,
                "an imported stack",
            ),
            ("(global $sp (mut i32) (i32.const 4096))", "no global"),
        ];
        for (parts, found) in cases {
            // Imports come first.
            let failure = failure(&format!("(module {parts} (memory 1))"));
            assert!(
                failure.as_deref().is_some_and(|text| text.contains(found)),
                "{failure:?}"
            );
        }
    }
}
