//! Inbound HTTP: every route on one screen. Knows no provider by name.

#![warn(missing_docs)]

mod access;
mod answers;
mod audit;
mod buffer;
mod coding;
mod connections;
mod console;
pub mod cursor;
mod customers;
mod details;
mod explain;
mod export;
mod failures;
mod json;
mod loans;
mod media;
mod metrics;
mod middleware;
mod one_loan;
mod openapi;
mod parameters;
mod pieces;
mod plain;
pub mod problem;
mod remote;
mod table;
mod totals;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use access::{Access, Limit, Meters, Scope, Settings};
use cursor::Cursors;
use ipnet::IpNet;
pub(crate) use middleware::RequestId;
use openapi::{NamedCode, Particulars, Probe, Written};
use problem::{Code, Problem};
use remote::Proxies;

use crate::gather::Gateway;
use crate::store::Store;
use crate::telemetry::Telemetry;

/// What outlives a reload: whether the process is going away, and how much it has in hand.
#[derive(Debug, Clone)]
pub struct Lifecycle {
    in_flight: Arc<Semaphore>,
    draining: Arc<AtomicBool>,
}

impl Lifecycle {
    /// A process that takes `max_in_flight` requests at once.
    pub fn new(max_in_flight: usize) -> Self {
        Self {
            in_flight: Arc::new(Semaphore::new(max_in_flight.min(Semaphore::MAX_PERMITS))),
            draining: Arc::default(),
        }
    }

    /// From now on `/readyz` says no and connections are not kept.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

/// What every handler shares.
#[derive(Debug)]
pub struct Api {
    gateway: Arc<Gateway>,
    access: Access,
    /// The prefix of every route.
    base_path: Arc<str>,
    proxies: Proxies,
    cursors: Arc<Cursors>,
    lifecycle: Lifecycle,
    telemetry: Telemetry,
    /// Where customers are, if anywhere.
    store: Option<Arc<dyn Store>>,
    /// Whether there are pages for people.
    console: bool,
    /// The API's own document.
    document: Written,
}

impl Api {
    /// An API over a gateway, for those who have access.
    pub fn new(
        gateway: Gateway,
        access: Access,
        cursors: Cursors,
        lifecycle: Lifecycle,
        telemetry: Telemetry,
    ) -> Self {
        Self {
            gateway: Arc::new(gateway),
            access,
            base_path: Arc::from(""),
            proxies: Proxies::default(),
            cursors: Arc::new(cursors),
            lifecycle,
            telemetry,
            store: None,
            console: true,
            document: Written::default(),
        }
    }

    /// The same with customers.
    #[must_use]
    pub fn with_store(self, store: Option<Arc<dyn Store>>) -> Self {
        Self { store, ..self }
    }

    /// The same behind reverse proxies, which are believed when they say who asks.
    #[must_use]
    pub fn behind(self, proxies: &[IpNet]) -> Self {
        Self {
            proxies: Proxies::new(proxies),
            ..self
        }
    }

    /// The same with pages for people, or without.
    #[must_use]
    pub fn with_console(self, console: bool) -> Self {
        Self { console, ..self }
    }

    /// The routes, mounted below `base_path` (empty for the root). What each asks of its callers: `access::Need`.
    pub fn router(mut self, base_path: &str) -> Router {
        self.base_path = Arc::from(base_path);
        let (routes, document) = OpenApiRouter::with_openapi(openapi::base())
            .routes(routes!(loans::list))
            .routes(routes!(loans::search))
            .routes(routes!(totals::summary))
            .routes(routes!(loans::get))
            .routes(routes!(details::transactions))
            .routes(routes!(details::schedule))
            .routes(routes!(details::snapshots))
            .routes(routes!(explain::explain))
            .routes(routes!(customers::list))
            .routes(routes!(customers::get, customers::put, customers::delete))
            .routes(routes!(connections::list))
            .routes(routes!(connections::get))
            .routes(routes!(problem_code))
            .routes(routes!(openapi::openapi))
            .routes(routes!(openapi::page::docs))
            .route("/docs/{file}", get(openapi::page::asset))
            .routes(routes!(console::page))
            .route("/console/", get(console::without_slash))
            .route("/console/assets/{version}/{*file}", get(console::asset))
            .routes(routes!(metrics::scrape))
            .routes(routes!(alive))
            .routes(routes!(ready))
            .split_for_parts();
        let open = self.access.is_open().then(|| {
            let connections = self.gateway.connections();
            let named = connections.map(|connection| (&*connection.id, connection.descriptor.references));
            named.collect()
        });
        let particulars = Particulars {
            base_path,
            connections: open,
            keys: self.access.takes_keys(),
        };
        self.document = Written::of(&openapi::finished(document, &particulars));
        // Every layer and handler has it, for every request.
        let api = Arc::new(self);
        let routes = routes
            .method_not_allowed_fallback(async || Problem::new(Code::MethodNotAllowed))
            .fallback(async || Problem::new(Code::NotFound))
            .with_state(Arc::clone(&api));
        let mounted = if base_path.is_empty() {
            routes
        } else {
            Router::new()
                .nest(base_path, routes)
                .fallback(async || Problem::new(Code::NotFound))
        };
        middleware::layers(mounted, api)
    }
}

/// How the process is.
#[derive(Serialize, ToSchema)]
#[schema(as = ProcessStatus)]
struct Word {
    /// `alive`; `ready` or `draining`.
    status: &'static str,
}

/// Whether the process is alive. Asks nobody.
#[utoipa::path(
    get,
    path = "/livez",
    operation_id = "is_alive",
    tag = "operation",
    security(()),
    responses((status = 200, description = "It is", body = Word), Probe)
)]
async fn alive() -> Json<Word> {
    Json(Word { status: "alive" })
}

/// Whether to send traffic here. Asks nobody.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "is_ready",
    tag = "operation",
    security(()),
    responses(
        Probe,
        (status = 200, description = "Yes", body = Word),
        (status = 503, description = "No: it is being stopped", body = Word),
    )
)]
async fn ready(State(api): State<Arc<Api>>) -> Response {
    if api.lifecycle.draining() {
        (StatusCode::SERVICE_UNAVAILABLE, Json(Word { status: "draining" })).into_response()
    } else {
        Json(Word { status: "ready" }).into_response()
    }
}

/// What a problem code means.
#[derive(Serialize, ToSchema)]
#[schema(as = ProblemExplanation)]
struct Explanation {
    /// The code.
    code: Code,
    /// A few words that never change.
    title: &'static str,
    /// The status of its responses.
    status: u16,
    /// What it means and what to do about it.
    meaning: &'static str,
}

/// A path as it was matched. Extracting one that is not UTF-8 fails, and must not answer for us.
type MatchedParameter = Result<RawPathParams, RawPathParamsRejection>;

/// The path's one parameter, decoded; `None` when it is not UTF-8 and so names nothing.
fn parameter(path: &MatchedParameter) -> Option<&str> {
    let (_, value) = path.as_ref().ok()?.iter().next()?;
    Some(value)
}

/// What a problem code means: where the `type` of a problem leads to.
#[utoipa::path(
    get,
    path = "/problems/{code}",
    operation_id = "explain_problem",
    tag = "operation",
    security(()),
    params(("code" = Code, Path, description = "The code.")),
    responses((status = 200, description = "The explanation", body = Explanation), NamedCode)
)]
async fn problem_code(path: MatchedParameter) -> Result<Json<Explanation>, Problem> {
    let word = parameter(&path);
    let code = Code::ALL
        .iter()
        .find(|code| Some(code.as_str()) == word)
        .ok_or(Problem::new(Code::NotFound))?;
    Ok(Json(Explanation {
        code: *code,
        title: code.title(),
        status: code.status().as_u16(),
        meaning: code.meaning(),
    }))
}
