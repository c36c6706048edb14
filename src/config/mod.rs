//! Configuration: one TOML document, `LOANGATE__…` variables over it, and a reader that reports
//! every problem at once.
//!
//! Deserialising into structs would stop at the first mistake and would have to name every
//! provider's keys here. Instead a [`Section`] is read key by key: it remembers what was asked for,
//! so whatever nobody asked for is an unknown key, and it collects what is wrong instead of
//! returning it. Providers read their own keys with the same type, so this room knows none of them.
//!
//! Problems carry keys and never values: a value may be a secret that landed under the wrong key.

mod auth;
mod cache;
mod connection;
mod console;
mod digest;
mod document;
mod gateway;
mod jwt;
mod keys;
mod problem;
mod quantity;
mod secret;
mod section;
mod store;
mod telemetry;
mod url;

#[cfg(test)]
mod tests;

pub use auth::{AccessScope, Auth, AuthClient, AuthMode, RateLimit};
pub use cache::{Cache, CacheBackend};
pub use connection::{Circuit, ConnectionSettings, Retry, connection_settings};
pub use console::Console;
pub use document::{Document, environment};
pub use gateway::{Config, Cursor, Limits, Log, LogFormat, Server, read, read_server};
pub use jwt::Jwt;
pub use keys::{KeyHash, new_key, weakness};
pub use problem::{Origin, Problem, Problems};
pub use section::Section;
pub use store::{Store, StorePlace};
pub use telemetry::Telemetry;
