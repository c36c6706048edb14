//! The fields of a record in the order they came: names, raw texts, and what became of each.

use std::borrow::Cow;

use super::outline::Members;
use super::scan::Scan;

#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) key: Cow<'a, str>,
    /// [`shape`] of the key.
    pub(super) shape: u8,
    pub(super) raw: &'a str,
    /// The members within the value, as far as they are known.
    pub(super) inside: Members<'a>,
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

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Entries<'a> {
    pub(super) list: Vec<Entry<'a>>,
    shapes: Shapes,
}

impl<'a> Entries<'a> {
    /// The fields of a JSON object; `None` where the text is another value, or has more fields than any record.
    ///
    /// The text must be JSON, as that of a `RawValue` is. Nothing is validated a second time here, and what is no JSON
    /// gives no fields or fewer.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let mut scan = Scan::of(text);
        if scan.next()? != b'{' {
            return None;
        }
        let mut entries = Self {
            list: Vec::with_capacity(expected(text)),
            shapes: Shapes::default(),
        };
        let mut fields = 0_usize;
        loop {
            match scan.next()? {
                b'}' => return Some(entries),
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
            entries.add(key, scan.value()?, Members::default());
        }
    }

    /// The same, where the members of the object may be known already.
    pub(super) fn known(text: &'a str, members: Members<'a>) -> Option<Self> {
        if members.are_unknown() || !text.starts_with('{') {
            return Self::of(text);
        }
        let mut entries = Self {
            list: Vec::with_capacity(expected(text)),
            shapes: Shapes::default(),
        };
        for (number, member) in members.each().enumerate() {
            if number == MAX_FIELDS {
                return None;
            }
            let member = member?;
            let key = if member.escaped {
                unescaped(member.name)?
            } else {
                Cow::Borrowed(member.name)
            };
            entries.add(key, member.value, member.inside);
        }
        Some(entries)
    }

    fn add(&mut self, key: Cow<'a, str>, raw: &'a str, inside: Members<'a>) {
        let shape = shape(&key);
        if self.shapes.has(shape) {
            let same = |entry: &&mut Entry<'a>| entry.shape == shape && entry.key == key;
            if let Some(known) = self.list.iter_mut().find(same) {
                known.ambiguous = true;
                return;
            }
        }
        self.shapes.add(shape);
        self.list.push(Entry {
            key,
            shape,
            raw,
            inside,
            fate: Fate::Unread,
            ambiguous: false,
        });
    }

    /// Where the field of this name is: usually at `next`.
    pub(super) fn position(&self, key: &str, next: usize) -> Option<usize> {
        if self.list.get(next).is_some_and(|entry| entry.key == key) {
            return Some(next);
        }
        let shape = shape(key);
        if !self.shapes.has(shape) {
            return None;
        }
        let fits = |entry: &Entry<'_>| entry.shape == shape && entry.key == key;
        self.list.iter().position(fits)
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

/// A number by which most keys are told apart without comparing them.
fn shape(key: &str) -> u8 {
    let bytes = key.as_bytes();
    let at = |place: usize| bytes.get(place).copied().unwrap_or_default();
    let [length, ..] = bytes.len().to_le_bytes();
    let ends = at(0)
        .wrapping_mul(31)
        .wrapping_add(at(bytes.len().saturating_sub(1)));
    let middle = at(bytes.len() >> 1).wrapping_mul(7);
    ends.wrapping_add(middle).wrapping_add(length.wrapping_mul(53))
}

/// Which shapes there are.
#[derive(Debug, Default)]
struct Shapes([u64; 4]);

impl Shapes {
    fn place(shape: u8) -> (usize, u64) {
        (usize::from(shape >> 6), 1_u64.wrapping_shl(u32::from(shape & 63)))
    }

    fn has(&self, shape: u8) -> bool {
        let (word, bit) = Self::place(shape);
        self.0.get(word).is_some_and(|known| known & bit != 0)
    }

    fn add(&mut self, shape: u8) {
        let (word, bit) = Self::place(shape);
        if let Some(known) = self.0.get_mut(word) {
            *known |= bit;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;
    use crate::record::envelope;
    use crate::record::samples::any_json;

    #[test]
    fn an_object_with_more_fields_than_any_record_is_none() {
        let read = |text: &str| Entries::of(text).map(|entries| entries.list.len());
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
        let list = Entries::of(text).unwrap().list;
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
        assert!(Entries::of("{}").unwrap().list.is_empty());
        for other in ["[1]", "1", "\"{}\"", "null", r#"{"\ud800":1}"#] {
            assert!(Entries::of(other).is_none(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_object_is_taken_apart(members in proptest::collection::btree_map("\\PC{0,6}", any_json(), 0..8)) {
            let shown: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("\n {} :\t{value} ", serde_json::to_string(name).unwrap()))
                .collect();
            let text = format!("{{{}\r\n}}", shown.join(","));
            // What is made up here is JSON.
            let _: &RawValue = serde_json::from_str(&text).unwrap();
            let list = Entries::of(&text).unwrap().list;
            let read = list.iter().map(|entry| (&*entry.key, entry.raw));
            let made = members.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            prop_assert!(read.eq(made), "{text}");

            let body = format!("[1, {text} ,{text}]");
            let (rows, outline): (Vec<&RawValue>, _) = envelope(body.as_bytes()).unwrap();
            for row in &rows[1..] {
                assert_alike(row.get(), outline.of_part(row.get()));
            }
            assert_alike(&text, outline.of_part(&text));
        }
    }

    /// What an outline says of an object, and of all within it, is what is found in its text.
    fn assert_alike(text: &str, members: Members<'_>) {
        let shown = |entries: &Option<Entries<'_>>| {
            let entry = |entry: &Entry<'_>| (entry.key.to_string(), entry.raw.to_owned(), entry.ambiguous);
            entries
                .as_ref()
                .map(|entries| entries.list.iter().map(entry).collect::<Vec<_>>())
        };
        let known = Entries::known(text, members);
        assert_eq!(shown(&known), shown(&Entries::of(text)), "{text}");
        for entry in known.iter().flat_map(|entries| &entries.list) {
            assert_alike(entry.raw, entry.inside);
        }
    }

    #[test]
    fn an_outline_that_is_too_deep_or_too_large_costs_nothing_but_time() {
        let deep = format!("{}1{}", r#"{"name of it":"#.repeat(30), "}".repeat(30));
        let small = format!("[{}{{}}]", r#"{"":0},"#.repeat(100));
        let wide = format!(r#"{{{}"last of them":0}}"#, r#""some name":0,"#.repeat(300));
        let twice =
            r#"{"first name":{"x":1},"first name":{"y":2},"\u0061 name":{"z":[{"u":1}]},"list":[{"v":{}}]}"#;
        for text in [&deep, &small, &wide, twice] {
            let (raw, outline): (&RawValue, _) = envelope(text.as_bytes()).unwrap();
            assert_alike(raw.get(), outline.of_part(raw.get()));
        }
    }
}
