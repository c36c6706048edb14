//! Inbound HTTP: every route on one screen. Knows no provider by name.

#![warn(missing_docs)]

mod access;
mod answers;
mod audit;
mod connections;
pub mod cursor;
mod details;
mod explain;
mod export;
mod failures;
mod loans;
mod media;
mod metrics;
mod middleware;
mod parameters;
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
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde::Serialize;
use tokio::sync::Semaphore;

pub use access::{Access, Limit, Meters, Scope, Settings};
use cursor::Cursors;
use ipnet::IpNet;
pub(crate) use middleware::RequestId;
use problem::{Code, Problem};
use remote::Proxies;

use crate::gather::Gateway;

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

/// What every handler shares. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    gateway: Arc<Gateway>,
    access: Access,
    /// The prefix of every route.
    base_path: Arc<str>,
    proxies: Proxies,
    cursors: Arc<Cursors>,
    lifecycle: Lifecycle,
}

impl Api {
    /// An API over a gateway, for those who have access.
    pub fn new(gateway: Gateway, access: Access, cursors: Cursors, lifecycle: Lifecycle) -> Self {
        Self {
            gateway: Arc::new(gateway),
            access,
            base_path: Arc::from(""),
            proxies: Proxies::default(),
            cursors: Arc::new(cursors),
            lifecycle,
        }
    }

    /// The same behind reverse proxies, which are believed when they say who asks.
    #[must_use]
    pub fn behind(self, proxies: &[IpNet]) -> Self {
        Self {
            proxies: Proxies::new(proxies),
            ..self
        }
    }

    /// The routes, mounted below `base_path` (empty for the root). What each asks of its callers: `access::Need`.
    pub fn router(mut self, base_path: &str) -> Router {
        self.base_path = Arc::from(base_path);
        let routes = Router::new()
            .route("/loans", get(loans::list))
            .route("/loans/search", post(loans::search))
            .route("/loans/summary", get(totals::summary))
            .route("/loans/{id}", get(loans::get))
            .route("/loans/{id}/transactions", get(details::transactions))
            .route("/loans/{id}/schedule", get(details::schedule))
            .route("/loans/{id}/snapshots", get(details::snapshots))
            .route("/loans/{id}/explain", get(explain::explain))
            .route("/customers", any(no_store))
            .route("/customers/{id}", any(no_store))
            .route("/connections", get(connections::list))
            .route("/connections/{id}", get(connections::get))
            .route("/problems/{code}", get(explain))
            .route("/metrics", get(metrics::scrape))
            .route("/livez", get(alive))
            .route("/readyz", get(ready))
            .method_not_allowed_fallback(async || Problem::new(Code::MethodNotAllowed))
            .fallback(async || Problem::new(Code::NotFound))
            .with_state(self.clone());
        let mounted = if base_path.is_empty() {
            routes
        } else {
            Router::new()
                .nest(base_path, routes)
                .fallback(async || Problem::new(Code::NotFound))
        };
        middleware::layers(mounted, self)
    }
}

#[derive(Serialize)]
struct Word {
    status: &'static str,
}

async fn alive() -> Json<Word> {
    Json(Word { status: "alive" })
}

async fn ready(State(api): State<Api>) -> Response {
    if api.lifecycle.draining() {
        (StatusCode::SERVICE_UNAVAILABLE, Json(Word { status: "draining" })).into_response()
    } else {
        Json(Word { status: "ready" }).into_response()
    }
}

/// `/customers`: the caller's own ids live in a store, and without one there are none.
async fn no_store() -> Problem {
    Problem::because(
        Code::CapabilityNotSupported,
        "Customers need a store, and this gateway has none configured.",
    )
}

#[derive(Serialize)]
struct Explanation {
    code: &'static str,
    title: &'static str,
    status: u16,
    meaning: &'static str,
}

/// A path as it was matched. Extracting one that is not UTF-8 fails, and must not answer for us.
type MatchedParameter = Result<RawPathParams, RawPathParamsRejection>;

/// The path's one parameter, decoded; `None` when it is not UTF-8 and so names nothing.
fn parameter(path: &MatchedParameter) -> Option<&str> {
    let (_, value) = path.as_ref().ok()?.iter().next()?;
    Some(value)
}

/// `GET /problems/{code}`: what the `type` of a problem leads to.
async fn explain(path: MatchedParameter) -> Result<Json<Explanation>, Problem> {
    let word = parameter(&path);
    let code = Code::ALL
        .iter()
        .find(|code| Some(code.as_str()) == word)
        .ok_or(Problem::new(Code::NotFound))?;
    Ok(Json(Explanation {
        code: code.as_str(),
        title: code.title(),
        status: code.status().as_u16(),
        meaning: code.meaning(),
    }))
}
