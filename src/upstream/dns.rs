//! Host names to addresses: looked up once for any number of waiters, kept for a while, and kept longer when the
//! name server fails.
//!
//! The system's resolver blocks a thread per look-up. Without this, seven hundred requests to a dead name server
//! were seen to take five hundred threads and to stall work that has nothing to do with them.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::Instant;

/// How long addresses are used without asking again.
const FRESH: Duration = Duration::from_secs(30);
/// How long old addresses are used when asking fails.
const STALE: Duration = Duration::from_mins(5);

type Answer = Result<Arc<[SocketAddr]>, Arc<io::Error>>;
type Lookup = Shared<BoxFuture<'static, Answer>>;

/// A resolver with a memory. The hosts it is asked for are those of the config, so it stays small.
#[derive(Debug, Clone, Default)]
pub(super) struct Resolver(Arc<Mutex<HashMap<String, Known>>>);

#[derive(Debug, Default)]
struct Known {
    addresses: Option<(Arc<[SocketAddr]>, Instant)>,
    running: Option<Lookup>,
}

impl Resolver {
    async fn addresses(self, host: String) -> Answer {
        let lookup = {
            let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let known = hosts.entry(host.clone()).or_default();
            if let Some((addresses, at)) = &known.addresses
                && at.elapsed() < FRESH
            {
                return Ok(Arc::clone(addresses));
            }
            known
                .running
                .get_or_insert_with(|| self.clone().start(host.clone()))
                .clone()
        };
        let answer = lookup.await;
        let hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = hosts.get(&host).and_then(|known| known.addresses.as_ref());
        match (answer, kept) {
            (Err(_), Some((addresses, at))) if at.elapsed() < STALE => Ok(Arc::clone(addresses)),
            (answer, _) => answer,
        }
    }

    /// Runs in a task of its own: it ends, and clears its place, whoever stops waiting.
    fn start(self, host: String) -> Lookup {
        let task = tokio::spawn(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            let answer: Answer = found.map(Iterator::collect).map_err(Arc::new);
            let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let known = hosts.entry(host).or_default();
            known.running = None;
            if let Ok(addresses) = &answer {
                known.addresses = Some((Arc::clone(addresses), Instant::now()));
            }
            answer
        });
        task.map(|ended| {
            ended.unwrap_or_else(|_| Err(Arc::new(io::Error::other("the look-up ended unexpectedly"))))
        })
        .boxed()
        .shared()
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let looked_up = self.clone().addresses(name.as_str().to_owned());
        Box::pin(async move {
            let addresses = looked_up.await?;
            let list: Vec<SocketAddr> = addresses.to_vec();
            Ok::<Addrs, _>(Box::new(list.into_iter()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_is_looked_up_once_and_remembered() {
        let resolver = Resolver::default();
        let both = tokio::join!(
            resolver.clone().addresses("localhost".to_owned()),
            resolver.clone().addresses("localhost".to_owned())
        );
        assert!(Arc::ptr_eq(&both.0.unwrap(), &both.1.unwrap()));
        let again = resolver.clone().addresses("localhost".to_owned()).await.unwrap();
        assert!(!again.is_empty());
        assert!(resolver.0.lock().unwrap()["localhost"].running.is_none());
    }

    #[tokio::test]
    async fn an_unknown_name_is_an_error_and_leaves_nothing_running() {
        let resolver = Resolver::default();
        assert!(
            resolver
                .clone()
                .addresses("nowhere.invalid".to_owned())
                .await
                .is_err()
        );
        assert!(resolver.0.lock().unwrap()["nowhere.invalid"].running.is_none());
    }
}
