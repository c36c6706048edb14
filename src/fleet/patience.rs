//! What Redis may cost one request: its time-out once, however often it is asked.
//!
//! A request asks several times: for its client's rate, for what is cached, for a lease. A Redis that is slow, but not
//! slow enough to be given up, would cost each of them. So the time counts that any of them waited.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

tokio::task_local! {
    static PATIENCE: Arc<Patience>;
}

/// Runs the work of one request.
pub async fn one_request<T>(work: impl Future<Output = T>) -> T {
    PATIENCE.scope(Arc::default(), work).await
}

/// The same work as part of the request that this task works for: for what goes on in a task of its own.
pub fn same_request<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let patience = PATIENCE.try_with(Arc::clone).unwrap_or_default();
    PATIENCE.scope(patience, work)
}

/// The patience of the request that this task works for; a fresh one for what is no request's.
pub(super) fn current() -> Arc<Patience> {
    PATIENCE.try_with(Arc::clone).unwrap_or_default()
}

/// The time that a request waited.
#[derive(Debug, Default)]
pub(super) struct Patience(Mutex<Spent>);

#[derive(Debug, Default)]
struct Spent {
    over: Duration,
    /// How many questions are open, and since when any is.
    open: u32,
    since: Option<Instant>,
}

impl Patience {
    /// What is left of `all`.
    pub(super) fn left(&self, all: Duration) -> Duration {
        let spent = self.lock();
        let running = spent.since.map(|since| since.elapsed()).unwrap_or_default();
        all.saturating_sub(spent.over).saturating_sub(running)
    }

    /// A question that is open as long as the result lives. Of several at once, each moment counts once.
    pub(super) fn waits(self: &Arc<Self>) -> Waiting {
        let mut spent = self.lock();
        spent.open = spent.open.saturating_add(1);
        spent.since = spent.since.or_else(|| Some(Instant::now()));
        Waiting(Arc::clone(self))
    }

    fn lock(&self) -> MutexGuard<'_, Spent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open question.
#[derive(Debug)]
pub(super) struct Waiting(Arc<Patience>);

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut spent = self.0.lock();
        spent.open = spent.open.saturating_sub(1);
        if spent.open == 0
            && let Some(since) = spent.since.take()
        {
            spent.over = spent.over.saturating_add(since.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const ALL: Duration = Duration::from_millis(50);

    #[tokio::test(start_paused = true)]
    async fn every_moment_of_waiting_counts_once() {
        let patience: Arc<Patience> = Arc::default();
        let (one, two) = (patience.waits(), patience.waits());
        advance(Duration::from_millis(10)).await;
        drop(one);
        advance(Duration::from_millis(5)).await;
        assert_eq!(patience.left(ALL), Duration::from_millis(35));
        drop(two);
        advance(Duration::from_secs(1)).await;
        assert_eq!(patience.left(ALL), Duration::from_millis(35));
        let three = patience.waits();
        advance(Duration::from_millis(100)).await;
        assert_eq!(patience.left(ALL), Duration::ZERO);
        drop(three);
        assert_eq!(patience.left(ALL), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_of_its_own_has_the_patience_of_its_request() {
        one_request(async {
            let waiting = current().waits();
            advance(Duration::from_millis(20)).await;
            drop(waiting);
            let left = tokio::spawn(same_request(async { current().left(ALL) }));
            assert_eq!(left.await.unwrap(), Duration::from_millis(30));
            let fresh = tokio::spawn(async { current().left(ALL) });
            assert_eq!(fresh.await.unwrap(), ALL);
        })
        .await;
    }
}
