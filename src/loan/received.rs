//! The upstream records a loan was made from, as they came, and which of their fields became which of ours.

use std::cmp::Reverse;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::{Field, Missing, Origin};

/// The records' own bytes, where in them the person is, and what became of each field. A copy: a loan that is kept
/// must not keep the whole answer it came in.
///
/// Not part of an answer or debug output: `include=raw`, `include=personal` and `include=provenance` are made
/// from it on request.
#[derive(Clone, Default)]
pub struct Received {
    records: Vec<Record>,
}

/// One upstream record.
#[derive(Clone)]
pub struct Record {
    name: &'static str,
    text: Arc<str>,
    personal: Box<[(Box<str>, Range<usize>)]>,
    notes: Notes,
}

/// What was found for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// A value, and how it was come by.
    Is(Origin),
    /// No value, and why.
    Missing(Missing),
}

/// Where the value of a field came from, or was looked for. Of several notes on one field the last one that fits its value
/// counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note<F = Field> {
    /// The field.
    pub field: F,
    /// What was found.
    pub finding: Finding,
    /// The provider's name of the field, or, in parentheses, what else decided: `(config)`, `(request)`, `(provider)`,
    /// `(fetch)`.
    pub source: &'static str,
}

/// What became of the fields of one record, in the order they were read.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    /// Of our fields.
    pub fields: Vec<Note>,
    /// Of `provider_refs`: our names, and the provider's.
    pub references: Vec<(&'static str, &'static str)>,
}

binary! {
    Received { records }
    Record { name, text, personal, notes }
}

impl Received {
    /// Adds a record by its name (empty for the one the loan itself is made from), with the names and places of the
    /// values in it that are about a person, in order.
    pub fn push(
        &mut self,
        name: &'static str,
        text: &str,
        mut personal: Vec<(Box<str>, Range<usize>)>,
        notes: Notes,
    ) {
        personal.sort_by_key(|(_, place)| (place.start, Reverse(place.end)));
        self.records.push(Record {
            name,
            text: Arc::from(text),
            personal: personal.into(),
            notes,
        });
    }

    /// The last note on a field that says it has a value, or that it has none, and the record it was looked for in.
    pub fn noted(&self, field: Field, has_value: bool) -> Option<(&'static str, Note)> {
        let fits = |note: &&Note| note.field == field && matches!(note.finding, Finding::Is(_)) == has_value;
        self.records.iter().rev().find_map(|record| {
            let note = record.notes.fields.iter().rfind(fits)?;
            Some((record.name, *note))
        })
    }

    /// The record that a reference came from, and its name there.
    pub fn referred(&self, name: &str) -> Option<(&'static str, &'static str)> {
        self.records.iter().rev().find_map(|record| {
            let (_, source) = record
                .notes
                .references
                .iter()
                .rfind(|(known, _)| *known == name)?;
            Some((record.name, *source))
        })
    }

    /// The records, the one that the loan itself is made from first.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The record of this name.
    pub fn record(&self, name: &str) -> Option<&Record> {
        self.records.iter().find(|record| record.name == name)
    }

    /// The record that the loan itself is made from.
    pub fn main(&self) -> Option<&Record> {
        self.record("")
    }

    /// Bytes it holds.
    pub fn len(&self) -> usize {
        let size = |record: &Record| {
            let notes = record.notes.fields.capacity().saturating_mul(size_of::<Note>());
            record.text.len().saturating_add(notes)
        };
        self.records.iter().map(size).fold(0, usize::saturating_add)
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

impl Record {
    /// Its name; empty for the one the loan itself is made from.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The record as it came.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The record with the values about the person replaced, and every other byte as it came. A null says nothing
    /// about anybody and stays.
    pub fn redacted(&self) -> String {
        let text = self.text();
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for (_, place) in self
            .personal
            .iter()
            .filter(|(_, place)| text.get(place.clone()) != Some("null"))
        {
            if place.start < from {
                continue;
            }
            out.push_str(text.get(from..place.start).unwrap_or_default());
            out.push_str("\"[redacted]\"");
            from = place.end;
        }
        out.push_str(text.get(from..).unwrap_or_default());
        out
    }

    /// The values about the person: the provider's names and the raw tokens.
    pub fn personal(&self) -> impl Iterator<Item = (&str, &str)> {
        let text = self.text();
        self.personal
            .iter()
            .map(move |(name, place)| (&**name, text.get(place.clone()).unwrap_or("null")))
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received({} bytes)", self.len())
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({}: {} bytes)", self.name, self.text.len())
    }
}
