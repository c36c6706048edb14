//! One fetch for all gateways: what another has or fetches right now is not fetched again.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::cache::{Given, Key};
use super::contribution::Contribution;
use super::shared::{Entry, EntryNames, Shared};
use super::source::Cached;
use crate::fleet::Taken;

/// What is kept in this process.
pub(super) type Entries = moka::sync::Cache<Key, Kept>;

/// A contribution that is kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) contribution: Arc<Contribution>,
    number: u64,
    /// When the upstream was asked: it may have changed while it answered.
    pub(super) at: Instant,
    /// Whether another gateway asked it.
    pub(super) elsewhere: bool,
}

impl Kept {
    pub(super) async fn of(fetch: impl Future<Output = Contribution>) -> Self {
        let at = Instant::now();
        Self::since(at, fetch.await)
    }

    pub(super) fn since(at: Instant, contribution: Contribution) -> Self {
        static KEPT: AtomicU64 = AtomicU64::new(0);
        Self {
            contribution: Arc::new(contribution),
            number: KEPT.fetch_add(1, Ordering::Relaxed),
            at,
            elsewhere: false,
        }
    }

    /// What another gateway fetched.
    pub(super) fn of_another(entry: Entry) -> Self {
        Self {
            elsewhere: true,
            ..Self::since(entry.at, entry.contribution)
        }
    }

    pub(super) fn given(&self, from: Cached) -> Given {
        Given {
            contribution: Arc::clone(&self.contribution),
            number: self.number,
            from,
        }
    }
}

/// What a question asks of an entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    /// How old it may be.
    pub(super) acceptable: Duration,
    /// When the answer must be there.
    pub(super) deadline: Instant,
    /// Since when what is here is known.
    pub(super) known: Option<Instant>,
}

/// A fetch that one gateway makes for all.
#[derive(Debug)]
pub(super) struct Together {
    pub(super) shared: Shared,
    pub(super) names: EntryNames,
    pub(super) kept: Entries,
    pub(super) key: Key,
}

impl Together {
    /// What another gateway has or fetches now; else fetches, and gives it to the others.
    pub(super) async fn fetch(self, order: Order, fetch: impl Future<Output = Contribution>) -> Kept {
        let mut known = order.known;
        // Whoever waited, and got nothing, asks once more: what it waited for may have been no fetch.
        for _ in 0..2 {
            let (taken, entry) = self.shared.take(&self.names).await;
            if let Some(entry) = entry {
                let theirs = Kept::of_another(entry);
                keep_newer(&self.kept, &self.key, &theirs);
                if theirs.at.elapsed() <= order.acceptable {
                    return theirs;
                }
                known = known.max(Some(theirs.at));
            }
            match taken {
                Taken::Ours(lease) => {
                    let fetched = Kept::of(fetch).await;
                    if fetched.contribution.is_whole() {
                        self.shared
                            .give(self.names, &fetched.contribution, fetched.at, Some(lease));
                    }
                    return fetched;
                }
                Taken::Theirs => {
                    if let Some(entry) = self.shared.wait(&self.names, known, order.deadline).await {
                        return Kept::of_another(entry);
                    }
                }
                Taken::Away => break,
            }
        }
        Kept::of(fetch).await
    }
}

/// Keeps it, unless something newer is kept.
pub(super) fn keep_newer(kept: &Entries, key: &Key, new: &Kept) {
    if kept.get(key).is_none_or(|known| known.at < new.at) {
        kept.insert(key.clone(), new.clone());
    }
}
