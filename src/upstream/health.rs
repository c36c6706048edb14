//! What real traffic says about an upstream. No probes.

use std::sync::Mutex;

use chrono::{DateTime, Utc};

use super::error::Kind;

/// Counts and last events since the process started.
#[derive(Debug, Clone, Copy, Default)]
pub struct Health {
    /// Attempts answered with a usable body.
    pub succeeded: u64,
    /// Attempts that were not.
    pub failed: u64,
    /// Attempts that were made again.
    pub retried: u64,
    /// When an attempt last succeeded.
    pub last_success_at: Option<DateTime<Utc>>,
    /// When and how an attempt last failed.
    pub last_failure: Option<(DateTime<Utc>, Kind)>,
}

/// A [`Health`] that many requests write.
#[derive(Debug, Default)]
pub(super) struct Observed(Mutex<Health>);

impl Observed {
    pub(super) fn read(&self) -> Health {
        *self.lock()
    }

    pub(super) fn succeeded(&self, now: DateTime<Utc>) {
        let mut health = self.lock();
        health.succeeded = health.succeeded.saturating_add(1);
        health.last_success_at = Some(now);
    }

    pub(super) fn retried(&self) {
        let mut health = self.lock();
        health.retried = health.retried.saturating_add(1);
    }

    pub(super) fn failed(&self, now: DateTime<Utc>, kind: Kind) {
        let mut health = self.lock();
        health.failed = health.failed.saturating_add(1);
        health.last_failure = Some((now, kind));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Health> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
