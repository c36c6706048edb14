//! What upstreams send that their documents do not mention, counted per connection. Names, never values.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::record::{Drift, DriftKind};

/// Names kept per connection. An upstream with random keys must not fill the memory.
const MAX_NAMES: usize = 256;

/// Counters of one connection since the process started.
#[derive(Debug, Default)]
pub struct DriftCounters(Mutex<BTreeMap<Drift, u64>>);

impl DriftCounters {
    /// Counts what one page brought.
    pub fn count(&self, page: Vec<Drift>) {
        if page.is_empty() {
            return;
        }
        let mut counters = self.lock();
        for drift in page {
            let room = counters.len() < MAX_NAMES || counters.contains_key(&drift);
            let drift = if room {
                drift
            } else {
                Drift {
                    kind: drift.kind,
                    field: "(other)".to_owned(),
                }
            };
            let count = counters.entry(drift).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// The counters, by kind and name.
    pub fn read(&self) -> Vec<(DriftKind, String, u64)> {
        self.lock()
            .iter()
            .map(|(drift, count)| (drift.kind, drift.field.clone(), *count))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Drift, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
