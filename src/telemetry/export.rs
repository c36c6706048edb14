//! Handing spans to a collector, as OTLP over HTTP. A collector that is down, slow, silent or confused costs spans, which
//! are counted, and nothing else.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Request, Response, Url};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use super::span::{Counts, Tracer};

/// Spans that wait to be handed over.
const QUEUE: usize = 2048;
/// Most spans handed over at once.
const BATCH: usize = 512;
/// How long a span waits for others.
const TOGETHER: Duration = Duration::from_secs(1);
/// How often lost spans are worth a line.
const QUIET: Duration = Duration::from_mins(1);
/// Most of an answer that is read.
const MAX_ANSWER: usize = 64 * 1024;

/// Where spans go, and which.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the collector takes them.
    pub endpoint: Url,
    /// What it wants to see with them.
    pub headers: HeaderMap,
    /// Whose spans these are.
    pub service_name: String,
    /// Of a million traces that begin here, how many are recorded.
    pub share: u32,
    /// How long handing over may take.
    pub timeout: Duration,
}

/// Hands spans over until it is stopped.
#[derive(Debug)]
pub struct Exporter {
    settings: Settings,
    client: Client,
    spans: mpsc::Receiver<Span>,
    batch: Vec<Span>,
    counts: Counts,
    /// When lost spans last got a line, and how many were lost by then.
    told: Option<(Instant, u64)>,
}

/// A tracer, and what hands its spans to a collector by this client.
pub(super) fn pair(settings: Settings, client: Client, counts: Counts) -> (Tracer, Exporter) {
    let (queue, spans) = mpsc::channel(QUEUE);
    let tracer = Tracer::new(queue, settings.share, counts.clone());
    let exporter = Exporter {
        settings,
        client,
        spans,
        batch: Vec::with_capacity(BATCH),
        counts,
        told: None,
    };
    (tracer, exporter)
}

/// Why a batch was not taken.
type Refused = &'static str;

impl Exporter {
    /// Hands spans over until `stopped`, and then what is left.
    pub async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        loop {
            tokio::select! {
                () = self.gather() => {}
                _ = &mut stopped => break,
            }
            self.hand_over().await;
        }
        self.spans.close();
        while let Ok(span) = self.spans.try_recv() {
            self.batch.push(span);
            if self.batch.len() >= BATCH {
                self.hand_over().await;
            }
        }
        self.hand_over().await;
    }

    /// Waits for a span, and a moment for others to join it. What was gathered stays when nobody waits any more.
    async fn gather(&mut self) {
        if self.batch.is_empty() {
            self.spans.recv_many(&mut self.batch, BATCH).await;
        }
        let now = Instant::now();
        let until = now.checked_add(TOGETHER).unwrap_or(now);
        while self.batch.len() < BATCH {
            let room = BATCH.saturating_sub(self.batch.len());
            match timeout_at(until, self.spans.recv_many(&mut self.batch, room)).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
    }

    async fn hand_over(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return;
        }
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let why = match timeout(self.settings.timeout, self.post(batch)).await {
            Ok(Ok(refused)) => {
                let refused = refused.min(count);
                self.counts.exported.inc_by(count.saturating_sub(refused));
                self.counts.failed.inc_by(refused);
                if refused > 0 {
                    "the collector refused some"
                } else {
                    "more came than the collector took in time"
                }
            }
            Ok(Err(why)) => {
                self.counts.failed.inc_by(count);
                why
            }
            Err(_) => {
                self.counts.failed.inc_by(count);
                "the collector did not answer in time"
            }
        };
        self.tell(why);
    }

    /// Sends a batch. How many of it the collector says it refused.
    async fn post(&self, batch: Vec<Span>) -> Result<u64, Refused> {
        let mut request = Request::new(Method::POST, self.settings.endpoint.clone());
        request.headers_mut().clone_from(&self.settings.headers);
        let protobuf = HeaderValue::from_static("application/x-protobuf");
        request.headers_mut().insert(CONTENT_TYPE, protobuf);
        *request.body_mut() = Some(self.message(batch).encode_to_vec().into());
        let answer = self.client.execute(request).await;
        // The error is not written down: it holds the address.
        let answer = answer.map_err(|_| "the collector could not be reached")?;
        if !answer.status().is_success() {
            return Err("the collector refused them");
        }
        let answer = read(answer).await.ok_or("the collector's answer broke off")?;
        // They were taken, whatever else it says.
        let said = ExportTraceServiceResponse::decode(&*answer).unwrap_or_default();
        let refused = said.partial_success.map_or(0, |partly| partly.rejected_spans);
        Ok(u64::try_from(refused).unwrap_or(0))
    }

    fn message(&self, spans: Vec<Span>) -> ExportTraceServiceRequest {
        let version = env!("CARGO_PKG_VERSION");
        let attribute = |key: &str, value: &str| KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue {
                value: Some(Value::StringValue(value.to_owned())),
            }),
            ..KeyValue::default()
        };
        let resource = Resource {
            attributes: vec![
                attribute("service.name", &self.settings.service_name),
                attribute("service.version", version),
            ],
            ..Resource::default()
        };
        let scope = InstrumentationScope {
            name: "loangate".to_owned(),
            version: version.to_owned(),
            ..InstrumentationScope::default()
        };
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(resource),
                scope_spans: vec![ScopeSpans {
                    scope: Some(scope),
                    spans,
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        }
    }

    /// A line about what was lost since the last one, once in a while.
    fn tell(&mut self, why: &'static str) {
        let lost = self.counts.failed.get().saturating_add(self.counts.dropped.get());
        let before = self.told.map_or(0, |(_, lost)| lost);
        let quiet = self.told.is_some_and(|(at, _)| at.elapsed() < QUIET);
        if lost > before && !quiet {
            self.told = Some((Instant::now(), lost));
            tracing::warn!(lost = lost.saturating_sub(before), why, "spans were lost");
        }
    }
}

/// The body, unless it is too long or breaks off.
async fn read(mut answer: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        if body.len().saturating_add(chunk.len()) > MAX_ANSWER {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;

    use super::*;

    #[tokio::test]
    async fn the_queue_is_bounded_and_what_it_cannot_hold_is_counted() {
        let counts = Counts {
            exported: Counter::default(),
            failed: Counter::default(),
            dropped: Counter::default(),
        };
        let settings = Settings {
            // Nobody listens there.
            endpoint: Url::parse("http://127.0.0.1:1/v1/traces").unwrap(),
            headers: HeaderMap::new(),
            service_name: String::new(),
            share: 1_000_000,
            timeout: Duration::from_secs(1),
        };
        let client = Client::builder().no_proxy().build().unwrap();
        let (tracer, exporter) = pair(settings, client, counts.clone());
        for _ in 0..QUEUE + 10 {
            drop(tracer.receives(None));
        }
        assert_eq!((counts.dropped.get(), counts.failed.get()), (10, 0));
        let (stop, stopped) = oneshot::channel();
        stop.send(()).unwrap();
        exporter.run(stopped).await;
        assert_eq!(counts.failed.get(), u64::try_from(QUEUE).unwrap());
        assert_eq!(counts.exported.get(), 0);
        // Nobody hands over what comes later.
        drop(tracer.receives(None));
        assert_eq!(counts.dropped.get(), 11);
    }
}
