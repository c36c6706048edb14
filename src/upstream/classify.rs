//! From what happened on the wire to a [`Failure`]. Nothing the upstream wrote goes further than this file.

use std::error::Error as _;
use std::io;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH, DATE, HeaderMap, RETRY_AFTER, TRANSFER_ENCODING};
use reqwest::{Error, Response};

use super::error::Kind;
use super::memory::{FREE, Held, Memory};
use super::retry::{Cause, Failure, retry_after};

/// A call that got no complete answer.
pub(super) fn broken(error: &Error) -> Failure {
    if error.is_timeout() {
        return failure(Kind::Timeout, Cause::TimedOut, "");
    }
    if certificate(error) {
        return failure(
            Kind::Unavailable,
            Cause::Final,
            "Its TLS certificate or handshake was not acceptable",
        );
    }
    if error.is_connect() {
        return failure(Kind::Unavailable, Cause::Broken, "No connection");
    }
    if malformed(error) {
        return failure(
            Kind::BadPayload,
            Cause::Final,
            "It is not HTTP, or not compressed as it says",
        );
    }
    if error.is_decode() || error.is_body() || error.is_request() {
        return failure(Kind::Unavailable, Cause::Broken, "The connection broke");
    }
    failure(Kind::Unavailable, Cause::Final, "")
}

/// Every error below this one, those included that an I/O error wraps: its own `source` skips them.
fn below(error: &Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |error| {
        let error: &(dyn std::error::Error + 'static) = *error;
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map_or_else(|| error.source(), |inner| Some(inner))
    })
}

fn is_io(error: &(dyn std::error::Error + 'static), kinds: &[io::ErrorKind]) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| kinds.contains(&error.kind()))
}

/// rustls reports what it refuses as invalid data; no certificate gets better by asking again.
fn certificate(error: &Error) -> bool {
    error.is_connect() && below(error).any(|error| is_io(error, &[io::ErrorKind::InvalidData]))
}

/// Heads, chunks and compressed bodies that cannot be read; one that ends too early was cut, and is not among them.
fn malformed(error: &Error) -> bool {
    below(error).any(|error| {
        error
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_parse)
            || is_io(error, &[io::ErrorKind::InvalidData, io::ErrorKind::InvalidInput])
    })
}

/// Two frames for one body: whoever reads the other one takes the rest for the next answer. RFC 9112 section 6.3.
pub(super) fn ambiguous(headers: &HeaderMap) -> Option<Failure> {
    let both = headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH);
    both.then(|| failure(Kind::BadPayload, Cause::Final, "It gives its length twice"))
}

/// A complete answer that is not a 200.
pub(super) fn status(status: u16, wait: Option<std::time::Duration>) -> Failure {
    let (kind, note) = match status {
        401 => (Kind::Unauthorized, ""),
        403 => (Kind::Forbidden, ""),
        404 => (Kind::NotFound, ""),
        429 => (Kind::RateLimited, ""),
        300..=399 => (
            Kind::Rejected,
            "It answered with a redirect, which is never followed",
        ),
        408 | 425 | 500..=599 => (Kind::Unavailable, ""),
        400..=499 => (Kind::Rejected, ""),
        _ => (
            Kind::BadPayload,
            "It answered with a status that carries no loans",
        ),
    };
    Failure {
        kind,
        cause: Cause::Status(status),
        retry_after: wait,
        note,
    }
}

/// The wait the answer asks for.
pub(super) fn wait(headers: &HeaderMap, now: DateTime<Utc>) -> Option<std::time::Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    retry_after(text(RETRY_AFTER)?, text(DATE), now)
}

/// A complete body, and the place it takes in the gateway's memory for as long as it is there.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) bytes: Bytes,
    _held: Held,
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self {
            bytes,
            _held: Held::default(),
        }
    }
}

/// Reads a body, counting decoded bytes: it is never held whole before it is known to fit.
pub(super) async fn read(mut response: Response, cap: u64, memory: Option<&Memory>) -> Result<Body, Failure> {
    let announced = response.content_length().unwrap_or(0);
    if announced > cap && !response.headers().contains_key(CONTENT_ENCODING) {
        return Err(too_large());
    }
    let mut held = Held::default();
    if let Some(memory) = memory {
        memory.grow(&mut held, announced.min(cap)).await;
    }
    // Room that nobody needs is not for nothing: beyond some 14 KiB it does not come from what a thread has at hand.
    let capacity = if announced == 0 { FREE } else { announced }.min(cap);
    let mut bytes = BytesMut::with_capacity(usize::try_from(capacity).unwrap_or_default());
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error))? {
        let size = u64::try_from(bytes.len().saturating_add(chunk.len())).unwrap_or(u64::MAX);
        if size > cap {
            return Err(too_large());
        }
        if let Some(memory) = memory {
            memory.grow(&mut held, size).await;
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Body {
        bytes: bytes.freeze(),
        _held: held,
    })
}

fn too_large() -> Failure {
    failure(Kind::TooLarge, Cause::Final, "")
}

fn failure(kind: Kind, cause: Cause, note: &'static str) -> Failure {
    Failure {
        kind,
        cause,
        retry_after: None,
        note,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_kind() {
        let mut lines: Vec<(u16, &str)> = (100..=599)
            .filter(|code| *code != 200)
            .map(|code| (code, status(code, None).kind.as_str()))
            .collect();
        lines.dedup_by_key(|(_, kind)| *kind);
        let table: Vec<String> = lines
            .iter()
            .map(|(code, kind)| format!("{code} {kind}"))
            .collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        100 upstream_bad_payload
        300 upstream_rejected
        401 upstream_unauthorized
        402 upstream_rejected
        403 upstream_forbidden
        404 upstream_not_found
        405 upstream_rejected
        408 upstream_unavailable
        409 upstream_rejected
        425 upstream_unavailable
        426 upstream_rejected
        429 upstream_rate_limited
        430 upstream_rejected
        500 upstream_unavailable
        ");
    }
}
