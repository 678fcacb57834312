//! What the engine does, told by examples: resources and a request in, a
//! decision out.

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

mod configuration;
mod explain;
mod external;
mod messages;
mod order;
mod peers;
mod semantics;
mod world;
