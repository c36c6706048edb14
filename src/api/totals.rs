//! `GET /loans/summary`: the totals of a selection.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::access::Caller;
use super::answers::{One, ROOM, respond};
use super::failures::{answered, refused};
use super::json::Facts;
use super::openapi::{SummaryParameters, Totals};
use super::parameters::Pairs;
use super::problem::Problem;
use super::{Api, RequestId, media};
use crate::gather::Figures;

/// The totals of a selection.
///
/// Per currency, kind, phase, payment status and connection. Currencies are never added together.
#[utoipa::path(
    get,
    path = "/loans/summary",
    operation_id = "summarize_loans",
    tag = "loans",
    params(SummaryParameters),
    responses((status = 200, description = "The totals", body = One<'_, Figures>), Totals)
)]
pub(super) async fn summary(
    State(api): State<Arc<Api>>,
    id: RequestId,
    caller: Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    media::json(&headers)?;
    let (mut query, person) = pairs.summary_request(&api, &caller)?;
    api.complete(&caller, &mut query, &person).await?;
    let summary = api.gateway.summary(&query).await.map_err(refused)?;
    answered(&summary.sources, &query.required)?;
    caller.audit().gives(None, summary.complete, &summary.sources);
    let body = One {
        data: Facts(&summary.figures),
        complete: summary.complete,
        sources: &summary.sources,
        request_id: id.as_str(),
    };
    respond(&headers, &body, ROOM, (summary.complete, false), &summary.sources)
}
