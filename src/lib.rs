//! Loangate: one normalized `/loans` API over providers that agree on nothing.
//!
//! The rooms, and the one direction they may look in:
//!
//! ```text
//! main -> app -> { api, identity, server, gather, fleet, store, config, telemetry }
//! api -> { gather, identity, fleet, store, console }      gather -> { providers, fleet }
//! providers -> { loan, record, upstream, config }      record -> loan      identity -> upstream
//! { api, gather, identity, fleet, upstream } -> telemetry
//! loan, server, config, console, sim, store, telemetry -> nothing
//! ```
//!
//! `docs/architecture.md` is the map; a test reads the source tree and holds it to this.

#[macro_use]
mod binary;
#[macro_use]
mod vocabulary;

pub mod api;
pub mod app;
pub mod config;
pub mod console;
pub mod fleet;
pub mod gather;
pub mod identity;
pub mod loan;
pub mod providers;
pub mod record;
pub mod server;
pub mod sim;
pub mod store;
pub mod telemetry;
pub mod upstream;
