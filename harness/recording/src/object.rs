//! Objects are objects.
//!
//! Code that serde derives for a struct also takes a list, its items for the fields in
//! order: a line of lists would be read as exchanges. This wrapper takes objects only.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Lets a derived struct see nothing but an object.
pub(crate) struct ObjectOnly<D>(pub(crate) D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ObjectOnly<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(ObjectVisitor(visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0
            .deserialize_struct(name, fields, ObjectVisitor(visitor))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier
        ignored_any
    }
}

struct ObjectVisitor<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for ObjectVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(map)
    }
}

/// Implements `Deserialize` for structs that derive it with `remote = "Self"`, which
/// makes the derived code an inherent function, so that reading goes through
/// [`ObjectOnly`], and through a check of what was read where one is named.
macro_rules! impl_object_reading {
    ($($name:ident $(<$lifetime:lifetime>)? $(if $check:ident)?),+) => {$(
        impl<'de $(: $lifetime, $lifetime)?> serde::Deserialize<'de> for $name $(<$lifetime>)? {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = Self::deserialize($crate::object::ObjectOnly(deserializer))?;
                // The schema walk finds out what is wrong and says it properly.
                $(if !value.$check() {
                    return Err(serde::de::Error::custom("what Envoy can have recorded"));
                })?
                Ok(value)
            }
        }
    )+};
}

/// The same, and `Serialize` as it was derived.
macro_rules! impl_object {
    ($($name:ident $(<$lifetime:lifetime>)? $(if $check:ident)?),+) => {$(
        $crate::object::impl_object_reading!($name $(<$lifetime>)? $(if $check)?);

        impl $(<$lifetime>)? serde::Serialize for $name $(<$lifetime>)? {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }
    )+};
}

pub(crate) use {impl_object, impl_object_reading};
