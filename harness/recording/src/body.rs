//! A message body, as text or base64.

use std::borrow::Cow;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::object::ObjectOnly;
use crate::text::{decode_base64, encode_base64, into_bytes, owned_bytes};

/// The bytes of a body.
///
/// In JSON `{"text":"…"}` where they are UTF-8 without NUL, else `{"base64":"…"}`; with
/// `"truncated":true` when the capture kept only the beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body<'a> {
    /// The body, or the beginning of it.
    pub bytes: Cow<'a, [u8]>,
    /// Whether the capture dropped the rest.
    pub truncated: bool,
}

impl<'a> Body<'a> {
    /// A whole body.
    pub fn whole(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self {
            bytes: bytes.into(),
            truncated: false,
        }
    }

    /// The same body without borrowing.
    pub fn into_owned(self) -> Body<'static> {
        Body {
            bytes: owned_bytes(self.bytes),
            truncated: self.truncated,
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBody<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    base64: Option<Cow<'a, str>>,
    #[serde(default)]
    truncated: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for Body<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawBody::<'de>::deserialize(ObjectOnly(deserializer))?;
        let bytes = match (raw.text, raw.base64) {
            (Some(text), None) => into_bytes(text),
            (None, Some(base64)) => Cow::Owned(decode_base64(&base64).map_err(de::Error::custom)?),
            _ => return Err(de::Error::custom("exactly one of `text` and `base64`")),
        };
        Ok(Self {
            bytes,
            truncated: raw.truncated,
        })
    }
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match std::str::from_utf8(&self.bytes) {
            // UTF-8 by chance, as a gRPC frame may be: six characters for each NUL help nobody.
            Ok(text) if !text.contains('\0') => map.serialize_entry("text", text)?,
            _ => map.serialize_entry("base64", &encode_base64(&self.bytes))?,
        }
        if self.truncated {
            map.serialize_entry("truncated", &true)?;
        }
        map.end()
    }
}
