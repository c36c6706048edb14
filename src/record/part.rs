//! Objects within a record, read like records of their own.

use std::mem::take;

use serde_json::value::RawValue;

use super::entries::{Entries, Fate};
use super::leftover::{People, offset};
use super::outline::Outline;
use super::reader::Reader;
use super::{Rejected, Why, token};
use crate::loan::{Accounted, Extensions};

/// What is left of an object within a record when everything of use was read.
#[derive(Debug)]
pub(super) struct Part {
    /// The key of the object that it is the value of.
    key: &'static str,
    /// As JSON.
    left: Option<String>,
    personal: People,
}

impl Part {
    /// Bytes that what is left takes, its name included.
    pub(super) fn size(&self) -> usize {
        let name = self.key.len().saturating_add(5);
        self.left
            .as_ref()
            .map_or(0, |left| left.len().saturating_add(name))
    }

    /// Whether it is the value of this key.
    pub(super) fn is_at(&self, key: &str) -> bool {
        self.key == key
    }

    /// Hands over what is left, under its name.
    pub(super) fn pour(&mut self, name: &str, extensions: &mut Extensions, personal: &mut People) {
        if let Some(left) = self.left.take() {
            extensions.push(name, |out| out.push_str(&left));
        }
        personal.append(&mut self.personal);
    }
}

impl<'a, F: Accounted> Reader<'a, F> {
    /// Starts reading a row of a larger text, so that places in it are places in the whole. An outline may be there.
    pub fn within(whole: &'a str, row: &'a RawValue, outline: &'a Outline<'a>) -> Result<Self, Rejected> {
        let entries = Entries::known(row.get(), outline.of_part(row.get()));
        let entries = entries.ok_or(Rejected::new("(record)", Why::NotAnObject))?;
        Ok(Self::over(whole, "", entries))
    }

    /// Does not make extensions, because nobody will look at them.
    pub fn briefly(&mut self) {
        self.brief = true;
    }

    /// Opens the object at `path`, which ends in a dot. Its fields are read by their whole paths, and [`Self::close`]
    /// takes it back. Where there is none, none of its fields is there; what is no object is flagged at `field`, and
    /// its fields are unreadable.
    #[must_use]
    pub fn open(&mut self, field: F, path: &'static str) -> Self {
        let key = path.strip_suffix('.').unwrap_or(path);
        let members = self
            .nested(key)
            .map(|(text, members)| Entries::known(text, members));
        let (entries, unreadable) = match members {
            Some(Some(entries)) => (entries, false),
            Some(None) => {
                self.malformed::<()>(field, key);
                (Entries::default(), true)
            }
            // A name that came more than once is there.
            None => (
                Entries::default(),
                self.find(key).is_some_and(|entry| entry.ambiguous),
            ),
        };
        Self {
            prefix: path,
            brief: self.brief,
            unreadable: unreadable || self.unreadable,
            currency: self.currency,
            unit: self.unit,
            // Of one record there is one list, however many objects it has.
            found: take(&mut self.found),
            ..Self::over(self.text, self.name, entries)
        }
    }

    /// What is left of the object at `path`, which ends in a dot.
    fn put(&mut self, path: &'static str, left: Option<String>, personal: People) {
        let key = path.strip_suffix('.').unwrap_or(path);
        // An empty prefix is not compared: see `Reader::find`.
        let key = if self.prefix.is_empty() {
            key
        } else {
            key.strip_prefix(self.prefix).unwrap_or(key)
        };
        self.parts.push(Part { key, left, personal });
    }

    /// Takes back an object that was opened: what nobody read of it is left under its name.
    pub fn close(&mut self, mut part: Self, documented: &[&'static str]) {
        let (extensions, personal) = part.leftover(documented);
        for flag in take(&mut part.flags) {
            self.flag(flag.code, flag.field);
        }
        part.found.append(&mut self.found);
        self.found = part.found;
        self.references.append(&mut part.references);
        self.drift.append(&mut part.drift);
        self.put(part.prefix, extensions.into_text(), personal);
    }

    /// Marks values about a person that are deeper in a field which is read elsewhere: a list at `path`, which ends in a
    /// dot. The values come in order, each with its name.
    pub fn personal_in(&mut self, path: &'static str, values: impl IntoIterator<Item = (String, &'a str)>) {
        let place = |value: &str| {
            let start = offset(self.text, value);
            start..start.saturating_add(value.len())
        };
        let personal = values
            .into_iter()
            .map(|(name, value)| (name.into_boxed_str(), place(value)))
            .collect();
        self.put(path, None, personal);
    }

    /// Leaves some rows of a list at `path`, which ends in a dot, although the list was read: nothing of ours holds them.
    pub fn leave_rows(&mut self, path: &'static str, rows: impl IntoIterator<Item = &'a RawValue>) {
        let mut left = String::new();
        for row in rows {
            left.push(if left.is_empty() { '[' } else { ',' });
            token::write(row.get(), &mut left);
        }
        left.push(']');
        self.put(path, (left.len() > 1).then_some(left), Vec::new());
    }

    /// Marks the fields about the person that are known by how their names end.
    pub fn personal_ending(&mut self, endings: &[&str]) {
        for entry in &mut self.entries.list {
            if endings.iter().any(|ending| entry.key.ends_with(ending)) {
                entry.fate = Fate::Personal;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loan::Column;

    #[test]
    fn what_is_left_of_an_object_stays_under_its_name_and_its_people_are_found_in_the_whole() {
        let text =
            r#"[{"a":{"x":1,"y":"2026-05-02","name":"Ada","more":true},"b":7,"list":[{"n":1},{"m":2}]}]"#;
        let rows: Vec<&RawValue> = serde_json::from_str(text).unwrap();
        let mut row: Reader<'_, Column> = Reader::within(text, rows[0], Outline::NONE).unwrap();
        let mut a = row.open(Column::Id, "a.");
        assert_eq!(a.date(Column::PostedOn, "a.y").unwrap().to_string(), "2026-05-02");
        a.personal_ending(&["ame"]);
        row.close(a, &["x"]);
        let absent = row.open(Column::Id, "absent.");
        row.close(absent, &[]);
        let list: Vec<&RawValue> = serde_json::from_str(row.raw("list").unwrap()).unwrap();
        row.leave_rows("list.", list.into_iter().skip(1));
        let mut b = row.open(Column::Number, "b.");
        assert_eq!(b.count(Column::Number, "b.n"), None);
        row.close(b, &[]);

        let rest = row.rest(&["a", "b"]);
        let left = serde_json::to_string(&rest.extensions).unwrap();
        assert_eq!(left, r#"{"a":{"x":"1","more":true},"b":"7","list":[{"m":"2"}]}"#);
        let people: Vec<(&str, &str)> = rest
            .personal
            .iter()
            .map(|(name, place)| (&**name, &text[place.clone()]))
            .collect();
        assert_eq!(people, [("a.name", r#""Ada""#)]);
        let drift: Vec<(&str, &str)> = rest
            .drift
            .iter()
            .map(|drift| (drift.kind.as_str(), &*drift.field))
            .collect();
        assert_eq!(drift, [("unknown_field", "a.more"), ("changed_type", "b")]);
        assert_eq!(rest.flags.len(), 1);
    }
}
