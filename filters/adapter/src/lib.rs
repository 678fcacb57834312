//! Between the proxy-wasm ABI and the engines: reads the attributes that a
//! program demands, calls the engine, carries out what it decided.
//!
//! The only crate that speaks the proxy-wasm ABI; it knows no engine.

pub mod abi;
#[cfg(target_family = "wasm")]
mod allocator;
mod arena;
mod by_number;
mod counters;
mod effects;
mod environment;
mod exports;
mod facts;
mod filter;
mod metadata;
mod node;
mod pairs;
mod runtime;
#[cfg(all(test, not(target_family = "wasm")))]
mod scripted_host;

pub use abi::{Host, Level};
pub use counters::Counters;
pub use exports::start;
pub use filter::{Configured, HttpFilter, Setup, Step};

/// Makes a filter the one of this module: the whole of a filter crate's entry.
#[macro_export]
macro_rules! main {
    ($filter:ty) => {
        /// Start-up of the module, which the host calls.
        mod entry {
            #![expect(
                unsafe_code,
                reason = "exporting under a fixed name is an unsafe attribute"
            )]
            use super::*;

            #[unsafe(no_mangle)]
            extern "C" fn _initialize() {
                $crate::start::<$filter>();
            }
        }
    };
}
