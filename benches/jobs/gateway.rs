//! The gateway of `bench/`, in this process.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use loangate::api::cursor::Cursors;
use loangate::api::{Access, Api, Lifecycle};
use loangate::app;
use loangate::config::{Document, connection_settings};
use loangate::gather::{Asker, Client, Filter, Gateway, Held, LeftOut, Query, Whose};
use loangate::providers::{self, Connecting, Provider};
use loangate::sim::serve;
use loangate::telemetry::Telemetry;
use loangate::upstream::Shared;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

use super::pages;

/// More than there are.
pub(super) const ALL_LOANS: usize = 200;

const TTL: Duration = Duration::from_mins(15);
const BODY: u64 = 8 * 1024 * 1024;
const TOTAL: u64 = 64 * 1024 * 1024;

const CONFIG: &str = include_str!("../../bench/gateway.toml");
/// The other flavour of one of its providers.
const LEDGER: &str = r#"
[connections.ledger]
provider = "fineract"
base_url = "{{UPSTREAMS}}/fineract"
token = "demo-token"
"#;
/// Where nobody answers.
const NOWHERE: &str = "http://127.0.0.1:9";

fn document(config: &str, upstreams: &str) -> Document {
    let text = config
        .replace("{{UPSTREAMS}}", upstreams)
        .replace("{{MAX_AGE}}", "1h");
    Document::parse(&text, []).unwrap()
}

/// The adapter behind a connection. It reaches nobody.
pub(super) fn provider(connection: &str) -> Arc<dyn Provider> {
    let shared = Shared::new(TOTAL, BODY, Telemetry::default());
    let document = document(&format!("{CONFIG}{LEDGER}"), NOWHERE);
    let opened = document.with_root(|root| {
        let opened = root.table("connections", |connections| {
            let opened = connections.table(connection, |section| {
                let descriptor = providers::find(&section.require_string("provider")).unwrap();
                let settings = connection_settings(section);
                let mut open = Connecting::new(connection, section, &settings, BODY, &shared).unwrap();
                (descriptor.connect)(&mut open)
            });
            connections.ignore_rest();
            opened
        });
        root.ignore_rest();
        opened
    });
    opened.unwrap().unwrap()
}

/// A gateway whose sources are all in the cache.
pub(super) struct Filled {
    pub(super) runtime: Runtime,
    pub(super) gateway: Gateway,
}

/// Asks the simulators once.
pub(super) fn filled() -> Filled {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let gateway = runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let upstreams = format!("http://{}", listener.local_addr().unwrap());
        let document = document(CONFIG, &upstreams);
        let gateway = app::open(&document).unwrap().gateway(Held::new(TTL));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(serve(listener, pages::world(), async {
            let _ = stopped.await;
        }));
        let answer = gateway.list(&everything(&gateway), ALL_LOANS).await.unwrap();
        assert!(answer.complete && answer.next.is_none(), "{:?}", answer.sources);
        drop(stop);
        serving.abort();
        gateway
    });
    Filled { runtime, gateway }
}

/// The question for all loans.
pub(super) fn everything(gateway: &Gateway) -> Query {
    Query {
        connections: gateway
            .connections()
            .map(|connection| Arc::clone(&connection.id))
            .collect(),
        whose: Whose::everybody(),
        left_out: LeftOut::new(),
        unread: BTreeMap::new(),
        filter: Filter::default(),
        sort: None,
        required: Vec::new(),
        asker: Asker {
            client: Client::anonymous(),
            max_age: None,
        },
    }
}

/// Sends a request through the router, and says how many bytes its answer has.
pub(super) fn asked(Filled { runtime, gateway }: Filled) -> impl FnMut(&str) -> usize {
    let (cursors, lifecycle) = (Cursors::new(&[Cursors::random_key()], TTL), Lifecycle::new(64));
    let api = Api::new(
        gateway,
        Access::everyone(true),
        cursors,
        lifecycle,
        Telemetry::default(),
    );
    let router = api.router("");
    move |uri| {
        let request = Request::get(uri).header("host", "localhost");
        let request = request.body(Body::empty()).unwrap();
        let body = runtime.block_on(async {
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200);
            response.into_body().collect().await.unwrap().to_bytes()
        });
        black_box(body).len()
    }
}
