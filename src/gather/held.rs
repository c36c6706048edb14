//! What cursors name: frozen sets and walks, held for as long as a cursor can be followed, the least recently used
//! going first when there is not enough room.

use std::sync::Arc;
use std::time::Duration;

use moka::policy::EvictionPolicy;
use tokio::sync::Mutex;

use super::detail::Listing;
use super::frozen::Frozen;
use super::live::Live;

/// Roughly how much all of it together may take.
const CAPACITY: u64 = 64 * 1024 * 1024;

/// Something a cursor names.
#[derive(Debug, Clone)]
pub(super) enum Item {
    Frozen(Arc<Frozen>),
    Rows(Arc<Listing>),
    Live(Arc<Mutex<Live>>),
}

#[derive(Debug, Clone)]
struct Entry {
    item: Item,
    size: u32,
}

/// All that is held. Outlives a reload of the config, so that cursors do.
#[derive(Debug, Clone)]
pub struct Held {
    items: moka::sync::Cache<u128, Entry>,
    ttl: Duration,
}

impl Held {
    /// Holds everything for `ttl` after it was last used.
    pub fn new(ttl: Duration) -> Self {
        let held = moka::sync::Cache::builder()
            .max_capacity(CAPACITY)
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|_: &u128, entry: &Entry| entry.size)
            .time_to_idle(ttl)
            .build();
        Self { items: held, ttl }
    }

    /// How long an item is held that nobody uses.
    pub(super) fn ttl(&self) -> Duration {
        self.ttl
    }

    /// Keeps an item under a name nobody can guess. `None` if it alone is more than there is room for: a cursor that
    /// leads nowhere is not given out.
    pub(super) fn keep(&self, item: Item, size: usize) -> Option<u128> {
        u64::try_from(size).ok().filter(|size| *size <= CAPACITY)?;
        let id = uuid::Uuid::new_v4().as_u128();
        self.update(id, item, size);
        Some(id)
    }

    /// The item of this name, if it is still there.
    pub(super) fn get(&self, id: u128) -> Option<Item> {
        self.items.get(&id).map(|entry| entry.item)
    }

    /// Keeps an item that has changed its size.
    pub(super) fn update(&self, id: u128, item: Item, size: usize) {
        self.items.insert(
            id,
            Entry {
                item,
                size: u32::try_from(size).unwrap_or(u32::MAX),
            },
        );
    }
}
