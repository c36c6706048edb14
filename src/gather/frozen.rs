//! Sets that are gathered whole, sorted, and do not change any more while they are paged.

use std::sync::Arc;

use super::cache::Given;
use super::contribution::{Contribution, report};
use super::held::Item;
use super::query::{Answer, Consistency, Place, Query, Refused};
use super::source::Source;
use super::{Gateway, complete, note, size};
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
    pub(super) fn freeze(
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

impl Frozen {
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
