//! What a test case expects of a replay.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::fields::is_field_name;
use crate::object::impl_object;

impl_object!(Expectation if is_possible);

/// What a replay must find. A missing field is not compared.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Expectation {
    /// Where the exchange ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The status that the client sees, from 100 to 999.
    #[serde(
        default,
        deserialize_with = "status_in_range",
        skip_serializing_if = "Option::is_none"
    )]
    pub status: Option<u16>,
    /// The plugin that decided, by its `namespace.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// The rule that decided, in the plugin's own notation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The response-code details.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// Headers that the next hop must see.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub request_headers: BTreeMap<String, HeaderExpectation>,
    /// Headers that the client must see.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub response_headers: BTreeMap<String, HeaderExpectation>,
}

impl Expectation {
    /// Whether every header has a name: one that cannot be there would be expected to be
    /// absent, and found so, for ever.
    pub(crate) fn is_possible(&self) -> bool {
        let mut names = self
            .request_headers
            .keys()
            .chain(self.response_headers.keys());
        names.all(|name| is_field_name(name))
    }
}

/// RFC 9110 §15 has three digits.
fn status_in_range<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    match Option::deserialize(deserializer)? {
        Some(status @ (..100 | 1000..)) => Err(de::Error::invalid_value(
            Unexpected::Unsigned(u64::from(status)),
            &"a status",
        )),
        status => Ok(status),
    }
}

/// Where an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The request reached the upstream.
    Forwarded,
    /// A plugin answered it.
    Replied,
    /// The stream was reset.
    Reset,
    /// A plugin paused it and nothing resumed it.
    Held,
}

impl Outcome {
    /// The names, in the order of the enum.
    pub const NAMES: [&'static str; 4] = ["forwarded", "replied", "reset", "held"];
}

/// All lines of one header: a string, a list of strings, or `null` for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderExpectation {
    /// The header must not be there.
    Absent,
    /// Exactly these lines, in this order.
    Lines(Vec<String>),
}

impl<'de> Deserialize<'de> for HeaderExpectation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeaderVisitor;
        impl<'de> Visitor<'de> for HeaderVisitor {
            type Value = HeaderExpectation;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string, a list of strings or null")
            }
            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(HeaderExpectation::Absent)
            }
            fn visit_str<E: de::Error>(self, line: &str) -> Result<Self::Value, E> {
                Ok(HeaderExpectation::Lines(vec![line.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut lines = Vec::new();
                while let Some(line) = list.next_element()? {
                    lines.push(line);
                }
                Ok(HeaderExpectation::Lines(lines))
            }
        }
        deserializer.deserialize_any(HeaderVisitor)
    }
}

impl Serialize for HeaderExpectation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_unit(),
            Self::Lines(lines) => match lines.as_slice() {
                [line] => line.serialize(serializer),
                lines => lines.serialize(serializer),
            },
        }
    }
}
