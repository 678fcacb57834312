//! Keys: what a predicate needs to find in a request before it can hold.

use std::net::IpAddr;

use super::hash::Relation;
use crate::subject::Subject;

/// One necessary condition that the index can look up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// Some text of the subject has this relation to `text`.
    Text {
        subject: Subject,
        relation: Relation,
        text: Vec<u8>,
    },
    /// The address of the subject is in this network.
    Network { subject: Subject, network: Network },
}

impl Key {
    /// A key on a whole text.
    pub(crate) fn exact(subject: Subject, text: impl Into<Vec<u8>>) -> Self {
        Self::Text {
            subject,
            relation: Relation::Exact,
            text: text.into(),
        }
    }

    /// A key on the start of a text.
    pub(crate) fn prefix(subject: Subject, text: impl Into<Vec<u8>>) -> Self {
        Self::Text {
            subject,
            relation: Relation::Prefix,
            text: text.into(),
        }
    }

    /// A key on the end of a text.
    pub(crate) fn suffix(subject: Subject, text: impl Into<Vec<u8>>) -> Self {
        Self::Text {
            subject,
            relation: Relation::Suffix,
            text: text.into(),
        }
    }

    /// Where the key is looked up.
    pub(crate) fn subject(&self) -> &Subject {
        match self {
            Self::Text { subject, .. } | Self::Network { subject, .. } => subject,
        }
    }
}

/// Ways to look up one configured value, any of which will do; none when the
/// value cannot be looked up.
pub(crate) type Options = Vec<Key>;

/// An address range: the masked address and the length of the mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    /// Any address inside.
    pub(crate) address: IpAddr,
    /// Length of the mask in bits.
    pub(crate) bits: u8,
}

/// The shape of a network: those of one shape are found by one lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NetworkShape {
    ipv6: bool,
    bits: u8,
}

impl Network {
    /// Family and mask length.
    pub(crate) fn shape(self) -> NetworkShape {
        NetworkShape {
            ipv6: self.address.is_ipv6(),
            bits: self.bits,
        }
    }
}

impl NetworkShape {
    /// The text under which the network of this shape around `address` is
    /// filed, if they are of one family.
    pub(crate) fn text(self, address: IpAddr) -> Option<[u8; 18]> {
        if address.is_ipv6() != self.ipv6 {
            return None;
        }
        let (value, width) = match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let host_bits = u32::from(width - self.bits.min(width));
        let network = value.checked_shr(host_bits).unwrap_or(0);
        let mut text = [0; 18];
        let (mask, masked) = text.split_at_mut(2);
        mask.copy_from_slice(&[u8::from(self.ipv6), self.bits]);
        masked.copy_from_slice(&network.to_be_bytes());
        Some(text)
    }
}
