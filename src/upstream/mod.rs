//! Outbound HTTP. Knows no loan and no provider.
//!
//! [`Upstream`] is the handle adapters get. It can say `get` and nothing else: there is no method parameter, path
//! segments and query pairs are encoded here, so neither a write nor a forgotten escape can be expressed.

#![warn(missing_docs)]

mod auth;
mod classify;
mod error;
mod health;
pub mod retry;
mod send;
mod token;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, SubsecRound, Utc};
use reqwest::header::HeaderMap;
use reqwest::{Client, Url};
use tokio::sync::Semaphore;
use tokio::time::Instant;

pub use auth::{Auth, NotAHeader, secret_header};
pub use error::{Error, Kind};
pub use health::Health;
pub use token::{TokenCache, TokenSource};

/// How a connection is called.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Time limit of one attempt, to the end of its body.
    pub timeout: Duration,
    /// Time limit of a TCP and TLS connection.
    pub connect_timeout: Duration,
    /// Calls at the same time.
    pub max_concurrency: usize,
    /// Retries.
    pub retry: retry::Policy,
    /// Most decoded bytes of one answer.
    pub max_body: u64,
}

/// What an answer that is not a 200 means to this provider, where its documents say more than the status does.
pub type Refusal = fn(u16, &[u8]) -> Option<Kind>;

/// One request's contact with one upstream: how long it may take, and how often it asked.
#[derive(Debug)]
pub struct Call {
    started: Instant,
    deadline: Instant,
    sent: AtomicU32,
}

impl Call {
    /// A call that must be over at `deadline`.
    pub fn until(deadline: Instant) -> Self {
        Self {
            started: Instant::now(),
            deadline,
            sent: AtomicU32::new(0),
        }
    }

    /// Requests sent so far, retries included, token calls not.
    pub fn sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Time since it began.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A complete answer with status 200.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The decoded body.
    pub body: Bytes,
    /// When it was complete.
    pub at: DateTime<Utc>,
    /// How many times the request was sent.
    pub attempts: u32,
    operation: &'static str,
}

impl Reply {
    /// A failure found in the body of this answer.
    pub fn failure(&self, kind: Kind, note: &'static str) -> Error {
        Error::new(kind, self.operation, note).with_status(200, self.attempts)
    }

    /// Decodes the body. The text of a decoding error stays here: it may quote the body.
    pub fn json<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, Error> {
        serde_json::from_slice(&self.body)
            .map_err(|_| self.failure(Kind::BadPayload, "It is not the documented JSON"))
    }
}

/// A connection to an upstream: its address, credentials and limits, and a connection pool of its own.
#[derive(Debug, Clone)]
pub struct Upstream(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connection: Arc<str>,
    base: Url,
    client: Client,
    auth: Auth,
    headers: HeaderMap,
    settings: Settings,
    refusal: Refusal,
    permits: Semaphore,
    health: health::Observed,
}

impl Upstream {
    /// A handle on `base`, to which credentials may go; `headers` go along with every call.
    pub fn new(
        connection: Arc<str>,
        base: Url,
        client: Client,
        auth: Auth,
        headers: HeaderMap,
        settings: Settings,
        refusal: Refusal,
    ) -> Self {
        Self(Arc::new(Inner {
            connection,
            base,
            client,
            auth,
            headers,
            settings,
            refusal,
            permits: Semaphore::new(settings.max_concurrency),
            health: health::Observed::default(),
        }))
    }

    /// `GET base/segments…?query`, retried as the connection's settings say, until the call's deadline.
    ///
    /// A segment that would change the path's meaning (empty, `.`, `..`) names nothing upstream: it is
    /// [`Kind::NotFound`] and nothing is sent.
    pub async fn get(
        &self,
        call: &Call,
        operation: &'static str,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Reply, Error> {
        let url = address(&self.0.base, segments, query)
            .ok_or_else(|| Error::new(Kind::NotFound, operation, "It cannot be named in a URL"))?;
        send::send(&self.0, call, operation, &url).await
    }

    /// What traffic says about it.
    pub fn health(&self) -> Health {
        self.0.health.read()
    }
}

fn address(base: &Url, segments: &[&str], query: &[(&str, &str)]) -> Option<Url> {
    if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
        return None;
    }
    let mut url = base.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Some(url)
}

/// An HTTP client that follows nobody, retries nothing behind our back and trusts no proxy variable.
///
/// Machines without a CA store get the bundled trust anchors, because building a client fails there even for plain
/// HTTP.
pub fn client(settings: &Settings) -> Result<Client, reqwest::Error> {
    let builder = || {
        Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .no_proxy()
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(20))
            .user_agent(concat!("loangate/", env!("CARGO_PKG_VERSION")))
    };
    builder().build().or_else(|_| {
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS
            .iter()
            .filter_map(|der| reqwest::Certificate::from_der(der).ok());
        builder().tls_certs_only(roots).build()
    })
}

/// The wall clock, to the millisecond. Read here and at the edges, never in a mapping.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads it for upstream answers"
)]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(segments: &[&str], query: &[(&str, &str)]) -> Option<String> {
        let base = Url::parse("http://127.0.0.1:9/baas/api").unwrap();
        let url = address(&base, segments, query)?;
        Some(url.as_str().replacen("http://127.0.0.1:9", "", 1))
    }

    #[test]
    fn hostile_text_stays_in_its_segment_or_value() {
        assert_eq!(
            path(&["v1", "loans", "a/b c?d#e%"], &[("ref", "1&x=2 #")]).unwrap(),
            "/baas/api/v1/loans/a%2Fb%20c%3Fd%23e%25?ref=1%26x%3D2+%23"
        );
        for nowhere in ["", ".", ".."] {
            assert_eq!(path(&["v1", "loans", nowhere], &[]), None, "{nowhere:?}");
        }
    }

    #[test]
    fn encoded_dots_do_not_climb() {
        assert_eq!(
            path(&["loans", "%2e%2e"], &[]).unwrap(),
            "/baas/api/loans/%252e%252e"
        );
    }
}
