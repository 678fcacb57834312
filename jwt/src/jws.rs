//! What is verified of a token: its signature, with what it says about it.

use crate::algorithm::Algorithm;

/// A JWS in compact form (RFC 7515 section 3.1), taken apart.
#[derive(Debug, Clone, Copy)]
pub struct Jws<'t> {
    /// `alg` of the header.
    pub algorithm: Algorithm,
    /// `kid` of the header; empty if there is none, which Envoy takes for the same.
    pub key_id: &'t str,
    /// Header and payload as they came, with the dot between them.
    pub signed: &'t [u8],
    /// The decoded signature.
    pub signature: &'t [u8],
}
