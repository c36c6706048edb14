//! `GET /loans/{id}/explain`: what the upstream sent, beside what was made of it, field by field.

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;

use super::access::Caller;
use super::answers::{respond, tag, with};
use super::details::{find, named};
use super::parameters::Pairs;
use super::problem::Problem;
use super::{Api, MatchedParameter, RequestId, media};
use crate::gather::{Source, Status};
use crate::loan::{Finding, Json, Loan, Missing, Origin};
use crate::record::{Want, account, shown};

#[derive(Serialize)]
struct One<'a> {
    data: Explanation<'a>,
    complete: bool,
    sources: [&'a Source; 1],
    request_id: &'a str,
}

#[derive(Serialize)]
struct Explanation<'a> {
    loan: &'a Loan,
    /// The upstream records, as received; of several the one the loan itself is made from comes first.
    records: Vec<Record>,
    fields: Vec<Field>,
}

#[derive(Serialize)]
struct Record {
    name: &'static str,
    received: Option<Json>,
}

/// A canonical field: what it is, and what it was made from.
#[derive(Serialize)]
struct Field {
    #[serde(rename = "field")]
    path: String,
    value: Json,
    origin: Option<Origin>,
    missing: Option<Missing>,
    source: Option<String>,
    /// What the upstream sent under the name in `source`; null where that is no single field of a record.
    received: Option<Json>,
}

pub(super) async fn explain(
    State(api): State<Api>,
    id: RequestId,
    caller: Caller,
    path: MatchedParameter,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    media::json(&headers)?;
    let named = named(&api, &caller, &path)?;
    let (want, asker) = Pairs::from_query(query.as_deref()).explanation(&caller)?;
    let deadline = api.gateway.deadline();
    let (loan, source) = find(&api, named, &asker, deadline).await?;
    let complete = source.status == Status::Ok;
    caller.audit().gives(1, complete, std::slice::from_ref(&source));
    let shown = with(&loan, want);
    let tag = tag(&[&shown], complete, false, std::slice::from_ref(&source));
    let body = One {
        data: explanation(&loan, &shown, want),
        complete,
        sources: [&source],
        request_id: id.as_str(),
    };
    respond(&headers, &tag, complete, &body)
}

fn explanation<'a>(loan: &Loan, presented: &'a Loan, want: Want) -> Explanation<'a> {
    let records = loan.received.records().iter().map(|record| Record {
        name: match record.name() {
            "" => "loan",
            name => name,
        },
        received: shown(record, want),
    });
    let fields = account(loan).into_iter().map(|account| Field {
        received: account.received(loan, want),
        path: account.path.into_owned(),
        value: account.value,
        origin: match account.finding {
            Some(Finding::Is(origin)) => Some(origin),
            Some(Finding::Missing(_)) | None => None,
        },
        missing: match account.finding {
            Some(Finding::Missing(why)) => Some(why),
            Some(Finding::Is(_)) | None => None,
        },
        source: Some(account.source).filter(|source| !source.is_empty()),
    });
    Explanation {
        loan: presented,
        records: records.collect(),
        fields: fields.collect(),
    }
}
