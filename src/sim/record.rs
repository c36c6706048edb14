//! A record as text: its fields can be read and replaced while every other byte stays as it was.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::provider::Provider;

/// The fields of a JSON object in their order, values unread.
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    fields.push(entry);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl<'a> Fields<'a> {
    /// `None` when the text is no object: such a row can still be sent, only not looked into.
    pub(super) fn read(row: &'a str) -> Option<Self> {
        serde_json::from_str(row).ok()
    }

    /// The raw text of a field.
    pub(super) fn raw(&self, key: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.get())
    }

    /// A field as words: a string without its quotes, anything but null as it is written.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        let raw = self.raw(key).filter(|raw| *raw != "null")?;
        Some(serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned()))
    }

    /// The object again, with the values that `change` gives in place of the ones they were.
    fn rewritten(&self, change: impl Fn(&str, &str) -> Option<String>) -> String {
        let fields: Vec<String> = self
            .0
            .iter()
            .map(|(key, value)| {
                let value = change(key, value.get()).unwrap_or_else(|| value.get().to_owned());
                format!("{}:{value}", quoted(key))
            })
            .collect();
        format!("{{{}}}", fields.join(","))
    }
}

/// A JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// A string that may be missing.
pub(super) fn quoted_or_null(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), quoted)
}

/// The value of one field of a row.
pub(super) fn field(row: &str, key: &str) -> Option<String> {
    Fields::read(row)?.text(key)
}

/// The rows of a document's sample: the list in its field `key`, each as it stands there.
pub(super) fn rows_of(sample: &str, key: &str) -> Vec<String> {
    Fields::read(sample)
        .and_then(|fields| serde_json::from_str::<Vec<&RawValue>>(fields.raw(key)?).ok())
        .map(|rows| rows.iter().map(|row| row.get().to_owned()).collect())
        .unwrap_or_default()
}

/// The object without some of its fields.
pub(super) fn without(row: &str, keys: &[&str]) -> String {
    let Some(fields) = Fields::read(row) else {
        return row.to_owned();
    };
    let left = fields.0.iter().filter(|(key, _)| !keys.contains(&&**key));
    let left: Vec<String> = left
        .map(|(key, value)| format!("{}:{}", quoted(key), value.get()))
        .collect();
    format!("{{{}}}", left.join(","))
}

/// A word that no document knows.
const NEW_WORD: &str = "\"SOMETHING_NEW\"";

/// The record with every status and type word replaced.
pub(super) fn with_new_words(provider: Provider, row: &str) -> String {
    let words: &[&str] = match provider {
        // `status` is the student loan's.
        Provider::Goscore => &["type", "status"],
        Provider::Carbon => &[
            "status",
            "offer_status",
            "loan_status",
            "offerStatus",
            "loanStatus",
        ],
        Provider::Bsa => &["status"],
        Provider::Belvo => &["status", "creditStatus"],
        // A loan has a status, and a transaction none.
        Provider::Fineract if field(row, "status").is_some() => return with_new_status(row),
        Provider::Fineract => return with_new_type(row),
    };
    Fields::read(row).map_or_else(
        || row.to_owned(),
        |fields| {
            fields.rewritten(|key, value| {
                (words.contains(&key) && value.starts_with('"')).then(|| NEW_WORD.to_owned())
            })
        },
    )
}

/// A status that came with a later release.
fn with_new_status(row: &str) -> String {
    let status = format!(r#"{{"id":305,"code":"loanStatusType.somethingNew","value":{NEW_WORD}}}"#);
    Fields::read(row).map_or_else(
        || row.to_owned(),
        |fields| fields.rewritten(|key, _| (key == "status").then(|| status.clone())),
    )
}

/// A type that is newer than the wrapper: its flags are those the wrapper knows, so none is set.
fn with_new_type(row: &str) -> String {
    let new_type = |kind: &str| {
        Fields::read(kind).map(|fields| {
            fields.rewritten(|key, value| match (key, value) {
                ("id", _) => Some("99".to_owned()),
                ("code", _) => Some("\"loanTransactionType.somethingNew\"".to_owned()),
                ("value", _) => Some(NEW_WORD.to_owned()),
                (_, "true") => Some("false".to_owned()),
                _ => None,
            })
        })
    };
    Fields::read(row).map_or_else(
        || row.to_owned(),
        |fields| fields.rewritten(|key, value| if key == "type" { new_type(value) } else { None }),
    )
}

/// The object with more fields behind its own; `more` is `"key":value` pairs with commas between them.
pub(super) fn with_more(row: &str, more: &str) -> String {
    match row.trim_end().strip_suffix('}') {
        Some(open) if open.trim_end().ends_with('{') => format!("{open}{more}}}"),
        Some(open) => format!("{},{more}}}", open.trim_end()),
        None => row.to_owned(),
    }
}

/// The object with those of `more` behind its own fields that it does not have.
pub(super) fn with_missing(row: &str, more: &[(&str, &str)]) -> String {
    let fields = Fields::read(row);
    let missing: Vec<String> = more
        .iter()
        .filter(|(name, _)| fields.as_ref().is_none_or(|fields| fields.raw(name).is_none()))
        .map(|(name, value)| format!("{}:{value}", quoted(name)))
        .collect();
    if missing.is_empty() {
        return row.to_owned();
    }
    with_more(row, &missing.join(","))
}
