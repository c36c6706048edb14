//! The one send loop: permit, credential, attempt, classify, retry; all of it under the request's deadline.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Method, Request, Url};
use tokio::time::{Instant, timeout_at};

use super::auth::{Auth, Credential};
use super::error::{Error, Kind};
use super::retry::{Cause, Failure};
use super::{Call, Inner, Reply, classify, now};

/// Most of an error body that is read, to see what the provider means by it.
const MAX_REFUSAL: u64 = 64 * 1024;

pub(super) async fn send(
    upstream: &Inner,
    call: &Call,
    operation: &'static str,
    url: &Url,
) -> Result<Reply, Error> {
    let mut attempts = 0;
    let mut renewed = false;
    loop {
        let failure = match attempt(upstream, call, url, &mut attempts).await {
            Ok(body) => {
                let at = now();
                upstream.health.succeeded(at);
                return Ok(Reply {
                    body,
                    at,
                    attempts,
                    operation,
                });
            }
            Err((failure, credential)) => {
                let refused = credential.and_then(|credential| credential.minted);
                if let (Kind::Unauthorized, Auth::Token(tokens), Some(token)) =
                    (failure.kind, &upstream.auth, refused)
                    && upstream.auth.renewable()
                    && !renewed
                {
                    tokens.refuse(&token).await;
                    renewed = true;
                    continue;
                }
                failure
            }
        };
        upstream.health.failed(now(), failure.kind);
        let remaining = call.deadline.saturating_duration_since(Instant::now());
        let total = call.deadline.saturating_duration_since(call.started);
        match upstream
            .settings
            .retry
            .next(attempts.max(1), &failure, remaining, total, fastrand::u64(..))
        {
            Some(wait) => tokio::time::sleep(wait).await,
            None => {
                tracing::warn!(
                    connection = &*upstream.connection,
                    operation,
                    code = failure.kind.code(),
                    attempts,
                    "upstream call failed"
                );
                return Err(report(&failure, operation, attempts));
            }
        }
    }
}

type Failed = (Failure, Option<Credential>);

/// One attempt, bounded by its own time limit and the call's deadline. Counts itself once it is really sent.
async fn attempt(upstream: &Inner, call: &Call, url: &Url, attempts: &mut u32) -> Result<Bytes, Failed> {
    let out_of_time = |_| (timed_out(Kind::DeadlineExceeded), None);
    let permit = timeout_at(call.deadline, upstream.permits.acquire())
        .await
        .map_err(out_of_time)?;
    let _permit = permit.map_err(|_| (timed_out(Kind::Internal), None))?;
    let credential = timeout_at(call.deadline, credential(&upstream.auth))
        .await
        .map_err(out_of_time)?
        .map_err(|failure| (failure, None))?;

    let mut request = Request::new(Method::GET, url.clone());
    let headers = request.headers_mut();
    headers.clone_from(&upstream.headers);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.extend(credential.headers.iter().cloned());

    *attempts = attempts.saturating_add(1);
    call.sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let limit = Instant::now()
        .checked_add(upstream.settings.timeout)
        .unwrap_or(call.deadline);
    let exchange = async {
        let response = upstream
            .client
            .execute(request)
            .await
            .map_err(|error| classify::broken(&error))?;
        let status = response.status().as_u16();
        if status == 200 {
            return classify::read(response, upstream.settings.max_body).await;
        }
        let wait = classify::wait(response.headers(), now());
        let mut failure = classify::status(status, wait);
        let body = classify::read(response, MAX_REFUSAL).await.unwrap_or_default();
        if let Some(kind) = (upstream.refusal)(status, &body) {
            failure.kind = kind;
        }
        Err(failure)
    };
    match timeout_at(limit.min(call.deadline), exchange).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(failure)) => Err((failure, Some(credential))),
        Err(_) if limit < call.deadline => Err((timed_out(Kind::Timeout), Some(credential))),
        Err(_) => Err((timed_out(Kind::DeadlineExceeded), Some(credential))),
    }
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

/// Waits a caller is told when the upstream names none.
const DEFAULT_WAIT: Duration = Duration::from_secs(1);

fn report(failure: &Failure, operation: &'static str, attempts: u32) -> Error {
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
