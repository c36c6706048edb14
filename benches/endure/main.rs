//! Endurance: the real binary under load and faults, with a bound for every scenario.
//!
//! ```sh
//! cargo build --release && cargo run --release -p benches --bin endure -- [scenario…] [--short]
//! ```
//!
//! Every scenario starts `target/release/loangate serve` as a process of its own, over simulators or hostile servers
//! that live in this one, and talks to it over 127.0.0.1 only. One line says what was asked, what came, and whether the
//! bound held; the exit code is 1 if one did not. `docs/endurance.md` has the numbers of a full run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::large_futures,
    clippy::format_push_string,
    clippy::format_collect,
    reason = "a measuring program: what it did not expect ends it"
)]

mod bodies;
mod books;
mod circuit;
mod client;
mod customers;
mod gateway;
mod hostile;
mod hot;
mod ledger;
mod load;
mod report;
mod restarts;
mod slow;
mod stalled;
mod tokens;
mod upstream;

use std::process::ExitCode;

use report::Report;

/// How much of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Short,
    Full,
}

impl Size {
    pub(crate) fn pick<T>(self, short: T, full: T) -> T {
        match self {
            Self::Short => short,
            Self::Full => full,
        }
    }
}

const SCENARIOS: [&str; 11] = [
    "stalled",
    "tokens",
    "circuit",
    "bodies",
    "restarts",
    "slow",
    "hot",
    "books",
    "person",
    "ledger",
    "customers",
];

#[tokio::main]
async fn main() -> ExitCode {
    let mut size = Size::Full;
    let mut wanted = Vec::new();
    for word in std::env::args().skip(1) {
        match word.as_str() {
            "--short" => size = Size::Short,
            name if SCENARIOS.contains(&name) => wanted.push(word),
            _ => {
                eprintln!("{word:?} is neither --short nor one of {}", SCENARIOS.join(", "));
                return ExitCode::from(2);
            }
        }
    }
    if let Err(problem) = gateway::binary() {
        eprintln!("{problem}");
        return ExitCode::from(2);
    }
    let mut report = Report::default();
    for name in SCENARIOS {
        if !wanted.is_empty() && !wanted.iter().any(|word| word == name) {
            continue;
        }
        match name {
            "stalled" => stalled::run(size, &mut report).await,
            "tokens" => tokens::run(size, &mut report).await,
            "circuit" => circuit::run(size, &mut report).await,
            "bodies" => bodies::run(size, &mut report).await,
            "restarts" => restarts::run(size, &mut report).await,
            "slow" => slow::run(size, &mut report).await,
            "hot" => hot::run(size, &mut report).await,
            "books" => books::run(size, &mut report).await,
            "person" => books::person(size, &mut report).await,
            "customers" => customers::run(size, &mut report).await,
            _ => ledger::run(size, &mut report).await,
        }
    }
    report.verdict()
}
