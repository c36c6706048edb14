//! The rows of one loan: its ledger, its plan, its history. Read whole, then paged from what was read.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::to_raw_value;
use tokio::time::Instant;

use super::connection::Connection;
use super::held::Item;
use super::query::{Asker, Followed, Place, Refused};
use super::shared::{Known, Shared};
use super::source::{Source, Status};
use super::{Gateway, Limits, complete};
use crate::binary::Binary;
use crate::loan::{Json, Loan};
use crate::providers::{Detail, Provider, Rows, Standing};
use crate::upstream::{Call, Error, Kind};

/// Which rows of a loan are meant: the part of a provider that has them, if it has them.
pub type Part<T> = for<'a> fn(&'a dyn Provider) -> Option<&'a dyn Detail<T>>;

/// The rows of one loan, as far as they could be read.
#[derive(Debug)]
pub struct Read<T> {
    /// The rows, in upstream order.
    pub rows: Vec<T>,
    /// How the loan's connection did, the rows included.
    pub source: Source,
}

/// What came of asking for the rows of a loan.
#[derive(Debug)]
pub enum Found<T> {
    /// The rows.
    Rows(Read<T>),
    /// There is no such loan, or it could not be looked up; the source says which.
    NoLoan(Source),
    /// The connection, or this host of it, does not have such rows.
    NotSupported,
}

/// Rows that do not change any more, ready to be written.
#[derive(Debug)]
pub(super) struct Listing {
    rows: Vec<Json>,
    source: Source,
}

/// A page of rows.
#[derive(Debug)]
pub struct RowsPage {
    /// The rows.
    pub rows: Vec<Json>,
    /// How many there are in all.
    pub total: usize,
    /// How the loan's connection did.
    pub source: Source,
    /// Whether nothing is missing.
    pub complete: bool,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Place>,
}

impl Gateway {
    /// The rows of the loan with this native key; `None` when no loan can have it.
    pub async fn rows<T: Send>(
        &self,
        connection: &str,
        key: &str,
        asker: &Asker,
        part: Part<T>,
    ) -> Option<Found<T>> {
        let known = self.connections.get(connection)?;
        if part(&*known.provider).is_none() {
            return Some(Found::NotSupported);
        }
        let deadline = self.limits.cutoff();
        let (found, source) = self.find(connection, key, asker, deadline).await?;
        Some(match found {
            Some(loan) => match self.rows_of(&loan, source, part, deadline).await {
                Some(read) => Found::Rows(read),
                None => Found::NotSupported,
            },
            None => Found::NoLoan(source),
        })
    }

    /// The rows of a loan that was found; `source` is how that went. `None`: there are no such rows here.
    pub async fn rows_of<T: Send>(
        &self,
        loan: &Loan,
        source: Source,
        part: Part<T>,
        deadline: Instant,
    ) -> Option<Read<T>> {
        let connection = self.connections.get(&loan.connection)?;
        let detail = part(&*connection.provider)?;
        let started = Instant::now();
        let call = Call::until(deadline);
        let mut read = Read {
            rows: Vec::new(),
            source,
        };
        match detail.held(loan) {
            Some(held) => read.absorb(connection, held),
            None => read.ask(connection, detail, loan, &call, self.limits).await?,
        }
        let source = &mut read.source;
        source.count = read.rows.len();
        source.total = None;
        source.upstream_requests = source.upstream_requests.saturating_add(call.sent());
        source.elapsed = source.elapsed.saturating_add(started.elapsed());
        Some(read)
    }

    /// The rows that a loan's own records hold, and how many of them could not be read. Asks nobody.
    pub fn held_rows<T>(&self, loan: &Loan, part: Part<T>) -> Option<(Vec<T>, usize)> {
        let connection = self.connections.get(&loan.connection)?;
        let held = part(&*connection.provider)?.held(loan)?;
        connection.drifted(held.drift);
        Some((held.rows, held.rejected.len()))
    }

    /// Freezes rows and gives the first page.
    pub async fn list_rows<T: Serialize>(&self, read: Read<T>, limit: usize) -> Result<RowsPage, Refused> {
        // Each row is let go of once it is text.
        let rows = read
            .rows
            .into_iter()
            .filter_map(|row| to_raw_value(&row).ok().map(Json));
        let listing = Arc::new(Listing {
            rows: rows.collect(),
            source: read.source,
        });
        let mut first = listing
            .page(Place { id: 0, position: 0 }, limit)
            .ok_or(Refused::Expired)?;
        if let Some(next) = first.next {
            let size = listing.rows.iter().map(|row| row.0.get().len());
            let size = size.fold(0, usize::saturating_add);
            let id = self
                .held
                .keep(Item::Rows(Arc::clone(&listing)), size)
                .ok_or(Refused::SelectionTooHeavy)?;
            if let Some(shared) = &self.shared {
                shared.hold(id, listing.head(), &listing.rows).await;
            }
            first.next = Some(Place { id, ..next });
        }
        Ok(first)
    }

    /// The rows at a place that a cursor names.
    pub async fn resume_rows(&self, cursor: Followed, limit: usize) -> Result<RowsPage, Refused> {
        let place = cursor.place;
        match (self.held.get(place.id), &self.shared) {
            (Some(Item::Rows(listing)), shared) => {
                if let Some(shared) = shared {
                    let held = Arc::clone(&listing);
                    let again = move || (held.head(), held.rows.clone());
                    shared.used(place.id, listing.rows.len(), again);
                }
                listing.page(place, limit).ok_or(Refused::Expired)
            }
            (Some(Item::Frozen(_) | Item::Live(_)), _) | (None, None) => Err(Refused::Expired),
            (None, Some(shared)) => match shared.head(cursor).await {
                Known::There(head) => Listing::of_another(shared, &head, cursor, limit).await,
                Known::NotThere => Err(shared.gone(cursor)),
                Known::Away => Err(Refused::Unreachable),
            },
        }
    }
}

impl<T> Read<T> {
    /// Asks page by page. `None`: there are no such rows here.
    async fn ask(
        &mut self,
        connection: &Connection,
        detail: &dyn Detail<T>,
        loan: &Loan,
        call: &Call,
        limits: Limits,
    ) -> Option<()> {
        for number in 1..=limits.max_pages {
            let asked = connection.contained("detail", detail.ask(call, loan, number));
            let page = match asked.await {
                Ok(page) => page?,
                Err(error) => {
                    self.worst(error, number == 1);
                    break;
                }
            };
            let more = page.more;
            let full = number == limits.max_pages || self.rows.len() > limits.max_gathered;
            self.absorb(connection, page);
            if more && full {
                self.worst(
                    connection.broken("detail", "It has more rows than this gateway reads"),
                    false,
                );
            }
            if full || !more {
                break;
            }
        }
        Some(())
    }

    fn absorb(&mut self, connection: &Connection, page: Rows<T>) {
        connection.drifted(page.drift);
        self.rows.extend(page.rows);
        self.source.rejected = self.source.rejected.saturating_add(page.rejected.len());
        if let Some(error) = connection.rejected("detail", page.rejected.len()) {
            self.worst(error, false);
        }
        match page.standing {
            Standing::Complete => {}
            Standing::Incomplete(error) | Standing::Partial(error) => self.worst(error, false),
        }
    }

    /// Notes what went wrong, and whether nothing came at all.
    fn worst(&mut self, error: Error, nothing: bool) {
        let source = &mut self.source;
        source.exhausted = false;
        source.status = match error.kind {
            Kind::Pending if self.rows.is_empty() => Status::Pending,
            _ if nothing => Status::Failed,
            _ => Status::Partial,
        };
        source.error = Some(match source.error.take() {
            Some(known) if known.kind.severity() >= error.kind.severity() => known,
            Some(_) | None => error,
        });
    }
}

/// What begins the record of rows, before how many there are.
const ROWS: u8 = 2;

impl Listing {
    /// All of it but the rows, for other gateways.
    fn head(&self) -> Vec<u8> {
        let mut head = vec![ROWS];
        self.source.write(&mut head);
        head
    }

    fn page(&self, place: Place, limit: usize) -> Option<RowsPage> {
        let (from, to) = reach(place, limit, self.rows.len())?;
        let rows = self.rows.get(from..to)?.to_vec();
        Some(page(rows, place, to, self.rows.len(), self.source.clone()))
    }

    /// A page of rows that another gateway froze.
    async fn of_another(
        shared: &Shared,
        head: &[u8],
        cursor: Followed,
        limit: usize,
    ) -> Result<RowsPage, Refused> {
        let place = cursor.place;
        let (source, size) = read_head(head).ok_or(Refused::Expired)?;
        let (from, to) = reach(place, limit, size).ok_or(Refused::Expired)?;
        let (first, rows) = match shared.members::<Json>(cursor, from, to).await {
            Known::There(members) => members,
            Known::NotThere => return Err(shared.gone(cursor)),
            Known::Away => return Err(Refused::Unreachable),
        };
        shared.touch(place.id, size);
        let (start, end) = (from.saturating_sub(first), to.saturating_sub(first));
        let rows = rows.get(start..end).ok_or(Refused::Expired)?.to_vec();
        Ok(page(rows, place, to, size, source))
    }
}

fn read_head(head: &[u8]) -> Option<(Source, usize)> {
    let (kind, mut from) = head.split_first()?;
    (*kind == ROWS).then_some(())?;
    Some((Binary::read(&mut from)?, Binary::read(&mut from)?))
}

/// Where a page begins and ends; `None` behind the end.
fn reach(place: Place, limit: usize, size: usize) -> Option<(usize, usize)> {
    let from = usize::try_from(place.position)
        .ok()
        .filter(|from| *from <= size)?;
    Some((from, from.saturating_add(limit).min(size)))
}

/// Rows up to a place among so many.
fn page(rows: Vec<Json>, place: Place, to: usize, size: usize, mut source: Source) -> RowsPage {
    source.count = to;
    let next = u64::try_from(to).ok().filter(|_| to < size);
    RowsPage {
        rows,
        total: size,
        complete: complete(std::slice::from_ref(&source)),
        source,
        next: next.map(|position| Place {
            id: place.id,
            position,
        }),
    }
}
