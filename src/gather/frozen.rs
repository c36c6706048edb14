//! Sets that are gathered whole, sorted, and do not change any more while they are paged.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::cache::{Key, Part};
use super::contribution::{Contribution, report};
use super::held::Item;
use super::query::{Answer, Consistency, Place, Query, Refused};
use super::source::Source;
use super::walk::SourceWalk;
use super::{Gateway, complete, size};
use crate::loan::Loan;

/// A set that does not change any more.
#[derive(Debug)]
pub(super) struct Frozen {
    pub(super) loans: Vec<Arc<Loan>>,
    pub(super) sources: Vec<Source>,
    pub(super) complete: bool,
}

impl Gateway {
    /// Gathers everything, sorts it, and gives the first page; the rest waits, unchanged, for cursors.
    pub(super) async fn freeze(&self, query: &Query, limit: usize) -> Result<Answer, Refused> {
        let deadline = self.limits.cutoff();
        let set = self.gather(query, deadline).await?;
        let set = Arc::new(set);
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

    /// Gathers the whole selection, filtered and sorted.
    pub(super) async fn gather(&self, query: &Query, deadline: Instant) -> Result<Frozen, Refused> {
        let max = self.limits.max_gathered;
        let (asked, skipped) = self.select(query);
        let parts = asked.into_iter().map(|(connection, scopes)| {
            let walk = SourceWalk::new(&connection, scopes.clone(), self.limits.max_pages);
            let key = Key::new(
                &query.asker.client,
                &connection,
                &scopes,
                Part::Whole(Box::new(query.filter.clone())),
            );
            let fetch = Contribution::whole(walk, query.filter.clone(), max, deadline);
            async move { self.cache.get(&connection, key, query.asker.max_age, fetch).await }
        });
        let parts = join_all(parts).await;
        let gathered = parts
            .iter()
            .map(|part| part.loans.len())
            .fold(0_usize, usize::saturating_add);
        if gathered > max {
            return Err(Refused::SelectionTooLarge(max));
        }
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
        let loans = self.loans.get(from..to)?.to_vec();
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
