//! `GET /docs`: the API's document for people, in Swagger UI from this binary. Nothing is fetched from elsewhere.

use std::sync::Arc;

use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};

use super::Open;
use crate::api::problem::{Code, Problem};
use crate::api::{MatchedParameter, parameter};

/// What the page may load and run: what comes from here. Swagger UI sets styles on its elements.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = include_str!("page.html");
const START: &str = include_str!("page.js");

const CACHED: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=3600");

/// This document as a page.
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "show_document",
    tag = "operation",
    security(()),
    responses((status = 200, description = "A page for a browser", content_type = "text/html", body = String,
        headers(("Cache-Control" = String, description = "An hour."))), Open)
)]
pub(in crate::api) async fn docs() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        CACHED,
    ];
    (headers, HTML).into_response()
}

/// A file that the page is made of.
pub(in crate::api) async fn asset(path: MatchedParameter) -> Result<Response, Problem> {
    let name = parameter(&path).unwrap_or_default();
    if name == "page.js" {
        let headers = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), CACHED];
        return Ok((headers, START).into_response());
    }
    let wanted = matches!(
        name,
        "swagger-ui.css" | "swagger-ui-bundle.js" | "favicon-32x32.png"
    );
    let file = utoipa_swagger_ui::serve(name, Arc::default()).ok().flatten();
    let file = file.filter(|_| wanted).ok_or(Problem::new(Code::NotFound))?;
    let headers = [(header::CONTENT_TYPE, file.content_type.as_str()), CACHED];
    let compressed = file.gzpipped.then_some([(header::CONTENT_ENCODING, "gzip")]);
    Ok((headers, compressed, file.bytes.into_owned()).into_response())
}
