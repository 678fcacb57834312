//! What the resources say: checked and typed, not yet bound to a workload.

mod cors;
mod destination;
mod header_operations;
mod http_match;
mod http_route;
mod mirror;
mod percentage;
mod redirect;
mod retries;
mod rewrite;
mod string_match;
mod unreachable;
mod value_template;
mod virtual_service;

pub use cors::Cors;
pub use destination::{Destination, WeightedDestination};
pub use header_operations::{HeaderOperations, Headers};
pub(crate) use http_match::claim_path;
pub use http_match::{HeaderSubject, HttpMatch};
pub use http_route::{DirectResponse, HttpRoute, RouteAction};
pub use mirror::Mirror;
pub use percentage::{MILLION, read as read_percentage};
pub use redirect::{Redirect, RedirectPath, RedirectPort};
pub use retries::Retries;
pub use rewrite::{Rewrite, UriRewrite};
pub use string_match::ValueMatcher;
pub(crate) use unreachable::warn as warn_of_unreachable;
pub use value_template::{Part, ValueTemplate};
pub use virtual_service::VirtualService;

#[cfg(test)]
mod tests;
