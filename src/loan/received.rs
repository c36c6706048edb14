//! The upstream record a loan was made from, as it came.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

/// A record's own bytes, and where in them the person is. A copy: a loan that is kept must not keep the whole
/// answer it came in.
///
/// Not part of an answer, a hash or debug output: `include=raw` and `include=personal` are made from it on request.
#[derive(Clone, Default)]
pub struct Received {
    text: Arc<str>,
    personal: Box<[(Box<str>, Range<usize>)]>,
}

impl Received {
    /// A record, and the names and places of the values that are about a person, in order.
    pub fn new(text: &str, personal: Vec<(Box<str>, Range<usize>)>) -> Self {
        Self {
            text: Arc::from(text),
            personal: personal.into(),
        }
    }

    /// Bytes it holds.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
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
        write!(f, "Received({} bytes)", self.text.len())
    }
}

impl Hash for Received {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
