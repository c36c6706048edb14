//! What is left of a record when everything of use was read.

use std::borrow::Cow;
use std::ops::Range;

use super::entries::Fate;
use super::part::Part;
use super::reader::Reader;
use super::token;
use super::{Drift, DriftKind};
use crate::loan::{Accounted, Extensions, Flag};

/// Names and places of values about a person, in order.
pub(super) type People = Vec<(Box<str>, Range<usize>)>;

/// What is left of a record when everything of use was read.
#[derive(Debug)]
pub struct Rest<F> {
    /// What to know about fields.
    pub flags: Vec<Flag<F>>,
    /// What nobody read.
    pub extensions: Extensions,
    /// What no document names.
    pub drift: Vec<Drift>,
    /// The names and places of the values about a person, in the text the reading began with.
    pub personal: Vec<(Box<str>, Range<usize>)>,
}

impl<F: Accounted> Reader<'_, F> {
    /// Ends the reading of a record that is a row of something larger.
    pub fn rest(mut self, documented: &[&'static str]) -> Rest<F> {
        let (extensions, personal) = self.leftover(documented);
        Rest {
            flags: self.flags,
            extensions,
            drift: self.drift,
            personal,
        }
    }

    /// What nobody read, and where the person is. What no document names is noted as drift.
    pub(super) fn leftover(&mut self, documented: &[&'static str]) -> (Extensions, People) {
        let mut extensions = Extensions::with_capacity(if self.brief { 0 } else { self.room() });
        let mut personal = Vec::new();
        // Documents name fields in the order in which providers send them.
        let mut next = 0;
        for entry in &self.entries.list {
            let known = place(documented, next, &entry.key);
            if let Some((at, _)) = known {
                next = at.saturating_add(1);
            }
            // Names in documents are plain.
            let name = || match known {
                Some((_, name)) => Cow::Borrowed(name),
                None => token::name(&entry.key),
            };
            match entry.fate {
                // Numbers and texts have no parts.
                Fate::Read if !entry.raw.starts_with(['{', '[']) => {}
                Fate::Read => {
                    let at = |part: &&mut Part| part.is_at(&entry.key);
                    if let Some(part) = self.parts.iter_mut().find(at) {
                        part.pour(&name(), &mut extensions, &mut personal);
                    }
                }
                Fate::Unread | Fate::Kept if self.brief => {}
                Fate::Unread | Fate::Kept => {
                    extensions.push(&name(), |out| token::write(entry.raw, out));
                }
                Fate::Personal => {
                    // Where it comes again is not known, so nothing of the record is shown.
                    let (start, length) = if entry.ambiguous {
                        (0, self.text.len())
                    } else {
                        (offset(self.text, entry.raw), entry.raw.len())
                    };
                    personal.push((
                        person(self.prefix, &entry.key),
                        start..start.saturating_add(length),
                    ));
                }
            }
            if entry.fate != Fate::Unread {
                continue;
            }
            let mut drifts = |kind| {
                let key = entry.key.replace(char::is_control, "\u{FFFD}");
                let field = format!("{}{key}", self.prefix);
                self.drift.push(Drift { kind, field });
            };
            if entry.ambiguous {
                drifts(DriftKind::ChangedType);
            }
            if known.is_none() {
                drifts(DriftKind::UnknownField);
            }
        }
        (extensions, personal)
    }
}

impl<F> Reader<'_, F> {
    /// Bytes that what was not read takes, names and quotes included.
    fn room(&self) -> usize {
        let mut room = 0_usize;
        for entry in &self.entries.list {
            if matches!(entry.fate, Fate::Unread | Fate::Kept) {
                let size = entry.key.len().saturating_add(entry.raw.len());
                room = room.saturating_add(size).saturating_add(8);
            }
        }
        self.parts
            .iter()
            .map(Part::size)
            .fold(room, usize::saturating_add)
    }
}

/// Where a key stands in a list, which is searched from `next` and then from its beginning.
fn place(list: &[&'static str], next: usize, key: &str) -> Option<(usize, &'static str)> {
    if let Some(known) = list.get(next).filter(|known| **known == key) {
        return Some((next, known));
    }
    let (before, behind) = list.split_at_checked(next).unwrap_or((list, &[]));
    let found = behind.iter().position(|known| *known == key);
    let at = match found {
        Some(at) => at.saturating_add(next),
        None => before.iter().position(|known| *known == key)?,
    };
    Some((at, list.get(at)?))
}

/// Where a part of a text begins in it.
pub(super) fn offset(whole: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(whole.as_ptr().addr())
}

/// The path of a personal field in its record.
fn person(prefix: &str, key: &str) -> Box<str> {
    if prefix.is_empty() {
        Box::from(key)
    } else {
        Box::from([prefix, key].concat())
    }
}
