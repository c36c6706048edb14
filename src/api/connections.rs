//! `GET /connections`: what is configured, what it can do, and what traffic says about it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::access::Caller;
use super::answers::{List, PageInfo};
use super::json::Facts;
use super::openapi::{Guarded, NamedConnection};
use super::parameters::Pairs;
use super::problem::{Code, Problem};
use super::{Api, MatchedParameter, RequestId, media, parameter};
use crate::gather::{Connection, Consistency, circuit};
use crate::providers::Verification;
use crate::record::DriftKind;
use crate::upstream::Kind;

/// A configured upstream.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
pub(super) struct View<'a> {
    /// The operator's name for it.
    id: &'a str,
    /// The kind of upstream.
    provider: &'static str,
    /// What its loans are, and which ones are never among them.
    coverage: &'static str,
    /// How far the adapter has been held against the real thing.
    verification: Verification,
    /// What can be asked of it.
    capabilities: Vec<&'static str>,
    /// The types of reference it understands.
    reference_types: &'static [&'static str],
    /// What traffic says about it. Nobody is called to find out.
    health: Health,
    /// What was sent to it in the last 15 minutes, half a minute at a time, the oldest first and the current one last.
    /// Shorter while the gateway has not been counting that long.
    recent: Vec<Stretch>,
    /// What it sent that its documents do not mention.
    drift: Vec<Drift>,
}

/// What traffic says about a connection, since the gateway last read its config.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// Whether it is being left alone.
    circuit: circuit::State,
    /// How long it wants to be left alone; null where it does not say.
    rate_limited_for_ms: Option<u64>,
    /// Requests it answered.
    succeeded: u64,
    /// Requests it did not, or not usefully.
    failed: u64,
    /// Attempts that were made again.
    retried: u64,
    /// Null before the first.
    last_success_at: Option<DateTime<Utc>>,
    /// Null before the first.
    last_failure_at: Option<DateTime<Utc>>,
    /// What that failure was.
    last_failure_code: Option<Kind>,
}

/// Half a minute of requests to a connection, token calls included. What the cache answered or an open circuit kept back
/// was not sent.
#[derive(Debug, Serialize, ToSchema)]
struct Stretch {
    /// When it began.
    from: DateTime<Utc>,
    /// Requests that ended in it.
    requests: u64,
    /// Those that failed because of the provider, the network or our credentials, and not because of what was asked for.
    failures: u64,
    /// Half of them took at most so long, failures included; null if none was answered. A bound out of a fixed row, so it
    /// may be a third too long, and is never too short; 60000 stands for all that took longer.
    p50_ms: Option<u64>,
    /// The same of 95 in a hundred.
    p95_ms: Option<u64>,
}

/// Something a provider sent that its documents do not mention.
#[derive(Debug, Serialize, ToSchema)]
struct Drift {
    /// What is new.
    kind: DriftKind,
    /// The provider's name of the field.
    field: String,
    /// How often.
    count: u64,
}

/// The answer about one connection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectionAnswer)]
pub(super) struct Answer<'a> {
    /// The connection.
    data: View<'a>,
    /// The same as in `X-Request-Id`.
    request_id: &'a str,
}

/// The configured upstreams that the caller may see.
#[utoipa::path(
    get,
    path = "/connections",
    operation_id = "list_connections",
    tag = "connections",
    responses((status = 200, description = "The connections", body = List<'_, View<'_>>), Guarded)
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    id: RequestId,
    caller: Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    media::json(&headers)?;
    pairs.none()?;
    let seen = api.gateway.connections();
    let seen = seen.filter(|connection| caller.sees(&connection.id));
    let data: Vec<View<'_>> = seen.map(view).collect();
    let page = PageInfo {
        limit: data.len(),
        count: data.len(),
        total: u64::try_from(data.len()).ok(),
        next_cursor: None,
        consistency: Consistency::Snapshot,
    };
    Ok(Json(List {
        data: Facts(&data),
        page,
        complete: true,
        sources: &[],
        request_id: id.as_str(),
    })
    .into_response())
}

/// One configured upstream.
#[utoipa::path(
    get,
    path = "/connections/{id}",
    operation_id = "get_connection",
    tag = "connections",
    params(("id" = String, Path, description = "The connection's name.")),
    responses((status = 200, description = "The connection", body = Answer<'_>), NamedConnection)
)]
pub(super) async fn get(
    State(api): State<Arc<Api>>,
    id: RequestId,
    caller: Caller,
    path: MatchedParameter,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    media::json(&headers)?;
    pairs.none()?;
    let name = parameter(&path).ok_or(Problem::new(Code::ConnectionNotFound))?;
    caller.may_name(name)?;
    let connection = api
        .gateway
        .connection(name)
        .ok_or(Problem::new(Code::ConnectionNotFound))?;
    Ok(Json(Answer {
        data: view(connection),
        request_id: id.as_str(),
    })
    .into_response())
}

fn view(connection: &Connection) -> View<'_> {
    let descriptor = connection.descriptor;
    let health = connection.health();
    View {
        id: &connection.id,
        provider: descriptor.name,
        coverage: descriptor.coverage,
        verification: descriptor.verification,
        capabilities: connection.capabilities(),
        reference_types: descriptor.references,
        health: Health {
            circuit: connection.circuit(),
            rate_limited_for_ms: connection
                .paused_for()
                .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            succeeded: health.succeeded,
            failed: health.failed,
            retried: health.retried,
            last_success_at: health.last_success_at,
            last_failure_at: health.last_failure.map(|(at, _)| at),
            last_failure_code: health.last_failure.map(|(_, kind)| kind),
        },
        recent: connection
            .recent()
            .into_iter()
            .map(|stretch| Stretch {
                from: stretch.from.into(),
                requests: stretch.requests,
                failures: stretch.failures,
                p50_ms: stretch.p50,
                p95_ms: stretch.p95,
            })
            .collect(),
        drift: connection
            .drift
            .read()
            .into_iter()
            .map(|(kind, field, count)| Drift { kind, field, count })
            .collect(),
    }
}
