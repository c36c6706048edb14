//! What is left of a record when everything of use was read.

use std::borrow::Cow;
use std::ops::Range;

use super::entries::Fate;
use super::part::Part;
use super::reader::Reader;
use super::token;
use super::{Drift, DriftKind};
use crate::loan::{Accounted, Flag, Json, Named};

/// Names and places of values about a person, in order.
pub(super) type People = Vec<(Box<str>, Range<usize>)>;

/// What is left of a record when everything of use was read.
#[derive(Debug)]
pub struct Rest<F> {
    /// What to know about fields.
    pub flags: Vec<Flag<F>>,
    /// What nobody read.
    pub extensions: Named<Json>,
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
    pub(super) fn leftover(&mut self, documented: &[&'static str]) -> (Named<Json>, People) {
        let mut extensions = Named::default();
        let mut personal = Vec::new();
        for entry in &self.entries {
            let known = || documented.iter().find(|known| **known == entry.key);
            let name = || match known() {
                Some(known) => Cow::Borrowed(*known),
                None => Cow::Owned(entry.key.replace(char::is_control, "\u{FFFD}")),
            };
            match entry.fate {
                Fate::Read => {
                    let at = |part: &&mut Part| part.is_at(self.prefix, &entry.key);
                    if let Some(part) = self.parts.iter_mut().find(at) {
                        part.pour(name(), &mut extensions, &mut personal);
                    }
                }
                Fate::Unread | Fate::Kept if self.brief => {}
                Fate::Unread | Fate::Kept => {
                    if let Some(json) = token::presentable(entry.raw) {
                        extensions.push(name(), json);
                    }
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
            if entry.ambiguous && entry.fate == Fate::Unread {
                self.drift.push(Drift {
                    kind: DriftKind::ChangedType,
                    field: format!("{}{}", self.prefix, name()),
                });
            }
            if entry.fate == Fate::Unread && known().is_none() {
                self.drift.push(Drift {
                    kind: DriftKind::UnknownField,
                    field: format!("{}{}", self.prefix, name()),
                });
            }
        }
        (extensions, personal)
    }
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
