//! Three-valued truth: what a filter knows about one fact of a request.

/// One fact about a request or its connection.
///
/// `Absent` and `Unavailable` differ: a plaintext connection *has* no peer
/// certificate, while a host that refused to answer may be hiding one. An
/// unavailable fact can neither grant an ALLOW nor escape a DENY.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Fact<T> {
    /// The host gave a value.
    Present(T),
    /// The host says that there is none.
    Absent,
    /// Nobody asked, or the host could not answer.
    #[default]
    Unavailable,
}

impl<T> Fact<T> {
    /// Applies `f` to a present value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Present(value) => Fact::Present(f(value)),
            Self::Absent => Fact::Absent,
            Self::Unavailable => Fact::Unavailable,
        }
    }

    /// Borrows the value.
    pub fn as_ref(&self) -> Fact<&T> {
        match self {
            Self::Present(value) => Fact::Present(value),
            Self::Absent => Fact::Absent,
            Self::Unavailable => Fact::Unavailable,
        }
    }

    /// The value, if there is one.
    pub fn present(self) -> Option<T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Absent | Self::Unavailable => None,
        }
    }

    /// Whether nobody could say.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable)
    }
}
