//! `GET /metrics`: Prometheus text, read from what the gateway already knows at the moment of the scrape.

use std::fmt;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Api;
use super::openapi::Guarded;
use super::problem::{Code, Problem};
use crate::gather::circuit;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    connection: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Drifted {
    connection: String,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

/// What the gateway counts, for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    responses((status = 200, description = "Every metric", content_type = "application/openmetrics-text", body = String), Guarded)
)]
pub(super) async fn scrape(State(api): State<Api>) -> Result<Response, Problem> {
    let text = render(&api).map_err(|_| Problem::new(Code::Internal))?;
    Ok((
        [(
            header::CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        text,
    )
        .into_response())
}

fn render(api: &Api) -> Result<String, fmt::Error> {
    let circuits = Family::<Of, Gauge>::default();
    let retries = Family::<Of, Counter>::default();
    let drift = Family::<Drifted, Counter>::default();
    let build = Family::<Build, Gauge>::default();
    build
        .get_or_create(&Build {
            version: env!("CARGO_PKG_VERSION"),
        })
        .set(1);
    for connection in api.gateway.connections() {
        let of = Of {
            connection: connection.id.to_string(),
        };
        circuits.get_or_create(&of).set(match connection.circuit() {
            circuit::State::Closed => 0,
            circuit::State::HalfOpen => 1,
            circuit::State::Open => 2,
        });
        retries.get_or_create(&of).inc_by(connection.health().retried);
        for (kind, _, count) in connection.drift.read() {
            let drifted = Drifted {
                connection: of.connection.clone(),
                kind: kind.as_str(),
            };
            drift.get_or_create(&drifted).inc_by(count);
        }
    }
    let mut registry = Registry::default();
    registry.register(
        "loangate_circuit_state",
        "0 closed, 1 half-open, 2 open",
        circuits,
    );
    registry.register(
        "loangate_upstream_retries",
        "Attempts that were made again",
        retries,
    );
    registry.register(
        "loangate_contract_drift",
        "Fields and words that no document of the provider names",
        drift,
    );
    registry.register("loangate_build_info", "The running version", build);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}
