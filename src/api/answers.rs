//! How an answer goes out: media type, completeness, and a tag to ask again with.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use serde_json::value::to_raw_value;
use utoipa::ToSchema;
use xxhash_rust::xxh3::Xxh3;

use super::json::{Facts, Writer};
use super::pieces::Pieces;
use super::problem::{Code, Problem};
use crate::gather::{Consistency, Gateway, Part, Source, Written};
use crate::loan::{Field, FlagCode, Instalment, Json, Loan, Transaction};
use crate::record::{Want, present};

/// The answer of every list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List<'a, T> {
    /// What was asked for.
    #[schema(value_type = Vec<T>)]
    pub(super) data: Facts<&'a [T]>,
    /// Which part of it this is.
    pub(super) page: PageInfo,
    /// Whether nothing is missing, over the walk so far.
    pub(super) complete: bool,
    /// How every selected connection did.
    pub(super) sources: &'a [Source],
    /// The same as in `X-Request-Id`.
    pub(super) request_id: &'a str,
}

/// The answer about one thing that comes from upstreams.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct One<'a, T> {
    /// What was asked for.
    pub(super) data: T,
    /// Whether nothing is missing.
    pub(super) complete: bool,
    /// How every connection that was asked did.
    pub(super) sources: &'a [Source],
    /// The same as in `X-Request-Id`.
    pub(super) request_id: &'a str,
}

/// Which part of a list an answer is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PageInfo {
    /// The most that was asked for. A page may be shorter, even empty, and not be the last.
    pub(super) limit: usize,
    /// Members of `data`.
    pub(super) count: usize,
    /// Members of the whole list; null where nobody knows.
    pub(super) total: Option<u64>,
    /// Where to go on: the same query with `cursor` set to this. Null is the end, and nothing else is.
    pub(super) next_cursor: Option<String>,
    /// What the pages are of.
    pub(super) consistency: Consistency,
}

/// Whether nothing is missing, for callers that look at headers only.
pub(super) const COMPLETE: HeaderName = HeaderName::from_static("loangate-complete");

/// Bytes of an answer beside its facts, and of a small one as a whole.
pub(super) const ROOM: usize = 4 * 1024;

/// Roughly the bytes of an answer with these loans.
pub(super) fn room(loans: &[Arc<Loan>]) -> usize {
    let sizes = loans
        .iter()
        .map(|loan| loan.extensions.size().saturating_add(1800));
    sizes.fold(ROOM, usize::saturating_add)
}

/// The rows that `include=schedule` and `include=transactions` add.
pub(super) const SCHEDULE: Part<Instalment> = |provider| provider.schedule();
pub(super) const TRANSACTIONS: Part<Transaction> = |provider| provider.transactions();

/// The loans with what the caller wants beside the canonical fields.
pub(super) fn presented(gateway: &Gateway, loans: Vec<Arc<Loan>>, want: Want) -> Vec<Arc<Loan>> {
    if want == Want::default() {
        return loans;
    }
    let presented = loans.iter().map(|loan| {
        let mut loan = with(loan, want);
        if want.schedule {
            loan.schedule = held(gateway, &mut loan, SCHEDULE, Field::Schedule);
        }
        if want.transactions {
            loan.transactions = held(gateway, &mut loan, TRANSACTIONS, Field::Transactions);
        }
        Arc::new(loan)
    });
    presented.collect()
}

/// The loan with what the caller wants of its own records.
pub(super) fn with(loan: &Loan, want: Want) -> Loan {
    let mut loan = loan.clone();
    present(&mut loan, want);
    loan
}

/// Rows of the loan's own record. Rows that could not be read are flagged: what is shown is not all.
fn held<T: Serialize>(gateway: &Gateway, loan: &mut Loan, part: Part<T>, field: Field) -> Option<Json> {
    let held = gateway.held_rows(loan, part);
    if held.as_ref().is_some_and(|(_, unreadable)| *unreadable > 0) {
        loan.flag(FlagCode::MalformedField, field);
    }
    json(&held.map(|(rows, _)| rows))
}

/// A value as JSON text.
pub(super) fn json(value: &impl Serialize) -> Option<Json> {
    to_raw_value(value).ok().map(Json)
}

/// Loans as a JSON array.
pub(super) fn write_all(loans: &[Arc<Loan>]) -> Result<Written, Problem> {
    write(&Facts(loans), room(loans))
}

/// Sends a document. Its tag is made of the [`Facts`] in it, of whether there are `more`, and of how each source did. A
/// cursor is new every time, so it does not count.
pub(super) fn respond(
    headers: &HeaderMap,
    body: &impl Serialize,
    room: usize,
    standing: (bool, bool),
    sources: &[Source],
) -> Result<Response, Problem> {
    let Written { text, digest } = write(body, room)?;
    send(headers, [text].into(), digest, standing, sources)
}

/// Sends a list whose members were written already; the document has none.
pub(super) fn respond_with(
    headers: &HeaderMap,
    data: Written,
    list: &List<'_, Loan>,
    standing: (bool, bool),
    sources: &[Source],
) -> Result<Response, Problem> {
    let Written { mut text, .. } = write(list, ROOM)?;
    // `{"data":`, an empty array, and the rest.
    let begin = text.split_to("{\"data\":".len().min(text.len()));
    let end = text.split_off("[]".len().min(text.len()));
    send(
        headers,
        [begin, data.text, end].into(),
        data.digest,
        standing,
        sources,
    )
}

fn write(body: &impl Serialize, room: usize) -> Result<Written, Problem> {
    let mut writer = Writer::with_capacity(room);
    body.serialize(&mut writer)
        .map_err(|_| Problem::new(Code::Internal))?;
    let (text, facts) = writer.finish();
    Ok(Written {
        text: text.into(),
        digest: facts.digest128(),
    })
}

fn send(
    headers: &HeaderMap,
    body: Pieces,
    facts: u128,
    (complete, more): (bool, bool),
    sources: &[Source],
) -> Result<Response, Problem> {
    // Our tags are weak, and `If-Match` compares strongly: only `*` can match.
    if headers.get_all(header::IF_MATCH).iter().any(|value| value != "*") {
        return Err(Problem::new(Code::PreconditionFailed));
    }
    let tag = tag(facts, complete, more, sources);
    let unchanged = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == "*" || known == tag.trim_start_matches("W/"));
    let mut response = if unchanged {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(Body::new(body));
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    };
    let headers = response.headers_mut();
    headers.insert(
        COMPLETE,
        HeaderValue::from_static(if complete { "true" } else { "false" }),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    headers.extend(HeaderValue::from_str(&tag).ok().map(|tag| (header::ETAG, tag)));
    Ok(response)
}

/// A weak tag, the same in every process.
fn tag(facts: u128, complete: bool, more: bool, sources: &[Source]) -> String {
    let mut digest = Xxh3::new();
    digest.update(&facts.to_le_bytes());
    digest.update(&[u8::from(complete), u8::from(more)]);
    for source in sources {
        for word in [&*source.connection, source.status.as_str()] {
            digest.update(word.as_bytes());
            digest.update(&[0]);
        }
    }
    format!("W/\"{:032x}\"", digest.digest128())
}
