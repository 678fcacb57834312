//! The attributes that a program can demand of a host, by their Envoy names.

/// One thing to read from the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Attribute {
    /// Header `:method`.
    Method,
    /// Header `:path`.
    Path,
    /// Header `:authority`.
    Authority,
    /// Every header line.
    Headers,
    /// `source.address`.
    SourceAddress,
    /// `destination.address`.
    DestinationAddress,
    /// `connection.mtls`.
    Mtls,
    /// `connection.uri_san_peer_certificate`.
    PeerUriSan,
    /// `connection.dns_san_peer_certificate`.
    PeerDnsSan,
    /// `connection.subject_peer_certificate`.
    PeerSubject,
    /// `filter_state["io.istio.peer_principal"]`.
    PeerPrincipal,
    /// `connection.requested_server_name`.
    RequestedServerName,
    /// `metadata`: all dynamic metadata, as one message.
    Metadata,
}

impl Attribute {
    /// Every attribute, in the order of the enum.
    pub const ALL: [Self; 13] = [
        Self::Method,
        Self::Path,
        Self::Authority,
        Self::Headers,
        Self::SourceAddress,
        Self::DestinationAddress,
        Self::Mtls,
        Self::PeerUriSan,
        Self::PeerDnsSan,
        Self::PeerSubject,
        Self::PeerPrincipal,
        Self::RequestedServerName,
        Self::Metadata,
    ];

    /// The name by which Envoy's documentation knows it; headers by their own.
    pub fn name(self) -> &'static str {
        match self {
            Self::Method => ":method",
            Self::Path => ":path",
            Self::Authority => ":authority",
            Self::Headers => "request.headers",
            Self::SourceAddress => "source.address",
            Self::DestinationAddress => "destination.address",
            Self::Mtls => "connection.mtls",
            Self::PeerUriSan => "connection.uri_san_peer_certificate",
            Self::PeerDnsSan => "connection.dns_san_peer_certificate",
            Self::PeerSubject => "connection.subject_peer_certificate",
            Self::PeerPrincipal => "filter_state.io.istio.peer_principal",
            Self::RequestedServerName => "connection.requested_server_name",
            Self::Metadata => "metadata",
        }
    }
}

/// A set of attributes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AttributeSet(u16);

impl AttributeSet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);

    /// Adds one attribute.
    pub fn insert(&mut self, attribute: Attribute) {
        self.0 |= 1 << attribute as u16;
    }

    /// Whether `attribute` is in the set.
    pub fn contains(self, attribute: Attribute) -> bool {
        self.0 & (1 << attribute as u16) != 0
    }

    /// Everything in either set.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether nothing is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The attributes in the order of the enum.
    pub fn iter(self) -> impl Iterator<Item = Attribute> {
        Attribute::ALL
            .into_iter()
            .filter(move |&attribute| self.contains(attribute))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_set_has_what_was_put_in_and_nothing_else() {
        for member in Attribute::ALL {
            let mut set = AttributeSet::EMPTY;
            assert!(set.is_empty());
            set.insert(member);
            set.insert(member);
            assert!(!set.is_empty());
            for attribute in Attribute::ALL {
                assert_eq!(set.contains(attribute), attribute == member);
            }
        }
    }

    #[test]
    fn a_union_has_the_members_of_both_in_the_order_of_the_enum() {
        let (mut left, mut right) = (AttributeSet::EMPTY, AttributeSet::EMPTY);
        left.insert(Attribute::Metadata);
        left.insert(Attribute::Path);
        right.insert(Attribute::Method);
        right.insert(Attribute::Path);
        let both: Vec<_> = left.union(right).iter().collect();
        assert_eq!(
            both,
            [Attribute::Method, Attribute::Path, Attribute::Metadata]
        );
    }

    #[test]
    fn names_are_distinct() {
        let mut names: Vec<_> = Attribute::ALL
            .iter()
            .map(|attribute| attribute.name())
            .collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Attribute::ALL.len());
        assert_eq!(Attribute::Mtls.name(), "connection.mtls");
    }
}
