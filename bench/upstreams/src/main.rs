//! The five upstreams as the bench needs them: cheap, and as late as asked.
//!
//! Stands before the project's simulators (`loangate simulate`). The first request for a path with certain credentials
//! goes to its simulator; what came is kept, and every later one is answered with the same bytes after the latency. So
//! the simulators decide who is let in and what the lists hold, and do not compete with what is measured.
//!
//! `upstreams <port> <milliseconds> <provider>=<origin of its simulator>…`

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep_until};

/// What a simulator reads besides the path.
const CREDENTIALS: [&str; 6] = [
    "authorization",
    "apikey",
    "x-carbon-key",
    "api-key-id",
    "api-key-secret",
    "fineract-platform-tenantid",
];

type Question = (String, HeaderMap);

struct Kept {
    credentials: HeaderMap,
    status: StatusCode,
    body: Bytes,
}

struct Upstreams {
    latency: Duration,
    simulators: HashMap<String, String>,
    client: reqwest::Client,
    kept: RwLock<HashMap<String, Vec<Kept>>>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut words = std::env::args().skip(1);
    let mut number = |what: &str| words.next().and_then(|word| word.parse().ok()).expect(what);
    let port = u16::try_from(number("a port")).expect("a port");
    let latency = Duration::from_millis(number("a latency in milliseconds"));
    let origin = |word: String| {
        let (provider, origin) = word.split_once('=').expect("provider=origin");
        (provider.to_owned(), origin.to_owned())
    };
    let upstreams = Upstreams {
        latency,
        simulators: words.map(origin).collect(),
        client: reqwest::Client::new(),
        kept: RwLock::default(),
    };
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .expect("the port is free");
    let routes = Router::new().fallback(answer).with_state(Arc::new(upstreams));
    let listener = listener.tap_io(|tcp| _ = tcp.set_nodelay(true));
    axum::serve(listener, routes).await.expect("it serves");
}

async fn answer(State(upstreams): State<Arc<Upstreams>>, request: Request) -> Response {
    let due = Instant::now() + upstreams.latency;
    let question = question(&request);
    let known = upstreams.known(&question);
    let (status, body) = match known {
        Some(answer) => answer,
        None => upstreams.ask(question).await,
    };
    if !upstreams.latency.is_zero() {
        sleep_until(due).await;
    }
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn question(request: &Request) -> Question {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let given = CREDENTIALS.iter().filter_map(|name| {
        let (name, value) = (
            header::HeaderName::from_static(name),
            request.headers().get(*name)?,
        );
        Some((name, value.clone()))
    });
    (path.to_owned(), given.collect())
}

impl Upstreams {
    fn known(&self, (path, credentials): &Question) -> Option<(StatusCode, Bytes)> {
        let kept = self.kept.read().expect("nobody panics with it");
        let mut answers = kept.get(path)?.iter();
        let answer = answers.find(|answer| answer.credentials == *credentials)?;
        Some((answer.status, answer.body.clone()))
    }

    async fn ask(&self, (path, credentials): Question) -> (StatusCode, Bytes) {
        let provider = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        let Some(origin) = self.simulators.get(provider) else {
            return (StatusCode::NOT_FOUND, Bytes::new());
        };
        let request = self
            .client
            .get(format!("{origin}{path}"))
            .headers(credentials.clone());
        let answer = request.send().await.expect("the simulator runs");
        let (status, body) = (
            answer.status(),
            answer.bytes().await.expect("the simulator answers"),
        );
        let mut kept = self.kept.write().expect("nobody panics with it");
        kept.entry(path).or_default().push(Kept {
            credentials,
            status,
            body: body.clone(),
        });
        (status, body)
    }
}
