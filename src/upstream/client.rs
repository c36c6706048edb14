//! The HTTP clients of one connection: nobody is followed, nothing is retried behind our back, no proxy variable is
//! trusted, and no connection is shared with another credential.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Url};
use tokio::time::Instant;
use tower::{Layer, Service};

use super::Settings;
use super::dns::Resolver;
use super::tls;

/// Below the idle limit of the usual load balancers in front of providers.
const IDLE: Duration = Duration::from_secs(20);

/// Questions of which it is remembered at the same time that they were asked, those with connections of their own
/// included; and for how long: so long an upstream that gives answers twice may be one answer behind.
const QUESTIONS: usize = 8;
const SAME_QUESTION: Duration = Duration::from_secs(20);
/// Connections that wait to be asked the same question again.
const IDLE_ALONE: usize = 16;

/// Three ways to one upstream: over connections that are kept for an operation, over those that are kept for one
/// question, and over one that is used once.
#[derive(Debug)]
pub(super) struct Pool {
    kept: RwLock<HashMap<&'static str, Client>>,
    once: Client,
    /// The last questions, the newest last.
    asked: Mutex<VecDeque<Asked>>,
    hashes: RandomState,
    settings: Settings,
    resolver: Resolver,
}

/// A question that was asked lately.
#[derive(Debug)]
struct Asked {
    /// The hash of its address.
    question: u64,
    since: Instant,
    /// Once it was asked again.
    client: Option<Client>,
}

impl Pool {
    pub(super) fn new(settings: Settings, resolver: &Resolver) -> Result<Self, reqwest::Error> {
        Ok(Self {
            kept: RwLock::default(),
            once: build(&settings, resolver, 0)?,
            asked: Mutex::default(),
            hashes: RandomState::new(),
            settings,
            resolver: resolver.clone(),
        })
    }

    /// Connections that are kept and used again, for one operation only: an answer that comes late can then be
    /// mistaken only for one of the same kind, and the adapter tells those apart.
    pub(super) fn kept(&self, operation: &'static str) -> Client {
        if let Some(client) = self
            .kept
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(operation)
        {
            return client.clone();
        }
        // The same settings built one in `new`; if it fails now, connections are not kept.
        let idle = self.settings.max_concurrency;
        let client = build(&self.settings, &self.resolver, idle).unwrap_or_else(|_| self.once());
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.entry(operation).or_insert(client).clone()
    }

    /// For answers that do not say whose they are: a connection that nobody used before and nobody will use again, or
    /// one that was used for this very question only, if it was asked lately. On a kept HTTP/1.1 connection one late
    /// extra answer would shift all later ones, and here that leads to an earlier answer about the same person.
    pub(super) fn alone(&self, question: &Url) -> Client {
        let question = self.hashes.hash_one(question.as_str());
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        // Who forgets a question keeps no connection for it either.
        asked.retain(|known| known.since.elapsed() < SAME_QUESTION);
        if let Some(known) = asked.iter_mut().find(|known| known.question == question) {
            let client = known.client.get_or_insert_with(|| {
                known.since = Instant::now();
                // See `kept`.
                build(&self.settings, &self.resolver, IDLE_ALONE).unwrap_or_else(|_| self.once())
            });
            return client.clone();
        }
        if asked.len() == QUESTIONS {
            asked.pop_front();
        }
        asked.push_back(Asked {
            question,
            since: Instant::now(),
            client: None,
        });
        self.once()
    }

    /// A connection that nobody used before and nobody will use again.
    pub(super) fn once(&self) -> Client {
        self.once.clone()
    }

    /// Forgets every kept connection, because an answer on one of them belonged to another question.
    pub(super) fn distrust(&self) {
        self.kept.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn build(settings: &Settings, resolver: &Resolver, idle: usize) -> Result<Client, reqwest::Error> {
    plain()
        .connect_timeout(settings.connect_timeout)
        .pool_max_idle_per_host(idle)
        .dns_resolver(Arc::new(resolver.clone()))
        .connector_layer(Dialling)
        .build()
}

/// A client for what is not a provider. It trusts the same certificates, and is as little helpful.
pub fn courier(connect_timeout: Duration) -> Result<Client, reqwest::Error> {
    plain().connect_timeout(connect_timeout).build()
}

fn plain() -> ClientBuilder {
    let builder = match tls::config() {
        Ok(config) => Client::builder().tls_backend_preconfigured(config),
        Err(_) => Client::builder(),
    };
    builder
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .no_proxy()
        .pool_idle_timeout(IDLE)
        .user_agent(concat!("loangate/", env!("CARGO_PKG_VERSION")))
}

tokio::task_local! {
    static DIALLED: Cell<bool>;
}

/// Runs one exchange, and tells whether a connection was opened for it. If none was, it used a kept one.
pub(super) async fn noticing_dials<T>(exchange: impl Future<Output = T>) -> (T, bool) {
    DIALLED
        .scope(Cell::new(false), async {
            let done = exchange.await;
            (done, DIALLED.with(Cell::get))
        })
        .await
}

/// Notes every connection that is opened.
#[derive(Debug, Clone, Copy)]
struct Dialling;

impl<S> Layer<S> for Dialling {
    type Service = Dialler<S>;

    fn layer(&self, inner: S) -> Dialler<S> {
        Dialler(inner)
    }
}

#[derive(Debug, Clone)]
struct Dialler<S>(S);

impl<S: Service<T>, T> Service<T> for Dialler<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, target: T) -> S::Future {
        // Outside an exchange of ours nobody wants to know.
        let _ = DIALLED.try_with(|dialled| dialled.set(true));
        self.0.call(target)
    }
}
