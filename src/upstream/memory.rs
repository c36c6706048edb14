//! How many decoded bytes all upstream answers together may hold.
//!
//! A body announces little and may grow to its cap, so it takes a place of the next size before it grows, and only
//! then gives the smaller one back. Whoever holds a place of the largest size waits for nobody, hence nobody waits in
//! a circle.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Held without asking: most answers are this small, and a request holds a few at most.
pub(super) const FREE: u64 = 32 * 1024;
const SMALL: u64 = 256 * 1024;
const MIDDLE: u64 = 2 * 1024 * 1024;

/// The places of every size, shared by all connections of a gateway.
#[derive(Debug, Clone)]
pub struct Memory {
    sizes: Arc<[(u64, Arc<Semaphore>)]>,
}

/// What a body holds. Given back when the body is dropped.
#[derive(Debug, Default)]
pub(super) struct Held {
    size: u64,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Memory {
    /// Places for `total` bytes, of which one body may hold `body`. Half is for the largest bodies.
    pub fn new(total: u64, body: u64) -> Self {
        let places = |share: u64, size: u64| {
            let places = share.checked_div(size.max(1)).unwrap_or_default();
            let places = usize::try_from(places.max(1)).unwrap_or(Semaphore::MAX_PERMITS);
            (size, Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))))
        };
        let quarter = total.checked_div(4).unwrap_or_default();
        let largest = total.checked_div(2).unwrap_or_default();
        let mut sizes = Vec::with_capacity(3);
        for size in [SMALL, MIDDLE] {
            if size < body {
                sizes.push(places(quarter, size));
            }
        }
        sizes.push(places(largest, body));
        Self { sizes: sizes.into() }
    }

    /// Makes sure that `held` has room for `size` bytes, waiting for a place if it must.
    pub(super) async fn grow(&self, held: &mut Held, size: u64) {
        if size <= FREE || size <= held.size {
            return;
        }
        let Some((place, semaphore)) = self.sizes.iter().find(|(place, _)| size <= *place) else {
            return;
        };
        // The semaphore is never closed; without it the cap of one body still holds.
        let permit = Arc::clone(semaphore).acquire_owned().await.ok();
        *held = Held {
            size: *place,
            _permit: permit,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[tokio::test]
    async fn everybody_gets_through_and_never_more_than_fits() {
        let memory = Memory::new(64 * MIB, 8 * MIB);
        let bodies = (0..64_u64).map(|_| {
            let memory = memory.clone();
            tokio::spawn(async move {
                let mut held = Held::default();
                for size in [FREE, SMALL, MIDDLE, 8 * MIB] {
                    memory.grow(&mut held, size).await;
                    let taken: u64 = memory
                        .sizes
                        .iter()
                        .map(|(size, free)| {
                            let places = if *size == 8 * MIB {
                                32 * MIB / size
                            } else {
                                16 * MIB / size
                            };
                            (places - u64::try_from(free.available_permits()).unwrap()) * size
                        })
                        .sum();
                    assert!(taken <= 64 * MIB);
                    tokio::task::yield_now().await;
                }
            })
        });
        for body in bodies.collect::<Vec<_>>() {
            body.await.unwrap();
        }
        assert_eq!(
            memory
                .sizes
                .iter()
                .map(|(_, free)| free.available_permits())
                .sum::<usize>(),
            64 + 8 + 4
        );
    }

    #[tokio::test]
    async fn a_small_cap_has_one_size() {
        let memory = Memory::new(MIB, 64 * 1024);
        assert_eq!(memory.sizes.len(), 1);
        let mut held = Held::default();
        memory.grow(&mut held, 60 * 1024).await;
        assert_eq!(held.size, 64 * 1024);
    }
}
