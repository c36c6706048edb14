//! How often a client may ask, and how much it may have in hand.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::api::problem::{Code, Problem};
use crate::fleet::{self, Counted, Fleet, Name};

/// The headers of `draft-ietf-httpapi-ratelimit-headers`: what is allowed, and what is left of it.
pub(in crate::api) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
pub(in crate::api) const STANDING: HeaderName = HeaderName::from_static("ratelimit");

/// The limits of one client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limit {
    /// Requests a second, and requests at once after a pause; `None` for no limit.
    pub rate: Option<(NonZeroU32, NonZeroU32)>,
    /// Requests in hand at once; `None` for no limit.
    pub concurrency: Option<usize>,
}

/// Most clients with tokens whose limits are counted; who was away longest is forgotten first. How many there are is the
/// identity provider's to say.
const MOST_TOKEN_CLIENTS: u64 = 10_000;

/// What the limits of all clients stand at. Outlives a reload, so that a reload is no way around a limit.
#[derive(Debug, Clone, Default)]
pub struct Meters {
    configured: Arc<Mutex<HashMap<String, Arc<Meter>>>>,
    tokens: Arc<Mutex<Option<TokenMeters>>>,
    fleet: Arc<Mutex<Option<Fleet>>>,
}

/// The meters of clients that no config names. They have the same limit, and each its own count.
#[derive(Debug, Clone)]
pub(super) struct TokenMeters {
    limit: Limit,
    fleet: Option<Fleet>,
    meters: Cache<String, Arc<Meter>>,
}

impl TokenMeters {
    fn new(limit: Limit, fleet: Option<Fleet>, most: u64) -> Self {
        let meters = Cache::builder().max_capacity(most);
        Self {
            limit,
            fleet,
            meters: meters.eviction_policy(EvictionPolicy::lru()).build(),
        }
    }

    /// The meter of this client.
    pub(super) fn of(&self, client: &str) -> Arc<Meter> {
        self.meters
            .entry_by_ref(client)
            .or_insert_with(|| Arc::new(Meter::new(self.limit).shared(client, self.fleet.as_ref())))
            .into_value()
    }
}

impl Meters {
    /// From now on, who gets meters is counted together with what other gateways count.
    pub fn share(&self, fleet: Option<Fleet>) {
        *self.fleet.lock().unwrap_or_else(PoisonError::into_inner) = fleet;
    }

    fn fleet(&self) -> Option<Fleet> {
        self.fleet.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The meters of clients with tokens. If the limit has not changed, they go on where they stand.
    pub(super) fn of_tokens(&self, limit: Limit) -> TokenMeters {
        let fleet = self.fleet();
        let mut known = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let meters = known
            .take()
            .filter(|meters| meters.limit == limit && meters.fleet == fleet)
            .unwrap_or_else(|| TokenMeters::new(limit, fleet, MOST_TOKEN_CLIENTS));
        known.insert(meters).clone()
    }

    /// The meters of these clients. One whose limit has not changed goes on where it stands; those of others are
    /// forgotten.
    pub(super) fn of(&self, clients: Vec<(&str, Limit)>) -> Vec<Arc<Meter>> {
        let fleet = self.fleet();
        let mut known = self.configured.lock().unwrap_or_else(PoisonError::into_inner);
        let mut now = HashMap::with_capacity(clients.len());
        let meters = clients.into_iter().map(|(id, limit)| {
            let meter = known
                .remove(id)
                .filter(|meter| meter.limit == limit && meter.fleet() == fleet.as_ref())
                .unwrap_or_else(|| Arc::new(Meter::new(limit).shared(id, fleet.as_ref())));
            now.insert(id.to_owned(), Arc::clone(&meter));
            meter
        });
        let meters = meters.collect();
        *known = now;
        meters
    }
}

/// What one client's limits stand at.
#[derive(Debug)]
pub(super) struct Meter {
    limit: Limit,
    rate: Option<Rate>,
    hands: Option<Arc<Semaphore>>,
    /// Where the rate is counted for all gateways together, and under which name.
    shared: Option<(Fleet, Name)>,
}

#[derive(Debug)]
struct Rate {
    per_second: NonZeroU32,
    burst: NonZeroU32,
    cells: RateLimiter<NotKeyed, InMemoryState, Since, StateInformationMiddleware>,
}

impl Rate {
    fn of_fleet(&self) -> fleet::Rate {
        fleet::Rate {
            per_second: self.per_second,
            burst: self.burst,
        }
    }
}

/// Tokio's clock, which tests can stop.
#[derive(Debug, Clone)]
struct Since(Instant);

impl Clock for Since {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.elapsed())
    }
}

/// What is left to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct Standing {
    per_second: u32,
    burst: u32,
    left: u32,
}

impl Standing {
    /// Says so in the headers of an answer. The quota is the burst, and its window the time in which all of it comes
    /// back; of a burst smaller than what comes back in a second, it is that second's.
    pub(in crate::api) fn write(self, headers: &mut HeaderMap) {
        let seconds = |requests: u32| requests.div_ceil(self.per_second);
        let window = seconds(self.burst);
        let until_full = seconds(self.burst.saturating_sub(self.left));
        let quota = self.burst.max(self.per_second);
        let policy = format!("\"client\";q={quota};w={window}");
        let standing = format!("\"client\";r={};t={until_full}", self.left);
        for (name, text) in [(POLICY, policy), (STANDING, standing)] {
            headers.extend(HeaderValue::from_str(&text).ok().map(|value| (name, value)));
        }
    }
}

impl Meter {
    fn new(limit: Limit) -> Self {
        let rate = limit.rate.map(|(per_second, burst)| {
            let quota = Quota::per_second(per_second).allow_burst(burst);
            let cells = RateLimiter::direct_with_clock(quota, Since(Instant::now()));
            Rate {
                per_second,
                burst,
                cells: cells.with_middleware(),
            }
        });
        let hands = limit
            .concurrency
            .map(|most| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))));
        Self {
            limit,
            rate,
            hands,
            shared: None,
        }
    }

    /// The same of this client in a fleet.
    fn shared(mut self, client: &str, fleet: Option<&Fleet>) -> Self {
        let rate = self.rate.as_ref().map(Rate::of_fleet);
        self.shared = fleet
            .zip(rate)
            .map(|(fleet, rate)| (fleet.clone(), fleet.rate_name(client, rate)));
        self
    }

    fn fleet(&self) -> Option<&Fleet> {
        self.shared.as_ref().map(|(fleet, _)| fleet)
    }

    /// Counts a request: what is left after it, and when to come back if it was one too many.
    pub(super) async fn count(&self) -> (Option<Standing>, Result<(), Problem>) {
        let Some(rate) = &self.rate else {
            return (None, Ok(()));
        };
        let standing = |left| Standing {
            per_second: rate.per_second.get(),
            burst: rate.burst.get(),
            left,
        };
        // Here too, whatever the others say: this is what counts when they cannot be asked.
        let here = match rate.cells.check() {
            Ok(state) => Counted::Passes(state.remaining_burst_capacity()),
            Err(until) => Counted::Waits(until.wait_time_from(rate.cells.clock().now())),
        };
        let everywhere = match &self.shared {
            Some((fleet, name)) => fleet.count(name, rate.of_fleet()).await,
            None => None,
        };
        match everywhere.unwrap_or(here) {
            Counted::Passes(left) => (Some(standing(left)), Ok(())),
            Counted::Waits(wait) => {
                let detail = format!(
                    "This client may ask {} times a second. Ask again after `Retry-After`.",
                    rate.per_second
                );
                (Some(standing(0)), Err(limited(detail, wait)))
            }
        }
    }

    /// A place among the requests that the client has in hand.
    pub(super) fn hand(&self) -> Result<Option<OwnedSemaphorePermit>, Problem> {
        let Some(hands) = &self.hands else {
            return Ok(None);
        };
        let permit = Arc::clone(hands).try_acquire_owned();
        permit.map(Some).map_err(|_| {
            limited(
                "This client has as many requests in hand as it may. Ask again when one of them is answered.",
                Duration::from_secs(1),
            )
        })
    }
}

fn limited(detail: impl Into<String>, wait: Duration) -> Problem {
    Problem {
        retry_after: Some(wait),
        ..Problem::because(Code::RateLimited, detail)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn limit(per_second: u32, burst: u32) -> Limit {
        let count = |number| NonZeroU32::new(number).unwrap();
        Limit {
            rate: Some((count(per_second), count(burst))),
            concurrency: None,
        }
    }

    fn written(standing: Option<Standing>) -> (String, String) {
        let mut headers = HeaderMap::new();
        standing.unwrap().write(&mut headers);
        let text = |name| headers[name].to_str().unwrap().to_owned();
        (text(POLICY), text(STANDING))
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_one_for_each_part_of_a_second() {
        let meter = Meter::new(limit(2, 5));
        for (left, until_full) in [(4, 1), (3, 1), (2, 2), (1, 2), (0, 3)] {
            let (standing, counted) = meter.count().await;
            counted.unwrap();
            assert_eq!(
                written(standing),
                (
                    r#""client";q=5;w=3"#.to_owned(),
                    format!(r#""client";r={left};t={until_full}"#)
                )
            );
        }
        let (standing, counted) = meter.count().await;
        let problem = counted.unwrap_err();
        assert_eq!(written(standing).1, r#""client";r=0;t=3"#);
        assert_eq!(problem.code, Code::RateLimited);
        assert_eq!(problem.retry_after, Some(Duration::from_millis(500)));
        advance(Duration::from_millis(499)).await;
        assert!(meter.count().await.1.is_err());
        advance(Duration::from_millis(1)).await;
        meter.count().await.1.unwrap();
        assert!(meter.count().await.1.is_err());
        advance(Duration::from_mins(1)).await;
        for _ in 0..5 {
            meter.count().await.1.unwrap();
        }
        assert!(meter.count().await.1.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_not_changed_goes_on_where_it_stands() {
        let meters = Meters::default();
        let count = async |clients| -> Vec<bool> {
            let meters = meters.of(clients);
            let counted = meters.iter().map(|meter| meter.count());
            let counted = futures_util::future::join_all(counted).await;
            counted.into_iter().map(|(_, passes)| passes.is_ok()).collect()
        };
        assert_eq!(
            count(vec![("a", limit(1, 1)), ("b", limit(1, 1))]).await,
            [true, true]
        );
        assert_eq!(
            count(vec![("b", limit(1, 2)), ("a", limit(1, 1))]).await,
            [true, false]
        );
        assert_eq!(count(vec![("b", limit(1, 2))]).await, [true]);
        // Gone in between, so new.
        assert_eq!(
            count(vec![("a", limit(1, 1)), ("b", limit(1, 2))]).await,
            [true, false]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_clients_bring_tokens_so_many_are_counted() {
        let counted = TokenMeters::new(limit(1, 1), None, 100);
        for client in 0..10_000 {
            // Each is counted from its first request on, when the room is full too.
            let client = client.to_string();
            assert!(counted.of(&client).count().await.1.is_ok());
            assert!(counted.of(&client).count().await.1.is_err());
        }
        counted.meters.run_pending_tasks();
        assert_eq!(counted.meters.entry_count(), 100);
        assert!(counted.of("0").count().await.1.is_ok());

        let meters = Meters::default();
        let passes = async |limit| meters.of_tokens(limit).of("a").count().await.1.is_ok();
        assert!(passes(limit(1, 1)).await && !passes(limit(1, 1)).await);
        assert!(passes(limit(1, 2)).await && passes(limit(1, 2)).await && !passes(limit(1, 2)).await);
    }

    #[tokio::test]
    async fn hands_are_given_back() {
        let meter = Meter::new(Limit {
            rate: None,
            concurrency: Some(2),
        });
        let (one, two) = (meter.hand().unwrap(), meter.hand().unwrap());
        let problem = meter.hand().unwrap_err();
        assert_eq!(problem.code, Code::RateLimited);
        assert_eq!(problem.retry_after, Some(Duration::from_secs(1)));
        drop(one);
        assert!(meter.hand().unwrap().is_some());
        drop(two);
        let (standing, counted) = meter.count().await;
        assert!(standing.is_none() && counted.is_ok());
        assert!(Meter::new(Limit::default()).hand().unwrap().is_none());
    }
}
