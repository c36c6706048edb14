//! The fields of a record in the order they came: names, raw texts, and what became of each.

use std::borrow::Cow;

use super::scan::Scan;

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

/// Longest name that is written with escapes.
const MAX_ESCAPED: usize = 4096;

/// The fields of a JSON object; `None` where the text is another value, or has more fields than any record.
///
/// The text must be JSON, as that of a `RawValue` is. Nothing is validated a second time here, and what is no JSON gives
/// no fields or fewer.
pub(super) fn entries(text: &str) -> Option<Vec<Entry<'_>>> {
    let mut scan = Scan::of(text);
    if scan.next()? != b'{' {
        return None;
    }
    let mut list: Vec<Entry<'_>> = Vec::with_capacity(expected(text));
    let mut seen = 0_u64;
    let mut fields = 0_usize;
    loop {
        match scan.next()? {
            b'}' => return Some(list),
            b',' => continue,
            b'"' => {}
            _ => return None,
        }
        fields = fields.saturating_add(1);
        if fields > MAX_FIELDS {
            return None;
        }
        let (key, escaped) = scan.string()?;
        let key = if escaped {
            unescaped(key)?
        } else {
            Cow::Borrowed(key)
        };
        if scan.next()? != b':' {
            return None;
        }
        let raw = scan.value()?;
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
                raw,
                fate: Fate::Unread,
                ambiguous: false,
            }),
        }
    }
}

/// Room for the fields of most records; objects within them are small.
fn expected(text: &str) -> usize {
    text.len().div_euclid(24).clamp(4, 64)
}

/// A name with escapes from between its quotes.
fn unescaped(inner: &str) -> Option<Cow<'_, str>> {
    let decoded = (inner.len() <= MAX_ESCAPED).then(|| serde_json::from_str(&format!("\"{inner}\"")));
    decoded?.ok().map(Cow::Owned)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_object_with_more_fields_than_any_record_is_none() {
        let read = |text: &str| entries(text).map(|list| list.len());
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

    #[test]
    fn names_and_values_are_as_they_came() {
        let text = r#" { "a" : 1.50 ,"b\u0022":"x\"}", "a":null,"":{"c":[1,"]"]} } "#;
        let list = entries(text).unwrap();
        let shown: Vec<(&str, &str, bool)> = list
            .iter()
            .map(|entry| (&*entry.key, entry.raw, entry.ambiguous))
            .collect();
        let expected = [
            ("a", "1.50", true),
            ("b\"", r#""x\"}""#, false),
            ("", r#"{"c":[1,"]"]}"#, false),
        ];
        assert_eq!(shown, expected);
        assert!(entries("{}").unwrap().is_empty());
        for other in ["[1]", "1", "\"{}\"", "null", r#"{"\ud800":1}"#] {
            assert!(entries(other).is_none(), "{other}");
        }
    }

    proptest! {
        /// What serde_json says of the same text is the truth.
        #[test]
        fn any_object_is_read_as_serde_json_reads_it(members in proptest::collection::btree_map("\\PC{0,6}", any_json(), 0..8)) {
            let text = serde_json::to_string_pretty(&members).unwrap();
            let list = entries(&text).unwrap();
            prop_assert_eq!(list.len(), members.len());
            for (entry, (name, value)) in list.iter().zip(&members) {
                prop_assert_eq!(&*entry.key, name);
                prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(entry.raw).unwrap(), value);
                prop_assert_eq!(entry.raw.trim(), entry.raw);
            }
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            "\\PC{0,8}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 16, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                proptest::collection::btree_map("\\PC{0,4}", inner, 0..4)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }
}
