//! A store as it is kept: opened with the first question, and asked within its time.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use sqlx::AnyPool;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::customer::{Customer, Namespace, Precondition};
use super::fault::Fault;
use super::postgres::Server;
use super::rows::{self, Write, Written};
use super::settings::{Place, Settings};
use super::sqlite::File;
use super::{Change, Deleted, Linked, Page, Put, Store};

/// A store of either engine.
#[derive(Debug)]
pub struct Keeper {
    settings: Settings,
    opened: OnceCell<Opened>,
    /// Whether the last question had no answer; said in the log when it changes, not for every question.
    failing: AtomicBool,
}

#[derive(Debug)]
enum Opened {
    File(File),
    Server(Server),
}

impl Opened {
    fn pool(&self) -> &AnyPool {
        match self {
            Self::File(file) => &file.readers,
            Self::Server(server) => &server.pool,
        }
    }

    async fn write(&self, write: Write) -> Result<Written, Fault> {
        match self {
            Self::File(file) => file.write(write).await,
            Self::Server(server) => server.write(&write).await,
        }
    }
}

impl Keeper {
    /// The store of these settings. Nothing is opened yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            opened: OnceCell::new(),
            failing: AtomicBool::new(false),
        }
    }

    /// Opens it, and brings its tables up.
    pub async fn open(&self) -> Result<(), Fault> {
        self.within(async { self.opened().await.map(drop) }).await
    }

    async fn opened(&self) -> Result<&Opened, Fault> {
        let Settings {
            place,
            max_connections,
            timeout,
        } = &self.settings;
        let open = async || match place {
            Place::File(path) => File::open(path, *max_connections, *timeout)
                .await
                .map(Opened::File),
            Place::Server(url) => Server::open(url, *max_connections, *timeout)
                .await
                .map(Opened::Server),
        };
        self.opened.get_or_try_init(open).await
    }

    async fn within<T>(&self, answer: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let answer = timeout(self.settings.timeout, answer)
            .await
            .unwrap_or(Err(Fault::Late));
        let failed = answer.as_ref().err();
        if self.failing.swap(failed.is_some(), Ordering::Relaxed) != failed.is_some() {
            match failed {
                Some(why) => tracing::warn!(%why, "the store gives no answer"),
                None => tracing::info!("the store answers again"),
            }
        }
        answer
    }
}

#[async_trait]
impl Store for Keeper {
    async fn get(&self, of: &Namespace, id: &str) -> Result<Option<Customer>, Fault> {
        self.within(async {
            let mut connection = self.opened().await?.pool().acquire().await?;
            rows::get(&mut connection, of, id).await
        })
        .await
    }

    async fn put(&self, of: &Namespace, id: &str, change: Change) -> Result<Put, Fault> {
        let write = Write::Put(of.clone(), id.to_owned(), change);
        let written = self.within(async { self.opened().await?.write(write).await });
        match written.await? {
            Written::Put(put) => Ok(put),
            Written::Delete(_) | Written::Raced => Err(Fault::Other),
        }
    }

    async fn delete(&self, of: &Namespace, id: &str, only: Precondition) -> Result<Deleted, Fault> {
        let write = Write::Delete(of.clone(), id.to_owned(), only);
        let written = self.within(async { self.opened().await?.write(write).await });
        match written.await? {
            Written::Delete(deleted) => Ok(deleted),
            Written::Put(_) | Written::Raced => Err(Fault::Other),
        }
    }

    async fn page(&self, of: &Namespace, after: u64, limit: usize) -> Result<Page, Fault> {
        self.within(async {
            let mut connection = self.opened().await?.pool().acquire().await?;
            rows::page(&mut connection, of, after, limit).await
        })
        .await
    }

    async fn linked(&self, of: &Namespace, connections: &[Arc<str>], most: usize) -> Result<Linked, Fault> {
        self.within(async {
            let mut connection = self.opened().await?.pool().acquire().await?;
            rows::linked(&mut connection, of, connections, most).await
        })
        .await
    }
}
