//! Everything that is meant, batch by batch, for whoever reads it to the end: exports and totals. Nothing is kept but
//! what is at hand.

use std::sync::Arc;

use tokio::time::Instant;

use super::live::Live;
use super::query::{Query, Refused};
use super::source::Source;
use super::{Frozen, Gateway, complete};
use crate::loan::Loan;

/// A selection being read to its end.
#[derive(Debug)]
pub struct Stream(Kind);

#[derive(Debug)]
enum Kind {
    Live(Box<Live>),
    /// Sorted: gathered first.
    Gathered(Option<Frozen>, Vec<Source>, bool),
}

impl Gateway {
    /// Opens a stream over the selection; the first pages are fetched within the deadline of a request. Only a sort
    /// makes it gather first.
    pub async fn stream(&self, query: &Query) -> Result<Stream, Refused> {
        let deadline = self.limits.cutoff();
        if query.sort.is_none() {
            let (parts, skipped) = self.ask(query, false, deadline).await;
            return Ok(Stream(Kind::Live(Box::new(super::begin(query, parts, skipped)))));
        }
        let (parts, skipped) = self.ask(query, true, deadline).await;
        let set = self.gather(query, parts, skipped)?;
        let (sources, whole) = (set.sources.clone(), set.complete);
        Ok(Stream(Kind::Gathered(Some(set), sources, whole)))
    }

    /// Until when upstreams may take, beginning now.
    pub fn deadline(&self) -> Instant {
        self.limits.cutoff()
    }
}

impl Stream {
    /// The next batch, of which the upstream pages must come before `deadline`; `None` at the end. A batch may be
    /// empty.
    pub async fn next(&mut self, deadline: Instant) -> Option<Vec<Arc<Loan>>> {
        match &mut self.0 {
            Kind::Live(walk) if walk.over() => None,
            Kind::Live(walk) => Some(walk.batch(deadline).await),
            Kind::Gathered(set, ..) => set.take().map(|set| set.loans),
        }
    }

    /// How every source did so far.
    pub fn sources(&self) -> Vec<Source> {
        match &self.0 {
            Kind::Live(walk) => walk.sources(),
            Kind::Gathered(_, sources, _) => sources.clone(),
        }
    }

    /// Whether nothing is missing so far.
    pub fn complete(&self) -> bool {
        match &self.0 {
            Kind::Live(walk) => complete(&walk.sources()),
            Kind::Gathered(_, _, whole) => *whole,
        }
    }
}
