//! The ways a provider can misbehave.

use std::time::Duration;

use bytes::Bytes;

/// What is wrong with a provider. Faults hit calls for loans and transactions that would otherwise be
/// answered; calls for tokens and calls without the right credentials are not affected.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing.
    None,
    /// Answers right, late.
    Slow(Duration),
    /// 429 with `Retry-After` to the first `times` calls; `u32::MAX` means for ever.
    RateLimited {
        /// The value of `Retry-After`.
        retry_after_secs: u64,
        /// How many calls are refused.
        times: u32,
    },
    /// This status with the provider's own error body to the first `times` calls; `u32::MAX` means for ever.
    Status {
        /// The HTTP status.
        status: u16,
        /// How many calls fail.
        times: u32,
    },
    /// 502 with the HTML page of a proxy.
    HtmlBadGateway,
    /// 200 with an HTML page.
    Html200,
    /// 200 with no body.
    EmptyBody,
    /// The right `Content-Length`, half the body, then the connection closes.
    Truncated,
    /// The head, then nothing for ever.
    Stalled,
    /// Takes the request and never answers.
    NoAnswer,
    /// The beginning of a valid answer, then filler rows up to 64 MiB.
    Oversized,
    /// 200 with the provider's error body.
    ErrorEnvelope,
    /// Well, but every status and type word of the records is one that no document knows.
    NewEnum,
    /// Every token handed out before this was set is refused; new ones work.
    /// Providers without tokens, and tokens that are configured, answer 401.
    ExpiredToken,
    /// 401 for ever.
    Unauthorized,
    /// Every page is page 1 and claims that there is another.
    PageLoop,
    /// 302 to this location.
    Redirect(String),
    /// A scripted answer.
    Raw {
        /// The HTTP status.
        status: u16,
        /// The value of `Content-Type`.
        content_type: &'static str,
        /// The body, sent as it is.
        body: Bytes,
    },
}

/// Long enough to be seen, short enough for a gateway that waits five seconds.
const SLOW: Duration = Duration::from_secs(2);

impl Fault {
    /// The words that [`Fault::parse`] knows.
    pub const WORDS: [&'static str; 16] = [
        "healthy",
        "slow",
        "429",
        "5xx",
        "html-502",
        "html-200",
        "empty",
        "truncated",
        "stalled",
        "no-answer",
        "oversized",
        "error-envelope",
        "new-enum",
        "expired-token",
        "unauthorized",
        "page-loop",
    ];

    /// Reads the word of a command line.
    pub fn parse(word: &str) -> Result<Self, String> {
        Ok(match word {
            "healthy" => Self::None,
            "slow" => Self::Slow(SLOW),
            "429" => Self::RateLimited {
                retry_after_secs: 1,
                times: u32::MAX,
            },
            "5xx" => Self::Status {
                status: 503,
                times: u32::MAX,
            },
            "html-502" => Self::HtmlBadGateway,
            "html-200" => Self::Html200,
            "empty" => Self::EmptyBody,
            "truncated" => Self::Truncated,
            "stalled" => Self::Stalled,
            "no-answer" => Self::NoAnswer,
            "oversized" => Self::Oversized,
            "error-envelope" => Self::ErrorEnvelope,
            "new-enum" => Self::NewEnum,
            "expired-token" => Self::ExpiredToken,
            "unauthorized" => Self::Unauthorized,
            "page-loop" => Self::PageLoop,
            _ => {
                return Err(format!(
                    "unknown fault {word:?}, expected one of {}",
                    Self::WORDS.join(", ")
                ));
            }
        })
    }

    /// The fault of one call. A counted fault counts it and is over when none are left.
    pub(super) fn strike(&mut self) -> Self {
        match self {
            Self::RateLimited { times, .. } | Self::Status { times, .. } => match *times {
                0 => return Self::None,
                u32::MAX => {}
                left => *times = left.saturating_sub(1),
            },
            _ => {}
        }
        self.clone()
    }
}
