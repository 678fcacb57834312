//! Between the proxy-wasm ABI and the engines: reads the attributes that a
//! program demands, calls the engine, carries out what it decided.
//!
//! The only crate that names proxy-wasm; it knows no engine.

pub mod abi;
mod arena;
mod counters;
mod effects;
mod exports;
mod facts;
mod filter;
mod metadata;
mod node;
mod pairs;
mod runtime;

pub use abi::{Host, Level};
pub use counters::Counters;
pub use exports::register;
pub use filter::{Callout, CalloutEvent, Configured, HttpFilter, Setup, Step};

#[doc(hidden)]
pub use proxy_wasm;

/// Makes a filter the one of this module: the whole of a filter crate's entry.
#[macro_export]
macro_rules! main {
    ($filter:ty) => {
        /// Start-up of the module, which the host calls.
        mod entry {
            use super::*;
            $crate::proxy_wasm::main! {{ $crate::register::<$filter>(); }}
        }
    };
}
