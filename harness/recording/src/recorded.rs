//! Three states of a recorded fact.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A fact that the recording knows, knows to be absent, or does not know.
///
/// In JSON: a value, `null`, or a missing key. A field of this type therefore
/// carries `#[serde(default, skip_serializing_if = "Recorded::is_unknown")]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Recorded<T> {
    /// The capture saw this value.
    Known(T),
    /// The capture looked and there was none.
    Absent,
    /// The capture could not see it.
    #[default]
    Unknown,
}

impl<T> Recorded<T> {
    /// The value, if one is known.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }

    /// Borrows the value.
    pub fn as_ref(&self) -> Recorded<&T> {
        match self {
            Self::Known(value) => Recorded::Known(value),
            Self::Absent => Recorded::Absent,
            Self::Unknown => Recorded::Unknown,
        }
    }

    /// Applies `f` to a known value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Recorded<U> {
        match self {
            Self::Known(value) => Recorded::Known(f(value)),
            Self::Absent => Recorded::Absent,
            Self::Unknown => Recorded::Unknown,
        }
    }

    /// Whether the capture could not see it.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// `Known` or `Absent`: for a source that is sure either way.
    pub fn from_certain(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Known)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Recorded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::from_certain)
    }
}

impl<T: Serialize> Serialize for Recorded<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(value) => value.serialize(serializer),
            Self::Absent | Self::Unknown => serializer.serialize_none(),
        }
    }
}
