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
use futures_util::future::{BoxFuture, Shared};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::connection::{Connection, Credential};
use super::{Contribution, Source, Status};
use crate::loan::Loan;
use crate::providers::Scope;
use crate::upstream::Kind;

/// Roughly how much all entries together may hold.
const CAPACITY: u64 = 64 * 1024 * 1024;
/// Roughly what one loan takes, beside the record it came in.
const LOAN: usize = 2 * 1024;

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
    provider: &'static str,
    credential: Credential,
    scopes: Vec<Scope>,
    enough: usize,
}

impl Key {
    pub(super) fn new(client: &Client, connection: &Connection, scopes: &[Scope], enough: usize) -> Self {
        Self {
            client: client.clone(),
            connection: Arc::clone(&connection.id),
            provider: connection.descriptor.name,
            credential: connection.credential,
            scopes: scopes.to_vec(),
            enough,
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

#[derive(Debug, Clone)]
struct Kept {
    contribution: Arc<Contribution>,
    at: Instant,
}

/// The cache of a gateway.
#[derive(Debug)]
pub(super) struct Cache {
    ages: Ages,
    kept: moka::sync::Cache<Key, Kept>,
    flights: Arc<Mutex<HashMap<Key, Weak<Flight>>>>,
}

/// A fetch that several callers wait for.
#[derive(Debug)]
struct Flight {
    landed: Shared<BoxFuture<'static, Arc<Contribution>>>,
    task: AbortHandle,
}

impl Drop for Flight {
    /// The last one who waited is gone; so is the reason to ask the upstream.
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Cache {
    pub(super) fn new(ages: Ages) -> Self {
        let kept = moka::sync::Cache::builder()
            .max_capacity(CAPACITY)
            .weigher(|_: &Key, kept: &Kept| weight(&kept.contribution))
            .time_to_live(ages.max_age.max(ages.stale_if_error))
            .build();
        Self {
            ages,
            kept,
            flights: Arc::default(),
        }
    }

    /// The contribution of `key`: from the cache if it is young enough for the caller, else from `fetch`, shared with
    /// whoever asks the same at the same time. `max_age` is the caller's; zero means a fetch of its own.
    pub(super) async fn get(
        &self,
        key: Key,
        max_age: Option<Duration>,
        fetch: impl Future<Output = Contribution> + Send + 'static,
    ) -> Contribution {
        if self.ages.max_age.is_zero() {
            return fetch.await;
        }
        let acceptable = max_age.unwrap_or(self.ages.max_age);
        let kept = self.kept.get(&key);
        if let Some(kept) = &kept
            && kept.at.elapsed() <= acceptable
            && !acceptable.is_zero()
        {
            return kept.contribution.served_as("hit");
        }
        let fetched = if acceptable.is_zero() {
            Arc::new(fetch.await)
        } else {
            self.join(&key, fetch).await
        };
        if fetched.is_whole() {
            self.kept.insert(
                key,
                Kept {
                    contribution: Arc::clone(&fetched),
                    at: Instant::now(),
                },
            );
        }
        match kept {
            Some(kept) if fetched.may_be_replaced() && kept.at.elapsed() <= self.ages.stale_if_error => {
                kept.contribution.in_place_of(&fetched)
            }
            _ => fetched.served_as("miss"),
        }
    }

    /// Joins the fetch of this key that is under way, or starts it in a task of its own.
    async fn join(
        &self,
        key: &Key,
        fetch: impl Future<Output = Contribution> + Send + 'static,
    ) -> Arc<Contribution> {
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            match flights.get(key).and_then(Weak::upgrade) {
                Some(flight) => flight,
                None => {
                    let flight = self.take_off(key.clone(), fetch);
                    flights.insert(key.clone(), Arc::downgrade(&flight));
                    flight
                }
            }
        };
        flight.landed.clone().await
    }

    fn take_off(&self, key: Key, fetch: impl Future<Output = Contribution> + Send + 'static) -> Arc<Flight> {
        let place = Place {
            flights: Arc::clone(&self.flights),
            key: key.clone(),
        };
        let task = tokio::spawn(async move {
            // Given back however the task ends, so that the next question takes off anew.
            let _place = place;
            Arc::new(fetch.await)
        });
        let abort = task.abort_handle();
        let landed = task.map(move |ended| {
            ended.unwrap_or_else(|_| Arc::new(Contribution::defect(&key.connection, key.provider)))
        });
        Arc::new(Flight {
            landed: landed.boxed().shared(),
            task: abort,
        })
    }
}

/// A key's place among the flights.
#[derive(Debug)]
struct Place {
    flights: Arc<Mutex<HashMap<Key, Weak<Flight>>>>,
    key: Key,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.flights
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

impl Contribution {
    /// Whether it may stand for the upstream for a while: nothing failed. A list cut at the caller's own limit is
    /// what was asked for.
    fn is_whole(&self) -> bool {
        self.source.error.is_none() && matches!(self.source.status, Status::Ok | Status::Partial)
    }

    /// Whether older data is better than this: the upstream failed, and did not say that the data is gone or ours no
    /// more.
    fn may_be_replaced(&self) -> bool {
        self.source.status == Status::Failed
            && self.source.error.as_ref().is_some_and(|error| match error.kind {
                Kind::RateLimited
                | Kind::Timeout
                | Kind::Unavailable
                | Kind::BadPayload
                | Kind::TooLarge
                | Kind::CircuitOpen
                | Kind::DeadlineExceeded
                | Kind::Internal => true,
                Kind::Unauthorized | Kind::Forbidden | Kind::NotFound | Kind::Pending | Kind::Rejected => {
                    false
                }
            })
    }

    fn served_as(&self, cache: &'static str) -> Self {
        let mut served = self.clone();
        served.source.cache = cache;
        if cache != "miss" {
            served.source.upstream_requests = 0;
            served.source.elapsed = Duration::ZERO;
        }
        served
    }

    /// This older contribution, marked as stale, with what went wrong with the newer one.
    fn in_place_of(&self, failed: &Self) -> Self {
        let loans = self
            .loans
            .iter()
            .map(|loan| {
                Arc::new(Loan {
                    stale: true,
                    ..Loan::clone(loan)
                })
            })
            .collect();
        let source = Source {
            status: Status::Stale,
            cache: "stale",
            error: failed.source.error.clone(),
            upstream_requests: failed.source.upstream_requests,
            elapsed: failed.source.elapsed,
            ..self.source.clone()
        };
        Self { source, loans }
    }
}

fn weight(contribution: &Contribution) -> u32 {
    let size = contribution
        .loans
        .iter()
        .map(|loan| loan.received.len().saturating_add(LOAN))
        .fold(LOAN, usize::saturating_add);
    u32::try_from(size).unwrap_or(u32::MAX)
}
