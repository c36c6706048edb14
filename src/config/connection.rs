//! The keys that every connection has, whatever its provider.

use std::fmt;
use std::time::Duration;

use super::section::Section;

/// What any connection may set.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// Budget of one attempt, from sending to the last byte.
    pub timeout: Duration,
    /// How long connecting may take, part of `timeout`.
    pub connect_timeout: Duration,
    /// Loans asked for per page; a provider clamps it to what its API takes.
    pub page_size: Option<u64>,
    /// Requests in flight at once.
    pub max_concurrency: usize,
    /// Requests begun per second, evenly spaced; without it as many as come.
    pub requests_per_second: Option<u64>,
    /// When and how often to try again.
    pub retry: Retry,
    /// When to stop asking for a while.
    pub circuit: Circuit,
    /// Whether URLs of hosts that are not loopback may be plain http.
    pub allow_http: bool,
    /// What to ask for at a provider that cannot list, such as `consent:…` or `loan:…`.
    pub references: Vec<String>,
}

/// Leaves the references out: they hold consent and customer ids, which may never reach a log.
impl fmt::Debug for ConnectionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionSettings")
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("page_size", &self.page_size)
            .field("max_concurrency", &self.max_concurrency)
            .field("retry", &self.retry)
            .field("circuit", &self.circuit)
            .field("allow_http", &self.allow_http)
            .finish_non_exhaustive()
    }
}

/// `[connections.<id>.retry]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all; the first counts.
    pub attempts: u32,
    /// Upper bound of the first pause.
    pub base: Duration,
    /// Upper bound of any pause.
    pub max: Duration,
}

/// `[connections.<id>.circuit]`; read, without effect in this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circuit {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open.
    pub open_for: Duration,
}

/// Reads the keys that every connection has; a provider calls it beside reading its own.
pub fn connection_settings(section: &mut Section<'_>) -> ConnectionSettings {
    let shortest = Duration::from_millis(10);
    let minute = Duration::from_mins(1);
    ConnectionSettings {
        timeout: section.duration_or("timeout", Duration::from_secs(5), shortest..=minute),
        connect_timeout: section.duration_or("connect_timeout", Duration::from_secs(2), shortest..=minute),
        page_size: section.integer("page_size", 1..=200),
        max_concurrency: section.count_or("max_concurrency", 64, 1..=10_000),
        requests_per_second: section.integer("requests_per_second", 1..=100_000),
        retry: section.table("retry", retry),
        circuit: section.table("circuit", circuit),
        allow_http: section.bool_or("allow_http", false),
        references: section.strings("references"),
    }
}

fn retry(section: &mut Section<'_>) -> Retry {
    let pause = Duration::from_millis(1)..=Duration::from_mins(1);
    let retry = Retry {
        attempts: section.count_or("attempts", 3, 1..=10),
        base: section.duration_or("base", Duration::from_millis(100), pause.clone()),
        max: section.duration_or("max", Duration::from_secs(2), pause),
    };
    if retry.max < retry.base {
        section.problem("max", "must not be less than base");
    }
    retry
}

fn circuit(section: &mut Section<'_>) -> Circuit {
    let longest = Duration::from_hours(1);
    Circuit {
        failures: section.count_or("failures", 5, 1..=1_000),
        open_for: section.duration_or(
            "open_for",
            Duration::from_secs(10),
            Duration::from_millis(100)..=longest,
        ),
    }
}
