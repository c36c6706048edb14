//! `GET /loans/{id}/transactions`, `/schedule`, `/snapshots`.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use tokio::time::Instant;

use super::access::Caller;
use super::answers::{List, PageInfo, SCHEDULE, TRANSACTIONS, respond, tag};
use super::failures::{absent, answered, refused};
use super::openapi::{RowsParameters, TransactionParameters, Upstreams};
use super::parameters::{Pairs, RowsRequest, TransactionFilter};
use super::problem::{Code, Problem};
use super::{Api, MatchedParameter, RequestId, media, parameter};
use crate::gather::{Asker, Consistency, Found, Part, Read, RowsPage, Source, Status};
use crate::loan::{Instalment, Loan, Snapshot, Transaction};

/// One loan's rows are asked for: everything but which rows.
struct Question<'a> {
    api: &'a Api,
    id: &'a RequestId,
    caller: &'a Caller,
    headers: &'a HeaderMap,
    connection: &'a str,
    key: &'a str,
    request: &'a RowsRequest,
}

/// The ledger of one loan, by day; rows of one day in upstream order.
#[utoipa::path(
    get,
    path = "/loans/{id}/transactions",
    tag = "loans",
    params(("id" = String, Path, description = "The loan's `id`."), TransactionParameters),
    responses((status = 200, description = "A page of the ledger", body = List<'_, Transaction>), Upstreams)
)]
pub(super) async fn transactions(
    State(api): State<Api>,
    id: RequestId,
    caller: Caller,
    path: MatchedParameter,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    media::json(&headers)?;
    let (connection, key) = named(&api, &caller, &path)?;
    let pairs = Pairs::from_query(query.as_deref());
    let (request, filter) = pairs.transactions_request(&caller, connection, key)?;
    let question = Question::new(&api, &id, &caller, &headers, (connection, key), &request);
    question.answer(TRANSACTIONS, |rows| arrange(rows, &filter)).await
}

/// The instalments of one loan.
#[utoipa::path(
    get,
    path = "/loans/{id}/schedule",
    tag = "loans",
    params(("id" = String, Path, description = "The loan's `id`."), RowsParameters),
    responses((status = 200, description = "A page of the plan", body = List<'_, Instalment>), Upstreams)
)]
pub(super) async fn schedule(
    State(api): State<Api>,
    id: RequestId,
    caller: Caller,
    path: MatchedParameter,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    media::json(&headers)?;
    let (connection, key) = named(&api, &caller, &path)?;
    let request = Pairs::from_query(query.as_deref()).rows_request(&caller, "schedule", connection, key)?;
    let question = Question::new(&api, &id, &caller, &headers, (connection, key), &request);
    question.answer(SCHEDULE, |_| {}).await
}

/// Dated observations of one loan, newest first.
#[utoipa::path(
    get,
    path = "/loans/{id}/snapshots",
    tag = "loans",
    params(("id" = String, Path, description = "The loan's `id`."), RowsParameters),
    responses((status = 200, description = "A page of the observations", body = List<'_, Snapshot>), Upstreams)
)]
pub(super) async fn snapshots(
    State(api): State<Api>,
    id: RequestId,
    caller: Caller,
    path: MatchedParameter,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    media::json(&headers)?;
    let (connection, key) = named(&api, &caller, &path)?;
    let request = Pairs::from_query(query.as_deref()).rows_request(&caller, "snapshots", connection, key)?;
    let question = Question::new(&api, &id, &caller, &headers, (connection, key), &request);
    question
        .answer(|provider| provider.snapshots(), |rows| newest_first(rows))
        .await
}

/// Leaves out what the filter does, and sorts by day; rows of one day, and those without one at the end, stay in
/// upstream order.
fn arrange(rows: &mut Vec<Transaction>, filter: &TransactionFilter) {
    rows.retain(|row| filter.matches(row));
    rows.sort_by_key(|row| (row.posted_on.is_none(), row.posted_on));
}

fn newest_first(rows: &mut [Snapshot]) {
    rows.sort_by_key(|row| (row.as_of.is_none(), Reverse(row.as_of)));
}

/// The connection and the native key in the path, if the caller may name that connection.
pub(super) fn named<'a>(
    api: &Api,
    caller: &Caller,
    path: &'a MatchedParameter,
) -> Result<(&'a str, &'a str), Problem> {
    let (connection, key) = parameter(path)
        .and_then(|loan| loan.split_once(':'))
        .ok_or(Problem::new(Code::LoanNotFound))?;
    caller.may_name(connection)?;
    let asked = api.gateway.connection(connection);
    caller.audit().asks(asked.map(|connection| &connection.id));
    Ok((connection, key))
}

/// The loan with this native key, and how its connection did.
pub(super) async fn find(
    api: &Api,
    (connection, key): (&str, &str),
    asker: &Asker,
    deadline: Instant,
) -> Result<(Arc<Loan>, Source), Problem> {
    let found = api.gateway.find(connection, key, asker, deadline).await;
    match found.ok_or(Problem::new(Code::LoanNotFound))? {
        (Some(loan), source) => Ok((loan, source)),
        (None, source) => Err(absent(&[source])),
    }
}

/// What a connection cannot do, said with what it can.
pub(super) fn not_supported(api: &Api, connection: &str) -> Problem {
    let can = api
        .gateway
        .connection(connection)
        .map(|connection| connection.capabilities().join(", "))
        .unwrap_or_default();
    Problem::because(Code::CapabilityNotSupported, format!("`{connection}` can {can}."))
}

impl<'a> Question<'a> {
    fn new(
        api: &'a Api,
        id: &'a RequestId,
        caller: &'a Caller,
        headers: &'a HeaderMap,
        (connection, key): (&'a str, &'a str),
        request: &'a RowsRequest,
    ) -> Self {
        Self {
            api,
            id,
            caller,
            headers,
            connection,
            key,
            request,
        }
    }

    /// A page of rows: the first is read and frozen, the others come from what was frozen.
    async fn answer<T: Serialize + Send>(
        &self,
        part: Part<T>,
        arrange: impl FnOnce(&mut Vec<T>),
    ) -> Result<Response, Problem> {
        let RowsRequest {
            asker,
            limit,
            cursor,
            binding,
        } = self.request;
        let gateway = &self.api.gateway;
        let page = match cursor {
            Some(cursor) => {
                let place = self.api.cursors.read(cursor, *binding)?;
                gateway.resume_rows(place, *limit).map_err(refused)?
            }
            None => {
                let mut read = self.read(gateway.rows(self.connection, self.key, asker, part).await)?;
                arrange(&mut read.rows);
                gateway.list_rows(read, *limit).map_err(refused)?
            }
        };
        self.respond(&page)
    }

    fn read<T>(&self, found: Option<Found<T>>) -> Result<Read<T>, Problem> {
        match found {
            Some(Found::Rows(read)) => {
                // What is not there yet is an answer: the loan is there, and says so.
                if read.source.status != Status::Pending {
                    answered(std::slice::from_ref(&read.source), &[])?;
                }
                Ok(read)
            }
            Some(Found::NoLoan(source)) => Err(absent(&[source])),
            Some(Found::NotSupported) => Err(not_supported(self.api, self.connection)),
            None => Err(Problem::new(Code::LoanNotFound)),
        }
    }

    fn respond(&self, page: &RowsPage) -> Result<Response, Problem> {
        self.caller.audit().gives(page.rows.len(), page.complete);
        let source = std::slice::from_ref(&page.source);
        let tag = tag(&page.rows, page.complete, page.next.is_some(), source);
        let next_cursor = page
            .next
            .map(|place| self.api.cursors.issue(place, self.request.binding));
        let body = List {
            data: &page.rows,
            page: PageInfo {
                limit: self.request.limit,
                count: page.rows.len(),
                total: u64::try_from(page.total).ok(),
                next_cursor,
                consistency: Consistency::Snapshot,
            },
            complete: page.complete,
            sources: source,
            request_id: self.id.as_str(),
        };
        respond(self.headers, &tag, page.complete, &body)
    }
}
