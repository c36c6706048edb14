//! The commands of the binary. What they print is for people; what services read is on HTTP.

mod check;
mod demo;
mod hash_key;
mod healthcheck;
mod loans;
mod log;
mod serve;
mod simulate;

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// One normalized /loans API over providers that agree on nothing.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The gateway over five simulators, with nothing to configure.
    Demo {
        /// Where the gateway listens.
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// Records per simulator; without it exactly the documents' samples.
        #[arg(long)]
        loans: Option<usize>,
        /// Seed of generated records.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// A fault: `stalled` for all providers, `carbon=stalled` for one. Repeatable.
        #[arg(long = "fault")]
        faults: Vec<String>,
    },
    /// The gateway.
    Serve {
        /// Its config, in TOML.
        #[arg(long, env = "LOANGATE_CONFIG")]
        config: PathBuf,
    },
    /// Only the simulators.
    Simulate {
        /// Port on 127.0.0.1; 0 picks a free one.
        #[arg(long, default_value_t = 9090)]
        port: u16,
        /// Address and port instead, for a container of its own.
        #[arg(long, conflicts_with = "port")]
        listen: Option<SocketAddr>,
        /// Records per simulator; without it exactly the documents' samples.
        #[arg(long)]
        loans: Option<usize>,
        /// Seed of generated records.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// A fault: `stalled` for all providers, `carbon=stalled` for one. Repeatable.
        #[arg(long = "fault")]
        faults: Vec<String>,
    },
    /// The list, as a table, JSON, NDJSON or CSV. Ends with 3 when it is not complete.
    Loans(Box<loans::Options>),
    /// Every problem of a config at once, each with its key.
    Check {
        /// The config, in TOML.
        #[arg(long, env = "LOANGATE_CONFIG")]
        config: PathBuf,
        /// Also call each connection once.
        #[arg(long)]
        probe: bool,
    },
    /// Whether a running gateway takes traffic: ends with 0 when `/readyz` says so, else with 1.
    Healthcheck(healthcheck::Options),
    /// Reads the key of a client on standard input and prints its hash for the config.
    HashKey {
        /// Make a new key instead, and print both.
        #[arg(long)]
        new: bool,
    },
}

pub(crate) async fn run(arguments: Arguments) -> ExitCode {
    match arguments.command {
        Command::Demo {
            listen,
            loans,
            seed,
            faults,
        } => demo::run(listen, loans, seed, &faults).await,
        Command::Serve { config } => serve::run(&config).await,
        Command::Simulate {
            port,
            listen,
            loans,
            seed,
            faults,
        } => {
            simulate::run(
                listen.unwrap_or((Ipv4Addr::LOCALHOST, port).into()),
                loans,
                seed,
                &faults,
            )
            .await
        }
        Command::Loans(options) => loans::run(&options).await,
        Command::Check { config, probe } => check::run(&config, probe).await,
        Command::Healthcheck(options) => healthcheck::run(&options).await,
        Command::HashKey { new } => hash_key::run(new),
    }
}

/// Something to read on standard output. A closed pipe is the reader's choice.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// An error on standard error, and the exit code that goes with it: 2, what was asked for cannot be done.
pub(crate) fn fail(text: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "loangate: {text}");
    ExitCode::from(2)
}

/// Ends with the first SIGINT or SIGTERM.
async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! { _ = interrupt => {}, _ = terminate.recv() => {} }
            }
            Err(_) => {
                let _ = interrupt.await;
            }
        }
    }
    #[cfg(not(unix))]
    {
        let _ = interrupt.await;
    }
}
