//! Questions for the list, and their answers.

use std::sync::Arc;
use std::time::Duration;

use super::again::Loans;
use super::cache::Client;
use super::connection::Connection;
use super::filter::{Filter, Sort};
use super::source::Source;
use crate::providers::{Reference, Scope};

/// A question for the list.
#[derive(Debug, Clone)]
pub struct Query {
    /// Connections to ask; each is known to the gateway.
    pub connections: Vec<Arc<str>>,
    /// Restricts the question to these references; their connections are among the selected ones.
    pub references: Vec<(Arc<str>, Reference)>,
    /// Which loans are meant.
    pub filter: Filter,
    /// In what order; in the order they come when not said.
    pub sort: Option<Sort>,
    /// Connections of which a gap is an error; all of them are selected.
    pub required: Vec<Arc<str>>,
    /// Who asks, and how old the answer may be.
    pub asker: Asker,
}

/// Who asks, and how old the answer may be.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The client.
    pub client: Client,
    /// The caller's `max_age`; the gateway's own limit when the caller names none.
    pub max_age: Option<Duration>,
}

impl Query {
    /// Whether the answer is gathered whole before any of it is given: what is asked about named people or loans, and
    /// what is sorted.
    pub fn is_whole(&self) -> bool {
        !self.references.is_empty() || self.sort.is_some()
    }

    /// What to ask a connection for: the references of the question, else the whole book, else the references in its
    /// config.
    pub(super) fn scopes(&self, connection: &Connection) -> Vec<Scope> {
        if !self.references.is_empty() {
            let mine = self.references.iter().filter(|(id, _)| *id == connection.id);
            return mine
                .map(|(_, reference)| Scope::Reference(reference.clone()))
                .collect();
        }
        if connection.descriptor.lists_book {
            return vec![Scope::Book];
        }
        connection
            .references
            .iter()
            .cloned()
            .map(Scope::Reference)
            .collect()
    }
}

vocabulary! {
    /// What the pages of a list are of.
    Consistency {
        /// The upstreams as they are when each page is fetched.
        Live = "live",
        /// One set, frozen when the first page was asked for.
        Snapshot = "snapshot",
    }
}

impl Default for Consistency {
    /// Of nothing, there is nothing that could have been frozen.
    fn default() -> Self {
        Self::Live
    }
}

/// What came, and from where.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The loans.
    pub loans: Arc<Loans>,
    /// A report of every selected connection, over all answers so far.
    pub sources: Vec<Source>,
    /// Whether nothing is missing so far.
    pub complete: bool,
    /// Loans in all, where that is known.
    pub total: Option<u64>,
    /// What it is a page of.
    pub consistency: Consistency,
    /// Where the next answer begins; `None` at the end.
    pub next: Option<Place>,
}

/// A place in something the gateway holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The set or the walk.
    pub id: u128,
    /// How far.
    pub position: u64,
}

/// Why there is no answer at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The question brings more than `max_gathered` loans.
    SelectionTooLarge(usize),
    /// What it brings is more than can be held while it is paged.
    SelectionTooHeavy,
    /// The cursor names something that is not held any more.
    Expired,
    /// Another request is taking too long over the same walk.
    Busy,
    /// The cursor names something that another gateway holds, and nothing is shared right now.
    Unreachable,
}
