//! The gateway as its callers and operators meet it: the real program over the simulators, on real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::disallowed_types,
    clippy::large_futures,
    clippy::needless_pass_by_value,
    reason = "a test fails by panicking, and looks at answers the way a caller without our types does"
)]
#![allow(unreachable_pub, reason = "nothing here is reachable from outside")]

mod access;
mod api;
mod architecture;
mod cache;
mod cli;
mod console;
mod contract;
mod customers;
mod deploy;
mod depth;
mod documents;
mod faults;
mod fleet;
mod healthcheck;
mod inbound;
mod inside;
mod joined;
mod lifecycle;
mod native;
mod openapi;
mod partial;
mod proxy;
mod quick_start;
mod require;
mod secrets;
mod support;
mod telemetry;
mod walks;
