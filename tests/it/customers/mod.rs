//! Customers: the caller's own ids, on a SQLite file and on PostgreSQL. The second half of each test runs where
//! `LOANGATE_TEST_POSTGRES_URL` names a server, and is passed over with a word where it does not.

mod asking;
mod changing;
mod clients;
mod consents;
mod down;
mod engines;
mod killed;
mod leftovers;
mod listing;
mod starting;

use std::env;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use loangate::sim::World;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::{Answer, Running, Setup, encoded};

const POSTGRES: &str = "LOANGATE_TEST_POSTGRES_URL";

/// A store of one test.
#[derive(Debug, Clone)]
pub struct Place {
    url: String,
    directory: Option<Arc<TempDir>>,
}

impl Place {
    /// A file that does not exist yet.
    pub fn file() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            url: format!("sqlite://{}/loangate.db", directory.path().display()),
            directory: Some(Arc::new(directory)),
        }
    }

    /// A schema of its own on the server, if there is one.
    pub async fn server() -> Option<Self> {
        let Ok(server) = env::var(POSTGRES) else {
            let _ = writeln!(
                std::io::stderr(),
                "{POSTGRES} is not set: not tried on PostgreSQL"
            );
            return None;
        };
        let schema = format!("test_{}", Uuid::new_v4().simple());
        let mut connection = sqlx::PgConnection::connect(&server).await.unwrap();
        let create = sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
        connection.execute(create).await.unwrap();
        let separator = if server.contains('?') { '&' } else { '?' };
        Some(Self {
            url: format!("{server}{separator}options[search_path]={schema}"),
            directory: None,
        })
    }

    /// The directory of the file.
    pub fn directory(&self) -> PathBuf {
        self.directory.as_ref().unwrap().path().to_owned()
    }

    /// All five providers, with this store.
    pub fn setup(&self) -> Setup {
        self.with(Setup::all(&World::documents()))
    }

    pub fn with(&self, setup: Setup) -> Setup {
        setup.set("store.url", &self.url)
    }
}

/// The test with each engine.
macro_rules! on_both {
    ($($(#[$meta:meta])* $name:ident($place:ident) $body:block)+) => {
        $(
            $(#[$meta])*
            mod $name {
                use super::*;

                async fn test($place: crate::customers::Place) $body

                #[tokio::test]
                async fn sqlite() {
                    Box::pin(test(crate::customers::Place::file())).await;
                }

                #[tokio::test]
                async fn postgres() {
                    if let Some(place) = crate::customers::Place::server().await {
                        Box::pin(test(place)).await;
                    }
                }
            }
        )+
    };
}
use on_both;

/// A reference of each provider to the same person, as the simulators know them.
pub const EVERYWHERE: [&str; 5] = [
    "belvo:customer:0d1a377b-b4c5-4a94-9e2e-83e59d1f6a9c",
    "bsa:customer:42",
    "carbon:customer:1732ca47-42b2-4990-a65d-c369e934eed3",
    "fineract:loan:123",
    "goscore:consent:6915ab99857fec1e6f2f6c078",
];

pub fn path(id: &str) -> String {
    format!("/customers/{}", encoded(id))
}

/// What is put, with these references.
pub fn linking(references: &Value) -> String {
    json!({ "references": references }).to_string()
}

pub async fn put(gateway: &Running, id: &str, references: &Value) -> Answer {
    put_if(gateway, id, references, &[]).await
}

pub async fn put_if(gateway: &Running, id: &str, references: &Value, headers: &[(&str, &str)]) -> Answer {
    let mut headers = headers.to_vec();
    headers.push(("content-type", "application/json"));
    let body = linking(references);
    gateway.send(Method::PUT, &path(id), &headers, Some(&body)).await
}

pub async fn get(gateway: &Running, id: &str) -> Answer {
    gateway.get(&path(id)).await
}

pub async fn delete(gateway: &Running, id: &str) -> Answer {
    gateway.send(Method::DELETE, &path(id), &[], None).await
}
