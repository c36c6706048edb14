//! Several gateways that share one Redis.
//!
//! `LOANGATE_TEST_REDIS_SERVER` names the binary of a Redis or Valkey, which each test starts for itself. Without it these
//! tests say that they are skipped; `.ci/run` has one.

mod away;
mod entries;
mod hints;
mod paging;
mod processes;
mod rates;
mod rest;

use std::ffi::OsString;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use loangate::sim::{Provider, World};
use redis::aio::MultiplexedConnection;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::support::{Running, Setup};

const SOON: Duration = Duration::from_secs(20);
const PROVIDER: Provider = Provider::Carbon;
/// Keys of the fleets of these tests.
pub(crate) const CACHE_KEY: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const CURSOR_KEY: &str = "fedcba9876543210";

/// The binary; `None`, and a line that nobody overlooks, where there is none to be had.
fn server() -> Option<OsString> {
    let binary = std::env::var_os("LOANGATE_TEST_REDIS_SERVER");
    if binary.is_none() {
        // What `eprintln` writes is not shown of a test that passes.
        let line = b"SKIPPED: LOANGATE_TEST_REDIS_SERVER names no Redis\n";
        std::io::stderr().write_all(line).unwrap();
    }
    binary
}

/// A Redis of its own, for as long as this lives.
pub(crate) struct Redis {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Redis {
    /// `None` where there is none to be had.
    pub(crate) async fn start() -> Option<Self> {
        Self::with(&[]).await
    }

    /// The same with more arguments.
    async fn with(arguments: &[&str]) -> Option<Self> {
        let binary = server()?;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        Some(Self::at(binary, address, arguments).await)
    }

    async fn at(binary: OsString, address: SocketAddr, arguments: &[&str]) -> Self {
        let mut process = Command::new(binary)
            .args(["--bind", &address.ip().to_string()])
            .args(["--port", &address.port().to_string()])
            // Nothing is kept.
            .args(["--save", "", "--appendonly", "no"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let listening = async {
            while TcpStream::connect(address).await.is_err() {
                assert!(process.try_wait().unwrap().is_none(), "redis ended");
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, listening).await.unwrap();
        Self { process, address }
    }

    /// Ends it at once, as a machine ends that fails.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Another one at the same address, which knows nothing.
    async fn again(&mut self) {
        self.kill();
        let fresh = Self::at(server().unwrap(), self.address, &[]).await;
        // The old one has ended, so dropping it ends nobody.
        *self = fresh;
    }

    /// A connection of the test's own.
    async fn connection(&self) -> MultiplexedConnection {
        let client = redis::Client::open(format!("redis://{}", self.address)).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// Tells it something.
    async fn tell<T: redis::FromRedisValue>(&self, command: &[&str]) -> T {
        let mut connection = self.connection().await;
        redis::cmd(command[0])
            .arg(&command[1..])
            .query_async(&mut connection)
            .await
            .unwrap()
    }
}

/// A gateway of a fleet: patient, because these tests ask what is shared and not how fast.
fn shared(world: &World, redis: SocketAddr) -> Setup {
    sharing(Setup::only(PROVIDER, world), redis)
}

fn sharing(setup: Setup, redis: SocketAddr) -> Setup {
    setup
        .set("cache.backend", "redis")
        .set("cache.redis_url", &format!("redis://{redis}"))
        .set("cache.redis_timeout", "5s")
        .set("cache.keys", CACHE_KEY)
        .set("cache.max_age", "60s")
        .set("cache.stale_if_error", "60s")
        .set("cursor.keys", CURSOR_KEY)
}

/// So many gateways of this setup over the same simulators.
async fn fleet<const N: usize>(setup: Setup) -> [Running; N] {
    let first = setup.clone().start().await;
    let simulators = first.simulators();
    let mut all = vec![first];
    while all.len() < N {
        all.push(setup.clone().beside(simulators).await);
    }
    all.try_into().unwrap()
}

/// The value of a metric, with these labels in this order; 0 where it is not shown.
async fn metric(gateway: &Running, name: &str) -> u64 {
    let text = gateway.get("/metrics").await.text;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse().unwrap())
}

/// Waits until something is so.
async fn until(so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !so().await {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, waiting).await.unwrap();
}
