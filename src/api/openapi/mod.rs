//! The API's own document: OpenAPI 3.1 of what the handlers say of themselves, `GET /openapi.json` and `GET /docs`.
//!
//! `docs/openapi.json` is the document of a gateway with keys and nothing configured; a test holds it to this. What a
//! running gateway serves differs in its prefix, in whether it asks for credentials, and, where everybody who reaches it
//! may see its connections, in naming them.

pub(super) mod page;
mod parameters;
mod presence;
mod responses;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{OpenApi as Document, Server};
use utoipa::{Modify, OpenApi};

pub(super) use parameters::{
    CustomerId, CustomerParameters, ExplanationParameters, ListParameters, LoanParameters, RowsParameters,
    SearchBody, SummaryParameters, TransactionParameters,
};
pub(super) use responses::{
    CustomerChanges, CustomerDeletions, Customers, Explanations, Guarded, Lists, Loans, NamedCode,
    NamedConnection, NamedCustomer, Open, Probe, Rows, Searches, Totals,
};

use super::Api;
use super::export::End;
use super::problem;
use crate::loan::{Column, Field};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Loangate",
        description = "One normalized `/loans` API over loan providers that agree on nothing.\n\n\
            Money is a decimal string in major units of the currency beside it: exact, never rounded. Every key of a loan is \
            always present; what is not known is null, and `include=provenance` says why. `complete` says whether anything \
            is missing, `sources` says what and why. Errors are problem documents (RFC 9457): decide on `code`.\n\n\
            Within 1.x changes are additive: ignore keys you do not know, and treat words you do not know as `unknown`.\n\n\
            Requests may carry `X-Request-Id` (1 to 64 letters, digits, `.`, `_` and `-`) and a W3C `traceparent`. Answers \
            about loans carry a weak `ETag`; `If-None-Match` makes them 304."
    ),
    components(schemas(problem::Document<'_>, Field, Column, End<'_>)),
    modifiers(&Credentials),
    security(("bearer" = []), ("api_key" = [])),
    tags(
        (name = "loans", description = "Loans of every connection, in one shape."),
        (name = "customers", description = "The caller's own customer ids, linked to references. Of a store."),
        (name = "connections", description = "The configured upstreams, and how they do."),
        (name = "operation", description = "Whether the gateway is alive, what it does, what its words mean."),
    )
)]
struct Base;

/// The two ways to send a key.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(
            "bearer",
            SecurityScheme::Http(
                Http::builder()
                    .scheme(HttpAuthScheme::Bearer)
                    .description(Some("A key of this gateway, or a token where it takes those."))
                    .build(),
            ),
        );
        let header = ApiKeyValue::with_description("X-Api-Key", "A key of this gateway.");
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(header)));
    }
}

/// The document that the routes are added to.
pub(super) fn base() -> Document {
    Base::openapi()
}

/// What is true of one gateway.
#[derive(Debug)]
pub(super) struct Particulars<'a> {
    /// The prefix of every route.
    pub(super) base_path: &'a str,
    /// The connections with the types of their references, where everybody may see them; then nobody is asked for
    /// credentials either.
    pub(super) connections: Option<Vec<(&'a str, &'static [&'static str])>>,
    /// Whether it takes keys; if not, and it asks for credentials, tokens.
    pub(super) keys: bool,
}

/// The document of the routes, as one gateway serves it.
pub(super) fn finished(mut document: Document, gateway: &Particulars<'_>) -> Document {
    presence::finish(&mut document);
    responses::headers(&mut document);
    let prefix = match gateway.base_path {
        "" => "/",
        prefix => prefix,
    };
    document.servers = Some(vec![Server::new(prefix)]);
    if let Some(connections) = &gateway.connections {
        document.security = None;
        if let Some(components) = &mut document.components {
            components.security_schemes.clear();
        }
        parameters::name(&mut document, connections);
    } else if !gateway.keys {
        document.security = Some(vec![SecurityRequirement::new("bearer", [""; 0])]);
        if let Some(components) = &mut document.components {
            components.security_schemes.remove("api_key");
        }
    }
    document
}

/// The document, written once when the routes are made.
#[derive(Debug, Clone, Default)]
pub(super) struct Written(Bytes);

impl Written {
    pub(super) fn of(document: &Document) -> Self {
        Self(serde_json::to_vec(document).map(Bytes::from).unwrap_or_default())
    }
}

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "get_document",
    tag = "operation",
    security(()),
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = Object), Open)
)]
pub(super) async fn openapi(State(api): State<Arc<Api>>) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        api.document.0.clone(),
    )
        .into_response()
}
