//! Matchers: what the values of a policy accept.
//!
//! All of them compare bytes, because a client may send anything. Each follows
//! the Envoy matcher that Istio generates for the same value, to the letter
//! where that letter is a regular expression: see [`regex_text`].

mod address;
mod envoy_form;
mod namespace;
mod path;
pub mod regex_text;
mod request_principal;
mod service_account;
mod string;
mod template;
mod trust_domain;

pub use address::{IpMatcher, parse_port};
pub use envoy_form::safe_regex;
pub use namespace::NamespaceMatcher;
pub use path::{PathMatcher, without_query};
pub use request_principal::RequestPrincipalMatcher;
pub use service_account::ServiceAccountMatcher;
pub use string::StringMatcher;
pub use template::{PathTemplate, Segment, TemplateError};
pub use trust_domain::{TrustDomainMatcher, TrustDomains};

/// Where a piece, which is not empty, first stands in a text.
pub(crate) fn find(text: &[u8], piece: &[u8]) -> Option<usize> {
    (0..text.len()).find(|&at| text.get(at..).is_some_and(|rest| rest.starts_with(piece)))
}

/// What every SPIFFE identity starts with.
pub(crate) const SPIFFE: &str = "spiffe://";
