//! Spans: one for each request of a caller, one for each call to an upstream. They hold names and words of ours, and
//! nothing that a caller or an upstream wrote but the ids of the trace.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span as Exported, Status};
use prometheus_client::metrics::counter::Counter;
use reqwest::header::HeaderValue;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::connection::{ABANDONED, OK};
use super::trace::{self, Trace};

/// The outcome of an answer that ends without its end.
const BROKEN_OFF: &str = "broken_off";

/// A place in a trace, as `traceparent` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    pub(super) trace: u128,
    pub(super) span: u64,
    pub(super) flags: u8,
}

impl Context {
    pub(super) const SAMPLED: u8 = 1;
    pub(super) const RANDOM: u8 = 2;

    pub(super) fn header(self) -> String {
        format!("00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }

    fn sampled(self) -> bool {
        self.flags & Self::SAMPLED != 0
    }

    /// The place of a new span below this one.
    fn below(self) -> Self {
        Self {
            span: fastrand::u64(1..),
            ..self
        }
    }
}

/// What becomes of spans.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    /// A collector has them.
    pub(super) exported: Counter,
    /// The collector did not take them.
    pub(super) failed: Counter,
    /// Too many waited already, or the process is going away.
    pub(super) dropped: Counter,
}

/// Decides which traces are recorded, and queues what was.
#[derive(Debug, Clone)]
pub struct Tracer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queue: mpsc::Sender<Exported>,
    /// Of a million traces that begin here, how many are recorded.
    share: u32,
    counts: Counts,
}

impl Tracer {
    pub(super) fn new(queue: mpsc::Sender<Exported>, share: u32, counts: Counts) -> Self {
        Self(Arc::new(Inner { queue, share, counts }))
    }

    /// The span of a request that came with this `traceparent`. Whether the caller records decides for us; where it
    /// does not say, chance does.
    pub(super) fn receives(&self, traceparent: Option<&HeaderValue>) -> Span {
        let parent = traceparent.and_then(trace::read);
        let context = parent.map_or_else(|| self.root(), Context::below);
        Span::begin(self, context, parent, SpanKind::Server)
    }

    fn root(&self) -> Context {
        let trace = fastrand::u128(1..);
        let chosen = fastrand::u32(..1_000_000) < self.0.share;
        Context {
            trace,
            span: fastrand::u64(1..),
            flags: Context::RANDOM | if chosen { Context::SAMPLED } else { 0 },
        }
    }

    /// Queues a span if there is room. There is nothing to wait for.
    fn queue(&self, span: Exported) {
        if self.0.queue.try_send(span).is_err() {
            self.0.counts.dropped.inc();
        }
    }
}

/// A piece of work in a trace. Told how it ends, it is queued when it is dropped.
#[derive(Debug)]
pub struct Span {
    trace: Option<Trace>,
    /// `None` where the trace is not recorded.
    recorded: Option<Mutex<Recorded>>,
}

#[derive(Debug)]
struct Recorded {
    tracer: Tracer,
    began: Instant,
    took: Option<Duration>,
    outcome: &'static str,
    failed: bool,
    span: Exported,
}

impl Span {
    fn begin(tracer: &Tracer, context: Context, parent: Option<Context>, kind: SpanKind) -> Self {
        let recorded = context.sampled().then(|| {
            let span = Exported {
                trace_id: context.trace.to_be_bytes().to_vec(),
                span_id: context.span.to_be_bytes().to_vec(),
                parent_span_id: parent.map_or(Vec::new(), |parent| parent.span.to_be_bytes().to_vec()),
                flags: u32::from(context.flags),
                kind: kind.into(),
                start_time_unix_nano: now(),
                ..Exported::default()
            };
            Mutex::new(Recorded {
                tracer: tracer.clone(),
                began: Instant::now(),
                took: None,
                outcome: ABANDONED,
                failed: false,
                span,
            })
        });
        Self {
            trace: Some(Trace::Joined(tracer.clone(), context)),
            recorded,
        }
    }

    /// No span of ours: the caller's trace, if it has one.
    pub(super) fn passing(traceparent: Option<HeaderValue>) -> Self {
        let trace = traceparent.filter(|header| trace::read(header).is_some());
        Self {
            trace: trace.map(Trace::Passed),
            recorded: None,
        }
    }

    /// A call to an upstream, for the request that this task works for.
    pub(super) fn calls(connection: &str, operation: &'static str) -> Self {
        let current = trace::current();
        let Some(Trace::Joined(tracer, parent)) = &current else {
            return Self {
                trace: current,
                recorded: None,
            };
        };
        let span = Self::begin(tracer, parent.below(), Some(*parent), SpanKind::Client);
        if let Some(mut recorded) = span.recorded() {
            operation.clone_into(&mut recorded.span.name);
            recorded.text("loangate.connection", connection);
            recorded.text("loangate.operation", operation);
        }
        span
    }

    /// The trace, with this span as the parent of what comes below it.
    pub fn trace(&self) -> Option<Trace> {
        self.trace.clone()
    }

    /// The id of the trace, in hexadecimal.
    pub fn trace_id(&self) -> Option<String> {
        let context = match self.trace.as_ref()? {
            Trace::Passed(header) => trace::read(header)?,
            Trace::Joined(_, context) => *context,
        };
        Some(format!("{:032x}", context.trace))
    }

    /// What whoever is asked next is told of the trace.
    pub fn traceparent(&self) -> Option<HeaderValue> {
        match self.trace.as_ref()? {
            Trace::Passed(header) => Some(header.clone()),
            Trace::Joined(_, context) => HeaderValue::from_str(&context.header()).ok(),
        }
    }

    /// A call to an upstream is over: so many attempts, the status of the last answer, and what came of it.
    pub fn called(&self, attempts: u32, status: Option<u16>, outcome: &'static str) {
        if let Some(mut recorded) = self.recorded() {
            recorded.took = Some(recorded.began.elapsed());
            recorded.outcome = outcome;
            recorded.failed = outcome != OK;
            recorded.number("loangate.attempts", attempts);
            if let Some(status) = status {
                recorded.number("http.response.status_code", status);
            }
        }
    }

    /// The answer that came is not what it should be.
    pub fn turns_out(&self, outcome: &'static str) {
        if let Some(mut recorded) = self.recorded() {
            recorded.outcome = outcome;
            recorded.failed = true;
        }
    }

    /// A request was answered: to whom, what, and how it ended. Without a status the caller left before.
    pub(super) fn answered(&self, method: &'static str, route: &str, answer: &Answer<'_>) {
        if let Some(mut recorded) = self.recorded() {
            recorded.span.name = format!("{method} {route}");
            recorded.text("http.request.method", method);
            recorded.text("http.route", route);
            if let Some(client) = answer.client {
                recorded.text("loangate.client", client);
            }
            if let Some(status) = answer.status {
                recorded.number("http.response.status_code", status);
            }
            recorded.outcome = answer.outcome;
            recorded.failed =
                answer.outcome == BROKEN_OFF || answer.status.is_some_and(|status| status >= 500);
        }
    }

    fn recorded(&self) -> Option<MutexGuard<'_, Recorded>> {
        let recorded = self.recorded.as_ref()?;
        Some(recorded.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How a request ended, in the words of its log line.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The status of the answer; without one the caller left before.
    pub status: Option<u16>,
    /// The outcome: the code of a problem, if it is one.
    pub outcome: &'static str,
    /// The client, as the config names it.
    pub client: Option<&'a str>,
}

impl Recorded {
    fn text(&mut self, key: &'static str, value: &str) {
        self.attribute(key, Value::StringValue(value.to_owned()));
    }

    fn number(&mut self, key: &'static str, value: impl Into<i64>) {
        self.attribute(key, Value::IntValue(value.into()));
    }

    fn attribute(&mut self, key: &'static str, value: Value) {
        self.span.attributes.push(KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        });
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        let outcome = self.outcome;
        self.text("loangate.outcome", outcome);
        if self.failed {
            self.text("error.type", outcome);
        }
        let mut span = std::mem::take(&mut self.span);
        span.status = Some(Status {
            code: if self.failed {
                StatusCode::Error
            } else {
                StatusCode::Unset
            }
            .into(),
            message: String::new(),
        });
        let took = self.took.unwrap_or_else(|| self.began.elapsed());
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        span.end_time_unix_nano = span.start_time_unix_nano.saturating_add(took);
        self.tracer.queue(span);
    }
}

/// The wall clock in nanoseconds, which is how collectors want it.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX)
}
