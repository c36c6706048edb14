//! The fields of a record in the order they came: names, raw texts, and what became of each.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) key: Cow<'a, str>,
    /// [`shape`] of the key.
    pub(super) shape: u32,
    pub(super) raw: &'a str,
    pub(super) fate: Fate,
    /// The name came more than once: nobody can say which value counts.
    pub(super) ambiguous: bool,
}

/// What became of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nobody asked for it.
    Unread,
    /// It is in the canonical loan.
    Read,
    /// It was read, and the loan does not hold all of it: it stays in `extensions` too.
    Kept,
    /// It is about the person.
    Personal,
}

/// Most fields of a record: each name is compared with the others, so many cost their square. The largest documented
/// record has 118.
const MAX_FIELDS: usize = 256;

/// All of them.
pub(super) struct Entries<'a>(pub(super) Vec<Entry<'a>>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut list: Vec<Entry<'de>> = Vec::with_capacity(32);
                let mut seen = 0_u64;
                let mut fields = 0_usize;
                while let Some(key) = map.next_key_seed(Key)? {
                    fields = fields.saturating_add(1);
                    if fields > MAX_FIELDS {
                        return Err(A::Error::custom("more fields than any record"));
                    }
                    let raw: &RawValue = map.next_value()?;
                    let shape = shape(&key);
                    let bit = 1_u64.checked_shl(shape).unwrap_or_default();
                    let known = if seen & bit == 0 {
                        None
                    } else {
                        list.iter_mut()
                            .find(|entry| entry.shape == shape && entry.key == key)
                    };
                    seen |= bit;
                    match known {
                        Some(known) => known.ambiguous = true,
                        None => list.push(Entry {
                            key,
                            shape,
                            raw: raw.get(),
                            fate: Fate::Unread,
                            ambiguous: false,
                        }),
                    }
                }
                Ok(Entries(list))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// A number below 64, by which most keys are told apart without comparing them.
pub(super) fn shape(key: &str) -> u32 {
    let bytes = key.as_bytes();
    let sum = [bytes.first(), bytes.get(bytes.len() / 2), bytes.last()]
        .into_iter()
        .flatten()
        .fold(bytes.len(), |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(usize::from(*byte))
        });
    u32::try_from(sum % 64).unwrap_or_default()
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        if text.len() > 4096 {
            return Err(E::custom("key too long"));
        }
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_with_more_fields_than_any_record_is_none() {
        let read = |text: &str| {
            serde_json::from_str::<Entries<'_>>(text)
                .map(|entries| entries.0.len())
                .ok()
        };
        let object = |fields: usize| {
            let fields: Vec<String> = (0..fields).map(|at| format!("\"f{at}\":0")).collect();
            format!("{{{}}}", fields.join(","))
        };
        assert_eq!(read(&object(MAX_FIELDS)), Some(MAX_FIELDS));
        assert_eq!(read(&object(MAX_FIELDS + 1)), None);
        // The same name again costs as much as a new one.
        assert_eq!(
            read(&format!("{{{}\"a\":0}}", "\"a\":0,".repeat(MAX_FIELDS))),
            None
        );
    }
}
