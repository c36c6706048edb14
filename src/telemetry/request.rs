//! Requests of callers: how many, how long, and how many right now.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use reqwest::header::HeaderValue;
use tokio::time::Instant;

use super::span::{Answer, Span, Tracer};
use super::trace::Trace;

/// The status of a request whose caller left before there was an answer. No caller ever sees it.
const ABANDONED: u16 = 499;

/// A histogram over what requests take: from a probe to an export.
pub(super) fn durations() -> Histogram {
    Histogram::new([
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    ])
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Served {
    route: Arc<str>,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: Arc<str>,
}

/// What is counted of requests.
#[derive(Debug, Clone)]
pub(super) struct Requests {
    served: Family<Served, Counter>,
    durations: Family<Route, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
}

impl Requests {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let requests = Self {
            served: Family::default(),
            durations: Family::new_with_constructor(durations),
            in_flight: Gauge::default(),
        };
        registry.register(
            "loangate_http_requests",
            "Requests that are over, by route template, method and status",
            requests.served.clone(),
        );
        registry.register(
            "loangate_http_request_duration_seconds",
            "From the head of a request to the last byte of its answer, streams included",
            requests.durations.clone(),
        );
        registry.register(
            "loangate_http_in_flight",
            "Requests that are being answered, this one included",
            requests.in_flight.clone(),
        );
        requests
    }

    pub(super) fn begin(
        &self,
        route: &str,
        method: &str,
        traceparent: Option<HeaderValue>,
        tracer: Option<&Tracer>,
    ) -> Request {
        self.in_flight.inc();
        Request {
            counts: self.clone(),
            began: Instant::now(),
            route: Arc::from(route),
            method: known(method),
            status: ABANDONED,
            span: match tracer {
                Some(tracer) => tracer.receives(traceparent.as_ref()),
                None => Span::passing(traceparent),
            },
        }
    }
}

/// A request that is being answered; counted when it is dropped.
#[derive(Debug)]
pub struct Request {
    counts: Requests,
    began: Instant,
    route: Arc<str>,
    method: &'static str,
    status: u16,
    span: Span,
}

impl Request {
    /// The template of its address.
    pub fn route(&self) -> &str {
        &self.route
    }

    /// Its method, or what all that callers make up count as.
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// Time since it began.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// What is done for it belongs to this trace.
    pub fn trace(&self) -> Option<Trace> {
        self.span.trace()
    }

    /// The id of that trace.
    pub fn trace_id(&self) -> Option<String> {
        self.span.trace_id()
    }

    /// It ended like this.
    pub fn ends(&mut self, answer: &Answer<'_>) {
        self.status = answer.status.unwrap_or(ABANDONED);
        self.span.answered(self.method, &self.route, answer);
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.counts.in_flight.dec();
        let served = Served {
            route: Arc::clone(&self.route),
            method: self.method,
            status: self.status,
        };
        self.counts.served.get_or_create(&served).inc();
        let route = Route {
            route: Arc::clone(&self.route),
        };
        let elapsed = self.began.elapsed().as_secs_f64();
        self.counts.durations.get_or_create(&route).observe(elapsed);
    }
}

/// A caller may invent methods; they all count as one.
fn known(method: &str) -> &'static str {
    const METHODS: [&str; 9] = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE",
    ];
    METHODS
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("(other)")
}
