//! Tokens for tests and for looking at: keys, minting, reading.
//!
//! Signing is done by `jsonwebtoken` over `ring`; what a proxy would say of a
//! token is the engine's business (`sluice-jwt`), which shares no code with it.

pub mod claims;
pub mod generate;
pub mod inspection;
pub mod jwk;
pub mod key_file;
pub mod mint;
pub mod private_key;
pub mod provider;
pub mod public_key;
pub mod reading;
pub mod resources;
pub mod suspicion;
pub mod time;
pub mod verdict;
