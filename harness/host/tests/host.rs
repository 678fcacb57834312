//! The host against small guests written in WebAssembly text: what Envoy does,
//! and what a hostile guest must not be able to do.

#![expect(
    clippy::expect_used,
    reason = "a test's own guest that does not load is a broken test"
)]

#[path = "host/guests.rs"]
mod guests;

#[path = "host/callouts.rs"]
mod callouts;
#[path = "host/flow.rs"]
mod flow;
#[path = "host/hostile.rs"]
mod hostile;
#[path = "host/lifecycle.rs"]
mod lifecycle;
#[path = "host/properties.rs"]
mod properties;
#[path = "host/state.rs"]
mod state;
