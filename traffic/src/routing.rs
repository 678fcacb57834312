//! Where a request is sent: the engine of the routing filter.

mod chance;
mod compile;
mod config;
mod cors;
mod edits;
mod engine;
mod explain;
mod hints;
mod ip_text;
mod path;
mod program;
mod redirect;
mod rendezvous;
mod scope;
mod shares;
mod split;
mod sticky;
mod template;
#[cfg(test)]
mod tests;
mod world;

pub use chance::{Chance, Dice, Draw};
pub use config::{Config, KINDS};
pub use engine::{Decision, Forwarding, Verdict, Watched, decide};
pub use explain::{Explanation, FailedTest, NearMiss, explain};
pub use hints::Hints;
pub use program::{Program, configure};
pub use sticky::{StickyKey, StickySplit};
pub use world::{Canary, Moment, World};
