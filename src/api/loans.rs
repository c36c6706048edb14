//! `GET /loans`, `POST /loans/search`, `GET /loans/{id}`.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::parameters::Pairs;
use super::problem::{Code, ParameterError, Problem};
use super::{Api, MatchedParameter, RequestId, media, parameter};
use crate::gather::{Query, Refused, Source, Status};
use crate::loan::Loan;
use crate::record::{Want, present};
use crate::upstream::Kind;

/// Whether nothing is missing, for callers that look at headers only.
const COMPLETE: HeaderName = HeaderName::from_static("loangate-complete");

/// Most of a search body.
const MAX_BODY: usize = 64 * 1024;

/// `page` of a list.
#[derive(Debug, Serialize)]
pub(super) struct PageInfo {
    pub(super) limit: usize,
    pub(super) count: usize,
    pub(super) total: Option<u64>,
    pub(super) next_cursor: Option<String>,
    pub(super) consistency: &'static str,
}

#[derive(Serialize)]
struct List<'a> {
    data: &'a [Arc<Loan>],
    page: PageInfo,
    complete: bool,
    sources: &'a [Source],
    request_id: &'a str,
}

#[derive(Serialize)]
struct One<'a> {
    data: &'a Loan,
    complete: bool,
    sources: &'a [Source],
    request_id: &'a str,
}

pub(super) async fn list(
    State(api): State<Api>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    media::json(&headers)?;
    let (query, want) = Pairs::from_query(query.as_deref()).loan_list(&api.gateway, api.personal_allowed)?;
    answer(&api, &id, &headers, &query, want).await
}

pub(super) async fn search(
    State(api): State<Api>,
    id: RequestId,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    media::json(&headers)?;
    media::sends_json(&headers)?;
    if request.uri().query().is_some_and(|query| !query.is_empty()) {
        return Err(Problem::invalid(vec![ParameterError {
            parameter: "(query)".to_owned(),
            detail: "must be empty; the parameters are in the body".to_owned(),
        }]));
    }
    let body = body(request).await?;
    let (query, want) = Pairs::from_json(&body)?.loan_list(&api.gateway, api.personal_allowed)?;
    answer(&api, &id, &headers, &query, want).await
}

async fn body(request: Request) -> Result<Bytes, Problem> {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    if announced
        .and_then(|length| length.parse::<usize>().ok())
        .is_some_and(|length| length > MAX_BODY)
    {
        return Err(Problem::new(Code::PayloadTooLarge));
    }
    axum::body::to_bytes(request.into_body(), MAX_BODY)
        .await
        .map_err(|_| Problem::new(Code::PayloadTooLarge))
}

async fn answer(
    api: &Api,
    id: &RequestId,
    headers: &HeaderMap,
    query: &Query,
    want: Want,
) -> Result<Response, Problem> {
    let answer = api.gateway.list(query).await.map_err(|refused| match refused {
        Refused::SelectionTooLarge(max) => Problem::because(
            Code::SelectionTooLarge,
            format!("The references bring more than {max} loans. Ask for fewer."),
        ),
    })?;
    if let Some(problem) = failed(&answer.sources).or_else(|| missing(&answer.sources, &query.required)) {
        return Err(problem);
    }
    let loans = presented(answer.loans, want);
    let page = PageInfo {
        limit: query.limit,
        count: loans.len(),
        total: answer.total,
        next_cursor: None,
        consistency: if answer.whole { "snapshot" } else { "live" },
    };
    let tag = tag(&loans, answer.complete, &answer.sources);
    let body = List {
        data: &loans,
        page,
        complete: answer.complete,
        sources: &answer.sources,
        request_id: id.as_str(),
    };
    respond(headers, &tag, answer.complete, &body)
}

pub(super) async fn get(
    State(api): State<Api>,
    id: RequestId,
    path: MatchedParameter,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    media::json(&headers)?;
    let (want, asker) = Pairs::from_query(query.as_deref()).single_loan(api.personal_allowed)?;
    let no_such_loan = || Problem::new(Code::LoanNotFound);
    let loan = parameter(&path).ok_or_else(no_such_loan)?;
    let (connection, key) = loan.split_once(':').ok_or_else(no_such_loan)?;
    let (found, source) = api
        .gateway
        .find(connection, key, &asker)
        .await
        .ok_or_else(no_such_loan)?;
    let sources = [source];
    match found {
        Some(loan) => {
            let loan = with(&loan, want);
            let [source] = &sources;
            let complete = source.status == Status::Ok;
            let tag = tag(std::slice::from_ref(&loan), complete, &sources);
            let body = One {
                data: &loan,
                complete,
                sources: &sources,
                request_id: id.as_str(),
            };
            respond(&headers, &tag, complete, &body)
        }
        None => Err(absent(&sources)),
    }
}

/// The loans with what the caller wants beside the canonical fields.
fn presented(loans: Vec<Arc<Loan>>, want: Want) -> Vec<Arc<Loan>> {
    if want == Want::default() {
        return loans;
    }
    loans.iter().map(|loan| with(loan, want)).collect()
}

fn with(loan: &Arc<Loan>, want: Want) -> Arc<Loan> {
    let mut loan = Loan::clone(loan);
    present(&mut loan, want);
    Arc::new(loan)
}

/// Nothing was found: there is no such loan only if the source was read to its end, or says so itself.
fn absent(sources: &[Source; 1]) -> Problem {
    let [source] = sources;
    let unknown_upstream = source
        .error
        .as_ref()
        .is_some_and(|error| error.kind == Kind::NotFound);
    if source.status == Status::Ok || unknown_upstream {
        return Problem::new(Code::LoanNotFound);
    }
    failed(sources).unwrap_or_else(|| Problem {
        sources: Some(sources.to_vec()),
        ..Problem::because(
            Code::UpstreamFailed,
            "The loan is not in what the upstream gave, and the upstream did not give everything.",
        )
    })
}

/// The problem of an answer that nobody contributed to; `None` if somebody did, or nobody was asked.
fn failed(sources: &[Source]) -> Option<Problem> {
    let asked: Vec<&Source> = sources
        .iter()
        .filter(|source| source.status != Status::Skipped)
        .collect();
    if asked.is_empty() || asked.iter().any(|source| source.status.answered()) {
        return None;
    }
    Some(problem(&asked, sources))
}

/// The problem of a required source that is not all there; `None` if every one is, or had nothing to say.
fn missing(sources: &[Source], required: &[Arc<str>]) -> Option<Problem> {
    let gaps: Vec<&Source> = sources
        .iter()
        .filter(|source| required.contains(&source.connection))
        .filter(|source| source.error.is_some())
        .collect();
    if gaps.is_empty() {
        None
    } else {
        Some(problem(&gaps, sources))
    }
}

/// What went wrong with these sources together: by time, by having to wait, or otherwise.
fn problem(failed: &[&Source], sources: &[Source]) -> Problem {
    let errors = || failed.iter().filter_map(|source| source.error.as_ref());
    let everybody = failed.len()
        == sources
            .iter()
            .filter(|source| source.status != Status::Skipped)
            .count();
    let code = if everybody && errors().all(|error| error.kind == Kind::NotFound) {
        Code::ReferenceNotFound
    } else if errors().all(|error| matches!(error.kind, Kind::Timeout | Kind::DeadlineExceeded)) {
        Code::UpstreamTimeout
    } else if errors()
        .all(|error| matches!(error.kind, Kind::RateLimited | Kind::CircuitOpen | Kind::Pending))
    {
        Code::UpstreamUnavailable
    } else {
        Code::UpstreamFailed
    };
    let wait = errors()
        .filter_map(|error| error.retry_after)
        .min()
        .unwrap_or(Duration::from_secs(1));
    Problem {
        sources: Some(sources.to_vec()),
        retry_after: (code == Code::UpstreamUnavailable).then_some(wait),
        ..Problem::new(code)
    }
}

fn respond(
    headers: &HeaderMap,
    tag: &str,
    complete: bool,
    body: &impl Serialize,
) -> Result<Response, Problem> {
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
        let body = serde_json::to_vec(body).map_err(|_| Problem::new(Code::Internal))?;
        let mut response = Response::new(Body::from(body));
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
    headers.extend(HeaderValue::from_str(tag).ok().map(|tag| (header::ETAG, tag)));
    Ok(response)
}

/// A weak tag over the facts: the loans without the time they were fetched, and how each source did.
fn tag(loans: &[Arc<Loan>], complete: bool, sources: &[Source]) -> String {
    let mut hasher = ShaHasher(Sha256::new());
    loans.hash(&mut hasher);
    complete.hash(&mut hasher);
    for source in sources {
        (&source.connection, source.status).hash(&mut hasher);
    }
    let digest = hasher.0.finalize();
    let hex = digest.iter().take(12).fold(String::new(), |mut hex, byte| {
        use std::fmt::Write as _;
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    format!("W/\"{hex}\"")
}

/// SHA-256 as a [`Hasher`], so that a tag is the same in every process.
struct ShaHasher(Sha256);

impl Hasher for ShaHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}
