//! The one send loop. For every attempt, in this order: deadline, circuit, permit, credential, exchange, body cap,
//! classification; then one decision whether to try again.

use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderName, HeaderValue};
use reqwest::{Client, Method, Request, Url};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::auth::{Auth, Credential};
use super::circuit::{Outcome, State};
use super::classify::{self, Body};
use super::client::noticing_dials;
use super::error::{Error, Kind};
use super::health::Verdict;
use super::retry::{Cause, Failure};
use super::{Answers, Call, Inner, Reply, now};
use crate::telemetry::{Exchange, OK, Span};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Most of an error body that is read, to see what the provider means by it.
const MAX_REFUSAL: u64 = 64 * 1024;

/// A wait that leaves less than this for the attempt is not worth it.
const MIN_ATTEMPT: Duration = Duration::from_millis(200);

/// Waits a caller is told when the upstream names none.
pub(super) const DEFAULT_WAIT: Duration = Duration::from_secs(1);

/// One request to be made: where, on what kind of connection, and in whose name.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) operation: &'static str,
    pub(super) answers: Answers,
    pub(super) url: Url,
    pub(super) client: Client,
    pub(super) call: &'a Call,
    pub(super) span: Span,
}

/// What was tried so far.
#[derive(Debug, Default)]
struct Tried {
    /// Times the request was sent.
    sent: u32,
    /// Attempts that count for the policy: the free replay does not.
    counted: u32,
    replayed: bool,
    renewed: bool,
    /// Whether a refusal that names nobody was asked for again on a connection of its own.
    confirmed: bool,
}

pub(super) async fn send(upstream: &Inner, question: Question<'_>) -> Result<Reply, Error> {
    let mut tried = Tried::default();
    loop {
        let failed = match attempt(upstream, &question, &mut tried).await {
            Ok((body, kept, exchange)) => {
                let at = now();
                if tried.confirmed {
                    // The refusal did belong to an earlier question.
                    upstream.pool.distrust();
                }
                let pool = std::sync::Arc::clone(&upstream.pool);
                question.span.called(tried.sent, Some(200), OK);
                return Ok(Reply {
                    body,
                    at,
                    kept,
                    attempts: tried.sent,
                    operation: question.operation,
                    pool,
                    exchange,
                    span: question.span,
                    connection: std::sync::Arc::clone(&upstream.connection),
                    verdict: Verdict::new(&upstream.health, at),
                });
            }
            Err(failed) => failed,
        };
        if failed.stale_connection && !tried.replayed {
            // The upstream closed a kept connection just as we used it. Nothing was answered; a GET may be repeated.
            tried.replayed = true;
            tried.counted = tried.counted.saturating_sub(1);
            continue;
        }
        if failed.failure.kind == Kind::NotFound && failed.kept && !tried.confirmed {
            // It does not say what was not found, and on a kept connection it may belong to an earlier question.
            tried.confirmed = true;
            tried.counted = tried.counted.saturating_sub(1);
            continue;
        }
        if failed.failure.kind == Kind::Unauthorized
            && !tried.renewed
            && renew(upstream, failed.credential).await
        {
            tried.renewed = true;
            tried.counted = tried.counted.saturating_sub(1);
            continue;
        }
        upstream.health.failed(now(), failed.failure.kind);
        match next_wait(upstream, question.call, &tried, &failed.failure) {
            Some(wait) => {
                upstream.health.retried();
                upstream.meter.retries();
                sleep(wait).await;
            }
            None => {
                let error = report(upstream, &failed.failure, question.operation, tried.sent);
                question
                    .span
                    .called(tried.sent, error.status, error.kind.as_str());
                return Err(error);
            }
        }
    }
}

/// A failed attempt, and what could be done about it at once.
#[derive(Debug)]
struct Failed {
    failure: Failure,
    credential: Option<Credential>,
    /// A kept connection broke before the first byte of an answer.
    stale_connection: bool,
    /// It came on a connection that was kept for other questions too.
    kept: bool,
}

impl Failed {
    fn early(failure: Failure) -> Self {
        Self {
            failure,
            credential: None,
            stale_connection: false,
            kept: false,
        }
    }
}

/// One attempt, bounded by its own time limit and the call's deadline. Counts itself once it is really sent. A body
/// comes with whether it came on a kept connection, and what is counted of it.
async fn attempt(
    upstream: &Inner,
    question: &Question<'_>,
    tried: &mut Tried,
) -> Result<(Body, bool, Exchange), Failed> {
    let deadline = question.call.deadline;
    let out_of_time = |_| Failed::early(timed_out(Kind::DeadlineExceeded));
    let leave = upstream
        .circuit
        .admit()
        .map_err(|wait| Failed::early(circuit_open(wait)))?;
    wait_out_pause(upstream, deadline).await.map_err(Failed::early)?;
    let permit = timeout_at(deadline, upstream.permits.acquire())
        .await
        .map_err(out_of_time)?;
    let _permit = permit.map_err(|_| Failed::early(timed_out(Kind::Internal)))?;
    let moment = upstream
        .next_moment(deadline)
        .ok_or_else(|| Failed::early(timed_out(Kind::DeadlineExceeded)))?;
    if moment > Instant::now() {
        // Only then: a timer that is due already still fires no sooner than the next millisecond.
        sleep_until(moment).await;
    }
    let credential = timeout_at(deadline, credential(&upstream.auth))
        .await
        .map_err(out_of_time)?
        .map_err(Failed::early)?;

    let mut request = Request::new(Method::GET, question.url.clone());
    let headers = request.headers_mut();
    headers.clone_from(&upstream.headers);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.extend(question.span.traceparent().map(|trace| (TRACEPARENT, trace)));
    headers.extend(credential.headers.iter().cloned());

    tried.sent = tried.sent.saturating_add(1);
    tried.counted = tried.counted.saturating_add(1);
    question
        .call
        .sent
        .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    if tried.sent == 1 {
        upstream.budget().deposit(Instant::now());
    }
    let counted = upstream.meter.sends(question.operation);
    let started = Instant::now();
    let limit = started.checked_add(upstream.settings.timeout).unwrap_or(deadline);
    let client = if tried.replayed || tried.confirmed {
        upstream.pool.once()
    } else {
        question.client.clone()
    };
    let exchange = timeout_at(limit.min(deadline), exchange(upstream, &client, request));
    let (done, dialled) = noticing_dials(exchange).await;
    let kept = !dialled && question.answers == Answers::NameTheirSubject;
    let (failure, answered) = match done {
        Ok(Ok(body)) => {
            leave.settle(Outcome::Served);
            if let Some(token) = &credential.minted {
                token.worked();
            }
            counted.ends(OK);
            return Ok((body, kept, counted));
        }
        Ok(Err(broken)) => broken,
        Err(_) if limit <= deadline => (timed_out(Kind::Timeout), true),
        Err(_) => (timed_out(Kind::DeadlineExceeded), true),
    };
    counted.ends(failure.kind.as_str());
    let stale_connection = failure.cause == Cause::Broken && !answered && !dialled;
    let long = started.elapsed().saturating_mul(2) >= upstream.settings.timeout;
    if failure.kind == Kind::RateLimited {
        upstream.pause(failure.retry_after);
    }
    leave.settle(if stale_connection {
        Outcome::Unknown
    } else {
        outcome(&failure, long)
    });
    Err(Failed {
        failure,
        credential: Some(credential),
        stale_connection,
        kept,
    })
}

/// Sends and reads. A failure comes with whether an answer had begun.
async fn exchange(upstream: &Inner, client: &Client, request: Request) -> Result<Body, (Failure, bool)> {
    let response = client
        .execute(request)
        .await
        .map_err(|error| (classify::broken(&error), false))?;
    if let Some(failure) = classify::ambiguous(response.headers()) {
        return Err((failure, true));
    }
    let status = response.status().as_u16();
    if status == 200 {
        let body = classify::read(response, upstream.settings.max_body, Some(&upstream.memory)).await;
        return body.map_err(|failure| (failure, true));
    }
    let wait = classify::wait(response.headers(), now());
    let mut failure = classify::status(status, wait);
    let body = classify::read(response, MAX_REFUSAL, None)
        .await
        .unwrap_or_default();
    if let Some(kind) = (upstream.refusal)(status, &body.bytes) {
        failure.kind = kind;
    }
    Err((failure, true))
}

/// After a 429 nobody asks again before the time is over: waits it out if that fits, else fails at once.
async fn wait_out_pause(upstream: &Inner, deadline: Instant) -> Result<(), Failure> {
    let Some(until) = upstream.paused_until() else {
        return Ok(());
    };
    if until
        .checked_add(MIN_ATTEMPT)
        .is_some_and(|earliest| earliest <= deadline)
    {
        sleep_until(until).await;
        return Ok(());
    }
    Err(Failure {
        kind: Kind::RateLimited,
        cause: Cause::Final,
        retry_after: Some(until.saturating_duration_since(Instant::now())),
        note: "",
    })
}

/// What an attempt says about the upstream. `long`: it had at least half of a full attempt's time.
fn outcome(failure: &Failure, long: bool) -> Outcome {
    match failure.kind {
        Kind::Unavailable | Kind::Timeout => Outcome::Failed,
        Kind::DeadlineExceeded if long => Outcome::Failed,
        Kind::RateLimited => Outcome::Limited,
        Kind::DeadlineExceeded | Kind::CircuitOpen | Kind::Internal => Outcome::Unknown,
        Kind::Unauthorized
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Pending
        | Kind::BadPayload
        | Kind::Rejected
        | Kind::TooLarge => Outcome::Served,
    }
}

/// Throws a refused token away; whether another one can be had.
async fn renew(upstream: &Inner, credential: Option<Credential>) -> bool {
    match (
        &upstream.auth,
        credential.and_then(|credential| credential.minted),
    ) {
        (Auth::Token(tokens), Some(refused)) => tokens.refuse(&refused).await,
        _ => false,
    }
}

fn next_wait(upstream: &Inner, call: &Call, tried: &Tried, failure: &Failure) -> Option<Duration> {
    if upstream.circuit.state() == State::Open {
        // The next attempt would not be let through; waiting for that would cost the caller time for nothing.
        return None;
    }
    let now = Instant::now();
    let remaining = call.deadline.saturating_duration_since(now);
    let total = call.deadline.saturating_duration_since(call.started);
    let wait =
        upstream
            .settings
            .retry
            .next(tried.counted.max(1), failure, remaining, total, fastrand::u64(..))?;
    upstream.budget().withdraw(now).then_some(wait)
}

async fn credential(auth: &Auth) -> Result<Credential, Failure> {
    match auth {
        Auth::Headers(headers) => Ok(Credential {
            headers: headers.clone(),
            minted: None,
        }),
        Auth::Token(tokens) => tokens.credential().await,
    }
}

fn timed_out(kind: Kind) -> Failure {
    Failure {
        kind,
        cause: Cause::TimedOut,
        retry_after: None,
        note: "",
    }
}

fn circuit_open(wait: Duration) -> Failure {
    Failure {
        kind: Kind::CircuitOpen,
        cause: Cause::Final,
        retry_after: Some(wait),
        note: "",
    }
}

/// The line about a call that came to nothing.
pub(super) fn log_failure(connection: &str, operation: &'static str, kind: Kind, attempts: u32) {
    let code = kind.as_str();
    tracing::warn!(connection, operation, code, attempts, "upstream call failed");
}

fn report(upstream: &Inner, failure: &Failure, operation: &'static str, attempts: u32) -> Error {
    log_failure(&upstream.connection, operation, failure.kind, attempts);
    Error {
        kind: failure.kind,
        operation,
        note: failure.note,
        status: match failure.cause {
            Cause::Status(status) => Some(status),
            Cause::Broken | Cause::TimedOut | Cause::Final => None,
        },
        retry_after: failure
            .retry_after
            .or_else(|| failure.kind.retryable().then_some(DEFAULT_WAIT)),
        retryable: failure.kind.retryable(),
        attempts,
    }
}
