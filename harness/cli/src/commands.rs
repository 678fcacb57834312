//! One file a subcommand: its options and what it does; [`simulate`] is what two of them begin with.

pub mod check;
pub mod completions;
pub mod explain;
pub mod import;
pub mod inspect;
pub mod replay;
pub mod simulate;
pub mod token;
