//! `GET /docs`: the API's document for people, in Swagger UI from this binary. Nothing is fetched from elsewhere.

use std::io::Read as _;

use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;

use super::Open;
use crate::api::coding::takes_gzip;
use crate::api::problem::{Code, Problem};
use crate::api::{MatchedParameter, parameter};

/// What the page may load and run: what comes from here. Swagger UI sets styles on its elements.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = include_str!("page.html");
const START: &str = include_str!("page.js");

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// What of Swagger UI the page needs: names, kinds, and the files as `build.rs` compressed them.
const SWAGGER_UI: [(&str, &str, &[u8]); 3] = [
    (
        "swagger-ui.css",
        "text/css; charset=utf-8",
        include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui.css.gz")),
    ),
    (
        "swagger-ui-bundle.js",
        JAVASCRIPT,
        include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui-bundle.js.gz")),
    ),
    (
        "favicon-32x32.png",
        "image/png",
        include_bytes!(concat!(env!("OUT_DIR"), "/favicon-32x32.png.gz")),
    ),
];

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
pub(in crate::api) async fn asset(headers: HeaderMap, path: MatchedParameter) -> Result<Response, Problem> {
    let name = parameter(&path).unwrap_or_default();
    if name == "page.js" {
        let headers = [(header::CONTENT_TYPE, JAVASCRIPT), CACHED];
        return Ok((headers, START).into_response());
    }
    let (_, kind, gzip) = SWAGGER_UI
        .iter()
        .find(|(known, ..)| *known == name)
        .ok_or(Problem::new(Code::NotFound))?;
    let own = [
        (header::CONTENT_TYPE, *kind),
        (header::VARY, "Accept-Encoding"),
        CACHED,
    ];
    if takes_gzip(&headers) {
        return Ok((own, [(header::CONTENT_ENCODING, "gzip")], *gzip).into_response());
    }
    let mut plain = Vec::new();
    GzDecoder::new(*gzip)
        .read_to_end(&mut plain)
        .map_err(|_| Problem::new(Code::Internal))?;
    Ok((own, plain).into_response())
}
