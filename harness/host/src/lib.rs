//! A proxy-wasm host on wasmtime that behaves as Envoy does.
//!
//! A [`Chain`] is one Envoy worker: plugins in order, each in its VM, with the
//! virtual clock, shared data, metrics and log they see. [`Chain::run`] takes
//! an [`Exchange`] through every plugin and answers with an [`Outcome`]. The
//! stepping calls below it let several streams interleave.
//!
//! Where the proxy-wasm specification and Envoy disagree, this host follows
//! Envoy, because that is where filters run.

mod abi;
mod agenda;
mod attributes;
mod bodies;
mod callout;
mod calls;
mod chain;
mod engine;
mod error;
mod exchange;
mod exports;
mod foreign;
mod guest;
mod headers;
mod maps;
mod memory;
mod metrics;
mod module;
mod outcome;
mod pairs;
mod plugin;
mod property;
mod protobuf;
mod random;
mod shared;
mod status;
mod stream;
mod value;
mod vm;
mod worker;
mod world;

pub use attributes::Attributes;
pub use callout::{
    CalloutRecord, CalloutResult, Callouts, GrpcCall, GrpcEvent, HttpAnswer, HttpCall, NoCallouts,
    Timed,
};
pub use chain::{Chain, PluginState, StreamId};
pub use engine::{Engine, EngineOptions};
pub use error::{HostError, ModuleError};
pub use exchange::{Exchange, Message};
pub use headers::Headers;
pub use module::{AbiVersion, Module};
pub use outcome::{
    Cost, LogLevel, LogLine, MetricDelta, MetricKind, Outcome, OutcomeKind, PluginCost, Trap,
};
pub use plugin::{FailStrategy, Limits, PluginConfig};
pub use value::Value;
pub use world::{ConnectionManager, World};
