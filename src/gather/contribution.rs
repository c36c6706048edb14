//! One connection's part of an answer: what was read of it, and the walk that goes on from there.

use std::sync::Arc;

use tokio::time::Instant;

use super::collect::Collected;
use super::connection::Connection;
use super::filter::Filter;
use super::source::{Cached, Source, Status};
use super::walk::SourceWalk;
use crate::loan::Loan;
use crate::providers::Scope;
use crate::upstream::{Error, Kind};

/// A part of an answer.
#[derive(Debug, Clone)]
pub(super) struct Contribution {
    pub(super) walk: SourceWalk,
    pub(super) loans: Vec<Arc<Loan>>,
    pub(super) duplicates: usize,
    pub(super) from: Cached,
    /// Loans that the question's filter left out.
    pub(super) filtered: usize,
}

impl Contribution {
    /// Reads a source whole: until its end, a fault, the deadline, or more than `max` loans that the filter lets pass.
    pub(super) async fn whole(mut walk: SourceWalk, filter: Filter, max: usize, deadline: Instant) -> Self {
        let mut collected = Collected::default();
        while !walk.ended() && collected.loans.len() <= max {
            for loan in walk.advance(deadline).await {
                collected.add(loan, &filter);
            }
        }
        let (mut loans, duplicates) = (collected.loans, collected.duplicates);
        let before = loans.len();
        // One that passed may have been replaced by a newer observation that does not.
        loans.retain(|loan| filter.matches(loan));
        let replaced = before.saturating_sub(loans.len());
        let filtered = collected.filtered.saturating_add(replaced);
        Self {
            walk,
            loans,
            duplicates,
            from: Cached::Off,
            filtered,
        }
    }

    /// Reads the first page of a source, to walk on from.
    pub(super) async fn opening(mut walk: SourceWalk, deadline: Instant) -> Self {
        let loans = walk.advance(deadline).await;
        Self {
            walk,
            loans,
            duplicates: 0,
            from: Cached::Off,
            filtered: 0,
        }
    }

    /// What is left of a fetch whose task ended by itself. Panics of adapters are contained before that.
    pub(super) fn defect(connection: &Arc<Connection>) -> Self {
        let mut walk = SourceWalk::new(connection, Vec::<Scope>::new(), 0);
        walk.tally.error = Some(Error::new(Kind::Internal, "walk", ""));
        Self {
            walk,
            loans: Vec::new(),
            duplicates: 0,
            from: Cached::Off,
            filtered: 0,
        }
    }

    /// Whether it may stand for the upstream for a while: nothing failed.
    pub(super) fn is_whole(&self) -> bool {
        self.walk.error(self.duplicates).is_none() && self.walk.tally.answered
    }

    /// Whether it ended because the time of the request it was made for did.
    pub(super) fn ran_out_of_time(&self) -> bool {
        let error = self.walk.tally.error.as_ref();
        error.is_some_and(|error| error.kind == Kind::DeadlineExceeded)
    }

    /// Whether older data is better than this: nothing came, and the upstream did not say that the data is gone or
    /// ours no more.
    pub(super) fn may_be_replaced(&self) -> bool {
        let tally = &self.walk.tally;
        !tally.answered
            && tally.error.as_ref().is_some_and(|error| match error.kind {
                Kind::RateLimited
                | Kind::Timeout
                | Kind::Unavailable
                | Kind::BadPayload
                | Kind::TooLarge
                | Kind::CircuitOpen
                | Kind::DeadlineExceeded
                | Kind::Internal => true,
                Kind::Unauthorized | Kind::Forbidden | Kind::NotFound | Kind::Pending | Kind::Rejected => {
                    false
                }
            })
    }

    /// This older contribution, marked as stale, with what went wrong with the newer one.
    pub(super) fn in_place_of(&self, failed: &Self) -> Self {
        let mut stale = self.clone();
        stale.walk.tally.error.clone_from(&failed.walk.tally.error);
        stale.walk.tally.requests = failed.walk.tally.requests;
        stale.walk.tally.elapsed = failed.walk.tally.elapsed;
        stale.loans = self
            .loans
            .iter()
            .map(|loan| {
                Arc::new(Loan {
                    stale: true,
                    ..Loan::clone(loan)
                })
            })
            .collect();
        stale
    }
}

/// The report of a source of which `given` loans were given so far.
pub(super) fn report(
    walk: &SourceWalk,
    from: Cached,
    given: usize,
    duplicates: usize,
    exhausted: bool,
) -> Source {
    let tally = &walk.tally;
    let error = walk.error(duplicates);
    let status = match &error {
        _ if from == Cached::Stale => Status::Stale,
        Some(_) if tally.answered => Status::Partial,
        Some(error) if error.kind == Kind::Pending => Status::Pending,
        Some(_) => Status::Failed,
        None => Status::Ok,
    };
    Source {
        connection: Arc::clone(&walk.connection.id),
        provider: walk.connection.descriptor.name,
        status,
        reason: None,
        count: given,
        total: walk.announced(),
        rejected: tally.rejected,
        duplicates,
        exhausted: exhausted && tally.answered && !tally.cut,
        as_of: tally.fetched_at,
        cache: from,
        upstream_requests: tally.requests,
        elapsed: tally.elapsed,
        error,
    }
}
