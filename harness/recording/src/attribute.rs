//! Facts about an exchange, by their Envoy attribute names.

mod form;
mod kind;
mod peer;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

pub(crate) use form::Form;
pub use kind::AttributeKind;
pub(crate) use peer::{MTLS, peer_without_mtls};

use crate::Recorded;
use crate::fields::Base64;
use crate::text::{Text, decode_base64, owned_text};

/// Facts by name. A name that is not there is unknown; `Absent` values are not.
///
/// A list in the byte order of the names, each there once: recordings hold them in that
/// order, so reading appends and needs no tree.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes<'a>(Vec<(Cow<'a, str>, AttributeValue<'a>)>);

impl<'a> Attributes<'a> {
    /// What is known of one attribute.
    pub fn get(&self, name: &str) -> Recorded<&AttributeValue<'a>> {
        let found = self.position(name).ok().and_then(|index| self.0.get(index));
        match found {
            Some((_, AttributeValue::Absent)) => Recorded::Absent,
            Some((_, value)) => Recorded::Known(value),
            None => Recorded::Unknown,
        }
    }

    /// Sets an attribute, and gives back what was there.
    pub fn insert(
        &mut self,
        name: impl Into<Cow<'a, str>>,
        value: impl Into<AttributeValue<'a>>,
    ) -> Option<AttributeValue<'a>> {
        let (name, value) = (name.into(), value.into());
        match self.position(&name) {
            Ok(index) => self
                .0
                .get_mut(index)
                .map(|(_, there)| std::mem::replace(there, value)),
            Err(index) => {
                self.0.insert(index, (name, value));
                None
            }
        }
    }

    /// Sets an attribute unless something is known already.
    pub fn insert_missing(&mut self, name: Cow<'a, str>, value: AttributeValue<'a>) {
        if let Err(index) = self.position(&name) {
            self.0.insert(index, (name, value));
        }
    }

    /// Every attribute, by name in byte order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &AttributeValue<'a>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// Where a name is, or would be.
    fn position(&self, name: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(known, _)| known.as_ref().cmp(name))
    }

    /// Whether each is one of Envoy's, of its type and in its range, and none
    /// contradicts another.
    pub(crate) fn is_possible(&self) -> bool {
        self.iter().all(|(name, value)| is_possible(name, value)) && self.is_consistent()
    }

    fn is_consistent(&self) -> bool {
        let mtls = self.get(MTLS).known().and_then(AttributeValue::as_bool);
        let says = |name: &str| {
            let known = self.get(name).known();
            known.is_some_and(|value| value.as_text() != Some(""))
        };
        peer_without_mtls(mtls, says).is_none()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same facts without borrowing.
    pub fn into_owned(self) -> Attributes<'static> {
        let own = |(name, value): (_, AttributeValue<'_>)| (owned_text(name), value.into_owned());
        Attributes(self.0.into_iter().map(own).collect())
    }
}

/// A fact, typed as JSON types it.
///
/// [`AttributeKind`] says which type Envoy has for a name: a time is text here
/// (RFC 3339), a duration too (`"0.25s"`, as protobuf's JSON form).
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeValue<'a> {
    /// `null`: known not to be there.
    Absent,
    /// A truth value.
    Bool(bool),
    /// An integer that fits.
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    /// A number with a fraction or an exponent.
    Double(f64),
    /// A string.
    Text(Cow<'a, str>),
    /// `{"base64":"…"}`: bytes that are not UTF-8.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<AttributeValue<'a>>),
    /// An object, unless its only key is `base64`.
    Map(BTreeMap<Cow<'a, str>, AttributeValue<'a>>),
}

impl AttributeValue<'_> {
    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if it is an integer that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if it is an integer that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Int(value) => u64::try_from(*value).ok(),
            Self::Uint(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if it has a fraction.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Double(value) => Some(*value),
            _ => None,
        }
    }

    /// The bytes of a text or of bytes.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text.as_bytes()),
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Nanoseconds, if it is text in the form `"0.25s"`.
    pub fn as_duration_nanos(&self) -> Option<i64> {
        self.as_text().and_then(kind::parse_duration_nanos)
    }

    /// The point in time, if it is text in RFC 3339 form.
    pub fn as_timestamp(&self) -> Option<crate::Timestamp> {
        self.as_text().and_then(|text| text.parse().ok())
    }

    /// The same value without borrowing.
    pub fn into_owned(self) -> AttributeValue<'static> {
        match self {
            Self::Absent => AttributeValue::Absent,
            Self::Bool(value) => AttributeValue::Bool(value),
            Self::Int(value) => AttributeValue::Int(value),
            Self::Uint(value) => AttributeValue::Uint(value),
            Self::Double(value) => AttributeValue::Double(value),
            Self::Text(text) => AttributeValue::Text(owned_text(text)),
            Self::Bytes(bytes) => AttributeValue::Bytes(bytes),
            Self::List(items) => {
                AttributeValue::List(items.into_iter().map(Self::into_owned).collect())
            }
            Self::Map(map) => AttributeValue::Map(
                map.into_iter()
                    .map(|(key, value)| (owned_text(key), value.into_owned()))
                    .collect(),
            ),
        }
    }
}

impl From<bool> for AttributeValue<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for AttributeValue<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for AttributeValue<'_> {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::Uint(value), Self::Int)
    }
}

impl<'a> From<&'a str> for AttributeValue<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for AttributeValue<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Attributes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AttributesVisitor;
        impl<'de> Visitor<'de> for AttributesVisitor {
            type Value = Attributes<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of attributes")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut attributes: Vec<(Cow<'de, str>, AttributeValue<'de>)> = Vec::new();
                let mut is_sorted = true;
                while let Some(Text(name)) = map.next_key()? {
                    let value: AttributeValue<'de> = map.next_value()?;
                    // The schema walk finds out what is wrong and says it properly.
                    if !is_possible(&name, &value) {
                        return Err(de::Error::custom("an Envoy attribute of its type"));
                    }
                    is_sorted &= attributes.last().is_none_or(|(last, _)| *last < name);
                    attributes.push((name, value));
                }
                if !is_sorted {
                    attributes.sort_by(|(left, _), (right, _)| left.cmp(right));
                    let pairs = attributes.iter().zip(attributes.iter().skip(1));
                    let mut repeated = pairs.filter(|((left, _), (right, _))| left == right);
                    if let Some(((name, _), _)) = repeated.next() {
                        return Err(twice(name));
                    }
                }
                let attributes = Attributes(attributes);
                if !attributes.is_consistent() {
                    return Err(de::Error::custom("attributes that agree"));
                }
                Ok(attributes)
            }
        }
        deserializer.deserialize_map(AttributesVisitor)
    }
}

/// In serde's words for what derived code finds.
fn twice<E: de::Error>(name: &str) -> E {
    de::Error::custom(format_args!("duplicate field `{name}`"))
}

fn is_possible(name: &str, value: &AttributeValue<'_>) -> bool {
    Form::of(name).is_some_and(|form| form.kind().accepts(value) && form.allows(value))
}

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for AttributeValue<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = AttributeValue<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an attribute value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(AttributeValue::Absent)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(AttributeValue::Double(value))
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(text.into())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text.to_owned().into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(AttributeValue::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(Text(key)) = entries.next_key()? {
            let value = entries.next_value()?;
            match map.entry(key) {
                Entry::Vacant(place) => drop(place.insert(value)),
                Entry::Occupied(there) => return Err(twice(there.key())),
            }
        }
        match (map.len(), map.get("base64")) {
            (1, Some(AttributeValue::Text(text))) => decode_base64(text)
                .map(AttributeValue::Bytes)
                .map_err(de::Error::custom),
            _ => Ok(AttributeValue::Map(map)),
        }
    }
}

impl Serialize for AttributeValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Uint(value) => serializer.serialize_u64(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => Base64(bytes).serialize(serializer),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(map) => serializer.collect_map(map),
        }
    }
}
