//! `loangate demo`

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use loangate::app::App;
use loangate::config::Document;
use loangate::sim;
use tokio::net::TcpListener;

/// The demo is the example config, with the simulators where they happen to listen.
const EXAMPLE: &str = include_str!("../../config/example.toml");
const EXAMPLE_SIMULATORS: &str = "127.0.0.1:9090";

pub(super) async fn run(listen: SocketAddr, loans: Option<usize>, seed: u64, faults: &[String]) -> ExitCode {
    match start(listen, loans, seed, faults).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => super::fail(&problem),
    }
}

async fn start(listen: SocketAddr, loans: Option<usize>, seed: u64, faults: &[String]) -> Result<(), String> {
    let world = super::simulate::world(loans, seed, faults)?;
    let simulators = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let upstream = simulators.local_addr().map_err(|error| error.to_string())?;
    let text = EXAMPLE.replace(EXAMPLE_SIMULATORS, &upstream.to_string());
    let environment = [
        ("LOANGATE__SERVER__LISTEN".to_owned(), listen.to_string()),
        ("LOANGATE__LOG__FORMAT".to_owned(), "pretty".to_owned()),
    ];
    let document = Document::parse(&text, environment).map_err(|problems| problems.to_string())?;
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
