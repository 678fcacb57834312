//! Engine of VirtualService: which route a request takes, where it is sent, and which
//! faults it meets on the way.
//!
//! Layer 1: no clock, no randomness, no host. What a decision needs of them comes in as
//! arguments.

pub mod breaker;
pub mod fault;
pub mod guard;
