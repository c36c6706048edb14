//! What one connection contributed to one answer, and what it could not.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::upstream;

vocabulary! {
    /// How a source did.
    Status as SourceStatus {
        /// Everything asked for came.
        Ok = "ok",
        /// Some of it came.
        Partial = "partial",
        /// The upstream failed; a cache had an older answer.
        Stale = "stale",
        /// The upstream is still collecting.
        Pending = "pending",
        /// Nothing came.
        Failed = "failed",
        /// It was not asked.
        Skipped = "skipped",
    }
}

impl Status {
    /// Whether its part of `data` can be relied on to be there, in part at least.
    pub const fn answered(self) -> bool {
        matches!(self, Self::Ok | Self::Partial | Self::Stale)
    }
}

vocabulary! {
    /// Why a source was not asked, or not for all of its references.
    Reason as SkippedReason {
        /// Nothing names a person or a loan to it, and it cannot list.
        NoReference = "no_reference",
        /// The consent to ask it has expired.
        ConsentExpired = "consent_expired",
        /// The consent to ask it is for another purpose.
        PurposeMismatch = "purpose_mismatch",
        /// The customer is linked to it, and the client may not see it.
        NotAllowed = "not_allowed",
        /// The customer is linked to it, and it is not configured any more, or of another kind.
        NotConfigured = "not_configured",
    }
}

vocabulary! {
    /// Whether a cache answered.
    Cached {
        /// It had an answer young enough.
        Hit = "hit",
        /// It had none; the upstream was asked.
        Miss = "miss",
        /// The upstream failed, and it had an older one.
        Stale = "stale",
        /// There is no cache, or it was not asked.
        Off = "off",
    }
}

/// One source's report: a member of `sources`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Source {
    /// The connection.
    pub connection: Arc<str>,
    /// Its provider; `unknown` of one that cannot be seen, or is not there any more.
    pub provider: &'static str,
    /// How it did.
    pub status: Status,
    /// Why it was not asked; of one that was, why not for all of its references.
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
    #[serde(serialize_with = "crate::loan::instant_or_null")]
    pub as_of: Option<DateTime<Utc>>,
    /// Whether a cache answered.
    pub cache: Cached,
    /// Requests sent for loans, retries included.
    pub upstream_requests: u32,
    /// Time it took.
    #[serde(serialize_with = "milliseconds", rename = "elapsed_ms")]
    #[schema(value_type = u64)]
    pub elapsed: Duration,
    /// What went wrong; of several things the worst.
    #[serde(serialize_with = "failure")]
    #[schema(value_type = Option<Failure>)]
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
            cache: Cached::Off,
            upstream_requests: 0,
            elapsed: Duration::ZERO,
            error: None,
        }
    }
}

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(whole_milliseconds(*duration))
}

fn whole_milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What went wrong with a source: codes and sentences of ours, never the upstream's.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceError)]
struct Failure {
    /// What kind of failure it is.
    code: upstream::Kind,
    /// A sentence for people.
    detail: String,
    /// Whether asking again may help without anybody changing anything.
    retryable: bool,
    /// How long to wait before that, where the upstream or the circuit says.
    retry_after_ms: Option<u64>,
    /// Status of the upstream's last answer; null where there was none.
    upstream_status: Option<u16>,
    /// Attempts made.
    attempts: u32,
}

#[expect(clippy::ref_option, reason = "the signature serde asks for")]
fn failure<S: Serializer>(error: &Option<upstream::Error>, serializer: S) -> Result<S::Ok, S::Error> {
    let failure = error.as_ref().map(|error| Failure {
        code: error.kind,
        detail: error.detail(),
        retryable: error.retryable,
        retry_after_ms: error.retry_after.map(whole_milliseconds),
        upstream_status: error.status,
        attempts: error.attempts,
    });
    failure.serialize(serializer)
}
