//! The product: asking every selected connection at once, under one deadline, and saying what came and what did not.
//!
//! Knows no provider by name. One source's failure is its own: it is reported, and the others' loans are there.

#![warn(missing_docs)]

mod cache;
mod collect;
mod connection;
mod drift;
mod source;
mod walk;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;

use crate::loan::Loan;
use crate::providers::{Reference, Scope};
use crate::upstream::{Call, Error, Kind};

pub use cache::{Ages, Client};
pub use connection::Connection;
pub use source::{Reason, Source, Status};

use cache::{Cache, Key};
use collect::Collected;
use walk::{Bounds, Walked};

/// References of one connection that are asked for at the same time.
const SCOPES_AT_ONCE: usize = 8;

/// The connections, and the limits every answer keeps.
#[derive(Debug)]
pub struct Gateway {
    connections: BTreeMap<Arc<str>, Arc<Connection>>,
    limits: Limits,
    cache: Cache,
}

/// Limits of one answer.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Total time of one request.
    pub deadline: Duration,
    /// Loans that a question about a person may bring.
    pub max_gathered: usize,
    /// Pages of one scope of one source.
    pub max_pages: u32,
}

impl Limits {
    /// The part of the deadline that is kept for putting the answer together.
    fn reserve(&self) -> Duration {
        self.deadline
            .checked_div(50)
            .unwrap_or_default()
            .max(Duration::from_millis(50))
    }
}

/// A question for the list.
#[derive(Debug, Clone)]
pub struct Query {
    /// Connections to ask; each is known to the gateway.
    pub connections: Vec<Arc<str>>,
    /// Restricts the question to these references; their connections are among the selected ones.
    pub references: Vec<(Arc<str>, Reference)>,
    /// Most loans in the answer.
    pub limit: usize,
    /// Connections of which a gap is an error; all of them are selected.
    pub required: Vec<Arc<str>>,
    /// Who asks, and how old the answer may be; the gateway's own limit when the caller names none.
    pub asker: Asker,
}

/// Who asks, and how old the answer may be.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The client.
    pub client: Client,
    /// The caller's `max_age`.
    pub max_age: Option<Duration>,
}

/// One connection's part of an answer.
#[derive(Debug, Clone)]
struct Contribution {
    source: Source,
    loans: Vec<Arc<Loan>>,
}

impl Contribution {
    fn skipped(connection: &Connection, reason: Reason) -> Self {
        let source = Source::skipped(Arc::clone(&connection.id), connection.descriptor.name, reason);
        Self {
            source,
            loans: Vec::new(),
        }
    }

    /// What is left of a fetch whose task ended by itself. Panics are contained before that.
    fn defect(connection: &Arc<str>, provider: &'static str) -> Self {
        let mut source = Source::skipped(Arc::clone(connection), provider, Reason::NoReference);
        source.status = Status::Failed;
        source.reason = None;
        source.error = Some(Error::new(Kind::Internal, "walk", ""));
        Self {
            source,
            loans: Vec::new(),
        }
    }
}

/// What came, and from where.
#[derive(Debug)]
pub struct Answer {
    /// The loans.
    pub loans: Vec<Arc<Loan>>,
    /// A report of every selected connection.
    pub sources: Vec<Source>,
    /// Whether nothing is missing.
    pub complete: bool,
    /// Loans in all, where every source that was asked knows.
    pub total: Option<u64>,
    /// Whether the question was about named people or loans, and so was gathered whole.
    pub whole: bool,
}

/// Why there is no answer at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The question brings more than `max_gathered` loans.
    SelectionTooLarge(usize),
}

impl Gateway {
    /// A gateway over these connections.
    pub fn new(connections: impl IntoIterator<Item = Connection>, limits: Limits, ages: Ages) -> Self {
        let connections = connections
            .into_iter()
            .map(|connection| (Arc::clone(&connection.id), Arc::new(connection)))
            .collect();
        Self {
            connections,
            limits,
            cache: Cache::new(ages),
        }
    }

    /// The connections in id order.
    pub fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values().map(|connection| &**connection)
    }

    /// The connection of this id.
    pub fn connection(&self, id: &str) -> Option<&Connection> {
        self.connections.get(id).map(|connection| &**connection)
    }

    /// Asks every selected connection at once and puts the answers together.
    pub async fn list(&self, query: &Query) -> Result<Answer, Refused> {
        let whole = !query.references.is_empty();
        let enough = if whole {
            self.limits.max_gathered
        } else {
            query.limit
        };
        let selected = query.connections.iter().filter_map(|id| self.connections.get(id));
        let asked = selected.map(|connection| async move {
            let scopes = scopes(connection, query);
            if scopes.is_empty() {
                return Contribution::skipped(connection, Reason::NoReference);
            }
            self.ask(connection, scopes, enough, &query.asker).await
        });
        let answers = join_all(asked).await;
        let gathered = answers
            .iter()
            .map(|part| part.loans.len())
            .fold(0_usize, usize::saturating_add);
        if whole && gathered > self.limits.max_gathered {
            return Err(Refused::SelectionTooLarge(self.limits.max_gathered));
        }
        let mut answer = merge(answers, query.limit);
        answer.whole = whole;
        if whole {
            answer.total = u64::try_from(gathered).ok();
        }
        Ok(answer)
    }

    /// Looks for one loan by its native key in one connection. No loan and a source that is `ok` means that there is
    /// none.
    pub async fn find(
        &self,
        connection: &str,
        key: &str,
        asker: &Asker,
    ) -> Option<(Option<Arc<Loan>>, Source)> {
        let connection = self.connections.get(connection)?;
        let scope = connection.provider.locate(key)?;
        let part = self
            .ask(connection, vec![scope], self.limits.max_gathered, asker)
            .await;
        let id = format!("{}:{key}", connection.id);
        let found = part.loans.into_iter().find(|loan| loan.id == id);
        let count = usize::from(found.is_some());
        Some((
            found,
            Source {
                count,
                total: None,
                ..part.source
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
                    let part = fetch(Arc::clone(connection), self.limits, vec![scope], 0).await;
                    // Stopping after the first page is the point, not a finding.
                    Source {
                        reason: None,
                        ..part.source
                    }
                }
                None => Contribution::skipped(connection, Reason::NoReference).source,
            }
        });
        join_all(asked).await
    }

    async fn ask(
        &self,
        connection: &Arc<Connection>,
        scopes: Vec<Scope>,
        enough: usize,
        asker: &Asker,
    ) -> Contribution {
        let key = Key::new(&asker.client, connection, &scopes, enough);
        let fetch = fetch(Arc::clone(connection), self.limits, scopes, enough);
        self.cache.get(key, asker.max_age, fetch).await
    }
}

/// Asks one connection, under a deadline of its own. A panic in an adapter ends here.
async fn fetch(
    connection: Arc<Connection>,
    limits: Limits,
    scopes: Vec<Scope>,
    enough: usize,
) -> Contribution {
    let now = Instant::now();
    let budget = limits.deadline.saturating_sub(limits.reserve());
    let call = Call::until(now.checked_add(budget).unwrap_or(now));
    let bounds = Bounds {
        loans: enough,
        pages: limits.max_pages,
    };
    let gathered = AssertUnwindSafe(gather(&connection, &call, &scopes, bounds))
        .catch_unwind()
        .await;
    let (collected, walks) = gathered.unwrap_or_else(|_| {
        tracing::error!(connection = &*connection.id, "an adapter panicked");
        let error = Error::new(Kind::Internal, "walk", "");
        (
            Collected::default(),
            vec![Walked {
                error: Some(error),
                ..Walked::default()
            }],
        )
    });
    report(&connection, &call, collected, &walks, scopes.len(), enough)
}

/// What to ask a connection for: the references of the question, else the whole book, else the references in its
/// config.
fn scopes(connection: &Connection, query: &Query) -> Vec<Scope> {
    if !query.references.is_empty() {
        let mine = query.references.iter().filter(|(id, _)| *id == connection.id);
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

/// Walks the scopes, several at a time, and collects them in their order.
async fn gather(
    connection: &Connection,
    call: &Call,
    scopes: &[Scope],
    bounds: Bounds,
) -> (Collected, Vec<Walked>) {
    let mut collected = Collected::default();
    let mut walks = Vec::with_capacity(scopes.len());
    let running = scopes
        .iter()
        .cloned()
        .map(|scope| one_scope(connection, call, scope, bounds));
    let mut running = futures_util::stream::iter(running).buffered(SCOPES_AT_ONCE);
    while let Some((part, walked)) = running.next().await {
        collected.duplicates = collected.duplicates.saturating_add(part.duplicates);
        for loan in part.loans {
            collected.add(loan);
        }
        walks.push(walked);
        if collected.loans.len() > bounds.loans {
            break;
        }
    }
    (collected, walks)
}

async fn one_scope(
    connection: &Connection,
    call: &Call,
    scope: Scope,
    bounds: Bounds,
) -> (Collected, Walked) {
    let mut part = Collected::default();
    let walked = walk::walk(connection, call, &scope, bounds, &mut part).await;
    (part, walked)
}

fn report(
    connection: &Connection,
    call: &Call,
    collected: Collected,
    walks: &[Walked],
    scopes: usize,
    enough: usize,
) -> Contribution {
    let rejected = walks
        .iter()
        .map(|walked| walked.rejected)
        .fold(0_usize, usize::saturating_add);
    let exhausted = walks.len() == scopes && walks.iter().all(|walked| walked.exhausted);
    let answered = walks.iter().any(|walked| walked.answered);
    let mut error = walks
        .iter()
        .filter_map(|walked| walked.error.as_ref())
        .max_by_key(|error| error.kind.severity())
        .cloned();
    if error.is_none() && rejected > 0 {
        error = Some(Error::new(
            Kind::BadPayload,
            "map",
            "Records that cannot be used were left out",
        ));
    }
    let cut = error.is_none() && (!exhausted || collected.loans.len() > enough);
    let status = match &error {
        Some(_) if answered => Status::Partial,
        Some(error) if error.kind == Kind::Pending => Status::Pending,
        Some(_) => Status::Failed,
        None if cut => Status::Partial,
        None => Status::Ok,
    };
    let announced = walks
        .iter()
        .map(|walked| walked.announced)
        .try_fold(0_u64, |sum, announced| sum.checked_add(announced?))
        .filter(|_| connection.descriptor.announces_loans && walks.len() == scopes);
    let source = Source {
        connection: Arc::clone(&connection.id),
        provider: connection.descriptor.name,
        status,
        reason: cut.then_some(Reason::LimitReached),
        count: collected.loans.len(),
        total: announced,
        rejected,
        duplicates: collected.duplicates,
        exhausted,
        as_of: walks.iter().filter_map(|walked| walked.fetched_at).max(),
        cache: "off",
        upstream_requests: call.sent(),
        elapsed: call.elapsed(),
        error,
    };
    Contribution {
        source,
        loans: collected.loans.into_iter().map(Arc::new).collect(),
    }
}

/// Takes one loan of each source in turn until the limit, so that a large book does not crowd out a small one.
fn merge(answers: Vec<Contribution>, limit: usize) -> Answer {
    let (mut sources, mut queues): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .map(|part| (part.source, part.loans.into_iter()))
        .unzip();
    let mut loans = Vec::new();
    for source in &mut sources {
        source.count = 0;
    }
    let mut took = true;
    while took && loans.len() < limit {
        took = false;
        for (source, queue) in sources.iter_mut().zip(&mut queues) {
            if loans.len() == limit {
                break;
            }
            if let Some(loan) = queue.next() {
                source.count = source.count.saturating_add(1);
                loans.push(loan);
                took = true;
            }
        }
    }
    for (source, queue) in sources.iter_mut().zip(&queues) {
        if queue.len() > 0 {
            source.reason = Some(Reason::LimitReached);
            source.exhausted = false;
            if source.status == Status::Ok {
                source.status = Status::Partial;
            }
        }
    }
    let asked = || sources.iter().filter(|source| source.status != Status::Skipped);
    let complete = asked().next().is_some() && asked().all(|source| source.status == Status::Ok);
    let total = asked()
        .map(|source| source.total)
        .try_fold(0_u64, |sum, total| sum.checked_add(total?));
    let total = total.filter(|_| asked().next().is_some());
    Answer {
        loans,
        complete,
        total,
        whole: false,
        sources,
    }
}
