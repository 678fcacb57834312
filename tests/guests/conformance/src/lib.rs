//! A guest that makes the host calls a script asks for and logs what they return.
//!
//! The plugin configuration is the script: its first line is a tag, every other
//! one `CALLBACK OPERATION ARGUMENT…`. When the host calls back, the guest logs
//! `TAG call CALLBACK CONTEXT ARGUMENTS`, makes the calls of that callback in
//! order and logs `TAG CALLBACK OPERATION ARGUMENT… -> STATUS VALUE`. So one
//! module serves every row of a table of behaviours, on any host.
//!
//! It speaks the ABI by itself: an SDK hides the status of a call, or panics on it.
#![expect(
    unsafe_code,
    reason = "host functions are foreign, and the callbacks must be exported by name"
)]

mod abi;
mod callbacks;
mod names;
mod operation;
mod script;
mod state;
mod text;
