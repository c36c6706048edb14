//! What real traffic says about an upstream. No probes.

use std::sync::{Arc, Mutex, PoisonError};

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
    /// When and how an attempt last failed. What an open circuit keeps back is none: why it opened is worth more.
    pub last_failure: Option<(DateTime<Utc>, Kind)>,
}

/// What an answer that came turns out to be when it is read; written down when it is dropped.
#[derive(Debug)]
pub(super) struct Verdict {
    health: Arc<Observed>,
    at: DateTime<Utc>,
    failed: Mutex<Option<Kind>>,
}

impl Verdict {
    pub(super) fn new(health: &Arc<Observed>, at: DateTime<Utc>) -> Self {
        Self {
            health: Arc::clone(health),
            at,
            failed: Mutex::default(),
        }
    }

    /// It is of no use. Whether nobody has said so yet.
    pub(super) fn fails(&self, kind: Kind) -> bool {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.replace(kind).is_none()
    }
}

impl Drop for Verdict {
    fn drop(&mut self) {
        match *self.failed.get_mut().unwrap_or_else(PoisonError::into_inner) {
            Some(kind) => self.health.failed(self.at, kind),
            None => self.health.succeeded(self.at),
        }
    }
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
        if kind != Kind::CircuitOpen {
            health.last_failure = Some((now, kind));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Health> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
