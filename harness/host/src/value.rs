//! The value of one Envoy attribute.

/// A typed attribute value, as Envoy's CEL runtime would hold it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Known to have no value: a read answers NotFound, and that is a fact
    /// rather than a gap in the recording.
    Absent,
    /// One byte on the wire.
    Bool(bool),
    /// Eight bytes, little endian.
    Int(i64),
    /// Eight bytes, little endian.
    Uint(u64),
    /// Eight bytes, little endian. Every number inside metadata is one.
    Double(f64),
    /// A string or bytes, raw.
    Bytes(Vec<u8>),
    /// Nanoseconds since the Unix epoch.
    Timestamp(i64),
    /// Nanoseconds.
    Duration(i64),
    /// An ordered list.
    List(Vec<Value>),
    /// Names to values, in the order given.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// A member of a map, or an element of a list by its decimal index.
    pub fn member(&self, key: &[u8]) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries
                .iter()
                .find(|(name, _)| name.as_bytes() == key)
                .map(|(_, value)| value),
            Self::List(items) => {
                let index: usize = std::str::from_utf8(key).ok()?.parse().ok()?;
                items.get(index)
            }
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Bytes(text.into_bytes())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Uint(value)
    }
}
