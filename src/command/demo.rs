//! `loangate demo`

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use loangate::app::{self, App};
use loangate::config::Document;
use loangate::gather::now;
use loangate::sim;
use loangate::store::{Change, Link, Namespace, Precondition, Store as _};
use tokio::net::TcpListener;
use uuid::Uuid;

/// The demo is the example config, with the simulators where they happen to listen.
const EXAMPLE: &str = include_str!("../../config/example.toml");
const EXAMPLE_SIMULATORS: &str = "127.0.0.1:9090";

/// A customer that is there from the start, and what is linked to it: the same person at every provider.
const CUSTOMER: &str = "ada";
const LINKED: [[&str; 3]; 5] = [
    ["belvo", "customer", "0d1a377b-b4c5-4a94-9e2e-83e59d1f6a9c"],
    ["bsa", "customer", "42"],
    ["carbon", "customer", "1732ca47-42b2-4990-a65d-c369e934eed3"],
    ["fineract", "loan", "123"],
    ["goscore", "consent", "6915ab99857fec1e6f2f6c078"],
];

pub(super) async fn run(listen: SocketAddr, loans: Option<usize>, seed: u64, faults: &[String]) -> ExitCode {
    match start(listen, loans, seed, faults).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => super::fail(&problem),
    }
}

async fn start(listen: SocketAddr, loans: Option<usize>, seed: u64, faults: &[String]) -> Result<(), String> {
    let world = super::simulate::world(loans, seed, faults)?;
    let store = Passing::new()?;
    let simulators = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let upstream = simulators.local_addr().map_err(|error| error.to_string())?;
    let text = EXAMPLE.replace(EXAMPLE_SIMULATORS, &upstream.to_string());
    let environment = [
        ("LOANGATE__SERVER__LISTEN".to_owned(), listen.to_string()),
        ("LOANGATE__LOG__FORMAT".to_owned(), "pretty".to_owned()),
        ("LOANGATE__STORE__URL".to_owned(), store.url()),
    ];
    let document = Document::parse(&text, environment).map_err(|problems| problems.to_string())?;
    link(&document).await?;
    let app = App::build(&document).map_err(|problems| problems.to_string())?;
    super::log::start(&app.config.log);
    let listener = bind(listen).await?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    super::say(&welcome(address, upstream));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let simulators = tokio::spawn(sim::serve(simulators, world, async {
        let _ = stopped.await;
    }));
    app.serve(listener, super::stop_signal()).await;
    // The simulators stop last, so that requests in flight still find them.
    let _ = stop.send(());
    simulators.abort();
    Ok(())
}

/// A directory for the store, which goes with the demo.
struct Passing(PathBuf);

impl Passing {
    fn new() -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("loangate-demo-{}", Uuid::new_v4()));
        fs::create_dir(&path)
            .map_err(|error| format!("{} cannot be made: {}", path.display(), error.kind()))?;
        Ok(Self(path))
    }

    fn url(&self) -> String {
        let path: &Path = &self.0;
        format!("sqlite://{}", path.join("loangate.db").display())
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        // What stays behind is of nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Puts the customer into the store.
async fn link(document: &Document) -> Result<(), String> {
    let opened = app::open(document).map_err(|problems| problems.to_string())?;
    let store = opened.store().ok_or("the demo has no store")?;
    let links = LINKED.map(|[connection, kind, value]| Link {
        connection: connection.to_owned(),
        kind: kind.to_owned(),
        value: value.to_owned(),
        purpose: None,
        expires_at: None,
    });
    let change = Change {
        links: links.to_vec(),
        may_only_stay: Vec::new(),
        only: Precondition::default(),
        at: now(),
    };
    let put = store.put(&Namespace::everyone(), CUSTOMER, change).await;
    put.map(drop).map_err(|why| format!("the store {why}"))
}

async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))
}

fn welcome(gateway: SocketAddr, simulators: SocketAddr) -> String {
    format!(
        "Loangate on http://{gateway}, over five provider simulators on http://{simulators}.
Nothing here is a real provider, a real loan or a real person. Ctrl-C stops it. Try:

  curl -s 'http://{gateway}/loans'
  curl -s 'http://{gateway}/loans?connection=bsa,carbon&limit=5'
  curl -s 'http://{gateway}/loans?ref=bsa:customer:42&ref=goscore:consent:6915ab99857fec1e6f2f6c078'
  curl -s 'http://{gateway}/customers/{CUSTOMER}'
  curl -s 'http://{gateway}/loans?customer={CUSTOMER}'
  curl -s 'http://{gateway}/loans/summary?customer={CUSTOMER}'
  curl -s 'http://{gateway}/loans/bsa:501?include=raw,personal'
  curl -s 'http://{gateway}/loans/bsa:501?include=provenance,schedule'
  curl -s 'http://{gateway}/loans/bsa:501/explain'
  curl -s 'http://{gateway}/loans/fineract:123/transactions?monetary=true'
  curl -s 'http://{gateway}/loans?ref=goscore:consent:consent-in-progress'
  curl -s 'http://{gateway}/loans?limit=0&colour=red'
  curl -s 'http://{gateway}/connections'
"
    )
}
