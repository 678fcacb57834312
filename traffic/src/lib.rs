//! Engine of VirtualService: which route a request takes, where it is sent, and which
//! faults it meets on the way.
//!
//! Layer 1: no clock, no randomness, no host. What a decision needs of them comes in as
//! arguments.

pub mod breaker;
pub mod config;
pub mod destination_rule;
mod effort;
pub mod fault;
pub mod guard;
mod hash;
mod host;
mod length_table;
mod matcher;
pub mod outcome;
mod pattern;
pub mod proxy;
pub mod retry_budget;
pub mod route_table;
pub mod routing;
mod short_text;
mod sorted;
#[cfg(test)]
mod testing;

pub use config::{HttpRoute, VirtualService};
pub use effort::Effort;
pub use matcher::TextMatcher;
pub use pattern::{Pattern, Substitution};
pub use proxy::Proxy;
pub use route_table::{Found, Route, RouteTable, Search};
