//! The problems each kind of route can answer with, and the headers of every answer.

use std::collections::BTreeMap;

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, RefOr, Required, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::api::problem::{self, Code};

/// What any request can meet but those of the probes, which always pass.
const OPEN: &[Code] = &[
    Code::InvalidRequest,
    Code::UriTooLong,
    Code::HeadersTooLarge,
    Code::Internal,
    Code::Overloaded,
];

/// What a request for what not everybody may see can meet.
const GUARDED: &[Code] = &[
    Code::Unauthorized,
    Code::Forbidden,
    Code::NotAcceptable,
    Code::RateLimited,
    // The keys of an identity provider cannot be had.
    Code::UpstreamUnavailable,
];

/// What a request that upstreams are asked for can meet.
const UPSTREAMS: &[Code] = &[
    Code::PreconditionFailed,
    Code::ReferenceNotFound,
    Code::UpstreamFailed,
    Code::UpstreamTimeout,
];

/// What following a cursor, and gathering what it is of, can meet.
const PAGES: &[Code] = &[Code::InvalidCursor, Code::CursorExpired, Code::SelectionTooLarge];

/// What naming a customer beside other parameters can meet.
const LINKED: &[Code] = &[Code::CustomerNotFound, Code::StoreUnavailable];

/// What asking the store can meet.
const STORED: &[Code] = &[Code::CapabilityNotSupported, Code::StoreUnavailable];

/// What naming one loan can meet.
const ONE_LOAN: &[Code] = &[Code::LoanNotFound];

macro_rules! problems {
    ($($(#[doc = $doc:literal])* $name:ident = $codes:expr;)+) => {
        $(
            $(#[doc = $doc])*
            pub(in crate::api) struct $name;

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    problems($codes)
                }
            }
        )+
    };
}

problems! {
    /// Problems of the probes.
    Probe = &[&[Code::Internal]];
    /// Problems of a route that is open to everybody.
    Open = &[OPEN];
    /// Problems of naming a code.
    NamedCode = &[OPEN, &[Code::NotFound]];
    /// Problems of a route that needs credentials.
    Guarded = &[OPEN, GUARDED];
    /// Problems of naming a connection.
    NamedConnection = &[OPEN, GUARDED, &[Code::ConnectionNotFound]];
    /// Problems of the list.
    Lists = &[OPEN, GUARDED, UPSTREAMS, PAGES, LINKED];
    /// Problems of the list with its parameters as a body.
    Searches = &[OPEN, GUARDED, UPSTREAMS, PAGES, LINKED, &[Code::PayloadTooLarge, Code::UnsupportedMediaType]];
    /// Problems of totals.
    Totals = &[OPEN, GUARDED, UPSTREAMS, LINKED];
    /// Problems of the list of customers.
    Customers = &[OPEN, GUARDED, STORED, &[Code::InvalidCursor, Code::CursorExpired]];
    /// Problems of naming one customer.
    NamedCustomer = &[OPEN, GUARDED, STORED, &[Code::CustomerNotFound, Code::PreconditionFailed]];
    /// Problems of changing one customer.
    CustomerChanges = &[OPEN, GUARDED, STORED, &[
        Code::PreconditionFailed,
        Code::PayloadTooLarge,
        Code::UnsupportedMediaType,
    ]];
    /// Problems of forgetting one customer.
    CustomerDeletions = &[OPEN, GUARDED, STORED, &[Code::CustomerNotFound, Code::PreconditionFailed]];
    /// Problems of one loan, and of what of it only some connections have.
    Loans = &[OPEN, GUARDED, UPSTREAMS, ONE_LOAN, &[Code::CapabilityNotSupported]];
    /// Problems of the explanation of one loan.
    Explanations = &[OPEN, GUARDED, UPSTREAMS, ONE_LOAN];
    /// Problems of the rows of one loan.
    Rows = &[OPEN, GUARDED, UPSTREAMS, PAGES, ONE_LOAN, &[Code::CapabilityNotSupported]];
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

/// A header of an answer, and when it is there.
const HEADERS: &[(&str, &str)] = &[
    (
        "X-Request-Id",
        "The caller's own if it was a sane token, else a new one.",
    ),
    ("RateLimit", "What is left to the client, where it has a limit."),
    (
        "RateLimit-Policy",
        "What the client's limit is, where it has one.",
    ),
    ("Cache-Control", "Who may keep the answer, and for how long."),
    (
        "Loangate-Complete",
        "`true` when nothing is missing; not on streams.",
    ),
    (
        "ETag",
        "Weak for loans: the same facts have the same one; not on streams. Strong for customers.",
    ),
    ("Location", "The address of what is new."),
    ("Retry-After", "Seconds to wait."),
    (
        "WWW-Authenticate",
        "How to send credentials, or what those that came lack.",
    ),
];

/// A header with a condition, and what it does.
const IF_NONE_MATCH: (&str, &str) = (
    "If-None-Match",
    "An `ETag` of an earlier answer: if it still holds, the answer is 304.",
);
const CHANGE_IF: [(&str, &str); 2] = [
    (
        "If-Match",
        "An `ETag` of an earlier answer, or `*` for any: if it does not hold any more, nothing is changed.",
    ),
    (
        "If-None-Match",
        "`*`: if there is one already, nothing is changed.",
    ),
];

fn condition((name, about): (&str, &str)) -> RefOr<Parameter> {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(Object::with_type(Type::String)))
        .build()
        .into()
}

/// Says of every answer which headers it has, and of what may be asked or changed conditionally that it may.
pub(super) fn headers(document: &mut Document) {
    for item in document.paths.paths.values_mut() {
        let operations = [
            (&mut item.get, &[IF_NONE_MATCH][..]),
            (&mut item.post, &[]),
            (&mut item.put, &CHANGE_IF),
            (&mut item.delete, &CHANGE_IF),
        ];
        for (operation, conditions) in operations {
            let Some(operation) = operation else { continue };
            let responses = &mut operation.responses.responses;
            let guarded = responses.contains_key("401");
            let about_loans = responses.contains_key("502");
            let conditional = responses.contains_key("412");
            if conditional {
                let parameters = operation.parameters.get_or_insert_default();
                parameters.extend(conditions.iter().map(|each| condition(*each)));
                if conditions.contains(&IF_NONE_MATCH) {
                    let unchanged = "Not modified: what `If-None-Match` names is still true.";
                    let unchanged = ResponseBuilder::new().description(unchanged).build();
                    responses.insert("304".to_owned(), unchanged.into());
                }
            }
            for (status, response) in responses {
                let RefOr::T(response) = response else { continue };
                let given = matches!(status.as_str(), "200" | "201" | "304");
                let problem = response.content.contains_key("application/problem+json");
                for (name, about) in HEADERS {
                    let has = match *name {
                        "X-Request-Id" => true,
                        "RateLimit" | "RateLimit-Policy" => guarded && status != "401",
                        "Cache-Control" => guarded || problem,
                        "Loangate-Complete" => about_loans && given,
                        "ETag" => conditional && given,
                        "Location" => status == "201",
                        "Retry-After" => problem && matches!(status.as_str(), "429" | "503"),
                        _ => matches!(status.as_str(), "401" | "403"),
                    };
                    if has {
                        let header = HeaderBuilder::new()
                            .schema(Some(Object::with_type(Type::String)))
                            .description(Some(*about));
                        response.headers.insert((*name).to_owned(), header.build().into());
                    }
                }
            }
        }
    }
}
