//! A collector on a real socket, that keeps the spans it is sent.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use loangate::sim::Provider;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::support::Setup;

/// A call to the collector.
#[derive(Debug, Clone)]
pub struct Called {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub message: ExportTraceServiceRequest,
}

#[derive(Debug)]
pub struct Collector {
    pub address: SocketAddr,
    calls: watch::Receiver<Vec<Called>>,
}

/// A span, with its attributes as text.
#[derive(Debug, Clone)]
pub struct Told {
    pub span: Span,
    pub attributes: BTreeMap<String, String>,
}

impl Told {
    pub fn assert(&self, attributes: &[(&str, &str)]) {
        let expected = attributes
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        assert_eq!(self.attributes, expected.collect(), "{}", self.span.name);
    }

    pub fn trace(&self) -> String {
        hex(&self.span.trace_id)
    }

    pub fn id(&self) -> String {
        hex(&self.span.span_id)
    }

    pub fn parent(&self) -> String {
        hex(&self.span.parent_span_id)
    }

    /// What whoever this span asks is told of the trace.
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-{:02x}", self.trace(), self.id(), self.span.flags & 0xff)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

impl Collector {
    /// One that takes everything.
    pub async fn start() -> Self {
        Self::answering(|| (StatusCode::OK, Vec::new())).await
    }

    /// One that keeps everything and answers like this.
    pub async fn answering(
        answer: impl Fn() -> (StatusCode, Vec<u8>) + Clone + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (kept, calls) = watch::channel(Vec::new());
        let take = async move |State(kept): State<watch::Sender<Vec<Called>>>,
                               uri: Uri,
                               headers: HeaderMap,
                               body: Bytes| {
            let message = ExportTraceServiceRequest::decode(body.clone()).unwrap();
            kept.send_modify(|calls: &mut Vec<Called>| {
                calls.push(Called {
                    path: uri.to_string(),
                    headers,
                    body,
                    message,
                });
            });
            answer()
        };
        let router = Router::new().fallback(take).with_state(kept);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, calls }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn calls(&self) -> Vec<Called> {
        self.calls.borrow().clone()
    }

    pub fn spans(&self) -> Vec<Told> {
        let calls = self.calls();
        let resources = calls.into_iter().flat_map(|call| call.message.resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).map(told).collect()
    }

    /// Waits until it has been called so often.
    pub async fn called(&self, times: usize) {
        let mut calls = self.calls.clone();
        let done = timeout(
            Duration::from_secs(10),
            calls.wait_for(|calls| calls.len() >= times),
        )
        .await;
        assert!(done.is_ok(), "only {} calls", self.calls().len());
    }

    /// The one span of this name.
    pub fn span(&self, name: &str) -> Told {
        let mut spans = self.spans();
        spans.retain(|told| told.span.name == name);
        assert_eq!(spans.len(), 1, "{name}: {:#?}", self.spans());
        spans.remove(0)
    }
}

fn told(span: Span) -> Told {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    let attributes = span.attributes.iter().map(|attribute| {
        let value = attribute
            .value
            .as_ref()
            .and_then(|value| value.value.as_ref())
            .unwrap();
        (attribute.key.clone(), text(value))
    });
    Told {
        attributes: attributes.collect(),
        span,
    }
}

/// A gateway that hands its spans to an address.
pub fn traced(setup: Setup, collector: &str) -> Setup {
    setup.set("telemetry.otlp_endpoint", collector)
}

/// The `traceparent` of each request for loans that a provider got.
pub fn traceparents(gateway: &crate::support::Running, provider: Provider) -> Vec<String> {
    let asked = gateway.asked(provider);
    let header = |request: &loangate::sim::Recorded| request.header("traceparent").unwrap_or("-").to_owned();
    asked.iter().map(header).collect()
}
