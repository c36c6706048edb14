//! `GET /connections`: what is configured, what it can do, and what traffic says about it.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::access::Caller;
use super::loans::PageInfo;
use super::parameters::Pairs;
use super::problem::{Code, Problem};
use super::{Api, MatchedParameter, RequestId, media, parameter};
use crate::gather::Connection;

#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    provider: &'static str,
    coverage: &'static str,
    verification: &'static str,
    capabilities: Vec<&'static str>,
    reference_types: &'static [&'static str],
    health: Health,
    drift: Vec<Drift>,
}

#[derive(Serialize)]
struct Health {
    circuit: &'static str,
    rate_limited_for_ms: Option<u64>,
    succeeded: u64,
    failed: u64,
    retried: u64,
    last_success_at: Option<DateTime<Utc>>,
    last_failure_at: Option<DateTime<Utc>>,
    last_failure_code: Option<&'static str>,
}

#[derive(Serialize)]
struct Drift {
    kind: &'static str,
    field: String,
    count: u64,
}

#[derive(Serialize)]
struct List<'a> {
    data: Vec<View<'a>>,
    page: PageInfo,
    complete: bool,
    sources: [(); 0],
    request_id: &'a str,
}

#[derive(Serialize)]
struct One<'a> {
    data: View<'a>,
    request_id: &'a str,
}

pub(super) async fn list(
    State(api): State<Api>,
    id: RequestId,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    media::json(&headers)?;
    Pairs::from_query(query.as_deref()).none()?;
    let seen = api.gateway.connections();
    let seen = seen.filter(|connection| caller.sees(&connection.id));
    let data: Vec<View<'_>> = seen.map(view).collect();
    let page = PageInfo {
        limit: data.len(),
        count: data.len(),
        total: u64::try_from(data.len()).ok(),
        next_cursor: None,
        consistency: "snapshot",
    };
    Ok(Json(List {
        data,
        page,
        complete: true,
        sources: [],
        request_id: id.as_str(),
    })
    .into_response())
}

pub(super) async fn get(
    State(api): State<Api>,
    id: RequestId,
    caller: Caller,
    path: MatchedParameter,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    media::json(&headers)?;
    Pairs::from_query(query.as_deref()).none()?;
    let name = parameter(&path).ok_or(Problem::new(Code::ConnectionNotFound))?;
    caller.may_name(name)?;
    let connection = api
        .gateway
        .connection(name)
        .ok_or(Problem::new(Code::ConnectionNotFound))?;
    Ok(Json(One {
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
        verification: descriptor.verification.as_str(),
        capabilities: connection.capabilities(),
        reference_types: descriptor.references,
        health: Health {
            circuit: connection.circuit().as_str(),
            rate_limited_for_ms: connection
                .paused_for()
                .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            succeeded: health.succeeded,
            failed: health.failed,
            retried: health.retried,
            last_success_at: health.last_success_at,
            last_failure_at: health.last_failure.map(|(at, _)| at),
            last_failure_code: health.last_failure.map(|(_, kind)| kind.code()),
        },
        drift: connection
            .drift
            .read()
            .into_iter()
            .map(|(kind, field, count)| Drift {
                kind: kind.as_str(),
                field,
                count,
            })
            .collect(),
    }
}
