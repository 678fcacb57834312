//! JSON with paths: every finding says where.
//!
//! [`parse`] refuses what most readers take in silence (duplicate keys) and what
//! would hurt (depth, size). [`Node`] is a value with its path, [`Object`] an
//! object that knows which of its keys nobody asked for.

mod node;
mod number;
mod object;
mod parse;
mod path;
mod text;

pub use node::{Node, one_of, parse_bool};
pub use object::Object;
pub use parse::{
    MAX_BYTES, MAX_DEPTH, OnMember, TrailingComma, Visited, parse, parse_untrusted,
    visit_untrusted_object,
};
pub(crate) use parse::{Read, Reader};
pub use path::{child, item};
