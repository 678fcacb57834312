//! Shared words of the sluice filters.
//!
//! Layer 0: no filter, no host, no clock, no randomness, no printing.

pub mod attribute;
pub mod callout;
pub mod diagnostic;
pub mod duration;
pub mod fact;
pub mod field;
pub mod fnv;
pub mod json;
pub mod labels;
pub mod matcher;
pub mod mesh;
pub mod path_normalization;
pub mod plugin_config;
pub mod protobuf;
pub mod reply;
pub mod request;
pub mod resource;
pub mod selector;
pub mod shared_data;
pub mod workload;

pub use attribute::{Attribute, AttributeSet};
pub use callout::{Callout, CalloutEvent};
pub use diagnostic::{Diagnostic, DiagnosticCode, Diagnostics, Severity};
pub use fact::Fact;
pub use labels::Labels;
pub use mesh::Mesh;
pub use plugin_config::PluginConfig;
pub use reply::{HeaderEdit, Reply};
pub use request::{Connection, HeaderLine, Request};
pub use resource::Resource;
pub use selector::Attachment;
pub use shared_data::SharedData;
pub use workload::{ProxyKind, Workload};
