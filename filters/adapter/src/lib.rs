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
mod shared;

pub use abi::{Host, HostError, Level, MetricKind, Written};
pub use counters::Counters;
pub use environment::random_seed;
pub use exports::{Module, allocate, initialize};
pub use filter::{Configured, HttpFilter, Setup, Step, Wants, Woken};
pub use shared::Shared;
