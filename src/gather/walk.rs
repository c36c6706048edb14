//! Walking one source: its scopes, page by page. The only loop over pages is whoever calls [`SourceWalk::advance`]
//! until it has ended; how far to go is theirs, what a page means is decided here.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::collect::WINDOW;
use super::connection::Connection;
use super::tally::Tally;
use super::written::{Connected, Connections};
use crate::binary::Binary;
use crate::loan::{AsOf, AsOfBasis, Loan};
use crate::providers::{More, Page, Scope, Standing};
use crate::upstream::{Call, Error, Kind};

/// References of one connection that are asked for at the same time.
const SCOPES_AT_ONCE: usize = 8;
/// Rejected records of one page that get a line of their own; an upstream must not fill the log.
const REJECTIONS_LOGGED: usize = 10;

/// Where a source is being read, and what came of it so far. A clone goes on by itself.
#[derive(Debug, Clone)]
pub(super) struct SourceWalk {
    pub(super) connection: Arc<Connection>,
    pub(super) tally: Tally,
    waiting: VecDeque<Scope>,
    begun: VecDeque<Begun>,
    max_pages: u32,
}

/// A scope of which pages are left.
#[derive(Debug, Clone)]
struct Begun {
    scope: Scope,
    next: u32,
    digests: HashSet<u64>,
    received: u64,
    announced: Option<u64>,
    /// What it announced first.
    at_first: Option<u64>,
    newest: Option<AsOf>,
}

binary! {
    Begun { scope, next, digests, received, announced, at_first, newest }
}

impl Connected for SourceWalk {
    fn write(&self, out: &mut Vec<u8>) {
        self.connection.write(out);
        self.tally.write(out);
        self.waiting.write(out);
        self.begun.write(out);
        self.max_pages.write(out);
    }

    fn read(from: &mut &[u8], connections: &Connections) -> Option<Self> {
        Some(Self {
            connection: Connected::read(from, connections)?,
            tally: Binary::read(from)?,
            waiting: Binary::read(from)?,
            begun: Binary::read(from)?,
            max_pages: Binary::read(from)?,
        })
    }
}

impl SourceWalk {
    pub(super) fn new(connection: &Arc<Connection>, scopes: Vec<Scope>, max_pages: u32) -> Self {
        Self {
            connection: Arc::clone(connection),
            tally: Tally {
                announced: Some(0),
                ..Tally::default()
            },
            waiting: scopes.into(),
            begun: VecDeque::new(),
            max_pages,
        }
    }

    /// Whether nothing is left to ask for.
    pub(super) fn ended(&self) -> bool {
        self.waiting.is_empty() && self.begun.is_empty()
    }

    /// Goes on with these of its scopes only.
    pub(super) fn keep(&mut self, scopes: &HashSet<Scope>) {
        self.waiting.retain(|scope| scopes.contains(scope));
        let begun = self.begun.len();
        self.begun.retain(|begun| scopes.contains(&begun.scope));
        if self.begun.len() < begun {
            // What it announced will not come.
            self.tally.announced = None;
        }
    }

    /// Roughly what it holds, in bytes.
    pub(super) fn size(&self) -> usize {
        let begun = self.begun.iter();
        let digests = begun.map(|begun| begun.digests.capacity().saturating_mul(size_of::<u64>()));
        let scopes = self
            .waiting
            .iter()
            .chain(self.begun.iter().map(|begun| &begun.scope));
        scopes
            .map(Scope::size)
            .chain(digests)
            .fold(size_of::<Self>(), usize::saturating_add)
    }

    /// Reads on: the next page of a scope that was begun, or the first pages of the next scopes. What could not be
    /// used is in the tally. A page may hold nothing.
    pub(super) async fn advance(&mut self, deadline: Instant) -> Vec<Arc<Loan>> {
        let started = Instant::now();
        let call = Call::until(deadline);
        let batch: Vec<Begun> = match self.begun.pop_front() {
            Some(begun) => vec![begun],
            None => {
                let count = self.waiting.len().min(SCOPES_AT_ONCE);
                self.waiting.drain(..count).map(Begun::new).collect()
            }
        };
        let read = join_all(
            batch
                .into_iter()
                .map(|begun| read(&self.connection, &call, begun)),
        )
        .await;
        let mut loans = Vec::new();
        for (begun, pages) in read {
            if let Some(begun) = self.absorb(begun, pages, &mut loans) {
                self.begun.push_back(begun);
            }
        }
        self.tally.requests = self.tally.requests.saturating_add(call.sent());
        self.tally.elapsed = self.tally.elapsed.saturating_add(started.elapsed());
        loans
    }

    /// Takes in pages of one scope, in order. `None` when the scope is over: at its end, or given up.
    fn absorb(
        &mut self,
        mut begun: Begun,
        pages: Vec<Result<Page, Error>>,
        loans: &mut Vec<Arc<Loan>>,
    ) -> Option<Begun> {
        for page in pages {
            let page = match page {
                Ok(page) => page,
                Err(error) => return self.give_up(error),
            };
            let gained = begun.announced.is_some() && page.announced > begun.announced;
            // A whole page of new rows in front moves the last page to where the next one was.
            if page.digest.is_some_and(|digest| !begun.digests.insert(digest)) && !gained {
                return if self.connection.provider.repetition_is_end() {
                    self.end(&begun)
                } else {
                    self.give_up(self.connection.broken("walk", "It gave the same page again"))
                };
            }
            if page.announced < begun.announced && page.announced.is_some() {
                self.tally.worst(self.connection.broken(
                    "walk",
                    "It lost records while it was read, and others may have been passed over",
                ));
            }
            if gained {
                // Rows moved back: this page may begin before the last one ended.
                begun.newest = None;
            }
            begun.at_first = begun.at_first.or(page.announced);
            if self.connection.descriptor.announces_loans && grown(&begun, &page) > window() {
                self.tally.worst(self.connection.broken(
                    "walk",
                    "It gained more records while it was read than can be told from those already given",
                ));
            }
            begun.announced = page.announced.or(begun.announced);
            begun.received = begun.received.saturating_add(page.records());
            let more = match page.more {
                More::Yes => true,
                More::No => false,
                More::UntilAnnounced => {
                    page.digest.is_some()
                        && begun.announced.is_none_or(|announced| begun.received < announced)
                }
            };
            self.take(&mut begun, page, loans);
            if !more {
                return self.end(&begun);
            }
            if begun.next >= self.max_pages {
                return self.give_up(
                    self.connection
                        .broken("walk", "It has more pages than this gateway reads"),
                );
            }
            begun.next = begun.next.saturating_add(1);
        }
        Some(begun)
    }

    fn take(&mut self, begun: &mut Begun, page: Page, loans: &mut Vec<Arc<Loan>>) {
        self.connection.drifted(page.drift);
        self.tally.fetched_at = self.tally.fetched_at.max(Some(page.fetched_at));
        match page.standing {
            Standing::Complete => {}
            Standing::Partial(error) => self.tally.worst(error),
            Standing::Incomplete(error) => {
                let usable = !matches!(error.kind, Kind::Pending | Kind::Rejected);
                self.tally.worst(error);
                if !usable {
                    return;
                }
            }
        }
        self.tally.answered = true;
        self.tally.rejected = self.tally.rejected.saturating_add(page.rejected.len());
        for rejected in page.rejected.iter().take(REJECTIONS_LOGGED) {
            tracing::warn!(
                connection = &*self.connection.id,
                field = rejected.field.replace(char::is_control, "\u{FFFD}"),
                why = %rejected.why,
                "record rejected"
            );
        }
        if let Some(error) = self.connection.rejected("walk", page.rejected.len()) {
            self.tally.worst(error);
        }
        if !self.connection.descriptor.announces_loans && !newest_first(begun, &page.loans) {
            self.tally.worst(
                self.connection
                    .broken("walk", "Its records are not in the order that was asked for"),
            );
        }
        loans.extend(page.loans);
    }

    /// The scope was read to its end.
    fn end(&mut self, begun: &Begun) -> Option<Begun> {
        if begun
            .announced
            .is_some_and(|announced| announced > begun.received)
        {
            self.tally.cut = true;
            self.tally.worst(
                self.connection
                    .broken("walk", "It announced more records than it gave"),
            );
        }
        let read = &mut self.tally.read;
        read.scopes = read.scopes.saturating_add(1);
        read.announced = read.announced.saturating_add(begun.at_first.unwrap_or(0));
        read.received = read.received.saturating_add(begun.received);
        self.tally.announced = self
            .tally
            .announced
            .zip(begun.announced)
            .and_then(|(sum, more)| sum.checked_add(more));
        None
    }

    /// The rest of the scope is given up.
    fn give_up(&mut self, error: Error) -> Option<Begun> {
        self.tally.cut = true;
        self.tally.worst(error);
        self.tally.announced = None;
        None
    }

    /// What went wrong, as far as it is known. `duplicates` of the records that came were records that had come before:
    /// if there is then less than was announced, rows changed places between two pages, and some were passed over. Of
    /// several scopes nobody knows, because they may overlap.
    pub(super) fn error(&self, duplicates: usize) -> Option<Error> {
        let read = self.tally.read;
        let different = read
            .received
            .saturating_sub(u64::try_from(duplicates).unwrap_or(u64::MAX));
        let moved = self.ended()
            && self.connection.descriptor.announces_loans
            && read.scopes == 1
            && duplicates > 0
            && different < read.announced;
        self.tally.error.clone().or_else(|| {
            // Without a line in the log: this follows from what is held, and is asked for with every answer.
            moved.then(|| {
                Error::new(
                    Kind::BadPayload,
                    "walk",
                    "Records changed places while it was read, and some may have been passed over",
                )
            })
        })
    }

    /// Records in all, as far as the provider has said for every scope that was asked for.
    pub(super) fn announced(&self) -> Option<u64> {
        if !self.connection.descriptor.announces_loans || !self.waiting.is_empty() {
            return None;
        }
        self.begun.iter().try_fold(self.tally.announced?, |sum, begun| {
            sum.checked_add(begun.announced?)
        })
    }
}

impl Begun {
    fn new(scope: Scope) -> Self {
        Self {
            scope,
            next: 1,
            digests: HashSet::new(),
            received: 0,
            announced: None,
            at_first: None,
            newest: None,
        }
    }
}

/// The next page of a scope; at its beginning all pages that may be asked for at once.
async fn read(connection: &Connection, call: &Call, begun: Begun) -> (Begun, Vec<Result<Page, Error>>) {
    let count = if begun.next == 1 {
        connection.provider.opening().max(1)
    } else {
        1
    };
    let numbers = (0..count).map(|ahead| begun.next.saturating_add(ahead));
    let pages = join_all(numbers.map(|number| {
        let asked = connection.provider.page(call, &begun.scope, number);
        connection.contained("walk", asked)
    }))
    .await;
    (begun, pages)
}

/// Dated observations come newest first, or the first one of a loan would not be the one to show.
fn newest_first(begun: &mut Begun, loans: &[Arc<Loan>]) -> bool {
    loans
        .iter()
        .filter(|loan| loan.as_of_basis == AsOfBasis::ProviderReported)
        .all(|loan| {
            let before = begun.newest.replace(loan.as_of);
            before.is_none_or(|before| loan.as_of <= before)
        })
}

/// How many records were added since the scope was begun.
fn grown(begun: &Begun, page: &Page) -> u64 {
    page.announced
        .zip(begun.at_first)
        .map_or(0, |(now, then)| now.saturating_sub(then))
}

fn window() -> u64 {
    u64::try_from(WINDOW).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gather::connection::Credential;
    use crate::gather::drift::DriftCounters;
    use crate::providers::{self, Descriptor, Provider};
    use crate::telemetry::Telemetry;
    use crate::upstream::Upstream;

    /// An adapter with a defect.
    #[derive(Debug)]
    struct Panicking;

    #[async_trait::async_trait]
    impl Provider for Panicking {
        fn descriptor(&self) -> &'static Descriptor {
            providers::ALL[0]
        }

        fn upstream(&self) -> &Upstream {
            panic!("no upstream")
        }

        fn locate(&self, _: &str) -> Option<Scope> {
            None
        }

        async fn page(&self, _: &Call, _: &Scope, _: u32) -> Result<Page, Error> {
            panic!("a defect")
        }
    }

    #[tokio::test]
    async fn an_adapter_that_panics_is_a_failed_source() {
        let connection = Arc::new(Connection {
            id: Arc::from("x"),
            descriptor: providers::ALL[0],
            references: Vec::new(),
            drift: DriftCounters::default(),
            meter: Telemetry::default().meter(&Arc::from("x")),
            credential: Credential::next(),
            digest: [0; 32],
            provider: Arc::new(Panicking),
        });
        let mut walk = SourceWalk::new(&connection, vec![Scope::Book], 10);
        let loans = walk.advance(Instant::now()).await;
        assert!(loans.is_empty() && walk.ended() && !walk.tally.answered);
        assert_eq!(walk.tally.error.unwrap().kind, Kind::Internal);
    }
}
