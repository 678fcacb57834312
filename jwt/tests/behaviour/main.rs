//! What the engine does, told by examples: resources and a request in, an outcome out.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the constructors of a test world fail as loudly as the tests that use them"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "resources are built inside out from `json!`"
)]

mod checks;
mod configuration;
mod effects;
mod extraction;
mod outcomes;
#[cfg(not(target_arch = "wasm32"))]
mod properties;
mod replies;
mod scope;
mod several;
mod waiting;
mod world;
