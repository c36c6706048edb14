//! The product: asking every selected connection at once, under one deadline, and saying what came and what did not.
//!
//! Knows no provider by name. One source's failure is its own: it is reported, and the others' loans are there.

#![warn(missing_docs)]

mod again;
mod cache;
mod collect;
mod connection;
mod contribution;
mod detail;
mod drift;
mod duplicates;
mod filter;
mod frozen;
mod held;
mod hints;
mod live;
mod query;
mod resume;
mod shared;
mod source;
mod stream;
mod summary;
mod tally;
mod together;
mod walk;
mod written;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::fleet::Fleet;
use crate::loan::Loan;
use crate::providers::Scope;
use crate::telemetry::Telemetry;
use crate::upstream;

pub use crate::upstream::{Shared as Outbound, circuit, courier, now};
pub use again::{Loans, Written};
pub use cache::{Ages, Client};
pub use connection::Connection;
pub use detail::{Found, Part, Read, RowsPage};
pub use duplicates::{DuplicateCandidate, DuplicateEvidence};
pub use filter::{Filter, Range, Sort, SortKey};
pub use held::Held;
pub use query::{Answer, Asker, Consistency, Followed, LeftOut, Named, Place, Query, Refused, Unread, Whose};
pub use source::{Cached, Reason, Source, Status};
pub use stream::Stream;
pub use summary::{Figures, Summary};

use again::{Answers, Question};
use cache::{Cache, Given, Key};
use contribution::{Contribution, report};
use frozen::Frozen;
use hints::Hints;
use live::Live;
use shared::Shared;
use walk::SourceWalk;
use written::Connections;

/// Roughly what one loan takes in memory, beside the record it came in and what is left of that.
const LOAN: usize = 2 * 1024;

/// Roughly what a loan takes in memory.
fn size(loan: &Loan) -> usize {
    let provided = loan.received.len().saturating_add(loan.extensions.size());
    provided.saturating_add(LOAN)
}

/// The connections, and the limits every answer keeps.
#[derive(Debug)]
pub struct Gateway {
    connections: Arc<Connections>,
    limits: Limits,
    cache: Cache,
    answers: Answers,
    held: Held,
    shared: Option<Shared>,
    hints: Option<Hints>,
}

/// Limits of one answer.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Total time of one request.
    pub deadline: Duration,
    /// Loans that a question about a person, or a sorted one, may bring.
    pub max_gathered: usize,
    /// Pages of one scope of one source.
    pub max_pages: u32,
}

impl Limits {
    /// When upstreams must have answered: a part of the time is kept for putting the answer together.
    fn cutoff(&self) -> Instant {
        let reserve = self
            .deadline
            .checked_div(50)
            .unwrap_or_default()
            .max(Duration::from_millis(50));
        let now = Instant::now();
        now.checked_add(self.deadline.saturating_sub(reserve))
            .unwrap_or(now)
    }
}

impl Gateway {
    /// A gateway over these connections. `held` is what cursors of an earlier config may still name.
    pub fn new(
        connections: impl IntoIterator<Item = Connection>,
        limits: Limits,
        ages: Ages,
        held: Held,
        telemetry: Telemetry,
    ) -> Self {
        let connections = connections
            .into_iter()
            .map(|connection| (Arc::clone(&connection.id), Arc::new(connection)))
            .collect();
        Self {
            connections: Arc::new(connections),
            limits,
            cache: Cache::new(ages, telemetry),
            answers: Answers::new(ages.max_age),
            held,
            shared: None,
            hints: None,
        }
    }

    /// The same as one of several that share what they have.
    #[must_use]
    pub fn sharing(mut self, fleet: Option<Fleet>) -> Self {
        self.hints = fleet
            .as_ref()
            // Without a runtime nobody is asked, and there is nothing to tell.
            .filter(|_| Handle::try_current().is_ok())
            .map(|fleet| Hints::exchange(fleet, self.connections.values().cloned()));
        self.shared = fleet.map(|fleet| {
            let (entries, held) = (self.cache.life(), self.held.ttl());
            Shared::new(fleet, &self.connections, self.limits, entries, held)
        });
        self.cache.share(self.shared.clone());
        self
    }

    /// Whether it is one of several that share what they have.
    pub fn shares(&self) -> bool {
        self.shared.is_some()
    }

    /// The connections in id order.
    pub fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values().map(|connection| &**connection)
    }

    /// The connection of this id.
    pub fn connection(&self, id: &str) -> Option<&Connection> {
        self.connections.get(id).map(|connection| &**connection)
    }

    /// The first answer to a question. Asks every selected connection at once.
    pub async fn list(&self, query: &Query, limit: usize) -> Result<Answer, Refused> {
        let deadline = self.limits.cutoff();
        let whole = query.is_whole();
        let (parts, skipped) = self.ask(query, whole, deadline).await;
        let unasked = skipped.iter().map(|source| (&source.connection, source.reason));
        let reasons = unasked.chain(query.left_out.iter().map(|(id, reason)| (id, Some(*reason))));
        let question = Question::of(&parts, reasons, &query.filter, query.sort, limit).map(Arc::new);
        if let Some(known) = question
            .as_ref()
            .and_then(|question| self.answers.get(question, &parts))
        {
            return Ok(known);
        }
        let (answer, of_parts) = if whole {
            (self.freeze(query, parts, skipped, limit).await?, true)
        } else {
            self.set_out(query, parts, skipped, limit, deadline).await?
        };
        if let Some(question) = question.filter(|_| of_parts) {
            self.answers.keep(question, &answer);
        }
        Ok(answer)
    }

    /// What every selected source contributes, fetched or taken from the cache: the `whole` of it, or the first page; and the sources that were not asked.
    async fn ask(&self, query: &Query, whole: bool, deadline: Instant) -> (Vec<Given>, Vec<Source>) {
        let (asked, skipped) = self.select(query);
        let mut parts = Vec::with_capacity(asked.len());
        let mut missing = Vec::new();
        for (connection, scopes) in asked {
            let part = if whole {
                cache::Part::Whole(Box::new(query.filter.clone()))
            } else {
                cache::Part::Opening
            };
            let key = Key::new(&query.asker.client, &connection, &scopes, part);
            let known = self.cache.known(&key, query.asker.max_age);
            parts.push(known.map_err(|old| {
                // Fetching takes much more room than what is there already.
                missing.push(Box::pin(async move {
                    let fetch = || {
                        let walk = SourceWalk::new(&connection, scopes, self.limits.max_pages);
                        let (filter, max) = (query.filter.clone(), self.limits.max_gathered);
                        async move {
                            if whole {
                                Contribution::whole(walk, filter, max, deadline).await
                            } else {
                                Contribution::opening(walk, deadline).await
                            }
                        }
                    };
                    self.cache
                        .fetched(&connection, key, query.asker.max_age, deadline, old, fetch)
                        .await
                }));
            }));
        }
        let mut fetched = join_all(missing).await.into_iter();
        let parts = parts
            .into_iter()
            .filter_map(|part| part.ok().or_else(|| fetched.next()));
        (parts.collect(), skipped)
    }

    /// Looks for one loan by its native key in one connection. No loan and a source that is `ok` means that there is
    /// none.
    pub async fn find(
        &self,
        connection: &str,
        key: &str,
        asker: &Asker,
        deadline: Instant,
    ) -> Option<(Option<Arc<Loan>>, Source)> {
        let connection = self.connections.get(connection)?;
        let scopes = vec![connection.provider.locate(key)?];
        let walk = SourceWalk::new(connection, scopes.clone(), self.limits.max_pages);
        let name = Key::new(
            &asker.client,
            connection,
            &scopes,
            cache::Part::Whole(Box::default()),
        );
        let fetch = || Contribution::whole(walk, Filter::default(), self.limits.max_gathered, deadline);
        let part = self
            .cache
            .get(connection, name, asker.max_age, deadline, fetch)
            .await
            .own();
        let id = format!("{}:{key}", connection.id);
        let found = part.loans.iter().find(|loan| loan.id == id).cloned();
        let ended = part.walk.ended();
        let source = report(
            &part.walk,
            part.from,
            usize::from(found.is_some()),
            part.duplicates,
            ended,
        );
        Some((
            found,
            Source {
                total: None,
                ..source
            },
        ))
    }

    /// Asks every connection for one page, to see whether it answers.
    pub async fn probe(&self) -> Vec<Source> {
        let asked = self.connections.values().map(|connection| async move {
            let scope = if connection.descriptor.lists_book {
                Some(Scope::Book)
            } else {
                connection.references.first().cloned().map(Scope::Reference)
            };
            match scope {
                Some(scope) => {
                    let walk = SourceWalk::new(connection, vec![scope], self.limits.max_pages);
                    let part = Contribution::opening(walk, self.limits.cutoff()).await;
                    report(&part.walk, part.from, part.loans.len(), 0, part.walk.ended())
                }
                None => skipped(connection, Reason::NoReference),
            }
        });
        join_all(asked).await
    }

    /// Which connections to ask, each for what; and those that have nothing to be asked for.
    fn select(&self, query: &Query) -> (Vec<Asked>, Vec<Source>) {
        let mut asked = Vec::new();
        let mut silent = Vec::new();
        for connection in query.connections.iter().filter_map(|id| self.connections.get(id)) {
            let scopes = query.scopes(connection);
            if let Some(why) = query.unread.get(&connection.id) {
                silent.push(unread(connection, *why));
            } else if scopes.is_empty() {
                silent.push(skipped(connection, query.why_silent(&connection.id)));
            } else {
                asked.push((Arc::clone(connection), scopes));
            }
        }
        let elsewhere = query
            .left_out
            .iter()
            .filter(|(id, _)| !query.connections.contains(id));
        silent.extend(elsewhere.map(|(id, reason)| Source::skipped(Arc::clone(id), UNKNOWN, *reason)));
        (asked, silent)
    }
}

/// A connection, and what to ask it for.
type Asked = (Arc<Connection>, Vec<Scope>);

fn skipped(connection: &Connection, reason: Reason) -> Source {
    Source::skipped(Arc::clone(&connection.id), connection.descriptor.name, reason)
}

fn unread(connection: &Connection, why: Unread) -> Source {
    let (kind, note) = match why {
        Unread::NoAnswer => (
            upstream::Kind::Unavailable,
            "Whose loans to ask it for is in the store, which gives no answer",
        ),
        Unread::TooMany => (
            upstream::Kind::TooLarge,
            "More references are linked to it than one question may use; ask for one customer at a time",
        ),
    };
    let error = upstream::Error::new(kind, "linked_references", note);
    Source {
        status: Status::Failed,
        reason: None,
        error: Some(error),
        ..skipped(connection, Reason::NoReference)
    }
}

/// The provider of a connection that is not ours to name.
const UNKNOWN: &str = "unknown";

/// Says of sources that were asked why they were not asked for everything.
fn note(sources: &mut [Source], left_out: &LeftOut) {
    for source in sources {
        source.reason = source
            .reason
            .or_else(|| left_out.get(&source.connection).copied());
    }
}

/// A walk that begins with these parts.
fn begin(query: &Query, parts: Vec<Given>, skipped: Vec<Source>) -> Live {
    let openings = parts.into_iter().map(Given::own).collect();
    let silent = (skipped, query.left_out.clone());
    Live::new(openings, silent, query.filter.clone(), query.is_about_somebody())
}

fn answer(walk: &Live, loans: Vec<Arc<Loan>>) -> Answer {
    let sources = walk.sources();
    let complete = complete(&sources);
    Answer {
        loans: Arc::new(loans.into()),
        complete,
        sources,
        total: walk.total(),
        consistency: Consistency::Live,
        next: None,
    }
}

/// Somebody was asked, and nothing is missing so far.
fn complete(sources: &[Source]) -> bool {
    let mut asked = sources
        .iter()
        .filter(|source| source.status != Status::Skipped)
        .peekable();
    asked.peek().is_some() && asked.all(|source| source.status == Status::Ok)
}
