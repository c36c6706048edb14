//! Five loan providers on one socket, for the demo, for `loangate simulate` and for the tests.
//!
//! Each one is a real HTTP server that follows its provider's pages: the paths, the way in, the
//! paging rules, the shapes of success and of failure. A [`World`] holds what they answer from and
//! remembers what they were asked; a [`Fault`] makes one of them misbehave while the others stay well.
//!
//! Nothing of the gateway is imported here. A simulator that shared the gateway's types would agree
//! with its mistakes.
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! use loangate::sim::{Fault, Provider, World, serve};
//!
//! let world = World::generated(7, 500);
//! world.set_fault(Provider::Carbon, Fault::parse("slow").unwrap_or(Fault::None));
//! let listener = tokio::net::TcpListener::bind(("127.0.0.1", 9000)).await?;
//! serve(listener, world, std::future::pending()).await
//! # }
//! ```

mod access;
mod belvo;
mod book;
mod bsa;
mod carbon;
mod carbon_terms;
mod fault;
mod fineract;
mod fineract_native;
mod front;
mod generate;
mod goscore;
mod misbehave;
mod provider;
mod record;
mod reply;
mod request;
mod world;

#[cfg(test)]
mod tests;

pub use carbon::CarbonEnvelope;
pub use fault::Fault;
pub use front::serve;
pub use provider::{Credentials, NATIVE_FINERACT, NATIVE_FINERACT_PATH, Provider, credentials, fixed_token};
pub use request::Recorded;
pub use world::World;
