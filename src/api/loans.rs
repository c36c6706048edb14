//! `GET /loans`, `POST /loans/search`, `GET /loans/{id}`.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::access::Caller;
use super::answers::{
    List, One, PageInfo, ROOM, SCHEDULE, TRANSACTIONS, json, presented, respond, respond_with, with,
    write_all,
};
use super::customers::Person;
use super::export::export;
use super::failures::{answered, refused};
use super::json::Facts;
use super::media::{self, Format};
use super::middleware::InFlight;
use super::one_loan::OneLoan;
use super::openapi::{ListParameters, Lists, LoanParameters, Loans, SearchBody, Searches};
use super::parameters::{ExportRequest, ListRequest, Pairs, not_embedded};
use super::problem::{ParameterError, Problem};
use super::{Api, RequestId};
use crate::gather::{Part, Query, Source, Status};
use crate::loan::{Loan, check_schedule};
use crate::record::Want;

/// The loans of every selected connection.
///
/// As `application/x-ndjson` all of them, one `Loan` a line, and at the end an `ExportEnd`: a
/// stream without that was cut. As `text/csv` all of them in a flat table, whole or aborted.
#[utoipa::path(
    get,
    path = "/loans",
    operation_id = "list_loans",
    tag = "loans",
    params(ListParameters),
    responses((status = 200, description = "A page, or everything", content(
        (List<'_, Loan> = "application/json"),
        (String = "application/x-ndjson"),
        (String = "text/csv"),
    )), Lists)
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    id: RequestId,
    caller: Caller,
    Extension(place): Extension<InFlight>,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    either(&api, &id, &caller, place, &headers, pairs).await
}

/// The same with the parameters as a body.
///
/// For references that should not stand in addresses and logs. Upstreams are read, never written to.
#[utoipa::path(
    post,
    path = "/loans/search",
    operation_id = "search_loans",
    tag = "loans",
    request_body = SearchBody,
    responses((status = 200, description = "A page, or everything", content(
        (List<'_, Loan> = "application/json"),
        (String = "application/x-ndjson"),
        (String = "text/csv"),
    )), Searches)
)]
pub(super) async fn search(
    State(api): State<Arc<Api>>,
    id: RequestId,
    caller: Caller,
    Extension(place): Extension<InFlight>,
    RawQuery(query): RawQuery,
    mut headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    media::sends_json(&headers)?;
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(Problem::invalid(vec![ParameterError {
            parameter: "(query)".to_owned(),
            detail: "must be empty; the parameters are in the body".to_owned(),
        }]));
    }
    // A validator is about what a GET of the same address gives.
    headers.remove(header::IF_NONE_MATCH);
    either(&api, &id, &caller, place, &headers, Pairs::from_json(&body)?).await
}

/// A page as JSON, or everything as a stream, as the caller accepts.
async fn either(
    api: &Arc<Api>,
    id: &RequestId,
    caller: &Caller,
    place: InFlight,
    headers: &HeaderMap,
    pairs: Pairs,
) -> Result<Response, Problem> {
    match media::list_format(headers)? {
        Format::Json => {
            let request = pairs.list_request(api, caller)?;
            answer(api, id, caller, headers, request).await
        }
        format => {
            let ExportRequest {
                mut query,
                person,
                want,
            } = pairs.export_request(api, caller)?;
            if format == Format::Csv && want != Want::default() {
                return Err(Problem::invalid(vec![ParameterError {
                    parameter: "include".to_owned(),
                    detail: "has no place in text/csv".to_owned(),
                }]));
            }
            complete(api, caller, &mut query, &person, want).await?;
            export(api, caller, place, &query, want, format).await
        }
    }
}

/// Completes a question with what is linked, which may be asked for more than its lists hold; since when the customer of the
/// question is there.
async fn complete(
    api: &Api,
    caller: &Caller,
    query: &mut Query,
    person: &Person,
    want: Want,
) -> Result<Option<DateTime<Utc>>, Problem> {
    let created_at = api.complete(caller, query, person).await?;
    let errors = not_embedded(&api.gateway, query, want);
    if errors.is_empty() {
        Ok(created_at)
    } else {
        Err(Problem::invalid(errors))
    }
}

async fn answer(
    api: &Arc<Api>,
    id: &RequestId,
    caller: &Caller,
    headers: &HeaderMap,
    request: ListRequest,
) -> Result<Response, Problem> {
    let ListRequest {
        mut query,
        person,
        want,
        limit,
        cursor,
        binding,
    } = request;
    // A walk asks for nothing that may not be asked for any more, and a customer may be gone. A set that was frozen asks
    // nobody: nothing is read for its pages.
    let frozen = cursor.is_some() && query.is_whole() && person.customer.is_none();
    let created_at = if frozen {
        None
    } else {
        complete(api, caller, &mut query, &person, want).await?
    };
    let binding = binding.of_customer(created_at);
    let answer = match cursor {
        Some(cursor) => {
            let cursor = api.cursors.read(&cursor, binding)?;
            api.gateway.resume(&query, cursor, limit).await
        }
        None => api.gateway.list(&query, limit).await,
    };
    let answer = answer.map_err(refused)?;
    answered(&answer.sources, &query.required)?;
    let count = answer.loans.list().len();
    caller.audit().gives(count, answer.complete, &answer.sources);
    let loans = if want == Want::default() {
        answer.loans
    } else {
        let list = answer.loans.list().to_vec();
        Arc::new(presented(&api.gateway, list, want).into())
    };
    let data = loans.written(write_all)?;
    let next_cursor = answer.next.map(|place| api.cursors.issue(place, binding));
    let more = next_cursor.is_some();
    let page = PageInfo {
        limit,
        count,
        total: answer.total,
        next_cursor,
        consistency: answer.consistency,
    };
    let body = List {
        data: Facts(<&[Loan]>::default()),
        page,
        complete: answer.complete,
        sources: &answer.sources,
        request_id: id.as_str(),
    };
    respond_with(headers, data, &body, (answer.complete, more), &answer.sources)
}

/// One loan, in full detail.
#[utoipa::path(
    get,
    path = "/loans/{id}",
    operation_id = "get_loan",
    tag = "loans",
    params(("id" = String, Path, description = "The loan's `id`."), LoanParameters),
    responses((status = 200, description = "The loan", body = One<'_, Loan>), Loans)
)]
pub(super) async fn get(request: OneLoan, pairs: Pairs) -> Result<Response, Problem> {
    let (want, asker) = pairs.single_loan(&request.caller)?;
    let deadline = request.api.gateway.deadline();
    let (found, mut source) = request.find(&asker, deadline).await?;
    let mut loan = with(&found, want);
    if want.schedule {
        let rejected = source.rejected;
        let rows = rows(&request, &found, &mut source, SCHEDULE, deadline).await?;
        // Only the whole plan says what is left.
        if source.rejected == rejected {
            check_schedule(&mut loan, &rows);
        }
        loan.schedule = json(&rows);
    }
    if want.transactions {
        let rows = rows(&request, &found, &mut source, TRANSACTIONS, deadline).await?;
        loan.transactions = json(&rows);
    }
    let sources = [source];
    let complete = sources.iter().all(|source| source.status == Status::Ok);
    request.caller.audit().gives(1, complete, &sources);
    let body = One {
        data: Facts(&loan),
        complete,
        sources: &sources,
        request_id: request.id.as_str(),
    };
    respond(&request.headers, &body, ROOM, (complete, false), &sources)
}

/// Rows of a loan that was found, as far as they came; what did not is in the source.
async fn rows<T: Send>(
    request: &OneLoan,
    loan: &Loan,
    source: &mut Source,
    part: Part<T>,
    deadline: Instant,
) -> Result<Vec<T>, Problem> {
    let read = request
        .api
        .gateway
        .rows_of(loan, source.clone(), part, deadline)
        .await;
    let read = read.ok_or_else(|| request.not_supported())?;
    *source = Source {
        count: source.count,
        status: match read.source.status {
            // The loan itself is there.
            Status::Failed | Status::Pending => Status::Partial,
            status => status,
        },
        ..read.source
    };
    Ok(read.rows)
}
