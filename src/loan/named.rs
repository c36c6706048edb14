//! Values whose names or texts are the provider's.

#![expect(
    unused_qualifications,
    reason = "in what `ToSchema` derives for a type parameter"
)]

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType};
use utoipa::{PartialSchema, ToSchema};

use crate::binary::Binary;

/// A JSON text that goes out as it is.
#[derive(Debug, Clone)]
pub struct Json(pub Box<RawValue>);

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Anything that JSON can say.
impl PartialSchema for Json {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(SchemaType::AnyValue).into()
    }
}

impl ToSchema for Json {}

/// The name under which [`RawValue`] tells a serializer that what follows is JSON already.
pub(crate) const RAW: &str = "$serde_json::private::RawValue";

/// A JSON object whose names and values are the provider's, as one text that goes out as it is.
#[derive(Debug, Clone, Default)]
pub struct Extensions(String);

impl Extensions {
    /// Without members, and with room for as many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    /// Adds a member: its name as JSON writes it, without the quotes, and what `value` appends, which must be one JSON
    /// value. Names are unique because a record's reader has each of its keys once.
    pub fn push(&mut self, name: &str, value: impl FnOnce(&mut String)) {
        if self.0.is_empty() {
            self.0.push('{');
        } else {
            self.0.pop();
            self.0.push(',');
        }
        for part in ["\"", name, "\":"] {
            self.0.push_str(part);
        }
        value(&mut self.0);
        self.0.push('}');
    }

    /// Whether it has a member of this name, which JSON writes as it is.
    pub fn has(&self, name: &str) -> bool {
        let members = serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(self.text());
        members.is_ok_and(|members| members.contains_key(name))
    }

    /// The object as JSON.
    pub fn text(&self) -> &str {
        if self.0.is_empty() { "{}" } else { &self.0 }
    }

    /// The object as JSON; `None` if it has no members.
    pub fn into_text(self) -> Option<String> {
        (!self.0.is_empty()).then_some(self.0)
    }

    /// Bytes it holds.
    pub fn size(&self) -> usize {
        self.0.capacity()
    }
}

impl Binary for Extensions {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Binary::read(from).map(Self)
    }
}

impl Serialize for Extensions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut raw = serializer.serialize_struct(RAW, 1)?;
        raw.serialize_field(RAW, self.text())?;
        raw.end()
    }
}

/// An object whose keys are names we did not choose, in the order they came.
#[derive(Debug, Clone, ToSchema)]
#[schema(value_type = BTreeMap<String, T>)]
pub struct Named<T>(Vec<(Cow<'static, str>, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Named<T> {
    /// Adds an entry. Names are unique because a record's reader has each of its keys once.
    pub fn push(&mut self, name: impl Into<Cow<'static, str>>, value: T) {
        self.0.push((name.into(), value));
    }

    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Binary> Binary for Named<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Binary::read(from).map(Self)
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_goes_out_as_it_is() {
        let mut object = Extensions::default();
        assert_eq!(serde_json::to_string(&object).unwrap(), "{}");
        object.push("a", |out| out.push_str("[1, 2]"));
        object.push("\\u0062", |out| out.push_str("null"));
        assert_eq!(
            serde_json::to_string(&[&object]).unwrap(),
            r#"[{"a":[1, 2],"\u0062":null}]"#
        );
        assert!(object.has("a") && object.has("b") && !object.has("c"));
    }
}
