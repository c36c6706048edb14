//! The tables, and how they come about: step by step, each once, whoever starts at the same time.
//!
//! Not with the driver's own migrations: for SQLite those do not keep two processes from the same step.

use sqlx::{AnyConnection, Executor as _, Row as _};

use super::fault::Fault;
use super::rows::Engine;

/// What each version adds to the one before, for both engines. A step that was released is never changed: what is to be
/// different is another step.
const STEPS: &[(&str, &str)] = &[(
    include_str!("schema/1-sqlite.sql"),
    include_str!("schema/1-postgres.sql"),
)];

/// Any number, as long as nobody else who uses the database takes it for a lock.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7240180319462034519)";

/// Brings the tables up to this program's version, in a transaction that was begun so that no other writer is let in
/// (SQLite), or waits for the others here (PostgreSQL).
pub(super) async fn bring_up(connection: &mut AnyConnection, engine: Engine) -> Result<(), Fault> {
    if !begun(connection, engine).await? {
        connection
            .execute("CREATE TABLE loangate_schema (version BIGINT NOT NULL)")
            .await?;
    }
    let version = connection
        .fetch_one("SELECT coalesce(max(version), 0) AS version FROM loangate_schema")
        .await?
        .try_get::<i64, _>("version")?;
    let done = usize::try_from(version).map_err(|_| Fault::NotADatabase)?;
    let left = STEPS.get(done..).ok_or(Fault::Newer)?;
    for (sqlite, postgres) in left {
        let step = match engine {
            Engine::Sqlite => *sqlite,
            Engine::Postgres => *postgres,
        };
        sqlx::raw_sql(step).execute(&mut *connection).await?;
    }
    if !left.is_empty() {
        sqlx::query("INSERT INTO loangate_schema (version) VALUES ($1)")
            .bind(i64::try_from(STEPS.len()).unwrap_or(i64::MAX))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Whether there are tables of ours. Asked before any is made: whoever may only use them may not make them.
async fn begun(connection: &mut AnyConnection, engine: Engine) -> Result<bool, Fault> {
    let question = match engine {
        Engine::Sqlite => "SELECT count(*) AS tables FROM sqlite_schema WHERE name = 'loangate_schema'",
        Engine::Postgres => {
            connection.execute(LOCK).await?;
            "SELECT count(to_regclass('loangate_schema')) AS tables"
        }
    };
    Ok(connection
        .fetch_one(question)
        .await?
        .try_get::<i64, _>("tables")?
        > 0)
}
