//! What can go wrong with an upstream, in the words callers see.

use std::time::Duration;

vocabulary! {
    /// The class of a failure of one source.
    Kind as SourceErrorCode {
        /// Our credentials are refused.
        Unauthorized = "upstream_unauthorized",
        /// Our credentials may not do this.
        Forbidden = "upstream_forbidden",
        /// The upstream knows no such thing.
        NotFound = "upstream_not_found",
        /// It asks us to slow down.
        RateLimited = "upstream_rate_limited",
        /// It did not answer in its own time limit.
        Timeout = "upstream_timeout",
        /// It cannot be reached, or says that it cannot serve.
        Unavailable = "upstream_unavailable",
        /// It is still collecting; ask again.
        Pending = "upstream_pending",
        /// Its answer is not what its documents promise.
        BadPayload = "upstream_bad_payload",
        /// It refuses the request for another reason.
        Rejected = "upstream_rejected",
        /// Its answer is larger than we are willing to hold.
        TooLarge = "upstream_too_large",
        /// It failed so often that it is left alone for a while.
        CircuitOpen = "circuit_open",
        /// The request's own time ran out.
        DeadlineExceeded = "deadline_exceeded",
        /// A defect of ours.
        Internal = "internal",
    }
}

impl Kind {
    /// Whether asking again later may help without anybody changing anything.
    pub const fn retryable(self) -> bool {
        match self {
            Self::RateLimited
            | Self::Timeout
            | Self::Unavailable
            | Self::Pending
            | Self::CircuitOpen
            | Self::DeadlineExceeded => true,
            Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::BadPayload
            | Self::Rejected
            | Self::TooLarge
            | Self::Internal => false,
        }
    }

    /// How bad it is: of several failures of one source, the highest is the one reported.
    pub const fn severity(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::NotFound => 1,
            Self::RateLimited => 2,
            Self::CircuitOpen => 3,
            Self::DeadlineExceeded => 4,
            Self::Timeout => 5,
            Self::Unavailable => 6,
            Self::Rejected => 7,
            Self::TooLarge => 8,
            Self::BadPayload => 9,
            Self::Forbidden => 10,
            Self::Unauthorized => 11,
            Self::Internal => 12,
        }
    }

    /// A sentence for the caller. Ours, never the upstream's.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Unauthorized => "The upstream refused this gateway's credentials.",
            Self::Forbidden => "The upstream does not allow this gateway's credentials to read this.",
            Self::NotFound => "The upstream knows no such reference.",
            Self::RateLimited => "The upstream asked this gateway to slow down.",
            Self::Timeout => "The upstream did not answer in time.",
            Self::Unavailable => "The upstream could not be reached or could not serve.",
            Self::Pending => "The upstream is still collecting the data.",
            Self::BadPayload => "The upstream's answer is not what its documents promise.",
            Self::Rejected => "The upstream refused the request.",
            Self::TooLarge => "The upstream's answer is larger than this gateway accepts.",
            Self::CircuitOpen => "The upstream failed so often that it is left alone for a while.",
            Self::DeadlineExceeded => "The time for this request ran out before the upstream answered.",
            Self::Internal => "This gateway failed while reading the upstream.",
        }
    }
}

/// A failed call. Holds nothing the upstream wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} failed: {}", kind.as_str())]
pub struct Error {
    /// What class of failure.
    pub kind: Kind,
    /// What we were doing, in the provider's terms: `list_loans`.
    pub operation: &'static str,
    /// What exactly, in our words; empty when the kind says it all.
    pub note: &'static str,
    /// HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// How long the upstream asks us to wait.
    pub retry_after: Option<Duration>,
    /// Whether asking again may help; the kind's own opinion unless the upstream said it is final.
    pub retryable: bool,
    /// How many times the request was sent.
    pub attempts: u32,
}

impl Error {
    /// A failure of a kind, with a note in our words.
    pub fn new(kind: Kind, operation: &'static str, note: &'static str) -> Self {
        Self {
            kind,
            operation,
            note,
            status: None,
            retry_after: None,
            retryable: kind.retryable(),
            attempts: 0,
        }
    }

    /// The same after an answer with this status.
    #[must_use]
    pub fn with_status(mut self, status: u16, attempts: u32) -> Self {
        self.status = Some(status);
        self.attempts = attempts;
        self
    }

    /// The same, with a wait.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The same, but the upstream says it will not change.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.retryable = false;
        self.retry_after = None;
        self
    }

    /// The sentence for the caller.
    pub fn detail(&self) -> String {
        if self.note.is_empty() {
            self.kind.sentence().to_owned()
        } else {
            format!("{} {}.", self.kind.sentence(), self.note)
        }
    }
}
