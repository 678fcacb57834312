//! Changes that an allowed request carries away from its check.

use sluice_policy::HeaderEdit;

/// What to change when a provider says yes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    /// Changes to the headers of the request, in order.
    pub request: Vec<HeaderEdit>,
    /// Changes to the headers of the response that the client will get.
    pub response: Vec<HeaderEdit>,
    /// The new `:path`, if query parameters were changed.
    pub path: Option<Vec<u8>>,
}

/// Whether the edit may be applied to a request: Envoy lets a provider replace
/// pseudo-headers but never remove them, nor `host`.
pub(super) fn is_lawful(edit: &HeaderEdit) -> bool {
    match edit {
        HeaderEdit::Set(..) | HeaderEdit::Append(..) => true,
        HeaderEdit::Remove(name) => !(name.is_empty() || name.starts_with(b":") || name == b"host"),
    }
}
