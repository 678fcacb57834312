//! `jwt.wasm`: RequestAuthentication as an Envoy filter.

mod filter;
mod keyring;
mod report;
mod session;

sluice_adapter::main!(filter::Jwt; http_call_response, tick);
