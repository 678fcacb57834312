//! JSON with paths: every finding says where.
//!
//! [`parse`] refuses what serde_json takes in silence (duplicate keys) and what
//! would hurt (depth, size). [`Node`] is a value with its path, [`Object`] an
//! object that knows which of its keys nobody asked for.

mod node;
mod object;
mod parse;
mod path;

pub use node::{Node, one_of, parse_bool};
pub use object::Object;
pub(crate) use parse::Document;
pub use parse::{MAX_BYTES, MAX_DEPTH, parse};
pub use path::{child, item};
