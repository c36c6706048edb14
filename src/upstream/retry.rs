//! When to try again, as a pure decision. The only place that decides it.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::error::Kind;

/// Longest wait an upstream can impose on us.
pub const MAX_RETRY_AFTER: Duration = Duration::from_mins(5);

/// Time an attempt needs at least; a wait that leaves less is not worth it.
const MIN_ATTEMPT: Duration = Duration::from_millis(200);

/// Retry settings of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Attempts in all; the first counts.
    pub attempts: u32,
    /// First back-off.
    pub base: Duration,
    /// Longest back-off.
    pub max: Duration,
}

/// How an attempt failed, as far as trying again is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Not connected, reset, or cut before the end of the body.
    Broken,
    /// The attempt's time limit.
    TimedOut,
    /// An answer with this status.
    Status(u16),
    /// An answer that will be the same next time: too large, not JSON, a bad certificate, a redirect.
    Final,
}

/// A failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// What the caller will hear.
    pub kind: Kind,
    /// What the policy looks at.
    pub cause: Cause,
    /// The upstream's `Retry-After`.
    pub retry_after: Option<Duration>,
    /// What exactly, in our words.
    pub note: &'static str,
}

impl Policy {
    /// How long to wait before the next attempt, or `None` to give up.
    ///
    /// `made` attempts were made; `remaining` of `total` is left of the request's time; `random` is uniform.
    pub fn next(
        &self,
        made: u32,
        failure: &Failure,
        remaining: Duration,
        total: Duration,
        random: u64,
    ) -> Option<Duration> {
        if made >= self.attempts {
            return None;
        }
        let worth_it = match failure.cause {
            Cause::Broken | Cause::Status(408 | 425 | 429 | 502 | 503 | 504) => true,
            Cause::Status(500) => made == 1,
            // A second wait as long as the first must fit, or the caller gets a deadline instead of an answer.
            Cause::TimedOut => remaining.saturating_mul(2) >= total,
            Cause::Status(_) | Cause::Final => false,
        };
        if !worth_it {
            return None;
        }
        let wait = match failure.retry_after {
            Some(asked) => asked,
            None => self.jittered(made, random),
        };
        (wait.saturating_add(MIN_ATTEMPT) <= remaining).then_some(wait)
    }

    /// Full jitter: uniform between nothing and the exponential back-off.
    fn jittered(&self, made: u32, random: u64) -> Duration {
        let factor = 2_u32.saturating_pow(made.saturating_sub(1));
        let ceiling = self.base.saturating_mul(factor).min(self.max);
        let micros = u64::try_from(ceiling.as_micros())
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        Duration::from_micros(random.checked_rem(micros).unwrap_or_default())
    }
}

/// Reads `Retry-After`: seconds, or a date measured against the answer's own `Date` so that neither clock matters.
/// Nonsense is `None`; the result is at most [`MAX_RETRY_AFTER`].
pub fn retry_after(value: &str, date: Option<&str>, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
    }
    let instant = |text: &str| {
        DateTime::parse_from_rfc2822(text.trim())
            .ok()
            .map(|at| at.to_utc())
    };
    let until = instant(value)?;
    let since = date.and_then(instant).unwrap_or(now);
    Some(
        until
            .signed_duration_since(since)
            .to_std()
            .unwrap_or_default()
            .min(MAX_RETRY_AFTER),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: Policy = Policy {
        attempts: 3,
        base: Duration::from_millis(100),
        max: Duration::from_secs(2),
    };
    const TOTAL: Duration = Duration::from_secs(10);

    fn failure(cause: Cause) -> Failure {
        Failure {
            kind: Kind::Unavailable,
            cause,
            retry_after: None,
            note: "",
        }
    }

    fn retries(cause: Cause) -> u32 {
        (1..=10)
            .take_while(|made| POLICY.next(*made, &failure(cause), TOTAL, TOTAL, 0).is_some())
            .count()
            .try_into()
            .unwrap()
    }

    #[test]
    fn every_status_has_its_number_of_retries() {
        for status in 100..=599 {
            let expected = match status {
                408 | 425 | 429 | 502 | 503 | 504 => 2,
                500 => 1,
                _ => 0,
            };
            assert_eq!(retries(Cause::Status(status)), expected, "{status}");
        }
        assert_eq!(
            (
                retries(Cause::Broken),
                retries(Cause::TimedOut),
                retries(Cause::Final)
            ),
            (2, 2, 0)
        );
    }

    #[test]
    fn a_timeout_is_retried_only_while_half_the_time_is_left() {
        let late = Duration::from_secs(4);
        assert_eq!(POLICY.next(1, &failure(Cause::TimedOut), late, TOTAL, 0), None);
        assert!(POLICY.next(1, &failure(Cause::Broken), late, TOTAL, 0).is_some());
    }

    #[test]
    fn a_wait_the_upstream_asks_for_is_honoured_if_it_fits() {
        let mut limited = failure(Cause::Status(429));
        limited.retry_after = Some(Duration::from_secs(1));
        assert_eq!(
            POLICY.next(1, &limited, Duration::from_secs(3), TOTAL, 7),
            Some(Duration::from_secs(1))
        );
        assert_eq!(POLICY.next(1, &limited, Duration::from_secs(1), TOTAL, 7), None);
    }

    #[test]
    fn retry_after_in_seconds_and_as_a_date_of_a_skewed_clock() {
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(retry_after("3", None, now), Some(Duration::from_secs(3)));
        assert_eq!(retry_after("3600", None, now), Some(MAX_RETRY_AFTER));
        let date = Some("Fri, 20 Nov 2026 10:00:00 GMT");
        assert_eq!(
            retry_after("Fri, 20 Nov 2026 10:00:07 GMT", date, now),
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            retry_after("Fri, 20 Nov 2026 09:00:00 GMT", date, now),
            Some(Duration::ZERO)
        );
        for nonsense in ["", "-1", "soon", "1.5", "99999999999999999999999"] {
            assert_eq!(retry_after(nonsense, date, now), None, "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn a_wait_never_exceeds_its_ceiling(made in 1_u32..3, random: u64) {
            let wait = POLICY.next(made, &failure(Cause::Broken), TOTAL, TOTAL, random).unwrap();
            prop_assert!(wait <= POLICY.base.saturating_mul(2_u32.pow(made.saturating_sub(1))));
        }

        #[test]
        fn no_header_panics(value in "\\PC{0,40}", date in "\\PC{0,40}") {
            let wait = retry_after(&value, Some(&date), DateTime::UNIX_EPOCH);
            prop_assert!(wait.is_none_or(|wait| wait <= MAX_RETRY_AFTER));
        }
    }
}
