//! `/customers`: the caller's own customer ids, linked to references. Of a store, not of upstreams.

mod body;
mod conditions;
mod known;
mod view;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::access::Caller;
use super::answers::{List, PageInfo};
use super::json::Facts;
use super::openapi::{
    CustomerChanges, CustomerDeletions, CustomerId, CustomerParameters, Customers, NamedCustomer,
};
use super::parameters::Pairs;
use super::problem::{Code, ParameterError, Problem};
use super::{Api, MatchedParameter, RequestId, media, parameter};
use crate::gather::{Consistency, Place, now};
use crate::store::{Change, Customer, Deleted, Fault, Put, Store};

pub(super) use body::Wanted;
pub(super) use known::Person;
use view::View;

/// Longest id, in characters.
const LONGEST_ID: usize = 128;

const ID_RULE: &str =
    "must be 1 to 128 characters without spaces and control characters, and neither `.` nor `..`";

/// Whether this can be the id of a customer.
fn is_id(id: &str) -> bool {
    let visible = |c: char| !c.is_control() && !c.is_whitespace();
    (1..=LONGEST_ID).contains(&id.chars().count()) && id.chars().all(visible) && !matches!(id, "." | "..")
}

impl Api {
    /// The store, where one is configured.
    pub(super) fn store(&self) -> Result<&dyn Store, Problem> {
        self.store.as_deref().ok_or_else(|| {
            Problem::because(
                Code::CapabilityNotSupported,
                "Customers need a store, and this gateway has none configured.",
            )
        })
    }

    /// The customer of this id, of those that the caller may know.
    async fn customer(&self, caller: &Caller, id: &str) -> Result<Customer, Problem> {
        let store = self.store()?;
        let found = if is_id(id) {
            store.get(&caller.namespace(), id).await.map_err(unanswered)?
        } else {
            None
        };
        found.ok_or(Problem::new(Code::CustomerNotFound))
    }
}

/// The store gives no answer. Why is for the operator, and in the log.
pub(super) fn unanswered(_: Fault) -> Problem {
    Problem {
        retry_after: Some(std::time::Duration::from_secs(1)),
        ..Problem::new(Code::StoreUnavailable)
    }
}

/// The customers that the client knows, in the order in which they were first put.
#[utoipa::path(
    get,
    path = "/customers",
    operation_id = "list_customers",
    tag = "customers",
    params(CustomerParameters),
    responses((status = 200, description = "A page of them", body = List<'_, View<'_>>), Customers)
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    id: RequestId,
    caller: Caller,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    media::json(&headers)?;
    let store = api.store()?;
    let (limit, cursor, binding) = pairs.customers_request(&caller)?;
    let after = match cursor {
        Some(cursor) => api.cursors.read(&cursor, binding)?.place.position,
        None => 0,
    };
    let page = store
        .page(&caller.namespace(), after, limit)
        .await
        .map_err(unanswered)?;
    let data: Vec<View<'_>> = page.customers.iter().map(View::of).collect();
    // A place in an order that does not change; nothing is held for it.
    let next = page.next.map(|position| Place { id: 0, position });
    let body = List {
        page: PageInfo {
            limit,
            count: data.len(),
            total: page.total,
            next_cursor: next.map(|place| api.cursors.issue(place, binding)),
            consistency: Consistency::Live,
        },
        data: Facts(&data),
        complete: true,
        sources: &[],
        request_id: id.as_str(),
    };
    Ok(axum::Json(body).into_response())
}

/// One customer.
#[utoipa::path(
    get,
    path = "/customers/{id}",
    operation_id = "get_customer",
    tag = "customers",
    params(CustomerId),
    responses((status = 200, description = "The customer", body = View<'_>), NamedCustomer)
)]
pub(super) async fn get(
    State(api): State<Arc<Api>>,
    caller: Caller,
    path: MatchedParameter,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    media::json(&headers)?;
    api.store()?;
    pairs.none()?;
    let id = parameter(&path).ok_or(Problem::new(Code::CustomerNotFound))?;
    let customer = api.customer(&caller, id).await?;
    let only = conditions::of(&headers);
    if only.matches.is_some_and(|tags| !tags.name(Some(&customer))) {
        return Err(Problem::new(Code::PreconditionFailed));
    }
    let unchanged = only.none_matches.is_some_and(|tags| tags.name(Some(&customer)));
    let answer = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        axum::Json(View::of(&customer)).into_response()
    };
    Ok(tagged(answer, &customer))
}

/// Links references to a customer, in place of all that were.
///
/// Doing it again changes nothing. With `If-Match`, only if nobody else has changed it; with `If-None-Match: *`, only if
/// there is none yet.
#[utoipa::path(
    put,
    path = "/customers/{id}",
    operation_id = "put_customer",
    tag = "customers",
    params(CustomerId),
    request_body = Wanted,
    responses(
        (status = 200, description = "The customer, which was there before", body = View<'_>),
        (status = 201, description = "The customer, which is new", body = View<'_>),
        CustomerChanges,
    )
)]
pub(super) async fn put(
    State(api): State<Arc<Api>>,
    caller: Caller,
    path: MatchedParameter,
    pairs: Pairs,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    media::json(&headers)?;
    let store = api.store()?;
    media::sends_json(&headers)?;
    pairs.none()?;
    let id = parameter(&path).unwrap_or_default();
    let mut wanted = body::read(&body, &api.gateway, &caller);
    if !is_id(id) {
        wanted.errors.insert(
            0,
            ParameterError {
                parameter: "id".to_owned(),
                detail: ID_RULE.to_owned(),
            },
        );
    }
    if !wanted.errors.is_empty() {
        return Err(Problem::invalid(wanted.errors));
    }
    let change = Change {
        links: wanted.links,
        may_only_stay: wanted.may_only_stay,
        only: conditions::of(&headers),
        at: now(),
    };
    match store
        .put(&caller.namespace(), id, change)
        .await
        .map_err(unanswered)?
    {
        Put::Created(customer) => {
            let mut answer = (StatusCode::CREATED, axum::Json(View::of(&customer))).into_response();
            let location = format!("{}/customers/{}", api.base_path, view::segment(id));
            let location = HeaderValue::try_from(location).ok();
            answer
                .headers_mut()
                .extend(location.map(|at| (header::LOCATION, at)));
            Ok(tagged(answer, &customer))
        }
        Put::Replaced(customer) => Ok(tagged(axum::Json(View::of(&customer)).into_response(), &customer)),
        Put::Refused => Err(Problem::new(Code::PreconditionFailed)),
        Put::NotTheirs => Err(Problem::new(Code::Forbidden)),
    }
}

/// Forgets a customer and what is linked to it.
#[utoipa::path(
    delete,
    path = "/customers/{id}",
    operation_id = "delete_customer",
    tag = "customers",
    params(CustomerId),
    responses((status = 204, description = "It is gone"), CustomerDeletions)
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    path: MatchedParameter,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let store = api.store()?;
    pairs.none()?;
    let id = parameter(&path)
        .filter(|id| is_id(id))
        .ok_or(Problem::new(Code::CustomerNotFound))?;
    let of = caller.namespace();
    let deleted = store.delete(&of, id, conditions::of(&headers)).await;
    match deleted.map_err(unanswered)? {
        Deleted::Gone => Ok(StatusCode::NO_CONTENT),
        Deleted::Unknown => Err(Problem::new(Code::CustomerNotFound)),
        Deleted::Refused => Err(Problem::new(Code::PreconditionFailed)),
    }
}

/// With the version, for the next change and for asking again.
fn tagged(mut answer: Response, customer: &Customer) -> Response {
    let tag = HeaderValue::try_from(format!("\"{}\"", customer.version())).ok();
    answer.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_can_stand_in_an_address() {
        let longest = "ö".repeat(128);
        for id in ["1", "a/b?c#d", "person@example.com", "…", "a%20b", &longest] {
            assert!(is_id(id), "{id}");
        }
        let too_long = "x".repeat(129);
        for id in ["", ".", "..", "a b", " ", "a\n", "\0", "a\u{85}", &too_long] {
            assert!(!is_id(id), "{id:?}");
        }
    }
}
