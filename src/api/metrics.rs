//! `GET /metrics`: what was counted since the process began, and what the gateway knows at the moment of the scrape.

use std::fmt;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Api;
use super::media::{self, Exposition};
use super::openapi::Guarded;
use super::problem::{Code, Problem};
use crate::gather::circuit;
use crate::telemetry::classic;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    connection: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

/// What the gateway counts, for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "get_metrics",
    tag = "operation",
    responses(
        (
            status = 200,
            description = "Every metric",
            content(
                (String = "text/plain"),
                (String = "application/openmetrics-text"),
            )
        ),
        Guarded,
    )
)]
pub(super) async fn scrape(State(api): State<Arc<Api>>, headers: HeaderMap) -> Result<Response, Problem> {
    let exposition = media::exposition(&headers)?;
    let text = render(&api, exposition).map_err(|_| Problem::new(Code::Internal))?;
    Ok(([(header::CONTENT_TYPE, exposition.as_str())], text).into_response())
}

fn render(api: &Api, exposition: Exposition) -> Result<String, fmt::Error> {
    let circuits = Family::<Of, Gauge>::default();
    let build = Family::<Build, Gauge>::default();
    let version = Build {
        version: env!("CARGO_PKG_VERSION"),
    };
    build.get_or_create(&version).set(1);
    for connection in api.gateway.connections() {
        let of = Of {
            connection: connection.id.to_string(),
        };
        circuits.get_or_create(&of).set(match connection.circuit() {
            circuit::State::Closed => 0,
            circuit::State::HalfOpen => 1,
            circuit::State::Open => 2,
        });
    }
    let mut now = Registry::default();
    now.register(
        "loangate_circuit_state",
        "0 closed, 1 half-open, 2 open",
        circuits,
    );
    now.register("loangate_build_info", "The running version", build);
    let text = api.telemetry.openmetrics(&now)?;
    Ok(match exposition {
        Exposition::Classic => classic(&text),
        Exposition::OpenMetrics => text,
    })
}
