//! WasmPlugin and TrafficExtension manifests: read, judged as Istio judges
//! them, attached and ordered as Istio does, and turned into what the host runs.

pub mod attachment;
pub mod diagnostic;
pub mod files;
pub mod gather;
pub mod image;
pub mod installation;
pub mod manifest;
pub mod order;
pub mod source;
pub mod url;

use serde_json::Value;

pub use attachment::Direction;
pub use diagnostic::{Diagnostic, Diagnostics};
pub use installation::Installation;
pub use manifest::{Extension, Filter, WasmFilter};

/// The API group and version of both kinds.
pub const API_VERSION: &str = "extensions.istio.io/v1alpha1";

/// Judges one WasmPlugin or TrafficExtension as Istio's CRD schema and its
/// webhook would together.
///
/// Where a manifest says something that the API server would drop in silence
/// (an unknown field), it is refused here: nothing is to be dropped in silence.
pub fn validate(resource: &Value) -> Diagnostics {
    manifest::parse(resource).1
}
