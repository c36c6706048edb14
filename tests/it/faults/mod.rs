//! Every way an upstream can fail that loopback can show, over every provider it applies to.
//!
//! `docs/faults.md` is written by the test below. After a change that is meant, write it anew and read the difference:
//!
//! ```sh
//! LOANGATE_BLESS=1 cargo test --test it faults::the_table
//! ```

mod bodies;
mod desync;
mod floods;
mod http;
mod minting;
mod network;
mod policy;
mod table;
mod tokens;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt as _;
use loangate::sim::World;

use crate::support::Setup;

/// Gateways at once; more would measure this machine instead of the time limits.
const AT_ONCE: usize = 8;

const INTRODUCTION: &str = "# Faults

What callers saw when one of five upstreams failed and the other four were well. Written by a test, which also holds
that the four's loans were in every answer, byte for byte; change it with
`LOANGATE_BLESS=1 cargo test --test it faults::the_table`.

- *source*, *code*, *retryable*, *wait*, *attempts*: the failing source's own report; `-` is null, where nothing failed.
- *asked*: requests for loans as the upstream counted them. A request that a connection broke under may not have
  arrived. GoScore's first two pages are asked for at once and count as one.
- *bound*: milliseconds within which the answer was there, from the config: one attempt's `timeout` (5000) where the
  fault ends by itself; both attempts of 600 ms, or a deadline of 1500 ms, and 1500 ms for a busy machine where nothing
  else ends it.

| row | fault | provider | answer | source | code | retryable | wait ms | attempts | asked | bound ms |
|---|---|---|---|---|---|---|---|---|---|---|
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_is_the_one_in_docs_faults_md() {
    let healthy = Setup::all(&World::documents())
        .start()
        .await
        .get("/loans?limit=200")
        .await;
    healthy.assert_complete();
    let rows = [network::rows(), http::rows(), bodies::rows(), tokens::rows()];
    let healthy = Arc::new(healthy);
    let lines = rows
        .into_iter()
        .flatten()
        .flat_map(table::Row::cases)
        .map(|(provider, row)| {
            let healthy = Arc::clone(&healthy);
            async move {
                let line = tokio::spawn(async move { row.line(provider, &healthy).await });
                line.await.unwrap()
            }
        });
    let mut lines: Vec<String> = futures_util::stream::iter(lines)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    lines.sort();
    let before = lines.len();
    lines.dedup();
    assert_eq!(lines.len(), before, "two rows look the same");
    let mut table = INTRODUCTION.to_owned();
    for line in lines {
        writeln!(table, "{line}").unwrap();
    }

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    if std::env::var_os("LOANGATE_BLESS").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let changed: Vec<&str> = table
        .lines()
        .filter(|line| !written.lines().any(|known| known == *line))
        .collect();
    assert!(
        table == written,
        "docs/faults.md is not what happens; new lines:\n{}",
        changed.join("\n")
    );
}
