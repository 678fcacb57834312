//! Header and trailer lines, in wire order, repeated lines kept apart.

use std::borrow::Cow;
use std::fmt;

use memchr::memchr3;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, SerializeTuple, Serializer};

use crate::text::{Text, decode_base64, encode_base64, into_bytes, owned_bytes, owned_text};

/// One header or trailer line: a lower-case name and the bytes of its value.
///
/// In JSON a pair `["name","value"]`. HTTP lets a value hold any byte but CR, LF
/// and NUL (RFC 9110 §5.5), JSON only Unicode: a value that is not UTF-8 is
/// written as `["name",{"base64":"…"}]`, so nothing is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'a> {
    /// Lower-case, as HTTP/2 and Envoy have it; `:method` and the like included.
    pub name: Cow<'a, str>,
    /// The bytes as they were on the wire.
    pub value: Cow<'a, [u8]>,
}

impl<'a> Field<'a> {
    /// A line with a text value.
    pub fn new(name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        Self {
            name: name.into(),
            value: into_bytes(value.into()),
        }
    }

    /// A line with any bytes.
    pub fn from_bytes(name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, [u8]>>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }

    /// The same line without borrowing.
    pub fn into_owned(self) -> Field<'static> {
        Field {
            name: owned_text(self.name),
            value: owned_bytes(self.value),
        }
    }
}

/// Lines in wire order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields<'a>(pub Vec<Field<'a>>);

impl<'a> Fields<'a> {
    /// The value of the first line called `name`.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// The value of the first line called `name`, if it is UTF-8.
    pub fn first_text(&self, name: &str) -> Option<&str> {
        self.first(name)
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The values of every line called `name`, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.0
            .iter()
            .filter(move |field| field.name == name)
            .map(|field| field.value.as_ref())
    }

    /// Every line, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Field<'a>> {
        self.0.iter()
    }

    /// Appends a line.
    pub fn push(&mut self, field: Field<'a>) {
        self.0.push(field);
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same lines without borrowing.
    pub fn into_owned(self) -> Fields<'static> {
        Fields(self.0.into_iter().map(Field::into_owned).collect())
    }
}

impl<'a> FromIterator<Field<'a>> for Fields<'a> {
    fn from_iter<I: IntoIterator<Item = Field<'a>>>(lines: I) -> Self {
        Self(lines.into_iter().collect())
    }
}

impl<'a> IntoIterator for Fields<'a> {
    type Item = Field<'a>;
    type IntoIter = std::vec::IntoIter<Field<'a>>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of [name, value] pairs")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut lines: A) -> Result<Fields<'de>, A::Error> {
                // Most requests carry 8 to 16 lines: one allocation instead of three.
                let mut fields = Vec::with_capacity(16);
                while let Some(field) = lines.next_element()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_seq(FieldsVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldVisitor;
        impl<'de> Visitor<'de> for FieldVisitor {
            type Value = Field<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a [name, value] pair")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Field<'de>, A::Error> {
                let name: Text<'de> = pair
                    .next_element()?
                    .ok_or_else(|| de::Error::invalid_length(0, &self))?;
                let value: FieldValue<'de> = pair
                    .next_element()?
                    .ok_or_else(|| de::Error::invalid_length(1, &self))?;
                Ok(Field {
                    name: name.0,
                    value: value.0,
                })
            }
        }
        deserializer.deserialize_tuple(2, FieldVisitor)
    }
}

/// Whether `name` can be a header name: a token (RFC 9110 §5.6.2) in lower case, as a
/// filter in Envoy sees every header, or a colon and a token. Envoy answers other names
/// with 400 before anything is recorded.
pub(crate) fn is_field_name(name: &str) -> bool {
    let token = name.strip_prefix(':').unwrap_or(name);
    !token.is_empty() && token.bytes().all(is_lower_token_byte)
}

fn is_lower_token_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')
        || matches!(
            byte,
            b'!' | b'#'..=b'\'' | b'*' | b'+' | b'.' | b'^' | b'`' | b'|' | b'~'
        )
}

/// Whether a header can have this value: Envoy's header map holds no NUL, CR or LF
/// (RFC 9110 §5.5).
pub(crate) fn is_field_value(value: &[u8]) -> bool {
    memchr3(0, b'\r', b'\n', value).is_none()
}

struct FieldValue<'a>(Cow<'a, [u8]>);

impl<'de: 'a, 'a> Deserialize<'de> for FieldValue<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;
        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = FieldValue<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string or {\"base64\": string}")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(FieldValue(Cow::Borrowed(text.as_bytes())))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(FieldValue(Cow::Owned(text.as_bytes().to_vec())))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let Some(key) = map.next_key::<Text<'de>>()? else {
                    return Err(de::Error::missing_field("base64"));
                };
                if key.0 != "base64" {
                    return Err(de::Error::unknown_field(&key.0, &["base64"]));
                }
                let text: Text<'de> = map.next_value()?;
                if let Some(extra) = map.next_key::<Text<'de>>()? {
                    return Err(de::Error::unknown_field(&extra.0, &["base64"]));
                }
                let bytes = decode_base64(&text.0).map_err(de::Error::custom)?;
                Ok(FieldValue(Cow::Owned(bytes)))
            }
        }
        deserializer.deserialize_any(ValueVisitor)
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for field in &self.0 {
            list.serialize_element(field)?;
        }
        list.end()
    }
}

impl Serialize for Field<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_tuple(2)?;
        pair.serialize_element(&self.name)?;
        match std::str::from_utf8(&self.value) {
            Ok(text) => pair.serialize_element(text)?,
            Err(_) => pair.serialize_element(&Base64(&self.value))?,
        }
        pair.end()
    }
}

/// Bytes in the `{"base64":"…"}` form.
pub(crate) struct Base64<'a>(pub(crate) &'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("base64", &encode_base64(self.0))?;
        map.end()
    }
}
