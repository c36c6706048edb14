//! Questions for the list, and their answers.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::again::Loans;
use super::cache::Client;
use super::connection::Connection;
use super::filter::{Filter, Sort};
use super::source::{Reason, Source};
use crate::providers::{Reference, Scope};

/// A question for the list.
#[derive(Debug, Clone)]
pub struct Query {
    /// Connections to ask; each is known to the gateway.
    pub connections: Vec<Arc<str>>,
    /// Whose loans are meant.
    pub whose: Whose,
    /// Where references were left out, and why. Those of connections that are not to be asked are reported as sources
    /// too.
    pub left_out: LeftOut,
    /// Connections that cannot list, and of which what is linked was not read. They are not asked, and reported as failed.
    pub unread: BTreeMap<Arc<str>, Unread>,
    /// Which loans are meant.
    pub filter: Filter,
    /// In what order; in the order they come when not said.
    pub sort: Option<Sort>,
    /// Connections of which a gap is an error; all of them are selected.
    pub required: Vec<Arc<str>>,
    /// Who asks, and how old the answer may be.
    pub asker: Asker,
}

/// A reference, and the connection it is for.
pub type Named = (Arc<str>, Reference);

/// Connections of which references were left out, and why.
pub type LeftOut = BTreeMap<Arc<str>, Reason>;

/// Why what is linked was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// The store gave no answer.
    NoAnswer,
    /// More references are linked than one question may use.
    TooMany,
}

/// What of a walk may still be asked for.
#[derive(Debug, Clone)]
pub(super) struct Still {
    /// Of these connections these scopes, of others all.
    pub(super) scopes: BTreeMap<Arc<str>, HashSet<Scope>>,
    /// Where references are left out by now.
    pub(super) left_out: LeftOut,
}

/// Whose loans are meant. Their connections are among the selected ones.
#[derive(Debug, Clone)]
pub enum Whose {
    /// Everybody's: whole books. Of connections that cannot list, what their config names and what is linked.
    Everybody {
        /// What is linked, beside the references of the config.
        linked: Vec<Named>,
    },
    /// What these references lead to and nothing else. There may be none.
    Of(Vec<Named>),
}

impl Whose {
    /// Everybody's, with nothing linked.
    pub const fn everybody() -> Self {
        Self::Everybody { linked: Vec::new() }
    }
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
        self.is_about_somebody() || self.sort.is_some()
    }

    /// Whether it names persons or loans.
    pub(super) fn is_about_somebody(&self) -> bool {
        matches!(self.whose, Whose::Of(_))
    }

    /// What to ask a connection for: the references of the question, else the whole book, else the references in its
    /// config and those that are linked.
    pub(super) fn scopes(&self, connection: &Connection) -> Vec<Scope> {
        let mine = |named: &[Named]| {
            let mine = named.iter().filter(|(id, _)| *id == connection.id);
            mine.map(|(_, reference)| reference.clone()).collect::<Vec<_>>()
        };
        let references = match &self.whose {
            Whose::Of(named) => mine(named),
            Whose::Everybody { .. } if connection.descriptor.lists_book => return vec![Scope::Book],
            Whose::Everybody { linked } => {
                let mut references = connection.references.clone();
                let known: HashSet<Reference> = references.iter().cloned().collect();
                references.extend(
                    mine(linked)
                        .into_iter()
                        .filter(|reference| !known.contains(reference)),
                );
                references
            }
        };
        references.into_iter().map(Scope::Reference).collect()
    }

    /// What may be asked of connections that cannot list, for a walk that began before; nothing is said of those of which
    /// nobody knows.
    pub(super) fn still<'c>(&self, connections: impl Iterator<Item = &'c Arc<Connection>>) -> Still {
        let known = connections.filter(|connection| {
            let id = &connection.id;
            !connection.descriptor.lists_book
                && self.connections.contains(id)
                && !self.unread.contains_key(id)
        });
        let scopes = known.map(|connection| {
            let scopes = self.scopes(connection).into_iter().collect();
            (Arc::clone(&connection.id), scopes)
        });
        Still {
            scopes: scopes.collect(),
            left_out: self.left_out.clone(),
        }
    }

    /// Why a connection has nothing to be asked for.
    pub(super) fn why_silent(&self, connection: &str) -> Reason {
        self.left_out
            .get(connection)
            .copied()
            .unwrap_or(Reason::NoReference)
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

/// A place that a cursor named, and how long ago that cursor was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Followed {
    /// The place.
    pub place: Place,
    /// How long ago; to the second, by the clocks of two machines.
    pub age: Duration,
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
