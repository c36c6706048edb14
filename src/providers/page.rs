//! One page of loans, and the wire types that several providers share.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

use super::Mapped;
use crate::loan::{IdStability, Loan, check};
use crate::record::{Drift, Rejected};
use crate::upstream::{Error, Reply};

/// What one upstream page became.
#[derive(Debug, Clone)]
pub struct Page {
    /// The records that became loans, in upstream order.
    pub loans: Vec<Arc<Loan>>,
    /// The records that could not.
    pub rejected: Vec<Rejected>,
    /// What no document mentions.
    pub drift: Vec<Drift>,
    /// Whether to ask for the next page.
    pub more: More,
    /// Records in the whole scope, as the provider says; null where it does not.
    pub announced: Option<u64>,
    /// Whether the provider itself says that something is missing.
    pub standing: Standing,
    /// When it was fetched.
    pub fetched_at: DateTime<Utc>,
    /// What recognises the page if it comes again, in whatever order; `None` when it is empty. Made of the records as
    /// received, or of the loans' fingerprints where there are only those, because a balance may change meanwhile.
    pub digest: Option<u64>,
}

/// Whether there is a page after this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// There is.
    Yes,
    /// There is not.
    No,
    /// There is until as many records came as the provider announced, or a page is empty: what it takes for a page is
    /// not known, because it neither documents its largest nor says which one it used.
    UntilAnnounced,
}

impl From<bool> for More {
    fn from(more: bool) -> Self {
        if more { Self::Yes } else { Self::No }
    }
}

/// What a provider says about the completeness of its own answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is missing.
    Complete,
    /// It holds only part, or nothing yet, for this reason.
    Incomplete(Error),
    /// What is here stands, whatever went wrong with a part that should stand beside it.
    Partial(Error),
}

impl Page {
    /// Maps every row; a bad one is reported and costs no other.
    pub(super) fn collect<'a>(
        reply: &Reply,
        rows: impl IntoIterator<Item = &'a RawValue>,
        mut map: impl FnMut(&'a RawValue) -> Mapped,
    ) -> Self {
        let mut page = Self {
            loans: Vec::new(),
            rejected: Vec::new(),
            drift: Vec::new(),
            more: More::No,
            announced: None,
            standing: Standing::Complete,
            fetched_at: reply.at,
            digest: None,
        };
        let mut digest = None;
        for row in rows {
            let mapped = map(row);
            let hash = match &mapped {
                Ok((loan, _)) if loan.id_stability == IdStability::Fingerprint => xxh3_64(loan.id.as_bytes()),
                _ => xxh3_64(row.get().as_bytes()),
            };
            digest = Some(digest.unwrap_or(0_u64).wrapping_add(hash));
            page.add(mapped);
        }
        page.digest = digest;
        page
    }

    /// How many records it had, those that could not become loans included.
    pub fn records(&self) -> u64 {
        u64::try_from(self.loans.len().saturating_add(self.rejected.len())).unwrap_or(u64::MAX)
    }

    /// Adds one more mapped record.
    pub(super) fn add(&mut self, mapped: Mapped) {
        match mapped {
            Ok((mut loan, drift)) => {
                check(&mut loan);
                self.loans.push(Arc::new(loan));
                self.drift.extend(drift);
            }
            Err(rejected) => self.rejected.push(rejected),
        }
    }

    /// Refuses a page that says it is another one than was asked for.
    pub(super) fn numbered(self, reply: &Reply, asked: u32, echoed: Option<Count>) -> Result<Self, Error> {
        match echoed {
            Some(Count(Some(echoed))) if echoed != u64::from(asked) => {
                Err(reply.disown("It is another page than was asked for"))
            }
            _ => Ok(self),
        }
    }

    /// Whether it names nobody, and came where an answer to an earlier question could have come.
    pub(super) fn may_be_anybodys(&self, reply: &Reply) -> bool {
        self.loans.is_empty() && reply.on_kept_connection()
    }

    /// Refuses a page that holds loans of somebody who was not asked for: on a shared connection that is the first
    /// sign of an answer that belongs to another question.
    pub(super) fn belongs(
        self,
        reply: &Reply,
        expected: Option<&str>,
        actual: fn(&Loan) -> Option<&str>,
    ) -> Result<Self, Error> {
        match expected {
            Some(expected) if self.loans.iter().any(|loan| actual(loan) != Some(expected)) => {
                Err(reply.disown("It holds records that were not asked for"))
            }
            _ => Ok(self),
        }
    }
}

/// Most records of a list. No page comes near it; eight megabytes of `0,` are four million.
const MAX_ROWS: usize = 10_000;

/// The records of a list, each as received.
#[derive(Debug, Default)]
pub(super) struct Records<'a>(pub(super) Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Records<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;

        impl<'de> Visitor<'de> for Elements {
            type Value = Records<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MAX_ROWS} records")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut rows = Vec::with_capacity(128);
                while let Some(row) = list.next_element()? {
                    if rows.len() == MAX_ROWS {
                        return Err(A::Error::invalid_length(MAX_ROWS.saturating_add(1), &self));
                    }
                    rows.push(row);
                }
                Ok(Records(rows))
            }
        }

        deserializer.deserialize_seq(Elements)
    }
}

/// A count that some providers write as a number and some as a string. What is neither says nothing, and costs no
/// record beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count(Option<u64>);

impl Count {
    /// The count, where there is one.
    pub(super) fn of(count: Option<Self>) -> Option<u64> {
        count.and_then(|count| count.0)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(raw.get().trim_matches('"').parse().ok()))
    }
}

/// Whether an error body's `message` (a string or a list of them) says this, in whatever case. Some providers answer 400
/// where they mean 404.
pub(super) fn message_says(body: &[u8], words: &str) -> bool {
    #[derive(Deserialize)]
    struct Refusal<'a> {
        #[serde(borrow)]
        message: Option<&'a RawValue>,
    }
    serde_json::from_slice::<Refusal<'_>>(body)
        .ok()
        .and_then(|refusal| refusal.message)
        .is_some_and(|message| message.get().to_ascii_lowercase().contains(words))
}

/// Reads a string that may or may not have been escaped.
pub(super) fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<String>(raw.get()).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_longer_than_any_page_is_none() {
        let list = |rows: usize| format!("[{}0]", "0,".repeat(rows.saturating_sub(1)));
        let read = |text: &str| {
            serde_json::from_str::<Records<'_>>(text)
                .map(|rows| rows.0.len())
                .ok()
        };
        assert_eq!(read(&list(MAX_ROWS)), Some(MAX_ROWS));
        assert_eq!(read(&list(MAX_ROWS + 1)), None);
        assert_eq!(read("{}"), None);
    }
}
