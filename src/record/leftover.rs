//! What is left of a record when everything of use was read.

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
        let mut extensions = Extensions::default();
        let mut personal = Vec::new();
        // Documents name fields in the order in which providers send them.
        let mut next = 0;
        for entry in &self.entries {
            match entry.fate {
                Fate::Read => {
                    let at = |part: &&mut Part| part.is_at(self.prefix, &entry.key);
                    if let Some(part) = self.parts.iter_mut().find(at) {
                        part.pour(&token::name(&entry.key), &mut extensions, &mut personal);
                    }
                }
                Fate::Unread | Fate::Kept if self.brief => {}
                Fate::Unread | Fate::Kept => {
                    extensions.push(&token::name(&entry.key), |out| token::write(entry.raw, out));
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
            match place(documented, next, &entry.key) {
                Some(at) => next = at.saturating_add(1),
                None => drifts(DriftKind::UnknownField),
            }
        }
        (extensions, personal)
    }
}

/// Where a key stands in a list, which is searched from `next` and then from its beginning.
fn place(list: &[&'static str], next: usize, key: &str) -> Option<usize> {
    let behind = list.get(next..).unwrap_or_default();
    let found = behind.iter().position(|known| *known == key);
    found
        .and_then(|at| at.checked_add(next))
        .or_else(|| list.iter().position(|known| *known == key))
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
        Box::from(format!("{prefix}{key}"))
    }
}
