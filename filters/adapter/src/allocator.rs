//! The memory of the module.
//!
//! The target's own allocator is the C library's, the last of C in the module and
//! 10 KB of it; this one is a quarter of that, and no request is slower for it.

use talc::wasm::{WasmDynamicTalc, new_wasm_dynamic_allocator};

#[global_allocator]
static ALLOCATOR: WasmDynamicTalc = new_wasm_dynamic_allocator();
