//! `GET /console`: pages for people. They hold no data; what they show, the visitor's browser asks of this API with the
//! visitor's own key.

use std::sync::Arc;

use axum::extract::{RawPathParams, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Api;
use super::coding::takes_gzip;
use super::openapi::NamedCode;
use super::problem::{Code, Problem};
use crate::console::{File, Pages};

/// What the page may load and run: what comes from here, no script or style inside of it, and no text made into HTML.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// The page alone among its windows, and its files for nobody else's pages.
const APART: [(HeaderName, &str); 3] = [
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// A name holds a hash of what is in it.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Pages for people: how the connections do, and what the loans look like.
#[utoipa::path(
    get,
    path = "/console",
    operation_id = "show_console",
    tag = "operation",
    security(()),
    responses(
        (status = 200, description = "A page for a browser; 404 with `console.enabled = false`", content_type = "text/html",
            body = String, headers(
                ("Cache-Control" = String, description = "To be asked for again."),
                ("ETag" = String, description = "The version of the page and its files."),
                ("Vary" = String, description = "It may be compressed."),
                ("Referrer-Policy" = String, description = "Nobody is told of it."),
                ("Cross-Origin-Opener-Policy" = String, description = "It is alone among its windows."),
                ("Cross-Origin-Resource-Policy" = String, description = "It is for no other page."),
            )),
        (status = 304, description = "Not modified: what `If-None-Match` names is still true.", headers(
            ("Cache-Control" = String, description = "To be asked for again."),
            ("ETag" = String, description = "The version of the page and its files."),
        )),
        NamedCode,
    )
)]
pub(super) async fn page(State(api): State<Arc<Api>>, headers: HeaderMap) -> Result<Response, Problem> {
    let pages = pages(&api)?;
    let tag = format!("W/\"{}\"", pages.version);
    let known = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut known = known.filter_map(|tags| tags.to_str().ok());
    let unchanged = known.any(|tags| tags.split(',').any(|known| known.trim() == tag));
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        answered(&pages.index, &headers)
    };
    let own = response.headers_mut();
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    own.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    own.extend(HeaderValue::from_str(&tag).ok().map(|tag| (header::ETAG, tag)));
    Ok(response)
}

/// The page's addresses are relative to its own, which has no slash at its end. So is this one: what the gateway is
/// mounted below may be known to a proxy only.
pub(super) async fn without_slash(State(api): State<Arc<Api>>) -> Result<Response, Problem> {
    pages(&api)?;
    Ok((StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, "../console")]).into_response())
}

/// A file that the page is made of.
pub(super) async fn asset(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    path: Result<RawPathParams, super::RawPathParamsRejection>,
) -> Result<Response, Problem> {
    let pages = pages(&api)?;
    let path = path.map_err(|_| Problem::new(Code::NotFound))?;
    let of = |wanted: &str| {
        path.iter()
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| value)
    };
    let file = of("version").zip(of("file"));
    let file = file.and_then(|(version, name)| pages.file(version, name));
    let mut response = answered(file.ok_or(Problem::new(Code::NotFound))?, &headers);
    let own = response.headers_mut();
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    Ok(response)
}

/// The pages, if there are any.
fn pages(api: &Api) -> Result<&'static Pages, Problem> {
    api.console.then(Pages::get).ok_or(Problem::new(Code::NotFound))
}

fn answered(file: &'static File, headers: &HeaderMap) -> Response {
    let kind = [
        (header::CONTENT_TYPE, file.kind),
        (header::VARY, "Accept-Encoding"),
    ];
    if takes_gzip(headers) {
        (kind, APART, [(header::CONTENT_ENCODING, "gzip")], &*file.gzip).into_response()
    } else {
        (kind, APART, &*file.plain).into_response()
    }
}
