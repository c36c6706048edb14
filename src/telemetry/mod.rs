//! What the gateway counts, and the traces it takes part in. Knows no other room, so that all of them can report here.
//!
//! One [`Telemetry`] lives as long as the process: a reload of the config begins no count anew.

#![warn(missing_docs)]

mod connection;
mod export;
mod exposition;
mod fleet;
mod recent;
mod request;
mod span;
mod trace;

use std::fmt;
use std::sync::{Arc, OnceLock};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use reqwest::Client;
use reqwest::header::HeaderValue;

pub use connection::{Exchange, Meter, OK};
pub use export::{Exporter, Settings};
pub use exposition::classic;
pub use recent::Stretch;
pub use request::Request;
pub use span::{Answer, Span};
pub use trace::{Trace, spawn, within};

use connection::Meters;
use fleet::Fleet;
use request::Requests;
use span::{Counts, Tracer};

/// The gateway has as much in hand as it may.
pub const OVERLOADED: &str = "overloaded";
/// The client has as much in hand as it may.
pub const CONCURRENCY: &str = "concurrency";
/// The client asks too often.
pub const RATE: &str = "rate";

/// Where all rooms report. A clone reports to the same place.
#[derive(Debug, Clone)]
pub struct Telemetry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    requests: Requests,
    meters: Meters,
    /// By what looks into the cache led to.
    cache: [(&'static str, Counter); 3],
    shed: Family<Shed, Counter>,
    fleet: Fleet,
    spans: Counts,
    tracer: OnceLock<Tracer>,
}

/// What a look into the cache led to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Looked {
    result: &'static str,
}

/// Why a request was refused at once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Shed {
    reason: &'static str,
}

/// What became of a span.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
}

impl Default for Telemetry {
    /// Without traces of its own.
    fn default() -> Self {
        let mut registry = Registry::default();
        let requests = Requests::register(&mut registry);
        let meters = Meters::default();
        registry.register_collector(Box::new(meters.clone()));
        let looks = Family::<Looked, Counter>::default();
        // Shown before anything is counted, so that the first one is seen as a step.
        let cache =
            ["hit", "miss", "stale"].map(|result| (result, looks.get_or_create_owned(&Looked { result })));
        registry.register(
            "loangate_cache_requests",
            "Looks into the cache, by what they led to",
            looks,
        );
        let shed = Family::<Shed, Counter>::default();
        for reason in [OVERLOADED, CONCURRENCY, RATE] {
            let _ = shed.get_or_create(&Shed { reason });
        }
        registry.register(
            "loangate_http_shed",
            "Requests that were refused at once for want of room, by whose room it is",
            shed.clone(),
        );
        let fleet = Fleet::register(&mut registry);
        let spans = Family::<Ended, Counter>::default();
        let counts = Counts {
            exported: spans.get_or_create_owned(&Ended { outcome: "exported" }),
            failed: spans.get_or_create_owned(&Ended { outcome: "failed" }),
            dropped: spans.get_or_create_owned(&Ended { outcome: "dropped" }),
        };
        registry.register(
            "loangate_trace_spans",
            "Spans that ended, by what became of them",
            spans,
        );
        Self(Arc::new(Inner {
            registry,
            requests,
            meters,
            cache,
            shed,
            fleet,
            spans: counts,
            tracer: OnceLock::new(),
        }))
    }
}

impl Telemetry {
    /// From now on takes part in traces. What hands them over has to be run; `None` if this was said before.
    pub fn trace(&self, settings: Settings, client: Client) -> Option<Exporter> {
        let (tracer, exporter) = export::pair(settings, client, self.0.spans.clone());
        self.0.tracer.set(tracer).ok().map(|()| exporter)
    }

    /// A request that begins to be served. `route` is a template, never a path, which names people.
    /// `traceparent` is the caller's.
    pub fn request(&self, route: &str, method: &str, traceparent: Option<HeaderValue>) -> Request {
        let tracer = self.0.tracer.get();
        self.0.requests.begin(route, method, traceparent, tracer)
    }

    /// Where a connection reports. Its counts last as long as anybody does: a connection that a reload leaves out of
    /// the config is gone from here with the last request that uses it.
    pub fn meter(&self, connection: &Arc<str>) -> Arc<Meter> {
        self.0.meters.of(connection)
    }

    /// An answer reports these connections with these words.
    pub fn answered<'a>(&self, sources: impl IntoIterator<Item = (&'a str, &'static str)>) {
        self.0.meters.answered(sources);
    }

    /// The cache was looked into: `hit`, `miss` or `stale`.
    pub fn looked_up(&self, result: &'static str) {
        if let Some((_, count)) = self.0.cache.iter().find(|(known, _)| *known == result) {
            count.inc();
        }
    }

    /// A request was refused at once: [`OVERLOADED`], [`CONCURRENCY`] or [`RATE`].
    pub fn sheds(&self, reason: &'static str) {
        self.0.shed.get_or_create(&Shed { reason }).inc();
    }

    /// Redis was to be asked for this, with this outcome.
    pub fn fleet_asked(&self, operation: &'static str, outcome: &'static str) {
        self.0.fleet.asked(operation, outcome);
    }

    /// Whether Redis can be asked.
    pub fn fleet_up(&self, up: bool) {
        self.0.fleet.is_up(up);
    }

    /// Everything counted so far as OpenMetrics text, with what the caller knows at this moment.
    pub fn openmetrics(&self, now: &Registry) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.0.registry)?;
        encode_registry(&mut text, now)?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}
