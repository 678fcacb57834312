//! Changes that an allowed request carries away from its check.

/// One change to a set of headers; names are lower-case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderEdit {
    /// Replace every line of that name by this one.
    Set(Vec<u8>, Vec<u8>),
    /// Replace, but only if there is such a line.
    SetIfPresent(Vec<u8>, Vec<u8>),
    /// Add a line.
    Add(Vec<u8>, Vec<u8>),
    /// Add a line unless there is one of that name.
    AddIfAbsent(Vec<u8>, Vec<u8>),
    /// Append after a comma, but only if there is such a line.
    AppendIfPresent(Vec<u8>, Vec<u8>),
    /// Take every line of that name away.
    Remove(Vec<u8>),
}

impl HeaderEdit {
    /// Name of the header.
    pub fn name(&self) -> &[u8] {
        match self {
            Self::Set(name, _)
            | Self::SetIfPresent(name, _)
            | Self::Add(name, _)
            | Self::AddIfAbsent(name, _)
            | Self::AppendIfPresent(name, _)
            | Self::Remove(name) => name,
        }
    }

    /// Whether the edit may be applied to a request: Envoy lets a provider
    /// replace pseudo-headers but never remove them, nor `host`.
    pub(super) fn is_lawful(&self) -> bool {
        let vital = self.name().starts_with(b":") || self.name() == b"host";
        !(self.name().is_empty() || vital && matches!(self, Self::Remove(_)))
    }
}

/// What to change when a provider says yes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    /// Changes to the request, in order.
    pub request: Vec<HeaderEdit>,
    /// Changes to the response that the client will get, in order.
    pub response: Vec<HeaderEdit>,
    /// The new `:path`, if query parameters were changed.
    pub path: Option<Vec<u8>>,
}
