//! The providers: one folder each, and the seam they all implement.
//!
//! A folder holds `mod.rs` (what it is, its settings, its calls), `wire.rs` (what they send, in their names),
//! `map.rs` (how it becomes ours: pure functions), `README.md` (links, auth, units, paging, quirks, verification
//! grade) and `fixtures/` (samples as text, with sources). Adding one touches its own folder and two lines here;
//! `docs/adding-a-provider.md` is the recipe.
//!
//! An adapter fetches one page and says whether there is another. It never loops, sleeps, retries, logs or reads a
//! clock: the walk in `gather` and the send loop in `upstream` do.

#![warn(missing_docs)]

mod belvo;
mod bsa;
mod carbon;
mod connecting;
mod detail;
mod fineract;
#[cfg(test)]
mod golden;
mod goscore;
mod page;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::loan::{Instalment, Loan, Snapshot, Transaction};
use crate::record::{Drift, Outline, Rejected};
use crate::upstream::{Call, Error, Reply, Upstream};

pub use connecting::Connecting;
pub use detail::{Detail, Rows};
pub use page::{More, Page, Standing};

/// Every provider, in alphabetical order.
pub const ALL: &[&Descriptor] = &[
    &belvo::DESCRIPTOR,
    &bsa::DESCRIPTOR,
    &carbon::DESCRIPTOR,
    &fineract::DESCRIPTOR,
    &goscore::DESCRIPTOR,
];

/// The provider of this name.
pub fn find(name: &str) -> Option<&'static Descriptor> {
    ALL.iter().copied().find(|descriptor| descriptor.name == name)
}

/// What a provider is, before anything is configured.
#[derive(Debug)]
pub struct Descriptor {
    /// Stable, lower case: in configs, answers, metrics.
    pub name: &'static str,
    /// One sentence on what its loans are, and which ones are never among them.
    pub coverage: &'static str,
    /// How far the adapter has been held against the real thing.
    pub verification: Verification,
    /// Whether it can list a whole book; otherwise it answers only for references.
    pub lists_book: bool,
    /// The types of reference it understands.
    pub references: &'static [&'static str],
    /// Whether the total it announces counts loans, rather than something else such as snapshots.
    pub announces_loans: bool,
    /// Reads a connection's settings and opens it. `None` when a setting was bad; the problem is then recorded.
    pub connect: fn(&mut Connecting<'_, '_>) -> Option<Arc<dyn Provider>>,
}

vocabulary! {
    /// How far an adapter has been held against the real thing.
    Verification {
        /// Written from the provider's public documents only.
        DocsOnly = "docs_only",
    }
}

/// One configured upstream.
#[async_trait]
pub trait Provider: Debug + Send + Sync {
    /// What it is: of one name there may be several flavours.
    fn descriptor(&self) -> &'static Descriptor;

    /// The handle it calls with.
    fn upstream(&self) -> &Upstream;

    /// Where to look for the loan with this native key; `None` when no loan of this provider can have it.
    fn locate(&self, key: &str) -> Option<Scope>;

    /// How many first pages may be asked for at once, because nothing in the first says whether there is a second.
    fn opening(&self) -> u32 {
        1
    }

    /// Whether a page that repeats an earlier one means the end, because the provider ignores page numbers when it
    /// has no more. Otherwise it is a loop, and the source is incomplete.
    fn repetition_is_end(&self) -> bool {
        false
    }

    /// The ledgers of its loans, if it has any.
    fn transactions(&self) -> Option<&dyn Detail<Transaction>> {
        None
    }

    /// The plans of its loans, if it has any.
    fn schedule(&self) -> Option<&dyn Detail<Instalment>> {
        None
    }

    /// Earlier observations of its loans, if it has any.
    fn snapshots(&self) -> Option<&dyn Detail<Snapshot>> {
        None
    }

    /// What it can answer, in the words of `/connections`.
    fn capabilities(&self) -> Vec<&'static str> {
        let descriptor = self.descriptor();
        let words = [
            ("get", true),
            ("list", descriptor.lists_book),
            ("list_by_reference", !descriptor.references.is_empty()),
            ("transactions", self.transactions().is_some()),
            ("schedule", self.schedule().is_some()),
            ("snapshots", self.snapshots().is_some()),
            ("explain", true),
        ];
        words
            .iter()
            .filter(|(_, has)| *has)
            .map(|(word, _)| *word)
            .collect()
    }

    /// One page of a scope; the first is number 1. It is charged to the call: its time, and its count of requests.
    async fn page(&self, call: &Call, scope: &Scope, number: u32) -> Result<Page, Error>;
}

/// What part of an upstream is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Everything it lists.
    Book,
    /// What belongs to a reference.
    Reference(Reference),
    /// One loan by the provider's own key.
    Loan(String),
}

impl Scope {
    /// Roughly what it takes, in bytes.
    pub fn size(&self) -> usize {
        let text = match self {
            Self::Book => 0,
            Self::Reference(reference) => reference.value.capacity(),
            Self::Loan(key) => key.capacity(),
        };
        size_of::<Self>().saturating_add(text)
    }
}

/// What a provider needs to find a person's or a loan's data: a type it knows and a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// One of the descriptor's `references`.
    pub kind: &'static str,
    /// Opaque to us.
    pub value: String,
}

/// What is wrong with the text of a reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAReference {
    /// No `type:value`.
    #[error("must be `<type>:<value>`")]
    Shape,
    /// Not a type of this provider.
    #[error("has a type this provider does not know; it knows {}", .0.join(", "))]
    Type(&'static [&'static str]),
    /// A value no URL can carry safely.
    #[error("has a value that is empty, longer than 256 bytes, `.`, `..` or holds control characters")]
    Value,
}

impl Descriptor {
    /// Reads `type:value`.
    pub fn reference(&self, text: &str) -> Result<Reference, NotAReference> {
        let (kind, value) = text.split_once(':').ok_or(NotAReference::Shape)?;
        let kind = *self
            .references
            .iter()
            .find(|known| **known == kind)
            .ok_or(NotAReference::Type(self.references))?;
        if value.is_empty()
            || value.len() > 256
            || matches!(value, "." | "..")
            || value.chars().any(char::is_control)
        {
            return Err(NotAReference::Value);
        }
        Ok(Reference {
            kind,
            value: value.to_owned(),
        })
    }
}

/// What a mapping may know beside the record itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mapping<'a> {
    pub(crate) connection: &'a Arc<str>,
    pub(crate) fetched_at: DateTime<Utc>,
    /// Of the text that the records are parts of.
    pub(crate) outline: &'a Outline<'a>,
}

impl<'a> Mapping<'a> {
    /// What is known of the records of a reply.
    pub(crate) fn of(connection: &'a Arc<str>, reply: &Reply) -> Self {
        Self {
            connection,
            fetched_at: reply.at,
            outline: Outline::NONE,
        }
    }

    /// With the outline of the reply.
    pub(crate) fn outlined(self, outline: &'a Outline<'a>) -> Self {
        Self { outline, ..self }
    }
}

/// A record that became a loan, and what was new about it.
pub(crate) type Mapped = Result<(Loan, Vec<Drift>), Rejected>;
