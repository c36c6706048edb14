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
}

/// The meters of clients that no config names. They have the same limit, and each its own count.
#[derive(Debug, Clone)]
pub(super) struct TokenMeters {
    limit: Limit,
    meters: Cache<String, Arc<Meter>>,
}

impl TokenMeters {
    fn new(limit: Limit, most: u64) -> Self {
        let meters = Cache::builder().max_capacity(most);
        Self {
            limit,
            meters: meters.eviction_policy(EvictionPolicy::lru()).build(),
        }
    }

    /// The meter of this client.
    pub(super) fn of(&self, client: &str) -> Arc<Meter> {
        self.meters
            .entry_by_ref(client)
            .or_insert_with(|| Arc::new(Meter::new(self.limit)))
            .into_value()
    }
}

impl Meters {
    /// The meters of clients with tokens. If the limit has not changed, they go on where they stand.
    pub(super) fn of_tokens(&self, limit: Limit) -> TokenMeters {
        let mut known = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let meters = known
            .take()
            .filter(|meters| meters.limit == limit)
            .unwrap_or_else(|| TokenMeters::new(limit, MOST_TOKEN_CLIENTS));
        known.insert(meters).clone()
    }

    /// The meters of these clients. One whose limit has not changed goes on where it stands; those of others are
    /// forgotten.
    pub(super) fn of(&self, clients: Vec<(&str, Limit)>) -> Vec<Arc<Meter>> {
        let mut known = self.configured.lock().unwrap_or_else(PoisonError::into_inner);
        let mut now = HashMap::with_capacity(clients.len());
        let meters = clients.into_iter().map(|(id, limit)| {
            let meter = known
                .remove(id)
                .filter(|meter| meter.limit == limit)
                .unwrap_or_else(|| Arc::new(Meter::new(limit)));
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
}

#[derive(Debug)]
struct Rate {
    per_second: NonZeroU32,
    burst: NonZeroU32,
    cells: RateLimiter<NotKeyed, InMemoryState, Since, StateInformationMiddleware>,
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
        Self { limit, rate, hands }
    }

    /// Counts a request: what is left after it, and when to come back if it was one too many.
    pub(super) fn count(&self) -> (Option<Standing>, Result<(), Problem>) {
        let Some(rate) = &self.rate else {
            return (None, Ok(()));
        };
        let standing = |left| Standing {
            per_second: rate.per_second.get(),
            burst: rate.burst.get(),
            left,
        };
        match rate.cells.check() {
            Ok(state) => (Some(standing(state.remaining_burst_capacity())), Ok(())),
            Err(until) => {
                let wait = until.wait_time_from(rate.cells.clock().now());
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
            let (standing, counted) = meter.count();
            counted.unwrap();
            assert_eq!(
                written(standing),
                (
                    r#""client";q=5;w=3"#.to_owned(),
                    format!(r#""client";r={left};t={until_full}"#)
                )
            );
        }
        let (standing, counted) = meter.count();
        let problem = counted.unwrap_err();
        assert_eq!(written(standing).1, r#""client";r=0;t=3"#);
        assert_eq!(problem.code, Code::RateLimited);
        assert_eq!(problem.retry_after, Some(Duration::from_millis(500)));
        advance(Duration::from_millis(499)).await;
        assert!(meter.count().1.is_err());
        advance(Duration::from_millis(1)).await;
        meter.count().1.unwrap();
        assert!(meter.count().1.is_err());
        advance(Duration::from_mins(1)).await;
        for _ in 0..5 {
            meter.count().1.unwrap();
        }
        assert!(meter.count().1.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_not_changed_goes_on_where_it_stands() {
        let meters = Meters::default();
        let count = |clients| -> Vec<bool> {
            let meters = meters.of(clients);
            meters.iter().map(|meter| meter.count().1.is_ok()).collect()
        };
        assert_eq!(count(vec![("a", limit(1, 1)), ("b", limit(1, 1))]), [true, true]);
        assert_eq!(count(vec![("b", limit(1, 2)), ("a", limit(1, 1))]), [true, false]);
        assert_eq!(count(vec![("b", limit(1, 2))]), [true]);
        // Gone in between, so new.
        assert_eq!(count(vec![("a", limit(1, 1)), ("b", limit(1, 2))]), [true, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_clients_bring_tokens_so_many_are_counted() {
        let counted = TokenMeters::new(limit(1, 1), 100);
        for client in 0..10_000 {
            // Each is counted from its first request on, when the room is full too.
            let client = client.to_string();
            assert!(counted.of(&client).count().1.is_ok());
            assert!(counted.of(&client).count().1.is_err());
        }
        counted.meters.run_pending_tasks();
        assert_eq!(counted.meters.entry_count(), 100);
        assert!(counted.of("0").count().1.is_ok());

        let meters = Meters::default();
        let passes = |limit| meters.of_tokens(limit).of("a").count().1.is_ok();
        assert!(passes(limit(1, 1)) && !passes(limit(1, 1)));
        assert!(passes(limit(1, 2)) && passes(limit(1, 2)) && !passes(limit(1, 2)));
    }

    #[test]
    fn hands_are_given_back() {
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
        let (standing, counted) = meter.count();
        assert!(standing.is_none() && counted.is_ok());
        assert!(Meter::new(Limit::default()).hand().unwrap().is_none());
    }
}
