//! `authz.wasm`: AuthorizationPolicy and PeerAuthentication as an Envoy filter.

mod filter;
mod report;

sluice_adapter::main!(filter::Authz; response_headers, http_call_response, grpc, tick);
