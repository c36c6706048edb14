//! The problems each kind of route can answer with, and the headers of every answer.

use std::collections::BTreeMap;

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::api::problem::{self, Code};

/// What any request can meet.
const OPEN: &[Code] = &[
    Code::InvalidRequest,
    Code::NotFound,
    Code::MethodNotAllowed,
    Code::PayloadTooLarge,
    Code::UriTooLong,
    Code::HeadersTooLarge,
    Code::Internal,
    Code::Overloaded,
];

/// What a request for what not everybody may see can meet.
const GUARDED: &[Code] = &[
    Code::Unauthorized,
    Code::Forbidden,
    Code::ConnectionNotFound,
    Code::NotAcceptable,
    Code::RateLimited,
];

/// What a request that upstreams are asked for can meet.
const UPSTREAMS: &[Code] = &[
    Code::InvalidCursor,
    Code::LoanNotFound,
    Code::CapabilityNotSupported,
    Code::ReferenceNotFound,
    Code::CursorExpired,
    Code::PreconditionFailed,
    Code::UnsupportedMediaType,
    Code::SelectionTooLarge,
    Code::UpstreamFailed,
    Code::UpstreamUnavailable,
    Code::UpstreamTimeout,
];

/// Problems of a route that is open to everybody.
pub(in crate::api) struct Open;

/// Problems of a route that needs credentials.
pub(in crate::api) struct Guarded;

/// Problems of a route that asks upstreams.
pub(in crate::api) struct Upstreams;

impl IntoResponses for Open {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[OPEN])
    }
}

impl IntoResponses for Guarded {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[OPEN, GUARDED])
    }
}

impl IntoResponses for Upstreams {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut responses = problems(&[OPEN, GUARDED, UPSTREAMS]);
        let unchanged =
            ResponseBuilder::new().description("Not modified: what `If-None-Match` names is still true.");
        responses.insert("304".to_owned(), unchanged.build().into());
        responses
    }
}

/// One response for each status, with the codes that have it.
fn problems(codes: &[&[Code]]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes.iter().copied().flatten() {
        by_status.entry(code.status().as_u16()).or_default().push(*code);
    }
    let response = |(status, codes): (u16, Vec<Code>)| {
        let codes: Vec<String> = codes
            .iter()
            .map(|code| format!("{}: `{}`", code.title(), code.as_str()))
            .collect();
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(problem::Document::name())))
            .build();
        let response = ResponseBuilder::new()
            .description(codes.join("; "))
            .content("application/problem+json", content);
        (status.to_string(), response.build().into())
    };
    by_status.into_iter().map(response).collect()
}

/// Says of every answer which headers it has.
pub(super) fn headers(document: &mut Document) {
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post];
        for operation in operations.into_iter().flatten() {
            let asks = operation.responses.responses.contains_key("304");
            for (status, response) in &mut operation.responses.responses {
                let RefOr::T(response) = response else { continue };
                let mut says = |name: &str, about: &str| {
                    let header = HeaderBuilder::new()
                        .schema(Some(Object::with_type(Type::String)))
                        .description(Some(about));
                    response.headers.insert(name.to_owned(), header.build().into());
                };
                says(
                    "X-Request-Id",
                    "The caller's own if it was a sane token, else a new one.",
                );
                let given = asks && matches!(status.as_str(), "200" | "304");
                if given {
                    says(
                        "Loangate-Complete",
                        "`true` when nothing is missing; not on streams.",
                    );
                    says("ETag", "Weak: the same facts have the same one; not on streams.");
                }
                if matches!(status.as_str(), "429" | "503") {
                    says("Retry-After", "Seconds to wait.");
                }
                if status == "401" {
                    says("WWW-Authenticate", "How to send credentials.");
                }
            }
        }
    }
}
