//! `GET /loans/{id}/transactions`, `/schedule`, `/snapshots`.

use std::cmp::Reverse;

use axum::response::Response;
use serde::Serialize;

use super::answers::{List, PageInfo, ROOM, SCHEDULE, TRANSACTIONS, respond};
use super::failures::{absent, answered, refused};
use super::json::Facts;
use super::one_loan::OneLoan;
use super::openapi::{Rows, RowsParameters, TransactionParameters};
use super::parameters::{Pairs, RowsRequest, TransactionFilter};
use super::problem::{Code, Problem};
use crate::gather::{Consistency, Found, Part, Read, RowsPage, Status};
use crate::loan::{Instalment, Snapshot, Transaction};

/// The ledger of one loan, by day; rows of one day in upstream order.
#[utoipa::path(
    get,
    path = "/loans/{id}/transactions",
    operation_id = "list_transactions",
    tag = "loans",
    params(("id" = String, Path, description = "The loan's `id`."), TransactionParameters),
    responses((status = 200, description = "A page of the ledger", body = List<'_, Transaction>), Rows)
)]
pub(super) async fn transactions(loan: OneLoan, pairs: Pairs) -> Result<Response, Problem> {
    let (request, filter) = pairs.transactions_request(&loan)?;
    answer(&loan, &request, TRANSACTIONS, |rows| arrange(rows, &filter)).await
}

/// The instalments of one loan.
#[utoipa::path(
    get,
    path = "/loans/{id}/schedule",
    operation_id = "list_instalments",
    tag = "loans",
    params(("id" = String, Path, description = "The loan's `id`."), RowsParameters),
    responses((status = 200, description = "A page of the plan", body = List<'_, Instalment>), Rows)
)]
pub(super) async fn schedule(loan: OneLoan, pairs: Pairs) -> Result<Response, Problem> {
    let request = pairs.rows_request(&loan, "schedule")?;
    answer(&loan, &request, SCHEDULE, |_| {}).await
}

/// Dated observations of one loan, newest first.
#[utoipa::path(
    get,
    path = "/loans/{id}/snapshots",
    operation_id = "list_snapshots",
    tag = "loans",
    params(("id" = String, Path, description = "The loan's `id`."), RowsParameters),
    responses((status = 200, description = "A page of the observations", body = List<'_, Snapshot>), Rows)
)]
pub(super) async fn snapshots(loan: OneLoan, pairs: Pairs) -> Result<Response, Problem> {
    let request = pairs.rows_request(&loan, "snapshots")?;
    let part: Part<Snapshot> = |provider| provider.snapshots();
    answer(&loan, &request, part, |rows| newest_first(rows)).await
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

/// A page of rows: the first is read and frozen, the others come from what was frozen.
async fn answer<T: Serialize + Send>(
    loan: &OneLoan,
    request: &RowsRequest,
    part: Part<T>,
    arrange: impl FnOnce(&mut Vec<T>),
) -> Result<Response, Problem> {
    let gateway = &loan.api.gateway;
    let page = match &request.cursor {
        Some(cursor) => {
            let cursor = loan.api.cursors.read(cursor, request.binding)?;
            gateway
                .resume_rows(cursor, request.limit)
                .await
                .map_err(refused)?
        }
        None => {
            let found = gateway
                .rows(&loan.connection, &loan.key, &request.asker, part)
                .await;
            let mut read = read(loan, found)?;
            arrange(&mut read.rows);
            gateway.list_rows(read, request.limit).await.map_err(refused)?
        }
    };
    shown(loan, request, &page)
}

fn read<T>(loan: &OneLoan, found: Option<Found<T>>) -> Result<Read<T>, Problem> {
    match found {
        Some(Found::Rows(read)) => {
            // What is not there yet is an answer: the loan is there, and says so.
            if read.source.status != Status::Pending {
                answered(std::slice::from_ref(&read.source), &[])?;
            }
            Ok(read)
        }
        Some(Found::NoLoan(source)) => Err(absent(&[source])),
        Some(Found::NotSupported) => Err(loan.not_supported()),
        None => Err(Problem::new(Code::LoanNotFound)),
    }
}

fn shown(loan: &OneLoan, request: &RowsRequest, page: &RowsPage) -> Result<Response, Problem> {
    let sources = std::slice::from_ref(&page.source);
    loan.caller.audit().gives(page.rows.len(), page.complete, sources);
    let next_cursor = page
        .next
        .map(|place| loan.api.cursors.issue(place, request.binding));
    let body = List {
        data: Facts(&page.rows),
        page: PageInfo {
            limit: request.limit,
            count: page.rows.len(),
            total: u64::try_from(page.total).ok(),
            next_cursor,
            consistency: Consistency::Snapshot,
        },
        complete: page.complete,
        sources,
        request_id: loan.id.as_str(),
    };
    let text = page.rows.iter().map(|row| row.0.get().len());
    let room = text.fold(ROOM, usize::saturating_add);
    respond(
        &loan.headers,
        &body,
        room,
        (page.complete, page.next.is_some()),
        sources,
    )
}
