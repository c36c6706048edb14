//! What was fetched lately, and what is being fetched right now.
//!
//! An entry is one connection's complete contribution to one question. Nothing partial or failed is kept as if it
//! were complete. Concurrent identical questions share one fetch; it goes on as long as anybody waits for it, and
//! ends with the last of them.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::connection::{Connection, Credential};
use super::contribution::Contribution;
use super::filter::Filter;
use super::source::Cached;
use crate::providers::Scope;
use crate::telemetry::{Telemetry, spawn};

/// Roughly how much all entries together may hold.
const CAPACITY: u64 = 64 * 1024 * 1024;
/// Who asks. Answers are never shared between two of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Client(Arc<str>);

impl Client {
    /// Everybody, where callers are not told apart.
    pub fn anonymous() -> Self {
        Self(Arc::from(""))
    }

    /// The client of this id.
    pub fn named(id: &str) -> Self {
        Self(Arc::from(id))
    }
}

/// Everything that separates one answer from another. It cannot be built without the client and the credential.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    client: Client,
    connection: Arc<str>,
    credential: Credential,
    scopes: Vec<Scope>,
    part: Part,
}

/// Which part of the scopes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// All of it that the filter lets pass.
    Whole(Box<Filter>),
    /// The first page, to walk on from.
    Opening,
}

impl Key {
    pub(super) fn new(client: &Client, connection: &Connection, scopes: &[Scope], part: Part) -> Self {
        Self {
            client: client.clone(),
            connection: Arc::clone(&connection.id),
            credential: connection.credential,
            scopes: scopes.to_vec(),
            part,
        }
    }
}

/// How long entries count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ages {
    /// How old data may be when the caller says nothing; zero turns the cache off.
    pub max_age: Duration,
    /// How old it may be when the upstream fails.
    pub stale_if_error: Duration,
}

/// A contribution as a question gets it. It may be shared with others.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) contribution: Arc<Contribution>,
    /// Which one it is: no two have the same number.
    pub(super) number: u64,
    pub(super) from: Cached,
}

impl Given {
    /// Requests that it cost this question, and time. What the cache has costs nothing.
    pub(super) fn cost(&self) -> (u32, Duration) {
        let tally = &self.contribution.walk.tally;
        match self.from {
            Cached::Hit => (0, Duration::ZERO),
            Cached::Miss | Cached::Stale | Cached::Off => (tally.requests, tally.elapsed),
        }
    }

    /// The contribution, for this question to go on with.
    pub(super) fn own(self) -> Contribution {
        let ((requests, elapsed), from) = (self.cost(), self.from);
        let mut own = Arc::unwrap_or_clone(self.contribution);
        own.from = from;
        own.walk.tally.requests = requests;
        own.walk.tally.elapsed = elapsed;
        own
    }
}

#[derive(Debug, Clone)]
struct Kept {
    contribution: Arc<Contribution>,
    number: u64,
    /// When the upstream was asked: it may have changed while it answered.
    at: Instant,
}

impl Kept {
    async fn of(fetch: impl Future<Output = Contribution>) -> Self {
        let at = Instant::now();
        Self::since(at, fetch.await)
    }

    fn since(at: Instant, contribution: Contribution) -> Self {
        static KEPT: AtomicU64 = AtomicU64::new(0);
        Self {
            contribution: Arc::new(contribution),
            number: KEPT.fetch_add(1, Ordering::Relaxed),
            at,
        }
    }

    fn given(&self, from: Cached) -> Given {
        Given {
            contribution: Arc::clone(&self.contribution),
            number: self.number,
            from,
        }
    }
}

/// The cache of a gateway.
#[derive(Debug)]
pub(super) struct Cache {
    ages: Ages,
    kept: moka::sync::Cache<Key, Kept>,
    flights: Arc<Mutex<HashMap<Key, Weak<Flight>>>>,
    telemetry: Telemetry,
}

/// A fetch that several callers wait for.
#[derive(Debug)]
struct Flight {
    landed: Shared<BoxFuture<'static, Kept>>,
    task: AbortHandle,
}

impl Drop for Flight {
    /// The last one who waited is gone; so is the reason to ask the upstream.
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Cache {
    pub(super) fn new(ages: Ages, telemetry: Telemetry) -> Self {
        let kept = moka::sync::Cache::builder()
            .max_capacity(CAPACITY)
            .weigher(|_: &Key, kept: &Kept| weight(&kept.contribution))
            .time_to_live(ages.max_age.max(ages.stale_if_error))
            .build();
        Self {
            ages,
            kept,
            flights: Arc::default(),
            telemetry,
        }
    }

    /// The contribution of `key`: from the cache if it is young enough for the caller, else from `fetch`, shared with
    /// whoever asks the same at the same time. `max_age` is the caller's; zero means a fetch of its own.
    pub(super) async fn get<F>(
        &self,
        connection: &Arc<Connection>,
        key: Key,
        max_age: Option<Duration>,
        fetch: impl FnOnce() -> F,
    ) -> Given
    where
        F: Future<Output = Contribution> + Send + 'static,
    {
        if self.ages.max_age.is_zero() {
            return Kept::of(fetch()).await.given(Cached::Off);
        }
        let found = self.look_up(connection, key, max_age, fetch).await;
        self.telemetry.looked_up(found.from.as_str());
        found
    }

    async fn look_up<F>(
        &self,
        connection: &Arc<Connection>,
        key: Key,
        max_age: Option<Duration>,
        fetch: impl FnOnce() -> F,
    ) -> Given
    where
        F: Future<Output = Contribution> + Send + 'static,
    {
        let acceptable = max_age.unwrap_or(self.ages.max_age);
        let kept = self.kept.get(&key);
        if let Some(kept) = &kept
            && kept.at.elapsed() <= acceptable
            && !acceptable.is_zero()
        {
            return kept.given(Cached::Hit);
        }
        let fetched = if acceptable.is_zero() {
            Kept::of(fetch()).await
        } else {
            self.join(connection, &key, fetch()).await
        };
        if fetched.contribution.is_whole() && self.kept.get(&key).is_none_or(|known| known.at < fetched.at) {
            self.kept.insert(key, fetched.clone());
        }
        match kept {
            Some(kept)
                if fetched.contribution.may_be_replaced()
                    && kept.at.elapsed() <= self.ages.stale_if_error =>
            {
                let stale = kept.contribution.in_place_of(&fetched.contribution);
                Kept::since(kept.at, stale).given(Cached::Stale)
            }
            _ => fetched.given(Cached::Miss),
        }
    }

    /// Joins the fetch of this key that is under way, or starts it in a task of its own. One that ran out of time had
    /// the time of whoever started it; the others have theirs.
    async fn join(
        &self,
        connection: &Arc<Connection>,
        key: &Key,
        fetch: impl Future<Output = Contribution> + Send + 'static,
    ) -> Kept {
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            match flights.get(key).and_then(Weak::upgrade) {
                Some(flight) => Err((flight, fetch)),
                None => {
                    let flight = self.take_off(connection, key.clone(), fetch);
                    flights.insert(key.clone(), Arc::downgrade(&flight));
                    Ok(flight)
                }
            }
        };
        match flight {
            Ok(mine) => mine.landed.clone().await,
            Err((joined, fetch)) => {
                let landed = joined.landed.clone().await;
                if landed.contribution.ran_out_of_time() {
                    Kept::of(fetch).await
                } else {
                    landed
                }
            }
        }
    }

    fn take_off(
        &self,
        connection: &Arc<Connection>,
        key: Key,
        fetch: impl Future<Output = Contribution> + Send + 'static,
    ) -> Arc<Flight> {
        Arc::new_cyclic(|flight| {
            let place = Place {
                flights: Arc::clone(&self.flights),
                key,
                flight: Weak::clone(flight),
            };
            let task = spawn(async move {
                // Given back however the task ends, so that the next question takes off anew.
                let _place = place;
                Kept::of(fetch).await
            });
            let abort = task.abort_handle();
            let connection = Arc::clone(connection);
            let landed = task.map(move |ended| {
                ended.unwrap_or_else(|_| Kept::since(Instant::now(), Contribution::defect(&connection)))
            });
            Flight {
                landed: landed.boxed().shared(),
                task: abort,
            }
        })
    }
}

/// A key's place among the flights.
#[derive(Debug)]
struct Place {
    flights: Arc<Mutex<HashMap<Key, Weak<Flight>>>>,
    key: Key,
    flight: Weak<Flight>,
}

impl Drop for Place {
    /// Another flight may have taken the place of one that was given up.
    fn drop(&mut self) {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if flights
            .get(&self.key)
            .is_some_and(|flight| flight.ptr_eq(&self.flight))
        {
            flights.remove(&self.key);
        }
    }
}

fn weight(contribution: &Contribution) -> u32 {
    let size = contribution
        .loans
        .iter()
        .map(|loan| super::size(loan))
        .fold(1024, usize::saturating_add);
    u32::try_from(size).unwrap_or(u32::MAX)
}
