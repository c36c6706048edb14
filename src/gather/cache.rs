//! What was fetched lately, and what is being fetched right now.
//!
//! An entry is one connection's complete contribution to one question. Nothing partial or failed is kept as if it
//! were complete. Concurrent identical questions share one fetch; it goes on as long as anybody waits for it, and
//! ends with the last of them.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared as Landing};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::connection::{Connection, Credential};
use super::contribution::Contribution;
use super::filter::Filter;
use super::shared::Shared;
use super::source::Cached;
use super::together::{Entries, Kept, Order, Together, keep_newer};
use crate::fleet::same_request;
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

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Everything that separates one answer from another. It cannot be built without the client and the credential.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) client: Client,
    pub(super) connection: Arc<str>,
    credential: Credential,
    pub(super) scopes: Vec<Scope>,
    pub(super) part: Part,
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

/// The cache of a gateway.
#[derive(Debug)]
pub(super) struct Cache {
    ages: Ages,
    kept: Entries,
    flights: Arc<Mutex<HashMap<Key, Weak<Flight>>>>,
    telemetry: Telemetry,
    shared: Option<Shared>,
}

/// A fetch that several callers wait for.
#[derive(Debug)]
struct Flight {
    landed: Landing<BoxFuture<'static, Kept>>,
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
            shared: None,
        }
    }

    /// From now on, what other gateways fetched is found too, and they find what this one did.
    pub(super) fn share(&mut self, shared: Option<Shared>) {
        self.shared = shared;
    }

    /// How long an entry can be of use.
    pub(super) fn life(&self) -> Duration {
        self.ages.max_age.max(self.ages.stale_if_error)
    }

    /// The contribution of `key`: from the cache if it is young enough for the caller, else from `fetch`, shared with
    /// whoever asks the same at the same time. `max_age` is the caller's; zero means a fetch of its own.
    pub(super) async fn get<F>(
        &self,
        connection: &Arc<Connection>,
        key: Key,
        max_age: Option<Duration>,
        deadline: Instant,
        fetch: impl FnOnce() -> F,
    ) -> Given
    where
        F: Future<Output = Contribution> + Send + 'static,
    {
        match self.known(&key, max_age) {
            Ok(known) => known,
            Err(old) => self.fetched(connection, key, max_age, deadline, old, fetch).await,
        }
    }

    /// What the cache has, if it is young enough for the caller; else what it has that is too old.
    pub(super) fn known(&self, key: &Key, max_age: Option<Duration>) -> Result<Given, Option<Kept>> {
        if self.ages.max_age.is_zero() {
            return Err(None);
        }
        let acceptable = max_age.unwrap_or(self.ages.max_age);
        match self.kept.get(key) {
            Some(kept) if kept.at.elapsed() <= acceptable && !acceptable.is_zero() => {
                self.telemetry.looked_up(Cached::Hit.as_str());
                Ok(kept.given(Cached::Hit))
            }
            old => Err(old),
        }
    }

    /// The contribution of a key of which nothing is known that is young enough; `old` is what is.
    pub(super) async fn fetched<F>(
        &self,
        connection: &Arc<Connection>,
        key: Key,
        max_age: Option<Duration>,
        deadline: Instant,
        old: Option<Kept>,
        fetch: impl FnOnce() -> F,
    ) -> Given
    where
        F: Future<Output = Contribution> + Send + 'static,
    {
        if self.ages.max_age.is_zero() {
            return Kept::of(fetch()).await.given(Cached::Off);
        }
        let acceptable = max_age.unwrap_or(self.ages.max_age);
        let found = self
            .look_up(connection, key, acceptable, deadline, old, fetch)
            .await;
        self.telemetry.looked_up(found.from.as_str());
        found
    }

    async fn look_up<F>(
        &self,
        connection: &Arc<Connection>,
        key: Key,
        acceptable: Duration,
        deadline: Instant,
        kept: Option<Kept>,
        fetch: impl FnOnce() -> F,
    ) -> Given
    where
        F: Future<Output = Contribution> + Send + 'static,
    {
        let order = Order {
            acceptable,
            deadline,
            known: kept.as_ref().map(|kept| kept.at),
        };
        let fetched = if acceptable.is_zero() {
            let fetched = Kept::of(fetch()).await;
            if let Some(shared) = self.shared.as_ref().filter(|_| fetched.contribution.is_whole()) {
                let names = shared.names(&key, &connection.digest);
                shared.give(names, &fetched.contribution, fetched.at, None);
            }
            fetched
        } else {
            self.join(connection, &key, order, fetch()).await
        };
        if fetched.contribution.is_whole() {
            keep_newer(&self.kept, &key, &fetched);
        }
        // What another gateway fetched may have come in meanwhile.
        let kept = if self.shared.is_some() && fetched.contribution.may_be_replaced() {
            self.older(connection, &key, acceptable).await
        } else {
            kept
        };
        match kept {
            Some(kept)
                if fetched.contribution.may_be_replaced()
                    && kept.at.elapsed() <= self.ages.stale_if_error =>
            {
                let stale = kept.contribution.in_place_of(&fetched.contribution);
                Kept::since(kept.at, stale).given(Cached::Stale)
            }
            _ if fetched.elsewhere => fetched.given(Cached::Hit),
            _ => fetched.given(Cached::Miss),
        }
    }

    /// What there is in place of a fetch that failed. Who accepted nothing but a fetch has not looked at what others have.
    async fn older(&self, connection: &Arc<Connection>, key: &Key, acceptable: Duration) -> Option<Kept> {
        if let Some(shared) = self.shared.as_ref().filter(|_| acceptable.is_zero())
            && let Some(entry) = shared.look(&shared.names(key, &connection.digest)).await
        {
            keep_newer(&self.kept, key, &Kept::of_another(entry));
        }
        self.kept.get(key)
    }

    /// Joins the fetch of this key that is under way, or starts it in a task of its own. One that ran out of time had
    /// the time of whoever started it; the others have theirs.
    async fn join(
        &self,
        connection: &Arc<Connection>,
        key: &Key,
        order: Order,
        fetch: impl Future<Output = Contribution> + Send + 'static,
    ) -> Kept {
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            match flights.get(key).and_then(Weak::upgrade) {
                Some(flight) => Err((flight, fetch)),
                None => {
                    let flight = self.take_off(connection, key.clone(), order, fetch);
                    flights.insert(key.clone(), Arc::downgrade(&flight));
                    Ok(flight)
                }
            }
        };
        match flight {
            Ok(mine) => mine.landed.clone().await,
            Err((joined, fetch)) => {
                let landed = joined.landed.clone().await;
                let too_old = landed.elsewhere && landed.at.elapsed() > order.acceptable;
                if landed.contribution.ran_out_of_time() || too_old {
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
        order: Order,
        fetch: impl Future<Output = Contribution> + Send + 'static,
    ) -> Arc<Flight> {
        let together = self.shared.clone().map(|shared| Together {
            names: shared.names(&key, &connection.digest),
            shared,
            kept: self.kept.clone(),
            key: key.clone(),
        });
        Arc::new_cyclic(|flight| {
            let place = Place {
                flights: Arc::clone(&self.flights),
                key,
                flight: Weak::clone(flight),
            };
            let task = spawn(same_request(async move {
                // Given back however the task ends, so that the next question takes off anew.
                let _place = place;
                match together {
                    Some(together) => Box::pin(together.fetch(order, fetch)).await,
                    None => Kept::of(fetch).await,
                }
            }));
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
        .fold(contribution.walk.size(), usize::saturating_add);
    u32::try_from(size).unwrap_or(u32::MAX)
}
