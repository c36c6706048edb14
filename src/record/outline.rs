//! Where the members of objects are in a text, noted by the pass that made sure that it is JSON, so that no record has to be
//! searched for its fields.

use std::ops::Range;

use serde_json::value::RawValue;

use super::entries::Entries;
use super::leftover::offset;
use super::reader::Reader;
use super::{Rejected, Why};
use crate::loan::Accounted;

/// A member of an object: where its name and its value are.
#[derive(Debug, Clone, Copy)]
struct Mark {
    name: u32,
    name_end: u32,
    value: u32,
    value_end: u32,
    /// Marks behind this one that are of members within its value.
    inside: u32,
    escaped: bool,
}

impl Mark {
    #[inline]
    fn member<'a>(&self, text: &'a str, inside: &'a [Self]) -> Option<Member<'a>> {
        Some(Member {
            name: text.get(place(self.name)..place(self.name_end))?,
            escaped: self.escaped,
            value: text.get(place(self.value)..place(self.value_end))?,
            inside: Members {
                text,
                marks: inside,
                end: self.value_end,
            },
        })
    }
}

/// Marks as they are made.
#[derive(Debug)]
pub(super) struct Marks {
    list: Vec<Mark>,
    most: usize,
}

/// Bytes of a text for each mark of which there is room. Members of records have twice as many and more; a text of
/// nothing but brackets and quotes is not worth its outline.
const BYTES: usize = 8;

/// Most marks, 3 MiB of them: a page of loans has thousands, and what has more than this is searched as if nothing were noted.
const MOST: usize = 128 * 1024;

impl Marks {
    /// Nothing is noted.
    pub(super) fn none() -> Self {
        Self {
            list: Vec::new(),
            most: 0,
        }
    }

    /// As many as a text can have that is worth an outline, and whose places fit a mark.
    pub(super) fn room_for(text: &str) -> Self {
        if u32::try_from(text.len()).is_err() {
            return Self::none();
        }
        Self {
            list: Vec::with_capacity(text.len().div_euclid(16).min(4096)),
            most: text.len().div_euclid(BYTES).min(MOST),
        }
    }

    /// Notes a member whose value begins at `value`, and says which mark it is.
    #[inline]
    pub(super) fn begin(&mut self, name: Range<usize>, escaped: bool, value: usize) -> usize {
        let mark = self.list.len();
        if mark < self.most {
            self.list.push(Mark {
                name: short(name.start),
                name_end: short(name.end),
                value: short(value),
                value_end: 0,
                inside: 0,
                escaped,
            });
        } else {
            // Part of an outline would be none.
            self.most = 0;
            self.list = Vec::new();
        }
        mark
    }

    /// Notes where the value of a member ends.
    #[inline]
    pub(super) fn end(&mut self, mark: usize, at: usize) {
        let marks = self.list.len();
        if let Some(begun) = self.list.get_mut(mark) {
            begun.value_end = short(at);
            begun.inside = short(marks.saturating_sub(mark).saturating_sub(1));
        }
    }
}

/// Where the members of a text's objects are, as far as that was noted.
#[derive(Debug)]
pub struct Outline<'a> {
    text: &'a str,
    marks: Vec<Mark>,
}

impl Outline<'static> {
    /// Of no text.
    pub const NONE: &'static Self = &Self {
        text: "",
        marks: Vec::new(),
    };
}

impl<'a> Outline<'a> {
    pub(super) fn of(text: &'a str, marks: Marks) -> Self {
        let marks = marks.list;
        Self { text, marks }
    }

    /// The members of a value that is part of the text, and of those behind it; none of one that is not.
    pub(super) fn of_part(&self, part: &str) -> Members<'_> {
        let (first, last) = (
            self.text.as_bytes().as_ptr_range(),
            part.as_bytes().as_ptr_range(),
        );
        if self.marks.is_empty() || last.start < first.start || last.end > first.end {
            return Members::default();
        }
        let start = short(offset(self.text, part));
        let from = self.marks.partition_point(|mark| mark.name < start);
        Members {
            text: self.text,
            marks: self.marks.get(from..).unwrap_or_default(),
            end: start.saturating_add(short(part.len())),
        }
    }
}

/// The members of an object with all that is within them, in order.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Members<'a> {
    text: &'a str,
    marks: &'a [Mark],
    end: u32,
}

impl<'a> Members<'a> {
    /// Whether none were noted.
    pub(super) fn are_unknown(&self) -> bool {
        self.marks.first().is_none_or(|mark| mark.name >= self.end)
    }

    /// One after the other; `None` in place of one that is not in the text, which no mark is.
    pub(super) fn each(self) -> impl Iterator<Item = Option<Member<'a>>> {
        let Self { text, mut marks, end } = self;
        std::iter::from_fn(move || {
            let (mark, behind) = marks.split_first().filter(|(mark, _)| mark.name < end)?;
            let (inside, behind) = behind.split_at_checked(place(mark.inside))?;
            marks = behind;
            Some(mark.member(text, inside))
        })
    }
}

/// A member of an object.
#[derive(Debug)]
pub(super) struct Member<'a> {
    /// Between its quotes.
    pub(super) name: &'a str,
    /// Whether any of the name is an escape.
    pub(super) escaped: bool,
    pub(super) value: &'a str,
    /// The members within the value.
    pub(super) inside: Members<'a>,
}

impl<'a, F: Accounted> Reader<'a, F> {
    /// Starts reading a record of which an outline may be there.
    pub fn outlined(record: &'a RawValue, outline: &'a Outline<'a>) -> Result<Self, Rejected> {
        let text = record.get();
        let entries = Entries::known(text, outline.of_part(text));
        let entries = entries.ok_or(Rejected::new("(record)", Why::NotAnObject))?;
        Ok(Self::over(text, "", entries).noting())
    }
}

/// Places fit: [`Marks::room_for`] sees to that.
fn short(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn place(short: u32) -> usize {
    usize::try_from(short).unwrap_or(usize::MAX)
}
