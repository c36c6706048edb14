//! Going on from what a cursor names: in the memory of this process, or where gateways share.
//!
//! A set does not change, so whoever has it gives it. A walk does: what the others wrote counts before what is held here,
//! because another gateway may have stepped it since. If nobody can be asked, what is held here has to do.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{Instant, timeout_at};

use super::cache::Given;
use super::frozen::Frozen;
use super::held::{Held, Item};
use super::live::Live;
use super::query::{Answer, Followed, Place, Query, Refused};
use super::shared::{Known, Shared};
use super::source::Source;
use super::{Gateway, answer, begin};
use crate::fleet::same_request;
use crate::telemetry;

/// What begins the record of a walk.
pub(super) const WALK: u8 = 1;

impl Gateway {
    /// The answer at a place that a cursor names. `query` is the question as it would be asked now.
    pub async fn resume(&self, query: &Query, cursor: Followed, limit: usize) -> Result<Answer, Refused> {
        let place = cursor.place;
        match (self.held.get(place.id), &self.shared) {
            (Some(Item::Frozen(set)), shared) => {
                if let Some(shared) = shared {
                    let held = Arc::clone(&set);
                    shared.used(place.id, set.loans.len(), move || {
                        (held.head(), held.loans.clone())
                    });
                }
                set.page(place, limit).ok_or(Refused::Expired)
            }
            (Some(Item::Rows(_)), _) | (None, None) => Err(Refused::Expired),
            (Some(Item::Live(_)), _) => self.walk_on(query, cursor, limit).await,
            (None, Some(shared)) => match shared.head(cursor).await {
                Known::There(head) if head.first() == Some(&WALK) => self.walk_on(query, cursor, limit).await,
                Known::There(head) => Frozen::of_another(shared, &head, cursor, limit).await,
                Known::NotThere => Err(shared.gone(cursor)),
                Known::Away => Err(Refused::Unreachable),
            },
        }
    }

    /// Begins a walk and gives its first answer, and whether that is made of these parts and nothing more.
    pub(super) async fn set_out(
        &self,
        query: &Query,
        parts: Vec<Given>,
        skipped: Vec<Source>,
        limit: usize,
        deadline: Instant,
    ) -> Result<(Answer, bool), Refused> {
        let mut walk = begin(query, parts, skipped);
        let loans = walk.next(limit, deadline).await;
        let mut answer = answer(&walk, loans);
        let of_parts = !walk.walked_on;
        if !walk.over() {
            let (position, size) = (walk.position, walk.size());
            let record = self.shared.as_ref().map(|_| record(&walk));
            let id = self
                .held
                .keep(Item::Live(Arc::new(Mutex::new(walk))), size)
                .ok_or(Refused::SelectionTooHeavy)?;
            if let Some((shared, record)) = self.shared.as_ref().zip(record) {
                shared.hold_walk(id, record, None).await;
            }
            answer.next = Some(Place { id, position });
        }
        Ok((answer, of_parts))
    }

    /// The next answer of a walk; or the last one again, if it never arrived. In a task of its own, so that a caller
    /// who goes away in the middle leaves a walk that can be followed.
    async fn walk_on(&self, query: &Query, cursor: Followed, limit: usize) -> Result<Answer, Refused> {
        let (place, deadline) = (cursor.place, self.limits.cutoff());
        let still = query.still(self.connections.values());
        let (held, shared) = (self.held.clone(), self.shared.clone());
        let step = telemetry::spawn(same_request(async move {
            let (lease, theirs) = match &shared {
                Some(shared) => match shared.step(place.id, deadline).await {
                    Known::There(lease) => (Some(lease), shared.walk(cursor).await),
                    Known::NotThere => return Err(Refused::Busy),
                    Known::Away => (None, Known::Away),
                },
                None => (None, Known::NotThere),
            };
            let lost = match &shared {
                Some(shared) => (shared.gone(cursor), shared.passed()),
                None => (Refused::Expired, Refused::Expired),
            };
            let mut live = take_up(&held, place, theirs, lost, deadline).await?;
            if place.position != live.position {
                live.rewind();
            }
            live.keep(&still);
            let loans = live.next(limit, deadline).await;
            let mut answer = answer(&live, loans);
            // The end is held too: its last answer may have to be given again.
            let walk = OwnedMutexGuard::mutex(&live);
            held.update(place.id, Item::Live(Arc::clone(walk)), live.size());
            if let Some(shared) = &shared {
                shared.hold_walk(place.id, record(&live), lease).await;
            }
            if !live.over() {
                answer.next = Some(Place {
                    id: place.id,
                    position: live.position,
                });
            }
            Ok(answer)
        }));
        step.await.unwrap_or(Err(Refused::Expired))
    }
}

/// The walk at this place, for one step: `theirs` if it is that, else what is held here, if it is further. What it means if
/// neither is: that the walk is `gone`, or that it has `passed` this place.
async fn take_up(
    held: &Held,
    place: Place,
    theirs: Known<Live>,
    (gone, passed): (Refused, Refused),
    deadline: Instant,
) -> Result<OwnedMutexGuard<Live>, Refused> {
    let here = match held.get(place.id) {
        Some(Item::Live(walk)) => Some(walk),
        Some(Item::Frozen(_) | Item::Rows(_)) | None => None,
    };
    let (behind, otherwise) = match theirs {
        Known::There(theirs) if theirs.is_at(place.position) => {
            let Some(walk) = here else {
                return Ok(Arc::new(Mutex::new(theirs)).lock_owned().await);
            };
            let mut live = lock(walk, deadline).await?;
            *live = theirs;
            return Ok(live);
        }
        // This one went on while nothing was shared; or it is what another gateway has left behind.
        Known::There(theirs) if theirs.position < place.position => (Some(theirs.position), gone),
        Known::There(theirs) => (Some(theirs.position), passed),
        Known::NotThere => (None, gone),
        Known::Away => (None, Refused::Unreachable),
    };
    let live = lock(here.ok_or(otherwise)?, deadline).await?;
    if live.is_at(place.position) && behind.is_none_or(|behind| behind < live.position) {
        Ok(live)
    } else {
        Err(otherwise)
    }
}

async fn lock(walk: Arc<Mutex<Live>>, deadline: Instant) -> Result<OwnedMutexGuard<Live>, Refused> {
    let locked = timeout_at(deadline, walk.lock_owned()).await;
    locked.map_err(|_| Refused::Busy)
}

/// All of a walk, for other gateways to go on with.
fn record(walk: &Live) -> Vec<u8> {
    let mut record = vec![WALK];
    super::written::Connected::write(walk, &mut record);
    record
}

impl Shared {
    /// The walk of this name, as far as any gateway went on with it.
    async fn walk(&self, cursor: Followed) -> Known<Live> {
        match self.head(cursor).await {
            Known::There(record) => {
                let walk = record.split_first().filter(|(kind, _)| **kind == WALK);
                let walk = walk.and_then(|(_, record)| self.connected(record));
                walk.map_or(Known::NotThere, Known::There)
            }
            Known::NotThere => Known::NotThere,
            Known::Away => Known::Away,
        }
    }
}
