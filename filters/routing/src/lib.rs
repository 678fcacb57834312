//! `routing.wasm`: VirtualServices as an Envoy filter that tells Envoy's own routes where
//! a request is to go.

mod filter;
mod report;

sluice_adapter::main!(filter::Routing; response_headers, log, tick);
