//! Walking whole books, answer by answer: the sources advance together, each upstream page is fetched once and sliced
//! over as many answers as it takes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::collect::Seen;
use super::contribution::{Contribution, report};
use super::filter::Filter;
use super::query::{LeftOut, Still};
use super::source::Source;
use super::written::{Connected, Connections};
use crate::binary::Binary;
use crate::loan::Loan;

/// A walk over several sources.
#[derive(Debug)]
pub(super) struct Live {
    parts: Vec<Part>,
    skipped: Vec<Source>,
    left_out: LeftOut,
    filter: Filter,
    /// The source whose turn it is.
    turn: usize,
    /// What the last answer gave, in case it never arrived.
    last: Vec<Arc<Loan>>,
    /// Loans taken back from the last answer, to be given first.
    again: VecDeque<Arc<Loan>>,
    /// How many answers were given.
    pub(super) position: u64,
    /// Whether any page was fetched after the openings.
    pub(super) walked_on: bool,
}

#[derive(Debug)]
struct Part {
    contribution: Contribution,
    seen: Seen,
    /// Loans of fetched pages that were not given yet.
    held: VecDeque<Arc<Loan>>,
    given: usize,
}

impl Connected for Part {
    fn write(&self, out: &mut Vec<u8>) {
        self.contribution.write(out);
        self.seen.write(out);
        self.held.write(out);
        self.given.write(out);
    }

    fn read(from: &mut &[u8], connections: &Connections) -> Option<Self> {
        Some(Self {
            contribution: Connected::read(from, connections)?,
            seen: Binary::read(from)?,
            held: Binary::read(from)?,
            given: Binary::read(from)?,
        })
    }
}

impl Connected for Live {
    fn write(&self, out: &mut Vec<u8>) {
        self.parts.write(out);
        self.skipped.write(out);
        self.left_out.write(out);
        self.filter.write(out);
        self.turn.write(out);
        self.last.write(out);
        self.again.write(out);
        self.position.write(out);
        self.walked_on.write(out);
    }

    fn read(from: &mut &[u8], connections: &Connections) -> Option<Self> {
        Some(Self {
            parts: Connected::read(from, connections)?,
            skipped: Binary::read(from)?,
            left_out: Binary::read(from)?,
            filter: Binary::read(from)?,
            turn: Binary::read(from)?,
            last: Binary::read(from)?,
            again: Binary::read(from)?,
            position: Binary::read(from)?,
            walked_on: Binary::read(from)?,
        })
    }
}

impl Part {
    fn new(contribution: Contribution, all_ids: bool, filter: &Filter) -> Self {
        let mut part = Self {
            contribution,
            seen: Seen::new(all_ids),
            held: VecDeque::new(),
            given: 0,
        };
        let page = std::mem::take(&mut part.contribution.loans);
        part.hold(page, filter);
        part
    }

    fn hold(&mut self, page: Vec<Arc<Loan>>, filter: &Filter) {
        let (fresh, duplicates) = self.seen.first(page);
        let part = &mut self.contribution;
        part.duplicates = part.duplicates.saturating_add(duplicates);
        if filter.is_empty() {
            self.held.extend(fresh);
            return;
        }
        for loan in fresh {
            if filter.matches(&loan) {
                self.held.push_back(loan);
            } else {
                part.filtered = part.filtered.saturating_add(1);
            }
        }
    }

    fn over(&self) -> bool {
        self.held.is_empty() && self.contribution.walk.ended()
    }

    fn hungry(&self) -> bool {
        self.held.is_empty() && !self.contribution.walk.ended()
    }

    async fn feed(&mut self, filter: &Filter, deadline: Instant) {
        if self.hungry() {
            let page = self.contribution.walk.advance(deadline).await;
            self.hold(page, filter);
        }
    }
}

impl Live {
    /// A walk from these openings. `all_ids`: ids may repeat across a source's scopes.
    pub(super) fn new(
        openings: Vec<Contribution>,
        (skipped, left_out): (Vec<Source>, LeftOut),
        filter: Filter,
        all_ids: bool,
    ) -> Self {
        let parts = openings
            .into_iter()
            .map(|opening| {
                let repeats = all_ids || !opening.walk.connection.descriptor.announces_loans;
                Part::new(opening, repeats, &filter)
            })
            .collect();
        Self {
            parts,
            skipped,
            left_out,
            filter,
            turn: 0,
            last: Vec::new(),
            again: VecDeque::new(),
            position: 0,
            walked_on: false,
        }
    }

    /// Asks from now on for nothing but this. What was fetched before is given.
    pub(super) fn keep(&mut self, still: &Still) {
        for part in &mut self.parts {
            let walk = &mut part.contribution.walk;
            if let Some(scopes) = still.scopes.get(&walk.connection.id) {
                walk.keep(scopes);
            }
        }
        let left_out = still.left_out.iter();
        self.left_out
            .extend(left_out.map(|(id, reason)| (Arc::clone(id), *reason)));
    }

    /// The next answer: at most `limit` loans, one of each source in turn. It may be short, or empty, when the time
    /// does not suffice; only [`Live::over`] means the end.
    pub(super) async fn next(&mut self, limit: usize, deadline: Instant) -> Vec<Arc<Loan>> {
        let start = Instant::now();
        let mut given: Vec<Arc<Loan>> = Vec::with_capacity(limit.min(256));
        while given.len() < limit {
            match self.again.pop_front() {
                Some(loan) => {
                    self.count(&loan, |given| given.saturating_add(1));
                    given.push(loan);
                }
                None => break,
            }
        }
        let mut fed = false;
        while given.len() < limit && !self.over() {
            if self.parts.iter().any(Part::hungry) {
                if fed && !time_for_another_page(start, deadline) {
                    break;
                }
                self.feed(deadline).await;
                fed = true;
                continue;
            }
            self.deal(limit, &mut given, |parts| !parts.iter().any(Part::hungry));
        }
        // Out of time: what is at hand goes out, and the rest with the next answer.
        self.deal(limit, &mut given, |_| true);
        self.last.clone_from(&given);
        self.position = self.position.saturating_add(1);
        given
    }

    /// Whatever the sources have at hand, without a limit: for whoever reads them to the end.
    pub(super) async fn batch(&mut self, deadline: Instant) -> Vec<Arc<Loan>> {
        self.feed(deadline).await;
        let mut given = Vec::new();
        for part in &mut self.parts {
            part.given = part.given.saturating_add(part.held.len());
            given.extend(part.held.drain(..));
        }
        given
    }

    /// Takes the last answer back: it never arrived, and is to be given again.
    pub(super) fn rewind(&mut self) {
        for loan in std::mem::take(&mut self.last).into_iter().rev() {
            self.count(&loan, |given| given.saturating_sub(1));
            self.again.push_front(loan);
        }
        self.position = self.position.saturating_sub(1);
    }

    /// Counts a loan of a source as given, or as not given after all.
    fn count(&mut self, loan: &Loan, change: impl Fn(usize) -> usize) {
        let of = |part: &&mut Part| part.contribution.walk.connection.id == loan.connection;
        if let Some(part) = self.parts.iter_mut().find(of) {
            part.given = change(part.given);
        }
    }

    pub(super) fn over(&self) -> bool {
        self.again.is_empty() && self.parts.iter().all(Part::over)
    }

    /// Fetches the next page of every source that has nothing at hand, all at once.
    async fn feed(&mut self, deadline: Instant) {
        self.walked_on |= self.parts.iter().any(Part::hungry);
        let filter = &self.filter;
        join_all(self.parts.iter_mut().map(|part| part.feed(filter, deadline))).await;
    }

    /// Gives one loan of each source in turn, while `fair` and until the limit.
    fn deal(&mut self, limit: usize, given: &mut Vec<Arc<Loan>>, fair: impl Fn(&[Part]) -> bool) {
        let count = self.parts.len().max(1);
        while given.len() < limit && fair(&self.parts) && self.parts.iter().any(|part| !part.held.is_empty())
        {
            if let Some(part) = self.parts.get_mut(self.turn)
                && let Some(loan) = part.held.pop_front()
            {
                part.given = part.given.saturating_add(1);
                given.push(loan);
            }
            self.turn = self.turn.saturating_add(1).checked_rem(count).unwrap_or_default();
        }
    }

    /// How every source did so far.
    pub(super) fn sources(&self) -> Vec<Source> {
        let walked = self.parts.iter().map(|part| {
            let contribution = &part.contribution;
            report(
                &contribution.walk,
                contribution.from,
                part.given,
                contribution.duplicates,
                part.over(),
            )
        });
        let mut sources: Vec<Source> = walked.chain(self.skipped.iter().cloned()).collect();
        sources.sort_by(|left, right| left.connection.cmp(&right.connection));
        super::note(&mut sources, &self.left_out);
        sources
    }

    /// Loans in all, if every source that was asked says so and nothing is filtered here.
    pub(super) fn total(&self) -> Option<u64> {
        if !self.filter.is_empty() || self.parts.is_empty() {
            return None;
        }
        self.parts.iter().try_fold(0_u64, |sum, part| {
            sum.checked_add(part.contribution.walk.announced()?)
        })
    }

    /// Whether the answer at this place is its next, or the last that it gave.
    pub(super) fn is_at(&self, position: u64) -> bool {
        self.position == position || position.checked_add(1) == Some(self.position)
    }

    /// Roughly what it holds, in bytes.
    pub(super) fn size(&self) -> usize {
        let held = self
            .parts
            .iter()
            .flat_map(|part| &part.held)
            .chain(&self.last)
            .chain(&self.again);
        let seen = self
            .parts
            .iter()
            .map(|part| part.seen.size().saturating_add(part.contribution.walk.size()));
        held.map(|loan| super::size(loan))
            .chain(seen)
            .fold(0, usize::saturating_add)
    }
}

/// Whether as much time is left as was used so far; a page usually takes no longer than the last.
fn time_for_another_page(start: Instant, deadline: Instant) -> bool {
    let left = deadline.saturating_duration_since(Instant::now());
    left > Duration::from_millis(50) && left >= start.elapsed()
}
