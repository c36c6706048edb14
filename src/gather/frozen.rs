//! Sets that are gathered whole, sorted, and do not change any more while they are paged.

use std::sync::Arc;

use super::cache::Given;
use super::contribution::{Contribution, report};
use super::held::Item;
use super::query::{Answer, Consistency, Followed, Place, Query, Refused};
use super::shared::{CHUNK, Known, Shared};
use super::source::Source;
use super::{Gateway, complete, note, size};
use crate::binary::Binary;
use crate::loan::Loan;

/// A set that does not change any more.
#[derive(Debug)]
pub(super) struct Frozen {
    pub(super) loans: Vec<Arc<Loan>>,
    pub(super) sources: Vec<Source>,
    pub(super) complete: bool,
}

impl Gateway {
    /// Freezes everything, sorted, and gives the first page; the rest waits, unchanged, for cursors.
    pub(super) async fn freeze(
        &self,
        query: &Query,
        parts: Vec<Given>,
        skipped: Vec<Source>,
        limit: usize,
    ) -> Result<Answer, Refused> {
        let set = Arc::new(self.gather(query, parts, skipped)?);
        let mut first = set.page(Place { id: 0, position: 0 }, limit).unwrap_or_default();
        if first.next.is_some() {
            let size = set
                .loans
                .iter()
                .map(|loan| size(loan))
                .fold(0, usize::saturating_add);
            let id = self
                .held
                .keep(Item::Frozen(Arc::clone(&set)), size)
                .ok_or(Refused::SelectionTooHeavy)?;
            if let Some(shared) = &self.shared {
                shared.hold(id, set.head(), &set.loans).await;
            }
            first.next = first.next.map(|place| Place { id, ..place });
        }
        Ok(first)
    }

    /// The whole selection, filtered and sorted, of what its sources contribute.
    pub(super) fn gather(
        &self,
        query: &Query,
        parts: Vec<Given>,
        skipped: Vec<Source>,
    ) -> Result<Frozen, Refused> {
        let max = self.limits.max_gathered;
        let gathered = parts
            .iter()
            .map(|part| part.contribution.loans.len())
            .fold(0_usize, usize::saturating_add);
        if gathered > max {
            return Err(Refused::SelectionTooLarge(max));
        }
        let parts: Vec<Contribution> = parts.into_iter().map(Given::own).collect();
        let mut sources: Vec<Source> = parts
            .iter()
            .map(|part| {
                report(
                    &part.walk,
                    part.from,
                    part.loans.len(),
                    part.duplicates,
                    part.walk.ended(),
                )
            })
            .chain(skipped)
            .collect();
        sources.sort_by(|left, right| left.connection.cmp(&right.connection));
        note(&mut sources, &query.left_out);
        let mut loans = in_turn(parts.into_iter().map(|part| part.loans).collect());
        if let Some(sort) = query.sort {
            loans.sort_by(|left, right| sort.compare(left, right));
        }
        let complete = complete(&sources);
        Ok(Frozen {
            loans,
            sources,
            complete,
        })
    }
}

/// One loan of each source in turn, so that a large source does not crowd out a small one.
fn in_turn(sources: Vec<Vec<Arc<Loan>>>) -> Vec<Arc<Loan>> {
    let count = sources.iter().map(Vec::len).fold(0, usize::saturating_add);
    let mut queues: Vec<_> = sources.into_iter().map(Vec::into_iter).collect();
    let mut loans = Vec::with_capacity(count);
    while loans.len() < count {
        loans.extend(queues.iter_mut().filter_map(Iterator::next));
    }
    loans
}

/// What begins the record of a set, before how many it has.
const SET: u8 = 0;

impl Frozen {
    /// All of it but the loans, for other gateways. Its sources come with what they gave before each part of the set.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut head = vec![SET];
        self.sources.write(&mut head);
        self.complete.write(&mut head);
        let mut given = vec![0_usize; self.sources.len()];
        let mut before = vec![given.clone()];
        for chunk in self.loans.chunks(CHUNK) {
            for loan in chunk {
                let place = self
                    .sources
                    .iter()
                    .position(|source| source.connection == loan.connection);
                if let Some(count) = place.and_then(|place| given.get_mut(place)) {
                    *count = count.saturating_add(1);
                }
            }
            before.push(given.clone());
        }
        before.write(&mut head);
        head
    }

    /// A page of a set that another gateway froze.
    pub(super) async fn of_another(
        shared: &Shared,
        head: &[u8],
        cursor: Followed,
        limit: usize,
    ) -> Result<Answer, Refused> {
        let place = cursor.place;
        let (mut sources, complete, before, size) = read_head(head).ok_or(Refused::Expired)?;
        let from = usize::try_from(place.position).map_err(|_| Refused::Expired)?;
        let to = from.saturating_add(limit).min(size);
        if from > size {
            return Err(Refused::Expired);
        }
        let (first, loans) = match shared.members::<Arc<Loan>>(cursor, from, to).await {
            Known::There(members) => members,
            Known::NotThere => return Err(shared.gone(cursor)),
            Known::Away => return Err(Refused::Unreachable),
        };
        shared.touch(place.id, size);
        let at = |place: usize| place.saturating_sub(first);
        let page = loans.get(at(from)..at(to)).ok_or(Refused::Expired)?;
        if to < size {
            let known = before.get(first.checked_div(CHUNK).unwrap_or_default());
            let known = known.ok_or(Refused::Expired)?;
            for (source, before) in sources.iter_mut().zip(known) {
                let mine = |loan: &&Arc<Loan>| loan.connection == source.connection;
                let here = loans.iter().take(at(to)).filter(mine).count();
                source.count = before.saturating_add(here);
            }
        }
        let next = u64::try_from(to).ok().filter(|_| to < size);
        Ok(Answer {
            loans: Arc::new(page.to_vec().into()),
            complete,
            sources,
            total: u64::try_from(size).ok(),
            consistency: Consistency::Snapshot,
            next: next.map(|position| Place {
                id: place.id,
                position,
            }),
        })
    }

    /// A page of the set, with the counts of the loans given up to its end. `None` behind the end.
    pub(super) fn page(&self, place: Place, limit: usize) -> Option<Answer> {
        let from = usize::try_from(place.position)
            .ok()
            .filter(|from| *from <= self.loans.len())?;
        let to = from.saturating_add(limit).min(self.loans.len());
        let loans = Arc::new(self.loans.get(from..to)?.to_vec().into());
        let mut sources = self.sources.clone();
        if to < self.loans.len() {
            for source in &mut sources {
                let mine = |loan: &&Arc<Loan>| loan.connection == source.connection;
                source.count = self.loans.iter().take(to).filter(mine).count();
            }
        }
        let next = u64::try_from(to).ok().filter(|_| to < self.loans.len());
        Some(Answer {
            loans,
            complete: self.complete,
            sources,
            total: u64::try_from(self.loans.len()).ok(),
            consistency: Consistency::Snapshot,
            next: next.map(|position| Place {
                id: place.id,
                position,
            }),
        })
    }
}

type Head = (Vec<Source>, bool, Vec<Vec<usize>>, usize);

fn read_head(head: &[u8]) -> Option<Head> {
    let (kind, mut from) = head.split_first()?;
    (*kind == SET).then_some(())?;
    let from = &mut from;
    Some((
        Binary::read(from)?,
        Binary::read(from)?,
        Binary::read(from)?,
        Binary::read(from)?,
    ))
}
