//! Tokens: minted once for any number of waiting requests, early, and once more when one is refused.
//!
//! This file holds the only calls that are not loan reads: the two token calls of the contract. A POST cannot be
//! said anywhere else.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Url};
use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::auth::{Credential, NotAHeader, basic, bearer};
use super::classify;
use super::error::Kind;
use super::retry::{Cause, Failure};
use crate::telemetry::{self, Meter, OK};

/// The name of a token call among the operations of adapters.
const OPERATION: &str = "token";
/// A token is renewed this long before it runs out.
const EARLY: Duration = Duration::from_mins(1);
/// Bounds on how long a token is believed to live, whatever the upstream says.
const SHORTEST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_hours(24);
/// Life of a token that does not say when it ends.
const UNSTATED: Duration = Duration::from_mins(5);
/// After a token call failed, or its token was refused at once, the next one waits: first this long, then twice as
/// long each time, up to [`LAST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// Most a token answer may weigh.
const MAX_ANSWER: u64 = 64 * 1024;

/// What a token call answered: the token, and when it runs out if that is readable.
pub(super) type Read = fn(&[u8]) -> Option<(SecretString, Option<DateTime<Utc>>)>;

/// Where tokens come from.
pub struct TokenSource {
    method: Method,
    url: Url,
    headers: HeaderMap,
    read: Read,
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource")
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

impl TokenSource {
    /// `POST url` with credentials in headers and no body.
    pub fn posted(url: Url, credentials: Vec<(HeaderName, HeaderValue)>, read: Read) -> Self {
        let mut headers: HeaderMap = credentials.into_iter().collect();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self {
            method: Method::POST,
            url,
            headers,
            read,
        }
    }

    /// `GET url` with HTTP Basic.
    pub fn fetched_with_basic(
        url: Url,
        user: &str,
        password: &SecretString,
        read: Read,
    ) -> Result<Self, NotAHeader> {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, basic(user, password)?)]);
        Ok(Self {
            method: Method::GET,
            url,
            headers,
            read,
        })
    }
}

/// A token and when to stop using it.
#[derive(Debug, Clone)]
pub(super) struct Minted {
    header: HeaderValue,
    renew_at: Instant,
    generation: u64,
    /// Whether any call with it was answered. Shared by all copies.
    worked: Arc<AtomicBool>,
}

impl Minted {
    /// A call with it was answered.
    pub(super) fn worked(&self) {
        self.worked.store(true, Ordering::Relaxed);
    }
}

/// The current token of a connection.
#[derive(Debug)]
pub struct TokenCache {
    source: TokenSource,
    client: Client,
    timeout: Duration,
    meter: Arc<Meter>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Minted>,
    generation: u64,
    /// Token calls in a row that brought nothing usable, and the failure that callers hear meanwhile.
    failures: u32,
    pause: Option<(Instant, Failure)>,
}

impl State {
    /// No token call for a while; after the first failure at once, since it may have been a hiccup.
    fn back_off(&mut self, failure: Failure) {
        let pause = match self.failures.checked_sub(1) {
            None => Duration::ZERO,
            Some(earlier) => FIRST_PAUSE
                .saturating_mul(2_u32.saturating_pow(earlier))
                .min(LAST_PAUSE),
        };
        self.failures = self.failures.saturating_add(1);
        let now = Instant::now();
        self.pause = Some((now.checked_add(pause).unwrap_or(now), failure));
    }
}

impl TokenCache {
    /// A cache that mints from `source` when it has nothing.
    pub fn new(source: TokenSource, client: Client, timeout: Duration, meter: Arc<Meter>) -> Arc<Self> {
        Arc::new(Self {
            source,
            client,
            timeout,
            meter,
            state: Mutex::default(),
        })
    }

    /// The current token, minted first if there is none or it is about to run out.
    ///
    /// The minting runs in its own task: the request that started it may go away, the others still get their token.
    pub(super) async fn credential(self: &Arc<Self>) -> Result<Credential, Failure> {
        let cache = Arc::clone(self);
        let minted = telemetry::spawn(async move {
            let mut state = cache.state.lock().await;
            if let Some(token) = state
                .current
                .as_ref()
                .filter(|token| Instant::now() < token.renew_at)
            {
                return Ok(token.clone());
            }
            if let Some((until, failure)) = state.pause
                && Instant::now() < until
            {
                return Err(Failure {
                    cause: Cause::Final,
                    ..failure
                });
            }
            let generation = state.generation.saturating_add(1);
            match cache.mint(generation).await {
                Ok(token) => {
                    state.generation = generation;
                    state.pause = None;
                    state.current = Some(token.clone());
                    Ok(token)
                }
                Err(failure) => {
                    state.back_off(failure);
                    Err(failure)
                }
            }
        })
        .await
        .map_err(|_| Failure {
            kind: Kind::Internal,
            cause: Cause::Final,
            retry_after: None,
            note: "",
        })??;
        Ok(Credential {
            headers: vec![(AUTHORIZATION, minted.header.clone())],
            minted: Some(minted),
        })
    }

    /// Throws away a refused token, unless somebody already replaced it. Whether asking for the next one makes
    /// sense: not when this one was refused before it ever worked and the one before it too.
    pub(super) async fn refuse(&self, refused: &Minted) -> bool {
        let mut state = self.state.lock().await;
        if state
            .current
            .as_ref()
            .is_some_and(|current| current.generation == refused.generation)
        {
            state.current = None;
            if refused.worked.load(Ordering::Relaxed) {
                state.failures = 0;
            } else if refused.generation > 1 {
                state.back_off(self::refused());
                return false;
            }
        }
        true
    }

    async fn mint(&self, generation: u64) -> Result<Minted, Failure> {
        let span = self.meter.calls(OPERATION);
        let exchange = self.meter.sends(OPERATION);
        let minted = self.ask(generation).await;
        let outcome = minted
            .as_ref()
            .map_or_else(|failure| failure.kind.as_str(), |_| OK);
        exchange.ends(outcome);
        span.called(1, None, outcome);
        minted
    }

    async fn ask(&self, generation: u64) -> Result<Minted, Failure> {
        let call = async {
            let mut request = reqwest::Request::new(self.source.method.clone(), self.source.url.clone());
            *request.headers_mut() = self.source.headers.clone();
            let response = self
                .client
                .execute(request)
                .await
                .map_err(|error| classify::broken(&error))?;
            let status = response.status().as_u16();
            let body = classify::read(response, MAX_ANSWER, None).await?;
            match status {
                200 => Ok(body.bytes),
                400 | 401 | 403 => Err(refused()),
                _ => Err(classify::status(status, None)),
            }
        };
        let body = tokio::time::timeout(self.timeout, call)
            .await
            .map_err(|_| Failure {
                kind: Kind::Timeout,
                cause: Cause::TimedOut,
                retry_after: None,
                note: "The token call took too long",
            })??;
        let (token, runs_out) = (self.source.read)(&body).ok_or(Failure {
            kind: Kind::BadPayload,
            cause: Cause::Final,
            retry_after: None,
            note: "The token call did not answer with a token",
        })?;
        let header = bearer(&token).map_err(|NotAHeader| refused())?;
        Ok(Minted {
            header,
            renew_at: renew_at(runs_out, super::now()),
            generation,
            worked: Arc::default(),
        })
    }
}

fn refused() -> Failure {
    Failure {
        kind: Kind::Unauthorized,
        cause: Cause::Final,
        retry_after: None,
        note: "The token call was refused",
    }
}

/// When to mint again: early, and within bounds however the upstream's clock is set.
fn renew_at(runs_out: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Instant {
    let life = runs_out
        .map_or(UNSTATED, |end| {
            end.signed_duration_since(now).to_std().unwrap_or_default()
        })
        .saturating_sub(EARLY)
        .clamp(SHORTEST, LONGEST);
    let start = Instant::now();
    start.checked_add(life).unwrap_or(start)
}
