//! What came of reading one source.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::upstream::Error;

/// What came of a walk so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// Whether any page counts as an answer.
    pub(super) answered: bool,
    /// Whether something of it was not read.
    pub(super) cut: bool,
    /// What went wrong; of several things the worst.
    pub(super) error: Option<Error>,
    /// Records that could not become loans.
    pub(super) rejected: usize,
    /// Records in all scopes, as the provider says; `None` once one of them does not say.
    pub(super) announced: Option<u64>,
    /// Scopes read to their end, and of them all: what they announced first, and the records that came.
    pub(super) read: Read,
    /// When the last page was fetched.
    pub(super) fetched_at: Option<DateTime<Utc>>,
    /// Requests sent.
    pub(super) requests: u32,
    /// Time spent waiting for pages.
    pub(super) elapsed: Duration,
}

/// What the scopes that were read to their end announced and gave.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Read {
    pub(super) scopes: usize,
    pub(super) announced: u64,
    pub(super) received: u64,
}

binary! {
    Tally { answered, cut, error, rejected, announced, read, fetched_at, requests, elapsed }
    Read { scopes, announced, received }
}

impl Tally {
    /// Keeps the worse of two errors.
    pub(super) fn worst(&mut self, error: Error) {
        if self
            .error
            .as_ref()
            .is_none_or(|known| known.kind.severity() < error.kind.severity())
        {
            self.error = Some(error);
        }
    }
}
