//! PostgreSQL: a pool, one transaction for each write.

use std::str::FromStr as _;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyPool, AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::fault::Fault;
use super::rows::{self, Engine, Write, Written};
use super::schema;

/// How often a write is begun anew because somebody else made the same customer at the same moment.
const RACES: usize = 8;

/// A server, reached.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) pool: AnyPool,
}

impl Server {
    /// Reaches the server and brings its tables up.
    pub(super) async fn open(
        url: &SecretString,
        max_connections: u32,
        timeout: Duration,
    ) -> Result<Self, Fault> {
        sqlx::any::install_default_drivers();
        let options = AnyConnectOptions::from_str(url.expose_secret())?.disable_statement_logging();
        // The server gives up when we have, and does not wait for a client that is gone.
        let patience = timeout.as_millis();
        let patience = format!(
            "SET statement_timeout = {patience}; SET lock_timeout = {patience}; \
             SET idle_in_transaction_session_timeout = {}; SET application_name = 'loangate'",
            patience.saturating_mul(2)
        );
        // A pool would try again until its time is over, and not say why.
        let mut first = options.connect().await?;
        sqlx::raw_sql(AssertSqlSafe(patience.clone()))
            .execute(&mut first)
            .await?;
        let mut transaction = first.begin().await?;
        schema::bring_up(&mut transaction, Engine::Postgres).await?;
        transaction.commit().await?;
        first.close().await?;
        let pool = AnyPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(timeout)
            .after_connect(move |connection, _| {
                let patience = patience.clone();
                Box::pin(async move {
                    sqlx::raw_sql(AssertSqlSafe(patience)).execute(connection).await?;
                    Ok(())
                })
            })
            .connect_lazy_with(options);
        Ok(Self { pool })
    }

    pub(super) async fn write(&self, write: &Write) -> Result<Written, Fault> {
        for _ in 0..RACES {
            let mut transaction = self.pool.begin().await?;
            let (written, _) = rows::write(&mut transaction, Engine::Postgres, write).await?;
            if !matches!(written, Written::Raced) {
                transaction.commit().await?;
                return Ok(written);
            }
            transaction.rollback().await?;
        }
        Err(Fault::Late)
    }
}
