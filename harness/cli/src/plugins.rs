//! WasmPlugin and TrafficExtension manifests: read, judged as Istio judges
//! them, attached and ordered as Istio does, and turned into what the host runs.

pub mod files;
pub mod gather;
pub mod image;
pub mod installation;
pub mod manifest;
pub mod mesh;
mod miss;
pub mod order;
pub mod source;
pub mod traffic;

use serde_json::Value;
use sluice_policy::Diagnostics;

pub use installation::Installation;
pub use manifest::{Extension, Filter, WasmFilter};
pub use traffic::Direction;

/// Judges one WasmPlugin or TrafficExtension as Istio's CRD schema and its
/// webhook would together.
///
/// Where a manifest says something that the API server would drop in silence
/// (an unknown field), it is refused here: nothing is to be dropped in silence.
pub fn validate(resource: &Value) -> Diagnostics {
    manifest::parse(resource).1
}
