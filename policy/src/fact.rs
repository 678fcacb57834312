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

#[cfg(test)]
mod tests {
    use super::Fact;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const FACTS: [Fact<u8>; 3] = [Fact::Present(1), Fact::Absent, Fact::Unavailable];

    #[test]
    fn mapping_keeps_what_is_not_there_apart() {
        let mapped = FACTS.map(|fact| fact.map(|value| value + 1));
        assert_eq!(mapped, [Fact::Present(2), Fact::Absent, Fact::Unavailable]);
    }

    #[test]
    fn borrowing_keeps_the_state() {
        let [present, absent, unavailable] = &FACTS;
        assert_eq!(present.as_ref(), Fact::Present(&1));
        assert_eq!(absent.as_ref(), Fact::Absent);
        assert_eq!(unavailable.as_ref(), Fact::Unavailable);
    }

    #[test]
    fn only_a_present_fact_has_a_value_and_only_one_is_unavailable() {
        assert_eq!(FACTS.map(Fact::present), [Some(1), None, None]);
        assert_eq!(
            FACTS.map(|fact| fact.is_unavailable()),
            [false, false, true]
        );
        assert_eq!(Fact::<u8>::default(), Fact::Unavailable);
    }
}
