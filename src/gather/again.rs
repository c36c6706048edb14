//! Answers that are put together once for all who ask the same of the same data: one after another while it is cached,
//! and at once while it is fetched. Only those that are complete with the first part of each source.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;

use super::cache::Given;
use super::filter::{Filter, Sort};
use super::{Answer, Cached, Reason, Source};
use crate::loan::Loan;

/// Roughly how much all answers together may hold.
const CAPACITY: u64 = 32 * 1024 * 1024;

/// The loans of an answer, and what was written of them.
#[derive(Debug, Default)]
pub struct Loans {
    list: Vec<Arc<Loan>>,
    written: OnceLock<Written>,
}

/// What goes out.
#[derive(Debug, Clone)]
pub struct Written {
    /// As the media type has it.
    pub text: Bytes,
    /// What tells its facts from others.
    pub digest: u128,
}

impl Loans {
    /// The loans themselves.
    pub fn list(&self) -> &[Arc<Loan>] {
        &self.list
    }

    /// What `write` makes of them, which it does once.
    pub fn written<E>(&self, write: impl FnOnce(&[Arc<Loan>]) -> Result<Written, E>) -> Result<Written, E> {
        if let Some(written) = self.written.get() {
            return Ok(written.clone());
        }
        let written = write(&self.list)?;
        // Who was faster wrote the same.
        Ok(self.written.get_or_init(|| written).clone())
    }
}

impl From<Vec<Arc<Loan>>> for Loans {
    fn from(list: Vec<Arc<Loan>>) -> Self {
        Self {
            list,
            written: OnceLock::new(),
        }
    }
}

/// All that an answer follows from, but for what is the same for everybody who asks the same sources.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    /// Which contributions it is made of, in order.
    parts: Vec<u64>,
    /// Sources that were not asked, or not for everything, and why.
    reasons: Vec<(Arc<str>, Option<Reason>)>,
    filter: Filter,
    sort: Option<Sort>,
    limit: usize,
}

impl Question {
    /// `None` where a part is not shared: nobody will ask for the same one again.
    pub(super) fn of<'a>(
        parts: &[Given],
        reasons: impl Iterator<Item = (&'a Arc<str>, Option<Reason>)>,
        filter: &Filter,
        sort: Option<Sort>,
        limit: usize,
    ) -> Option<Self> {
        let shared = |part: &Given| matches!(part.from, Cached::Hit | Cached::Miss).then_some(part.number);
        Some(Self {
            parts: parts.iter().map(shared).collect::<Option<_>>()?,
            reasons: reasons.map(|(id, reason)| (Arc::clone(id), reason)).collect(),
            filter: filter.clone(),
            sort,
            limit,
        })
    }
}

/// Whole answers, by what they follow from.
#[derive(Debug)]
pub(super) struct Answers(moka::sync::Cache<Arc<Question>, Answer>);

impl Answers {
    pub(super) fn new(max_age: Duration) -> Self {
        let answers = moka::sync::Cache::builder()
            .max_capacity(CAPACITY)
            .weigher(|_: &Arc<Question>, answer: &Answer| weight(answer))
            .time_to_live(max_age)
            .build();
        Self(answers)
    }

    /// The answer to a question that was asked before, with reports of how these parts were come by now.
    pub(super) fn get(&self, question: &Arc<Question>, parts: &[Given]) -> Option<Answer> {
        let mut answer = self.0.get(question)?;
        for part in parts {
            let walk = &part.contribution.walk;
            let of_it = |source: &&mut Source| source.connection == walk.connection.id;
            if let Some(source) = answer.sources.iter_mut().find(of_it) {
                source.cache = part.from;
                (source.upstream_requests, source.elapsed) = part.cost();
            }
        }
        Some(answer)
    }

    /// Keeps an answer that is complete, and follows from its parts alone: nothing of it comes later.
    pub(super) fn keep(&self, question: Arc<Question>, answer: &Answer) {
        if answer.next.is_none() && answer.complete {
            self.0.insert(question, answer.clone());
        }
    }
}

/// What it keeps alive: the loans, and the text that is written of them.
fn weight(answer: &Answer) -> u32 {
    let sizes = answer.loans.list.iter().map(|loan| {
        let text = super::LOAN.saturating_add(loan.extensions.size());
        super::size(loan).saturating_add(text)
    });
    u32::try_from(sizes.fold(1024, usize::saturating_add)).unwrap_or(u32::MAX)
}
