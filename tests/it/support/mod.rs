//! The real gateway over simulators, both on ports the system picks, and a plain caller.

pub mod address;
pub mod chaos;
pub mod conformance;
pub mod identity;
pub mod keys;
pub mod log;
pub mod rows;

use std::fmt::Write as _;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

pub use address::{encoded, loan_path};
use loangate::app::{App, Reloader};
use loangate::config::{Config, Document, Problems};
use loangate::sim::{self, Provider, Recorded, World};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const EXAMPLE: &str = include_str!("../../../config/example.toml");
const EXAMPLE_SIMULATORS: &str = "127.0.0.1:9090";

/// One caller for every test. Connections are not kept: each test has a runtime of its own.
static CALLER: LazyLock<Client> = LazyLock::new(|| {
    Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
});

/// A gateway to be: the example config, cut to some providers, with overrides.
#[derive(Debug, Clone)]
pub struct Setup {
    world: World,
    text: String,
    overrides: Vec<(String, String)>,
}

impl Setup {
    /// All five providers.
    pub fn all(world: &World) -> Self {
        Self::of(world, &Provider::ALL)
    }

    /// One provider.
    pub fn only(provider: Provider, world: &World) -> Self {
        Self::of(world, &[provider])
    }

    /// Some providers.
    pub fn of(world: &World, providers: &[Provider]) -> Self {
        let mut tables = EXAMPLE.split("\n[connections.");
        let mut text = tables.next().unwrap().to_owned();
        for table in tables {
            if providers
                .iter()
                .any(|provider| table.starts_with(&format!("{provider}]")))
            {
                write!(text, "\n[connections.{table}").unwrap();
            }
        }
        let mut setup = Self {
            world: world.clone(),
            text,
            overrides: Vec::new(),
        }
        .set("server.listen", "127.0.0.1:0")
        .set("server.drain_delay", "0ms")
        // Every answer comes from the upstreams as they are now.
        .set("cache.max_age", "0s")
        .set("cache.stale_if_error", "0s");
        for provider in providers {
            // Tests look at retries, not at pauses between them or at what a row of failures leads to.
            let key = |key: &str| format!("connections.{provider}.{key}");
            setup = setup
                .set(&key("retry.base"), "1ms")
                .set(&key("retry.max"), "2ms")
                .set(&key("circuit.failures"), "1000");
        }
        setup
    }

    /// Apache Fineract itself, under the name `core`.
    pub fn native_fineract(world: &World) -> Self {
        let mut setup = Self::of(world, &[]);
        let base = format!("http://{EXAMPLE_SIMULATORS}{}", sim::NATIVE_FINERACT_PATH);
        let table = "\n[connections.core]\nprovider = \"fineract\"\nflavour = \"native\"";
        write!(setup.text, "{table}\nbase_url = \"{base}\"").unwrap();
        for (key, value) in sim::NATIVE_FINERACT {
            write!(setup.text, "\n{key} = \"{value}\"").unwrap();
        }
        setup
            .set("connections.core.retry.base", "1ms")
            .set("connections.core.retry.max", "2ms")
            .set("connections.core.circuit.failures", "1000")
    }

    /// Overrides a key of the config, as an environment variable would.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        let name = format!("LOANGATE__{}", key.replace('.', "__").to_uppercase());
        self.overrides.retain(|(known, _)| *known != name);
        self.overrides.push((name, value.to_owned()));
        self
    }

    /// Overrides a key of a connection.
    pub fn connection(self, provider: Provider, key: &str, value: &str) -> Self {
        self.set(&format!("connections.{provider}.{key}"), value)
    }

    /// Reaches a provider through an upstream that breaks things; tokens still come from the simulator if they have
    /// an address of their own.
    pub fn through(self, provider: Provider, chaos: &chaos::Chaos) -> Self {
        self.connection(provider, "base_url", &chaos.base(provider))
    }

    /// Expects TLS of a provider, at the address it has.
    pub fn over_tls(mut self, provider: Provider) -> Self {
        let key = format!("LOANGATE__CONNECTIONS__{provider}__BASE_URL").to_uppercase();
        for (_, url) in self.overrides.iter_mut().filter(|(name, _)| *name == key) {
            *url = url.replacen("http://", "https://", 1);
        }
        self
    }

    /// Time limits for upstreams that never answer.
    pub fn impatient(self, provider: Provider) -> Self {
        self.connection(provider, "timeout", "150ms")
            .connection(provider, "retry.attempts", "2")
    }

    /// The config over simulators at this address.
    pub fn document(&self, simulators: SocketAddr) -> Document {
        Document::parse(&self.text(simulators), self.overrides.clone()).unwrap()
    }

    /// The file of that config, and the variables over it: for a process of its own.
    pub fn text(&self, simulators: SocketAddr) -> String {
        self.text.replace(EXAMPLE_SIMULATORS, &simulators.to_string())
    }

    pub fn variables(&self) -> &[(String, String)] {
        &self.overrides
    }

    pub async fn start(self) -> Running {
        let simulators = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let simulated_at = simulators.local_addr().unwrap();
        tokio::spawn(sim::serve(simulators, self.world.clone(), pending()));
        self.beside(simulated_at).await
    }

    /// Over simulators that are served already.
    pub async fn beside(self, simulated_at: SocketAddr) -> Running {
        let document = self.document(simulated_at);
        let app = App::build(&document).unwrap();
        let debug = format!("{app:?}");
        let reloader = app.reloader();
        let listener = TcpListener::bind(app.listen()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, told) = oneshot::channel();
        let exited = tokio::spawn(app.serve(listener, async {
            // Not told to stop, it serves until the test is over.
            if told.await.is_err() {
                pending::<()>().await;
            }
        }));
        Running {
            world: self.world,
            address,
            debug,
            simulated_at,
            reloader,
            stop,
            exited,
        }
    }
}

/// A gateway that is being served, for as long as the test's runtime lives.
#[derive(Debug)]
pub struct Running {
    pub world: World,
    pub address: SocketAddr,
    /// How the gateway shows itself to a debugger.
    pub debug: String,
    simulated_at: SocketAddr,
    reloader: Reloader,
    stop: oneshot::Sender<()>,
    exited: JoinHandle<()>,
}

impl Running {
    /// Where the simulators listen.
    pub fn simulators(&self) -> SocketAddr {
        self.simulated_at
    }

    /// Stops it, and waits until it has.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.exited.await.unwrap();
    }

    /// Replaces the config while it runs.
    pub fn reload(&self, setup: &Setup) -> Result<Config, Problems> {
        self.reloader.reload(&setup.document(self.simulated_at))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    pub async fn search(&self, body: &str) -> Answer {
        let json = [("content-type", "application/json")];
        self.send(Method::POST, "/loans/search", &json, Some(body)).await
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let mut request = CALLER.request(method, format!("http://{}{path}", self.address));
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request = request.header(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        if let Some(body) = body {
            request = request.body(body.to_owned());
        }
        answer(request).await
    }

    /// What `provider` was asked for, apart from tokens.
    pub fn asked(&self, provider: Provider) -> Vec<Recorded> {
        let mut requests = self.world.requests();
        requests.retain(|request| request.provider == provider && request.operation != "auth");
        requests
    }

    /// How often `provider` was asked for its first page. Where two are opened at once, the second is not counted.
    pub fn attempts(&self, provider: Provider) -> usize {
        let second = |request: &Recorded| request.query.starts_with("page=2&");
        self.asked(provider)
            .iter()
            .filter(|request| !second(request))
            .count()
    }

    /// How many tokens `provider` was asked for.
    pub fn token_calls(&self, provider: Provider) -> usize {
        let token = |request: &&Recorded| request.provider == provider && request.operation == "auth";
        self.world.requests().iter().filter(token).count()
    }
}

/// Every answer that a test looks at is what the API's document says of it.
async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let request = request.build().unwrap();
    let (method, path) = (request.method().clone(), request.url().path().to_owned());
    let started = Instant::now();
    let response = CALLER.execute(request).await.unwrap();
    let answer = Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
        took: started.elapsed(),
    };
    conformance::check(&method, &path, &answer);
    answer
}

/// Gets any address.
pub async fn fetch(url: &str) -> Answer {
    answer(CALLER.get(url)).await
}

/// What a caller got.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    /// From the request to the last byte.
    pub took: Duration,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The loans of a list, or the one loan.
    pub fn loans(&self) -> Vec<Value> {
        match self.json()["data"].take() {
            Value::Array(loans) => loans,
            Value::Object(loan) => vec![Value::Object(loan)],
            _ => panic!("no loans: {self:?}"),
        }
    }

    pub fn ids(&self) -> Vec<String> {
        self.loans()
            .iter()
            .map(|loan| loan["id"].as_str().unwrap().to_owned())
            .collect()
    }

    pub fn source(&self, connection: &str) -> Value {
        let json = self.json();
        let sources = json["sources"]
            .as_array()
            .unwrap_or_else(|| panic!("no sources: {self:?}"));
        let source = sources.iter().find(|source| source["connection"] == connection);
        source
            .unwrap_or_else(|| panic!("no source {connection}: {self:?}"))
            .clone()
    }

    /// The error code of a source; empty when it has none.
    pub fn source_error(&self, provider: Provider) -> String {
        let source = self.source(provider.as_str());
        source["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Asserts that this is a problem document of this status and code, as RFC 9457 and the contract have it.
    pub fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        let json = self.json();
        assert_eq!(json["code"], code, "{self:?}");
        assert_eq!(json["type"], format!("/problems/{code}"));
        assert_eq!(json["status"], status);
        assert!(!json["title"].as_str().unwrap().is_empty());
        assert!(!json["detail"].as_str().unwrap().is_empty());
        assert_eq!(json["request_id"], self.header("x-request-id"));
        assert_ne!(self.header("x-request-id"), "");
    }

    /// The code of a problem; there is no list.
    pub fn problem(&self) -> String {
        let json = self.json();
        assert!(json.get("data").is_none(), "{self:?}");
        json["code"].as_str().unwrap().to_owned()
    }

    /// Asserts that this is a list from which nothing is missing.
    pub fn assert_complete(&self) {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.json()["complete"], true, "{self:?}");
        assert_eq!(self.header("loangate-complete"), "true");
    }

    /// The loans of a connection as they are on the wire, without the instant they were fetched.
    pub fn bytes_of(&self, connection: &str) -> Vec<String> {
        #[derive(serde::Deserialize)]
        struct List<'a> {
            #[serde(borrow)]
            data: Vec<&'a RawValue>,
        }
        let list: List<'_> = serde_json::from_str(&self.text).unwrap();
        let of = format!(r#""connection":"{connection}""#);
        let loans = list.data.into_iter().map(RawValue::get);
        loans
            .filter(|loan| loan.contains(&of))
            .map(|loan| {
                let (before, after) = loan.split_once(r#""as_of":""#).unwrap();
                let (_, after) = after.split_once('"').unwrap();
                format!("{before}{after}")
            })
            .collect()
    }
}
