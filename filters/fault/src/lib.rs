//! `fault.wasm`: faults of VirtualService as an Envoy filter.

mod filter;
mod report;

sluice_adapter::main!(filter::Faults; tick);
