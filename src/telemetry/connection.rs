//! What is counted of each connection. Its labels are the connection's id, names that adapters give their calls, and
//! words of ours: all known before the first request.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::histogram::Histogram;
use tokio::time::Instant;

use super::recent::{Recent, Stretch};
use super::request::durations;
use super::span::Span;

/// The outcome of a request that was answered with a whole body.
pub const OK: &str = "ok";
/// Outcome of a request that was given up before it was answered, because nobody waits for it any more.
pub(super) const ABANDONED: &str = "abandoned";
/// Outcomes that are answers to what callers ask for, and say nothing against the provider.
const ANSWERS: [&str; 6] = [
    OK,
    ABANDONED,
    "upstream_not_found",
    "upstream_pending",
    "upstream_rejected",
    "upstream_forbidden",
];

/// Where one connection reports.
#[derive(Debug)]
pub struct Meter {
    connection: Arc<str>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Requests sent, by operation and outcome.
    requests: BTreeMap<(&'static str, &'static str), u64>,
    durations: BTreeMap<&'static str, Histogram>,
    retries: u64,
    statuses: BTreeMap<&'static str, u64>,
    drift: BTreeMap<&'static str, u64>,
    rejected: u64,
    recent: Recent,
}

impl Meter {
    /// A request is sent to the upstream for this operation.
    pub fn sends(self: &Arc<Self>, operation: &'static str) -> Exchange {
        Exchange {
            meter: Arc::clone(self),
            operation,
            began: Instant::now(),
            outcome: Mutex::new(ABANDONED),
        }
    }

    /// The upstream is called for this operation, in as many attempts as it takes.
    pub fn calls(&self, operation: &'static str) -> Span {
        Span::calls(&self.connection, operation)
    }

    /// An attempt is made again.
    pub fn retries(&self) {
        add(&mut self.counts().retries, 1);
    }

    /// So many fields or words came that no document names.
    pub fn drifts(&self, kind: &'static str, count: usize) {
        add(self.counts().drift.entry(kind).or_default(), count);
    }

    /// So many answers reported the connection with this word.
    pub fn reported(&self, status: &'static str, count: usize) {
        add(self.counts().statuses.entry(status).or_default(), count);
    }

    /// So many records could not be used.
    pub fn rejects(&self, count: usize) {
        add(&mut self.counts().rejected, count);
    }

    /// What was sent in the last quarter of an hour.
    pub fn recent(&self) -> Vec<Stretch> {
        self.counts().recent.read()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(count: &mut u64, more: usize) {
    *count = count.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
}

/// One request sent to an upstream; counted when it is dropped. What came of it may show only when the answer is read.
#[derive(Debug)]
pub struct Exchange {
    meter: Arc<Meter>,
    operation: &'static str,
    began: Instant,
    outcome: Mutex<&'static str>,
}

impl Exchange {
    /// The answer is there, whole: [`OK`]. Or there is none that could be read, for this reason.
    pub fn ends(&self, outcome: &'static str) {
        self.turns_out(outcome);
        let elapsed = self.began.elapsed();
        let mut counts = self.meter.counts();
        counts.recent.took(elapsed);
        let durations = counts.durations.entry(self.operation).or_insert_with(durations);
        durations.observe(elapsed.as_secs_f64());
    }

    /// The answer that came is not what it should be.
    pub fn turns_out(&self, outcome: &'static str) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let outcome = *self.outcome.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut counts = self.meter.counts();
        add(counts.requests.entry((self.operation, outcome)).or_default(), 1);
        counts.recent.counts(!ANSWERS.contains(&outcome));
    }
}

/// The meters of all connections that are in use.
#[derive(Debug, Clone, Default)]
pub(super) struct Meters(Arc<Mutex<BTreeMap<Arc<str>, Weak<Meter>>>>);

impl Meters {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Weak<Meter>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of(&self, connection: &Arc<str>) -> Arc<Meter> {
        let mut meters = self.lock();
        if let Some(known) = meters.get(connection).and_then(Weak::upgrade) {
            return known;
        }
        meters.retain(|_, meter| meter.strong_count() > 0);
        let meter = Arc::new(Meter {
            connection: Arc::clone(connection),
            counts: Mutex::default(),
        });
        meters.insert(Arc::clone(connection), Arc::downgrade(&meter));
        meter
    }

    pub(super) fn answered<'a>(&self, sources: impl IntoIterator<Item = (&'a str, &'static str)>) {
        for (connection, status) in sources {
            let meter = self.lock().get(connection).and_then(Weak::upgrade);
            if let Some(meter) = meter {
                meter.reported(status, 1);
            }
        }
    }

    fn in_use(&self) -> Vec<Arc<Meter>> {
        self.lock().values().filter_map(Weak::upgrade).collect()
    }
}

/// Labels in the order they are shown.
type Labels<'a, const N: usize> = [(&'static str, &'a str); N];

impl Collector for Meters {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let meters = self.in_use();
        let mut family = |name, help, kind, write: &dyn Fn(&Meter, &mut MetricEncoder<'_>) -> fmt::Result| {
            let mut metrics = encoder.encode_descriptor(name, help, None, kind)?;
            meters.iter().try_for_each(|meter| write(meter, &mut metrics))
        };
        family(
            "loangate_upstream_requests",
            "Requests sent to upstreams, retries and token calls included, by outcome.",
            MetricType::Counter,
            &|meter, metrics| {
                let counts = meter.counts();
                counts
                    .requests
                    .iter()
                    .try_for_each(|((operation, outcome), count)| {
                        let labels: Labels<'_, 3> = [
                            ("connection", &*meter.connection),
                            ("operation", *operation),
                            ("outcome", *outcome),
                        ];
                        counter(metrics, &labels, *count)
                    })
            },
        )?;
        family(
            "loangate_upstream_request_duration_seconds",
            "From sending a request to the last byte of its answer, or to the failure.",
            MetricType::Histogram,
            &|meter, metrics| {
                let counts = meter.counts();
                counts.durations.iter().try_for_each(|(operation, durations)| {
                    let labels: Labels<'_, 2> =
                        [("connection", &*meter.connection), ("operation", *operation)];
                    durations.encode(metrics.encode_family(&labels)?)
                })
            },
        )?;
        family(
            "loangate_upstream_retries",
            "Attempts that were made again after a pause.",
            MetricType::Counter,
            &|meter, metrics| {
                let labels: Labels<'_, 1> = [("connection", &*meter.connection)];
                let count = meter.counts().retries;
                counter(metrics, &labels, count)
            },
        )?;
        family(
            "loangate_source_status",
            "Reports of a connection in answers, by what they say.",
            MetricType::Counter,
            &|meter, metrics| by_word(meter, metrics, "status", &meter.counts().statuses),
        )?;
        family(
            "loangate_contract_drift",
            "Fields and words that no document of the provider names.",
            MetricType::Counter,
            &|meter, metrics| by_word(meter, metrics, "kind", &meter.counts().drift),
        )?;
        family(
            "loangate_rejected_records",
            "Records that could not be used and were left out.",
            MetricType::Counter,
            &|meter, metrics| {
                let labels: Labels<'_, 1> = [("connection", &*meter.connection)];
                let count = meter.counts().rejected;
                counter(metrics, &labels, count)
            },
        )
    }
}

fn by_word(
    meter: &Meter,
    metrics: &mut MetricEncoder<'_>,
    label: &'static str,
    counts: &BTreeMap<&'static str, u64>,
) -> fmt::Result {
    counts.iter().try_for_each(|(word, count)| {
        let labels: Labels<'_, 2> = [("connection", &*meter.connection), (label, *word)];
        counter(metrics, &labels, *count)
    })
}

fn counter<const N: usize>(
    metrics: &mut MetricEncoder<'_>,
    labels: &Labels<'_, N>,
    count: u64,
) -> fmt::Result {
    ConstCounter::new(count).encode(metrics.encode_family(labels)?)
}
