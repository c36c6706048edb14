//! What one connection contributed to one answer, and what it could not.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use crate::upstream;

/// How a source did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Everything asked for came.
    Ok,
    /// Some of it came.
    Partial,
    /// The upstream failed; a cache had an older answer.
    Stale,
    /// The upstream is still collecting.
    Pending,
    /// Nothing came.
    Failed,
    /// It was not asked.
    Skipped,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Ok,
        Self::Partial,
        Self::Stale,
        Self::Pending,
        Self::Failed,
        Self::Skipped,
    ];

    /// The word in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Partial => "partial",
            Self::Stale => "stale",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// Whether its part of `data` can be relied on to be there, in part at least.
    pub const fn answered(self) -> bool {
        matches!(self, Self::Ok | Self::Partial | Self::Stale)
    }
}

/// Why a source was not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Nothing names a person or a loan to it, and it cannot list.
    NoReference,
}

impl Reason {
    /// The word in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoReference => "no_reference",
        }
    }
}

/// One source's report: a member of `sources`.
#[derive(Debug, Clone, Serialize)]
pub struct Source {
    /// The connection.
    pub connection: Arc<str>,
    /// Its provider.
    pub provider: &'static str,
    /// How it did.
    #[serde(serialize_with = "word")]
    pub status: Status,
    /// Why it was not asked.
    #[serde(serialize_with = "optional_word")]
    pub reason: Option<Reason>,
    /// Loans of it in `data`.
    pub count: usize,
    /// Loans it says it has for this question; null when it does not say.
    pub total: Option<u64>,
    /// Records that could not become loans.
    pub rejected: usize,
    /// Records of loans that were already given: repeated rows, older snapshots.
    pub duplicates: usize,
    /// Whether it was read to its end.
    pub exhausted: bool,
    /// When the newest of its data was fetched; null when none was.
    pub as_of: Option<DateTime<Utc>>,
    /// Whether a cache answered.
    pub cache: &'static str,
    /// Requests sent for loans, retries included.
    pub upstream_requests: u32,
    /// Time it took.
    #[serde(serialize_with = "milliseconds", rename = "elapsed_ms")]
    pub elapsed: Duration,
    /// What went wrong; of several things the worst.
    #[serde(serialize_with = "failure")]
    pub error: Option<upstream::Error>,
}

impl Source {
    /// A source that was not asked.
    pub fn skipped(connection: Arc<str>, provider: &'static str, reason: Reason) -> Self {
        Self {
            connection,
            provider,
            status: Status::Skipped,
            reason: Some(reason),
            count: 0,
            total: None,
            rejected: 0,
            duplicates: 0,
            exhausted: false,
            as_of: None,
            cache: "off",
            upstream_requests: 0,
            elapsed: Duration::ZERO,
            error: None,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn word<S: Serializer>(status: &Status, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status.as_str())
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::ref_option,
    reason = "the signature serde asks for"
)]
fn optional_word<S: Serializer>(reason: &Option<Reason>, serializer: S) -> Result<S::Ok, S::Error> {
    reason.map(Reason::as_str).serialize(serializer)
}

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(whole_milliseconds(*duration))
}

fn whole_milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// `error` of a source: codes and sentences of ours.
#[derive(Debug, Serialize)]
struct Failure {
    code: &'static str,
    detail: String,
    retryable: bool,
    retry_after_ms: Option<u64>,
    upstream_status: Option<u16>,
    attempts: u32,
}

#[expect(clippy::ref_option, reason = "the signature serde asks for")]
fn failure<S: Serializer>(error: &Option<upstream::Error>, serializer: S) -> Result<S::Ok, S::Error> {
    let failure = error.as_ref().map(|error| Failure {
        code: error.kind.code(),
        detail: error.detail(),
        retryable: error.retryable,
        retry_after_ms: error.retry_after.map(whole_milliseconds),
        upstream_status: error.status,
        attempts: error.attempts,
    });
    failure.serialize(serializer)
}
