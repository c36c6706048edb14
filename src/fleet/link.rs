//! The way to Redis, and when it is taken for gone.
//!
//! It is up or it is away. Away, nobody waits for it: a task of its own tries again until it answers as fast as it must.
//! So a Redis that is gone costs those who asked it when it went, once, and after that nobody.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult,
};
use redis::{ScriptInvocation, ServerErrorKind};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::{NotAnAddress, Operation, patience};
use crate::telemetry::{OK, Telemetry};

/// How long it may take to connect. Nobody waits for it.
const CONNECT: Duration = Duration::from_secs(2);
/// The first and the longest pause between two attempts to connect.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// How long what it lacks may be what it lost, and not yet be given to it again.
const SETTLING: Duration = Duration::from_secs(30);
/// Less than this is not worth asking.
const LEAST: Duration = Duration::from_millis(1);

/// Which connection is used: what is large must not hold up what is small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// For questions of a few bytes.
    Quick,
    /// For values.
    Bulk,
}

/// Redis does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Away;

/// What can be asked.
pub(super) trait Question {
    /// Asks, and waits for the answer.
    fn put<T: FromRedisValue + Send>(
        &self,
        line: &mut MultiplexedConnection,
    ) -> impl Future<Output = RedisResult<T>> + Send;
}

impl Question for Cmd {
    async fn put<T: FromRedisValue + Send>(&self, line: &mut MultiplexedConnection) -> RedisResult<T> {
        self.query_async(line).await
    }
}

impl Question for Pipeline {
    async fn put<T: FromRedisValue + Send>(&self, line: &mut MultiplexedConnection) -> RedisResult<T> {
        self.query_async(line).await
    }
}

impl Question for ScriptInvocation<'_> {
    async fn put<T: FromRedisValue + Send>(&self, line: &mut MultiplexedConnection) -> RedisResult<T> {
        self.invoke_async(line).await
    }
}

/// The way to one Redis.
#[derive(Clone)]
pub(super) struct Link(Arc<Inner>);

struct Inner {
    client: Client,
    timeout: Duration,
    telemetry: Telemetry,
    state: watch::Sender<State>,
    /// Whether somebody is connecting.
    connecting: Mutex<bool>,
    /// Whether it answers, and does not take what it is given.
    refusing: AtomicBool,
    /// When it came back, after it was away.
    back: Mutex<Option<Instant>>,
}

#[derive(Clone)]
enum State {
    /// Nobody knows yet.
    Unknown,
    Up(Lines),
    Away,
}

#[derive(Clone)]
struct Lines {
    quick: MultiplexedConnection,
    bulk: MultiplexedConnection,
    /// Which connecting they are of, so that a late failure says nothing about a later one.
    number: u64,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

impl Link {
    pub(super) fn new(url: &str, timeout: Duration, telemetry: Telemetry) -> Result<Self, NotAnAddress> {
        let client = Client::open(url).map_err(|_| NotAnAddress)?;
        telemetry.fleet_up(false);
        Ok(Self(Arc::new(Inner {
            client,
            timeout,
            telemetry,
            state: watch::Sender::new(State::Unknown),
            connecting: Mutex::new(false),
            refusing: AtomicBool::new(false),
            back: Mutex::new(None),
        })))
    }

    /// Connects, if it is neither connected nor about to be.
    pub(super) fn connect(&self) {
        let mut connecting = self.0.connecting();
        if !*connecting && !matches!(*self.0.state.borrow(), State::Up(_)) {
            *connecting = true;
            tokio::spawn(keep_connecting(Arc::downgrade(&self.0)));
        }
    }

    /// Connects for this once, as it would to go on.
    pub(super) async fn probe(&self) -> Result<(), &'static str> {
        self.0.lines(0).await.map(|_| ())
    }

    /// Whether it came back a moment ago, maybe without what it had.
    pub(super) fn settles(&self) -> bool {
        let back = self.0.back.lock().unwrap_or_else(PoisonError::into_inner);
        back.is_some_and(|back| back.elapsed() < SETTLING)
    }

    /// Something was asked for, or not, with this outcome.
    pub(super) fn count(&self, operation: Operation, outcome: &'static str) {
        self.0.telemetry.fleet_asked(operation.as_str(), outcome);
    }

    /// Asks, for as long as the request has patience.
    pub(super) async fn ask<T: FromRedisValue + Send>(
        &self,
        operation: Operation,
        line: Line,
        question: &impl Question,
    ) -> Result<T, Away> {
        let answer = self.answer(line, question).await;
        let outcome = match &answer {
            Ok(_) => OK,
            Err(Failure::Refused) => "refused",
            Err(Failure::Slow) => "timeout",
            Err(Failure::Broken) => "broken",
            Err(Failure::Away) => "away",
        };
        self.count(operation, outcome);
        // What brings nothing new is taken by a Redis that is full.
        if matches!(
            (operation, line),
            (Operation::Put, Line::Bulk) | (Operation::Rate, _)
        ) {
            self.takes(!matches!(answer, Err(Failure::Refused)), answer.is_ok());
        }
        answer.map_err(|_| Away)
    }

    /// Waits for some work, as long as the request has patience.
    pub(super) async fn patiently<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let patience = patience::current();
        let time = patience.left(self.0.timeout);
        let _waiting = patience.waits();
        timeout(time, work).await.ok()
    }

    async fn answer<T: FromRedisValue + Send>(
        &self,
        line: Line,
        question: &impl Question,
    ) -> Result<T, Failure> {
        let patience = patience::current();
        let time = patience.left(self.0.timeout);
        if time < LEAST {
            return Err(Failure::Away);
        }
        let _waiting = patience.waits();
        let mut number = None;
        let asked = timeout(time, async {
            let lines = self.lines().await.ok_or(Failure::Away)?;
            number = Some(lines.number);
            let mut line = match line {
                Line::Quick => lines.quick,
                Line::Bulk => lines.bulk,
            };
            question.put(&mut line).await.map_err(|error| failure(&error))
        });
        let answer = asked.await.unwrap_or(Err(Failure::Slow));
        let gone = match &answer {
            Err(Failure::Broken) => Some("the connection broke"),
            // What little time a request had left says nothing about Redis.
            Err(Failure::Slow) if time.saturating_mul(2) >= self.0.timeout => {
                Some("it did not answer in cache.redis_timeout")
            }
            _ => None,
        };
        if let (Some(why), Some(number)) = (gone, number) {
            self.lose(number, why);
        }
        answer
    }

    /// The connections; before it is known whether there are any, this waits.
    async fn lines(&self) -> Option<Lines> {
        let state = self.0.state.borrow().clone();
        match state {
            State::Up(lines) => Some(lines),
            State::Away => None,
            State::Unknown => {
                self.connect();
                let mut changes = self.0.state.subscribe();
                let known = changes.wait_for(|state| !matches!(state, State::Unknown));
                match known.await.ok()?.clone() {
                    State::Up(lines) => Some(lines),
                    State::Unknown | State::Away => None,
                }
            }
        }
    }

    /// These connections are of no use any more.
    fn lose(&self, number: u64, why: &'static str) {
        let lost = self.0.state.send_if_modified(|state| match state {
            State::Up(lines) if lines.number == number => {
                *state = State::Away;
                true
            }
            _ => false,
        });
        if lost {
            self.0.gone(why);
            self.connect();
        }
    }

    /// Whether it takes what it is given, once it is known.
    fn takes(&self, not_refused: bool, took: bool) {
        if !not_refused && !self.0.refusing.swap(true, Ordering::Relaxed) {
            tracing::warn!("redis takes nothing: it is full, read-only, or not ours to write");
        } else if took && self.0.refusing.swap(false, Ordering::Relaxed) {
            tracing::info!("redis takes again what it is given");
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// Redis answered that it would not.
    Refused,
    Slow,
    Broken,
    /// Nobody was asked.
    Away,
}

fn failure(error: &RedisError) -> Failure {
    match error.kind() {
        ErrorKind::Io
        | ErrorKind::Parse
        | ErrorKind::AuthenticationFailed
        // It has just begun, and is of no use before it is done.
        | ErrorKind::Server(ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown) => Failure::Broken,
        // Out of memory is among these, and so is a read-only replica.
        _ => Failure::Refused,
    }
}

impl Inner {
    fn connecting(&self) -> MutexGuard<'_, bool> {
        self.connecting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects both lines, of which each has to answer as fast as a request needs it to.
    async fn lines(&self, number: u64) -> Result<Lines, &'static str> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let line = || self.client.get_multiplexed_async_connection_with_config(&config);
        let connect = async { Ok::<_, RedisError>((line().await?, line().await?)) };
        let connected = timeout(CONNECT, connect).await;
        let (quick, bulk) = connected
            .map_err(|_| "it does not answer")?
            .map_err(|error| reason(&error))?;
        let mut lines = Lines { quick, bulk, number };
        let mut ping = Cmd::new();
        ping.arg("PING");
        let answered = timeout(self.timeout, async {
            ping.query_async::<()>(&mut lines.quick).await?;
            ping.query_async::<()>(&mut lines.bulk).await
        });
        answered
            .await
            .map_err(|_| "it did not answer in cache.redis_timeout")?
            .map_err(|error| reason(&error))?;
        Ok(lines)
    }

    fn gone(&self, why: &'static str) {
        self.telemetry.fleet_up(false);
        tracing::warn!(why, "redis is away: this process has its own memory only");
    }
}

/// Why it cannot be reached, in our words: the library's may hold the address.
fn reason(error: &RedisError) -> &'static str {
    match error.kind() {
        ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm) => {
            "it refuses our name or password"
        }
        ErrorKind::Server(_) | ErrorKind::Extension => "it does not want us",
        _ => "it cannot be reached",
    }
}

/// Tries until it succeeds, or until nobody is left who would ask.
async fn keep_connecting(link: Weak<Inner>) {
    static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let (mut pause, longest) = PAUSES;
    while let Some(inner) = link.upgrade() {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        match inner.lines(number).await {
            Ok(lines) => {
                // Together, so that who loses these lines at once can begin anew.
                let mut connecting = inner.connecting();
                let before = inner.state.send_replace(State::Up(lines));
                *connecting = false;
                inner.telemetry.fleet_up(true);
                if matches!(before, State::Away) {
                    *inner.back.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                    tracing::info!("redis is back");
                }
                return;
            }
            Err(why) => {
                let first = matches!(inner.state.send_replace(State::Away), State::Unknown);
                if first {
                    inner.gone(why);
                }
            }
        }
        drop(inner);
        sleep(pause).await;
        pause = pause.saturating_mul(2).min(longest);
    }
}
