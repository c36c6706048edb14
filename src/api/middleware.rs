//! What every request passes, outside in: request id and the log line, who asks, in-flight limits, panic containment.

use std::any::Any;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Method, Version, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use uuid::{Builder, NoContext, Timestamp, Uuid};

use super::Api;
use super::access::{Caller, Need, POLICY, STANDING};
use super::audit::Audit;
use super::problem::{Code, Problem};
use crate::fleet::one_request;
use crate::telemetry::{CONCURRENCY, OVERLOADED, RATE, within};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest address; the body of `POST /loans/search` has room for more.
const MAX_URI: usize = 8 * 1024;

/// Most headers, and most bytes of them.
const MAX_HEADERS: usize = 100;
const MAX_HEADER_BYTES: usize = 32 * 1024;

/// Most of a body, and how long it may take to arrive.
const MAX_BODY: usize = 64 * 1024;
const BODY_WITHIN: Duration = Duration::from_secs(5);

pub(super) fn layers(routes: Router, api: Arc<Api>) -> Router {
    // One layer that takes its steps one after another: each layer costs a request a copy of all below it.
    routes
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(api, observe))
}

/// The id of a request: the caller's own if it is a sane token, else a new one.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(Arc<str>);

impl RequestId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn of(request: &Request) -> Self {
        let sane = |id: &&str| {
            (1..=64).contains(&id.len())
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        };
        let given = request
            .headers()
            .get(REQUEST_ID)
            .and_then(|id| id.to_str().ok())
            .filter(sane);
        Self(given.map_or_else(new_id, Arc::from))
    }
}

/// A UUID of version 7. It names a request and guards nothing, so its bits need not come from the kernel.
fn new_id() -> Arc<str> {
    let (seconds, nanos) = Timestamp::now(NoContext).to_unix();
    let millis = seconds
        .saturating_mul(1000)
        .saturating_add(u64::from(nanos / 1_000_000));
    let mut random = [0; 10];
    fastrand::fill(&mut random);
    let id = Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
    Arc::from(&*id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts
            .extensions
            .get::<Self>()
            .cloned()
            .unwrap_or_else(|| Self(Arc::from(""))))
    }
}

/// The template of the request's address, without our prefix; `None` where there is no such route.
fn route<'r>(api: &Api, request: &'r Request) -> Option<&'r str> {
    let route = request.extensions().get::<MatchedPath>()?.as_str();
    Some(route.strip_prefix(&*api.base_path).unwrap_or(route))
}

/// Gives the request its id, renders problems, and has one line written.
async fn observe(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response {
    let id = RequestId::of(&request);
    let route = route(&api, &request);
    let remote = api.proxies.remote(&request);
    let audit = Audit::begin(&api.telemetry, id.clone(), route, remote, &request);
    request.extensions_mut().insert(id.clone());
    let trace = audit.trace();
    let mut response = within(trace, authenticate(&api, &audit, request, next)).await;
    let problem = response.extensions_mut().remove::<Problem>();
    if let Some(problem) = &problem {
        let kept = [header::ALLOW, POLICY, STANDING];
        let kept = kept.map(|name| Some((response.headers_mut().remove(&name)?, name)));
        response = problem.render(id.as_str());
        let kept = kept.into_iter().flatten();
        response
            .headers_mut()
            .extend(kept.map(|(value, name)| (name, value)));
    }
    let headers = response.headers_mut();
    headers.extend(HeaderValue::from_str(id.as_str()).ok().map(|id| (REQUEST_ID, id)));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if api.lifecycle.draining() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    audit.answers(response.status(), problem.as_ref());
    // It is over when its body is: written to the end, or given up.
    response.map(|body| {
        Body::new(body.map_err(move |error| {
            let _kept = &audit;
            error
        }))
    })
}

/// Finds out who asks, before anything of the request is believed or anybody else is asked: whether there is such a
/// client, whether it asks too often, whether it may do this at all.
async fn authenticate(api: &Api, audit: &Audit, mut request: Request, next: Next) -> Response {
    let need = Need::of(request.method(), route(api, &request));
    if need == Need::Nothing {
        return receive(api, request, next).await;
    }
    let caller = match api.access.identify(request.headers()).await {
        Ok(caller) => caller.recorded(audit.clone()),
        Err(problem) => return problem.into_response(),
    };
    // From here on it may have to ask what the fleet shares, and waits for that only so long in all.
    let work = async {
        let (standing, counted) = caller.count().await;
        if counted.is_err() {
            api.telemetry.sheds(RATE);
        }
        let response = match counted.and_then(|()| caller.may(need)) {
            Ok(()) => {
                request.extensions_mut().insert(caller);
                receive(api, request, next).await
            }
            Err(problem) => problem.into_response(),
        };
        (standing, response)
    };
    let (standing, mut response) = if api.gateway.shares() {
        one_request(work).await
    } else {
        work.await
    };
    let headers = response.headers_mut();
    if let Some(standing) = standing {
        standing.write(headers);
    }
    // What one client sees is not kept for another. That `X-Api-Key` tells them apart, no cache knows by itself.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-cache"));
    response
}

/// The socket refuses a head of twice this size on its own, without a word.
fn headers_too_large(request: &Request) -> bool {
    let headers = request.headers();
    let size = headers
        .iter()
        .map(|(name, value)| name.as_str().len().saturating_add(value.len()));
    headers.len() > MAX_HEADERS || size.fold(0, usize::saturating_add) > MAX_HEADER_BYTES
}

/// A request's place among those in hand. Given up when the last copy is dropped; a stream keeps one to its end.
#[derive(Debug, Clone)]
pub(super) struct InFlight(#[expect(dead_code, reason = "held, not read")] Arc<Places>);

/// A place among all requests, and one among those of the client if it has a limit of its own.
type Places = (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>);

/// RFC 9112 section 3.2; the HTTP library lets none, two and nonsense pass.
fn names_one_host(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().is_ok_and(|host| host.parse::<Authority>().is_ok()),
        (None, _) => request.version() < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// Refuses at once what would have to wait, and addresses that are too long. The probes always pass.
async fn admit(api: &Api, mut request: Request, next: Next) -> Response {
    if matches!(route(api, &request), Some("/livez" | "/readyz")) {
        return next.run(request).await;
    }
    if request
        .uri()
        .path_and_query()
        .is_some_and(|address| address.as_str().len() > MAX_URI)
    {
        return Problem::new(Code::UriTooLong).into_response();
    }
    if headers_too_large(&request) {
        return Problem::new(Code::HeadersTooLarge).into_response();
    }
    if !names_one_host(&request) {
        return Problem::because(
            Code::InvalidRequest,
            "A request must have exactly one valid `Host` header.",
        )
        .into_response();
    }
    let hand = request
        .extensions()
        .get::<Caller>()
        .map_or(Ok(None), Caller::hand);
    let hand = match hand {
        Ok(hand) => hand,
        Err(problem) => {
            api.telemetry.sheds(CONCURRENCY);
            return problem.into_response();
        }
    };
    match Arc::clone(&api.lifecycle.in_flight).try_acquire_owned() {
        Ok(permit) => {
            request
                .extensions_mut()
                .insert(InFlight(Arc::new((permit, hand))));
            next.run(request).await
        }
        Err(_) => {
            api.telemetry.sheds(OVERLOADED);
            let problem = Problem {
                retry_after: Some(Duration::from_secs(1)),
                ..Problem::new(Code::Overloaded)
            };
            problem.into_response()
        }
    }
}

/// Takes in the body before the request is counted: who sends slowly occupies a socket, and nobody's place.
async fn receive(api: &Api, request: Request, next: Next) -> Response {
    if !matches!(*request.method(), Method::POST | Method::PUT) {
        return admit(api, request, next).await;
    }
    let (parts, body) = request.into_parts();
    let announced = parts.headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_BODY) {
        return Problem::new(Code::PayloadTooLarge).into_response();
    }
    match timeout(BODY_WITHIN, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => {
            let request = Request::from_parts(parts, body.to_bytes().into());
            admit(api, request, next).await
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Problem::new(Code::PayloadTooLarge).into_response()
        }
        Ok(Err(_)) => Problem::because(Code::InvalidRequest, "The body is cut off.").into_response(),
        Err(_) => {
            let detail = format!("The body must arrive within {} seconds.", BODY_WITHIN.as_secs());
            Problem::because(Code::InvalidRequest, detail).into_response()
        }
    }
}

fn panicked(_: Box<dyn Any + Send>) -> Response<Body> {
    tracing::error!("a handler panicked");
    Problem::new(Code::Internal).into_response()
}
