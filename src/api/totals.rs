//! `GET /loans/summary`: the totals of a selection.

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;

use super::answers::{respond, tag_of};
use super::failures::{failed, missing, refused};
use super::parameters::Pairs;
use super::problem::{Code, Problem};
use super::{Api, RequestId, media};
use crate::gather::{Figures, Source};

#[derive(Serialize)]
struct Body<'a> {
    data: &'a Figures,
    complete: bool,
    sources: &'a [Source],
    request_id: &'a str,
}

pub(super) async fn summary(
    State(api): State<Api>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    media::json(&headers)?;
    let query = Pairs::from_query(query.as_deref()).summary_request(&api.gateway)?;
    let summary = api.gateway.summary(&query).await.map_err(refused)?;
    if let Some(problem) = failed(&summary.sources).or_else(|| missing(&summary.sources, &query.required)) {
        return Err(problem);
    }
    let figures = serde_json::to_vec(&summary.figures).map_err(|_| Problem::new(Code::Internal))?;
    let tag = tag_of(&figures, summary.complete, false, &summary.sources);
    let body = Body {
        data: &summary.figures,
        complete: summary.complete,
        sources: &summary.sources,
        request_id: id.as_str(),
    };
    respond(&headers, &tag, summary.complete, &body)
}
