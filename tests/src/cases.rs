//! Runs case files against the engine, the module in the harness, or the module
//! in a real Envoy.

#![expect(
    clippy::indexing_slicing,
    reason = "every index here is into a serde_json value, which reads as null where there is nothing"
)]

pub mod authentication;
pub mod authz_integration;
pub mod authz_matchers;
pub mod driver;
pub mod file;
pub mod front;
mod http_route;
pub mod jwt_authn;
pub mod jwt_integration;
pub mod jwt_library;
pub mod jwt_tokens;
pub mod kind;
pub mod line;
mod one_token;
pub mod own;
pub mod path_normalization;
pub mod provider;
pub mod reject;
pub mod report;
pub mod router_check;
pub mod scenario;
pub mod validation;
mod validation_of_traffic;
pub mod verdict;
pub mod virtual_service;
pub mod yaml;
