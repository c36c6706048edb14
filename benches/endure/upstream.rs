//! The five simulators, and the config of a gateway over them.

use std::net::SocketAddr;
use std::sync::Arc;

use loangate::sim::{Provider, World, serve};
use tokio::net::TcpListener;

use crate::client::{self, Listing};
use crate::gateway::Gateway;
use crate::load::Judge;

const EXAMPLE: &str = include_str!("../../config/example.toml");
const EXAMPLE_SIMULATORS: &str = "127.0.0.1:9090";

/// Everything that the gateway can be asked in one answer.
pub(crate) const LIST: &str = "/loans?limit=200";

/// Serves a generated world with this many loans per provider until the program ends.
pub(crate) async fn simulators(loans: usize) -> (World, SocketAddr) {
    let world = World::generated(7, loans);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, world.clone(), std::future::pending()));
    (world, address)
}

/// The example config over these simulators, with `top` before it and `each` in every connection's table.
pub(crate) fn config(simulators: SocketAddr, top: &str, each: &str) -> String {
    let mut text = format!("{top}\n\n{EXAMPLE}").replace(EXAMPLE_SIMULATORS, &simulators.to_string());
    for provider in Provider::ALL {
        let table = format!("[connections.{provider}]\n");
        text = text.replace(&table, &format!("{table}{each}\n"));
    }
    text
}

/// Loans per source while all is well.
pub(crate) async fn healthy_counts(gateway: &Gateway) -> Vec<(String, usize)> {
    let answer = client::get(gateway.address, LIST).await.unwrap();
    let list = Listing::of(&answer).unwrap();
    assert!(
        list.complete,
        "not complete with everybody well: {:?}",
        list.sources
    );
    assert!(list.counts().iter().all(|(_, count)| *count > 0));
    list.counts()
}

/// A complete answer with these counts.
pub(crate) fn complete(counts: Vec<(String, usize)>) -> Judge {
    judge(counts, None)
}

/// These counts from everybody but `missing`.
pub(crate) fn without(counts: Vec<(String, usize)>, missing: Provider) -> Judge {
    judge(counts, Some(missing))
}

fn judge(counts: Vec<(String, usize)>, missing: Option<Provider>) -> Judge {
    Arc::new(move |answer| {
        if answer.status != 200 {
            return Err(format!("status {}", answer.status));
        }
        let list = Listing::of(answer)?;
        if list.complete != missing.is_none() {
            let code = |source: &client::Source| source.error.as_ref().map(|error| error.code.clone());
            let bad = list.sources.iter().find(|source| source.status != "ok");
            let bad = bad.map(|source| (source.connection.as_str(), source.status.as_str(), code(source)));
            return Err(format!("complete: {} {bad:?}", list.complete));
        }
        let absent = missing.map(Provider::as_str);
        let present = |counts: &[(String, usize)]| -> Vec<(String, usize)> {
            let there = counts.iter().filter(|(name, _)| Some(name.as_str()) != absent);
            there.cloned().collect()
        };
        let (want, have) = (present(&counts), present(&list.counts()));
        let sum: usize = want.iter().map(|(_, count)| count).sum();
        if want != have || list.data.len() != sum {
            return Err(format!("counts {have:?} instead of {want:?}"));
        }
        Ok(())
    })
}

/// Calls that a provider's simulator has seen, for loans or for tokens.
pub(crate) fn calls(world: &World, provider: Provider, tokens: bool) -> usize {
    let requests = world.requests();
    let mine = requests.iter().filter(|request| request.provider == provider);
    mine.filter(|request| (request.operation == "auth") == tokens)
        .count()
}
