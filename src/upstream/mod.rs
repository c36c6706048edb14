//! Outbound HTTP. Knows no loan and no provider.
//!
//! [`Upstream`] is the handle adapters get. It can say `get` and nothing else: there is no method parameter, path
//! segments and query pairs are encoded here, so neither a write nor a forgotten escape can be expressed.

#![warn(missing_docs)]

mod alone;
mod auth;
mod budget;
pub mod circuit;
mod classify;
mod client;
mod dns;
mod error;
mod health;
mod known;
mod memory;
mod pace;
pub mod retry;
mod send;
mod tls;
mod token;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, SubsecRound, Utc};
use reqwest::Client;
pub use reqwest::Url;
use reqwest::header::HeaderMap;
use tokio::sync::Semaphore;
use tokio::time::Instant;

pub use auth::{Auth, NotAHeader, secret_header};
pub use client::courier;
pub use error::{Error, Kind};
pub use health::Health;
pub use memory::Memory;
pub use token::{TokenCache, TokenSource};

use budget::Budget;
use circuit::Circuit;
use classify::Body;
use client::Pool;
use dns::Resolver;
use health::Verdict;
use pace::Pace;
use send::Question;

use crate::telemetry::{Exchange, Meter, Span, Telemetry};

/// How a connection is called.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Time limit of one attempt, to the end of its body.
    pub timeout: Duration,
    /// Time limit of a TCP and TLS connection.
    pub connect_timeout: Duration,
    /// Calls at the same time.
    pub max_concurrency: usize,
    /// Requests begun per second; `None` for as many as come.
    pub per_second: Option<u64>,
    /// Retries.
    pub retry: retry::Policy,
    /// When to leave it alone.
    pub circuit: circuit::Policy,
    /// Most decoded bytes of one answer.
    pub max_body: u64,
}

/// What all connections of a gateway share: nothing that belongs to a credential.
#[derive(Debug, Clone)]
pub struct Shared {
    memory: Memory,
    resolver: Resolver,
    telemetry: Telemetry,
}

impl Shared {
    /// Room for `total` decoded bytes, of which one answer may hold `body`. What is sent is reported to `telemetry`.
    pub fn new(total: u64, body: u64, telemetry: Telemetry) -> Self {
        Self {
            memory: Memory::new(total, body),
            resolver: Resolver::default(),
            telemetry,
        }
    }

    /// Where a connection reports.
    pub fn meter(&self, connection: &Arc<str>) -> Arc<Meter> {
        self.telemetry.meter(connection)
    }
}

/// What an answer that is not a 200 means to this provider, where its documents say more than the status does.
pub type Refusal = fn(u16, &[u8]) -> Option<Kind>;

/// One request's contact with one upstream: how long it may take, and how often it asked.
#[derive(Debug)]
pub struct Call {
    started: Instant,
    deadline: Instant,
    sent: AtomicU32,
    known: Option<Bytes>,
}

impl Call {
    /// A call that must be over at `deadline`.
    pub fn until(deadline: Instant) -> Self {
        Self {
            started: Instant::now(),
            deadline,
            sent: AtomicU32::new(0),
            known: None,
        }
    }

    /// Requests sent so far, retries included, token calls not.
    pub fn sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Time since it began.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A complete answer with status 200.
#[derive(Debug)]
pub struct Reply {
    /// When it was complete.
    pub at: DateTime<Utc>,
    body: Body,
    kept: bool,
    attempts: u32,
    operation: &'static str,
    pool: Arc<Pool>,
    exchange: Exchange,
    span: Span,
    connection: Arc<str>,
    verdict: Verdict,
}

impl Reply {
    /// A failure found in the body of this answer. It counts like one that shows in the status.
    pub fn failure(&self, kind: Kind, note: &'static str) -> Error {
        // What is still being collected is no failure of anybody.
        if kind != Kind::Pending && self.verdict.fails(kind) {
            send::log_failure(&self.connection, self.operation, kind, self.attempts);
        }
        self.exchange.turns_out(kind.as_str());
        self.span.turns_out(kind.as_str());
        let failure = Error::new(kind, self.operation, note).with_status(200, self.attempts);
        if kind.retryable() {
            failure.after(send::DEFAULT_WAIT)
        } else {
            failure
        }
    }

    /// This answer belongs to another question. No kept connection is trusted any more.
    pub fn disown(&self, note: &'static str) -> Error {
        self.pool.distrust();
        self.failure(Kind::BadPayload, note)
    }

    /// Whether it came on a connection that was used before, where it may belong to an earlier question than this one.
    pub fn on_kept_connection(&self) -> bool {
        self.kept
    }

    /// Decodes the body. The text of a decoding error stays here: it may quote the body.
    pub fn json<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, Error> {
        self.read(|body| serde_json::from_slice(body).ok())
    }

    /// Decodes the body by `read`, which gives nothing where it is not what is documented.
    pub fn read<'a, T>(&'a self, read: impl FnOnce(&'a [u8]) -> Option<T>) -> Result<T, Error> {
        read(&self.body.bytes).ok_or_else(|| self.failure(Kind::BadPayload, "It is not the documented JSON"))
    }
}

/// Whether an answer says whose it is, so that one that belongs to another question is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// It does, and the adapter compares. Connections are kept.
    NameTheirSubject,
    /// It does not. Such a question goes over a connection of its own, which is kept for the same question only.
    AreAnonymous,
}

/// The HTTP side of a connection before it has credentials: its clients, and what it shares.
#[derive(Debug)]
pub struct Dialler {
    connection: Arc<str>,
    settings: Settings,
    shared: Shared,
    pool: Arc<Pool>,
    meter: Arc<Meter>,
}

impl Dialler {
    /// Clients for one connection, whose sockets no other connection uses.
    pub fn new(connection: Arc<str>, settings: Settings, shared: &Shared) -> Result<Self, reqwest::Error> {
        let pool = Arc::new(Pool::new(settings, &shared.resolver)?);
        let meter = shared.meter(&connection);
        Ok(Self {
            connection,
            settings,
            shared: shared.clone(),
            pool,
            meter,
        })
    }

    /// Credentials that a token call mints.
    pub fn tokens(&self, source: TokenSource) -> Auth {
        let meter = Arc::clone(&self.meter);
        Auth::Token(TokenCache::new(
            source,
            self.pool.once(),
            self.settings.timeout,
            meter,
        ))
    }

    /// A handle on what is there for everybody, and needs no credentials.
    pub fn open_to_all(&self, base: Url) -> Upstream {
        self.upstream(base, Auth::Headers(Vec::new()), HeaderMap::new(), |_, _| None)
    }

    /// A handle on `base`, to which the credentials may go; `headers` go along with every call.
    pub fn upstream(&self, base: Url, auth: Auth, headers: HeaderMap, refusal: Refusal) -> Upstream {
        Upstream(Arc::new(Inner {
            connection: Arc::clone(&self.connection),
            base,
            pool: Arc::clone(&self.pool),
            auth,
            headers,
            settings: self.settings,
            refusal,
            permits: Semaphore::new(self.settings.max_concurrency),
            circuit: Circuit::new(self.settings.circuit),
            budget: Mutex::new(Budget::new(Instant::now())),
            pace: Mutex::new(Pace::new(self.settings.per_second, Instant::now())),
            paused_until: Mutex::new(None),
            memory: self.shared.memory.clone(),
            health: Arc::default(),
            meter: Arc::clone(&self.meter),
        }))
    }
}

/// A connection to an upstream: its address, credentials and limits, and a connection pool of its own.
#[derive(Debug, Clone)]
pub struct Upstream(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connection: Arc<str>,
    base: Url,
    pool: Arc<Pool>,
    auth: Auth,
    headers: HeaderMap,
    settings: Settings,
    refusal: Refusal,
    permits: Semaphore,
    circuit: Circuit,
    budget: Mutex<Budget>,
    pace: Mutex<Pace>,
    paused_until: Mutex<Option<Instant>>,
    memory: Memory,
    health: Arc<health::Observed>,
    meter: Arc<Meter>,
}

impl Upstream {
    /// `GET base/segments…?query`, retried as the connection's settings say, until the call's deadline.
    ///
    /// A segment that would change the path's meaning (empty, `.`, `..`) names nothing upstream: it is
    /// [`Kind::NotFound`] and nothing is sent.
    pub async fn get(
        &self,
        call: &Call,
        operation: &'static str,
        answers: Answers,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Reply, Error> {
        let url = address(&self.0.base, segments, query)
            .ok_or_else(|| Error::new(Kind::NotFound, operation, "It cannot be named in a URL"))?;
        let span = self.0.meter.calls(operation);
        if let Some(body) = &call.known {
            return Ok(known::reply(&self.0, operation, span, body));
        }
        let client: Client = match answers {
            Answers::NameTheirSubject => self.0.pool.kept(operation),
            Answers::AreAnonymous => self.0.pool.alone(&url),
        };
        send::send(
            &self.0,
            Question {
                operation,
                answers,
                url,
                client,
                call,
                span,
            },
        )
        .await
    }

    /// What traffic says about it.
    pub fn health(&self) -> Health {
        self.0.health.read()
    }

    /// Whether it is being left alone.
    pub fn circuit(&self) -> circuit::State {
        self.0.circuit.state()
    }

    /// How much longer it has asked us not to call; `None` when it has not.
    pub fn paused_for(&self) -> Option<Duration> {
        self.0
            .paused_until()
            .map(|until| until.saturating_duration_since(Instant::now()))
    }
}

impl Inner {
    fn budget(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the next request may begin; `None` if that is too late.
    fn next_moment(&self, deadline: Instant) -> Option<Instant> {
        self.pace
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(Instant::now(), deadline)
    }

    /// The upstream limits our rate: nobody asks before this is over.
    fn pause(&self, wait: Option<Duration>) {
        let until = wait.and_then(|wait| Instant::now().checked_add(wait));
        let mut paused = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        *paused = until.max(*paused);
    }

    fn paused_until(&self) -> Option<Instant> {
        let paused = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        paused.filter(|until| *until > Instant::now())
    }
}

fn address(base: &Url, segments: &[&str], query: &[(&str, &str)]) -> Option<Url> {
    if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
        return None;
    }
    let mut url = base.clone();
    // Without segments the base is the address, whatever it ends with.
    if !segments.is_empty() {
        url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
    }
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Some(url)
}

/// The wall clock, to the millisecond. Read here and at the edges, never in a mapping.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads it for upstream answers"
)]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(segments: &[&str], query: &[(&str, &str)]) -> Option<String> {
        let base = Url::parse("http://127.0.0.1:9/baas/api").unwrap();
        let url = address(&base, segments, query)?;
        Some(url.as_str().replacen("http://127.0.0.1:9", "", 1))
    }

    #[test]
    fn hostile_text_stays_in_its_segment_or_value() {
        assert_eq!(
            path(&["v1", "loans", "a/b c?d#e%"], &[("ref", "1&x=2 #")]).unwrap(),
            "/baas/api/v1/loans/a%2Fb%20c%3Fd%23e%25?ref=1%26x%3D2+%23"
        );
        for nowhere in ["", ".", ".."] {
            assert_eq!(path(&["v1", "loans", nowhere], &[]), None, "{nowhere:?}");
        }
    }

    #[test]
    fn without_segments_the_base_is_the_address() {
        for base in [
            "https://a.example/keys/?p=1",
            "https://a.example/keys",
            "https://a.example/",
        ] {
            let url = address(&Url::parse(base).unwrap(), &[], &[]).unwrap();
            assert_eq!(url.as_str(), base);
        }
    }

    #[test]
    fn encoded_dots_do_not_climb() {
        assert_eq!(
            path(&["loans", "%2e%2e"], &[]).unwrap(),
            "/baas/api/loans/%252e%252e"
        );
    }
}
