//! The SQL, which is the same for both engines but for a lock on a row.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use super::customer::{Customer, Link, Namespace, Precondition, Purpose};
use super::fault::Fault;
use super::{COUNTED, Change, Deleted, Linked, Page, Put};

/// Which engine a connection leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    Postgres,
}

/// A customer with its references, one row each; one row of nulls where there are none.
const GET: &str = "SELECT c.number, c.id, c.created_at, c.updated_at, \
            r.connection, r.kind, r.value, r.purpose, r.expires_at \
     FROM loangate_customers c LEFT JOIN loangate_references r ON r.customer = c.number \
     WHERE c.namespace = $1 AND c.id = $2 ORDER BY r.position";

const PAGE: &str = "SELECT c.number, c.id, c.created_at, c.updated_at, \
            r.connection, r.kind, r.value, r.purpose, r.expires_at \
     FROM (SELECT number, id, created_at, updated_at FROM loangate_customers \
           WHERE namespace = $1 AND number > $2 ORDER BY number LIMIT $3) c \
     LEFT JOIN loangate_references r ON r.customer = c.number \
     ORDER BY c.number, r.position";

const COUNT: &str = "SELECT count(*) AS customers FROM \
     (SELECT 1 AS one FROM loangate_customers WHERE namespace = $1 LIMIT $2) counted";

/// In PostgreSQL whoever changes a customer waits here for whoever was first. SQLite lets in one writer at a time.
const LOCK: &str = "SELECT number FROM loangate_customers WHERE namespace = $1 AND id = $2 FOR UPDATE";

const INSERT: &str = "INSERT INTO loangate_customers (namespace, id, created_at, updated_at) \
     VALUES ($1, $2, $3, $3) ON CONFLICT DO NOTHING RETURNING number";

const TOUCH: &str = "UPDATE loangate_customers SET updated_at = $2 WHERE number = $1";

const UNLINK: &str = "DELETE FROM loangate_references WHERE customer = $1";

const DELETE: &str = "DELETE FROM loangate_customers WHERE number = $1";

/// What is written in one transaction.
#[derive(Debug)]
pub(super) enum Write {
    Put(Namespace, String, Change),
    Delete(Namespace, String, Precondition),
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Written {
    Put(Put),
    Delete(Deleted),
    /// Somebody else made the same customer in the meantime: all of it has to be done again.
    Raced,
}

/// Does it. `true` beside it: something was taken away, which may still stand somewhere in a file.
pub(super) async fn write(
    connection: &mut AnyConnection,
    engine: Engine,
    write: &Write,
) -> Result<(Written, bool), Fault> {
    match write {
        Write::Put(of, id, change) => put(connection, engine, of, id, change).await,
        Write::Delete(of, id, only) => {
            let deleted = delete(connection, engine, of, id, only).await?;
            Ok((Written::Delete(deleted), deleted == Deleted::Gone))
        }
    }
}

async fn put(
    connection: &mut AnyConnection,
    engine: Engine,
    of: &Namespace,
    id: &str,
    change: &Change,
) -> Result<(Written, bool), Fault> {
    let current = locked(connection, engine, of, id).await?;
    let (number, current) = current.map_or((None, None), |(number, customer)| (Some(number), Some(customer)));
    if !change.only.holds(current.as_ref()) {
        return Ok((Written::Put(Put::Refused), false));
    }
    let known = current.as_ref().map_or(&[][..], |current| &current.links);
    if !change.may_only_stay.iter().all(|link| known.contains(link)) {
        return Ok((Written::Put(Put::NotTheirs), false));
    }
    // The same again is no change.
    if let Some(current) = current.as_ref().filter(|current| current.links == change.links) {
        return Ok((Written::Put(Put::Replaced(current.clone())), false));
    }
    let at = change.at.timestamp_millis();
    let number = match number {
        Some(number) => {
            let touched = sqlx::query(TOUCH).bind(number).bind(at);
            touched.execute(&mut *connection).await?;
            unlink(connection, number).await?;
            number
        }
        None => {
            let inserted = sqlx::query(INSERT)
                .bind(of.as_str().to_owned())
                .bind(id.to_owned());
            match inserted.bind(at).fetch_all(&mut *connection).await?.first() {
                Some(row) => row.try_get("number")?,
                None => return Ok((Written::Raced, false)),
            }
        }
    };
    link(connection, of, number, &change.links).await?;
    let customer = Customer {
        id: id.to_owned(),
        links: change.links.clone(),
        created_at: current.as_ref().map_or(change.at, |current| current.created_at),
        updated_at: change.at,
    };
    Ok(match current {
        Some(_) => (Written::Put(Put::Replaced(customer)), true),
        None => (Written::Put(Put::Created(customer)), false),
    })
}

async fn delete(
    connection: &mut AnyConnection,
    engine: Engine,
    of: &Namespace,
    id: &str,
    only: &Precondition,
) -> Result<Deleted, Fault> {
    let current = locked(connection, engine, of, id).await?;
    if !only.holds(current.as_ref().map(|(_, customer)| customer)) {
        return Ok(Deleted::Refused);
    }
    let Some((number, _)) = current else {
        return Ok(Deleted::Unknown);
    };
    unlink(connection, number).await?;
    sqlx::query(DELETE).bind(number).execute(connection).await?;
    Ok(Deleted::Gone)
}

/// The customer as it stays until the transaction ends, and its number.
async fn locked(
    connection: &mut AnyConnection,
    engine: Engine,
    of: &Namespace,
    id: &str,
) -> Result<Option<(i64, Customer)>, Fault> {
    if engine == Engine::Postgres {
        let lock = sqlx::query(LOCK).bind(of.as_str().to_owned()).bind(id.to_owned());
        if lock.fetch_optional(&mut *connection).await?.is_none() {
            return Ok(None);
        }
    }
    numbered(connection, of, id).await
}

async fn unlink(connection: &mut AnyConnection, number: i64) -> Result<(), Fault> {
    sqlx::query(UNLINK).bind(number).execute(connection).await?;
    Ok(())
}

async fn link(
    connection: &mut AnyConnection,
    of: &Namespace,
    number: i64,
    links: &[Link],
) -> Result<(), Fault> {
    if links.is_empty() {
        return Ok(());
    }
    let columns = "(customer, position, namespace, connection, kind, value, purpose, expires_at)";
    let rows: Vec<String> = (0..links.len())
        .map(|row| placeholders(row.saturating_mul(8), 8))
        .collect();
    let insert = format!(
        "INSERT INTO loangate_references {columns} VALUES {}",
        rows.join(", ")
    );
    let mut insert = sqlx::query(AssertSqlSafe(insert));
    for (position, link) in (0_i64..).zip(links) {
        insert = insert
            .bind(number)
            .bind(position)
            .bind(of.as_str().to_owned())
            .bind(link.connection.clone())
            .bind(link.kind.clone())
            .bind(link.value.clone())
            .bind(link.purpose.map(|purpose| purpose.as_str().to_owned()))
            .bind(link.expires_at.map(|at| at.timestamp_millis()));
    }
    insert.execute(connection).await?;
    Ok(())
}

/// `($3, $4)`: places for so many values after the first so many. The driver's own builder knows `?` alone for both engines.
fn placeholders(after: usize, count: usize) -> String {
    let places = (1..=count).map(|place| format!("${}", after.saturating_add(place)));
    format!("({})", places.collect::<Vec<_>>().join(", "))
}

/// The customer of this id.
pub(super) async fn get(
    connection: &mut AnyConnection,
    of: &Namespace,
    id: &str,
) -> Result<Option<Customer>, Fault> {
    Ok(numbered(connection, of, id).await?.map(|(_, customer)| customer))
}

async fn numbered(
    connection: &mut AnyConnection,
    of: &Namespace,
    id: &str,
) -> Result<Option<(i64, Customer)>, Fault> {
    let rows = sqlx::query(GET).bind(of.as_str().to_owned()).bind(id.to_owned());
    let rows = rows.fetch_all(connection).await?;
    Ok(customers(&rows)?.pop())
}

/// At most `limit` customers after this number.
pub(super) async fn page(
    connection: &mut AnyConnection,
    of: &Namespace,
    after: u64,
    limit: usize,
) -> Result<Page, Fault> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let wanted = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let rows = sqlx::query(PAGE).bind(of.as_str().to_owned()).bind(after);
    let rows = rows.bind(wanted).fetch_all(&mut *connection).await?;
    let mut customers = customers(&rows)?;
    let more = customers.len() > limit;
    customers.truncate(limit);
    let last = customers
        .last()
        .and_then(|(number, _)| u64::try_from(*number).ok());
    let most = i64::try_from(COUNTED.saturating_add(1)).unwrap_or(i64::MAX);
    let count = sqlx::query(COUNT).bind(of.as_str().to_owned()).bind(most);
    let count = count
        .fetch_one(connection)
        .await?
        .try_get::<i64, _>("customers")?;
    Ok(Page {
        customers: customers.into_iter().map(|(_, customer)| customer).collect(),
        next: last.filter(|_| more),
        total: u64::try_from(count).ok().filter(|count| *count <= COUNTED),
    })
}

/// What is linked at these connections, as far as it is not more than `most` at one of them.
pub(super) async fn linked(
    connection: &mut AnyConnection,
    of: &Namespace,
    connections: &[Arc<str>],
    most: usize,
) -> Result<Linked, Fault> {
    const QUESTION: &str = "SELECT DISTINCT connection, kind, value, purpose, expires_at FROM loangate_references \
         WHERE namespace = $1 AND connection = $2 LIMIT $3";
    let mut linked = Linked::default();
    for id in connections {
        let question = sqlx::query(QUESTION)
            .bind(of.as_str().to_owned())
            .bind(id.to_string())
            .bind(i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1));
        let rows = question.fetch_all(&mut *connection).await?;
        if rows.len() > most {
            linked.too_many.push(Arc::clone(id));
            continue;
        }
        for row in &rows {
            linked.links.extend(Link::read(row)?);
        }
    }
    // Here, so that the order does not depend on an engine's idea of nulls.
    linked.links.sort_unstable();
    Ok(linked)
}

/// The customers of rows that stand in order of them, each with its number.
fn customers(rows: &[AnyRow]) -> Result<Vec<(i64, Customer)>, Fault> {
    let mut customers: Vec<(i64, Customer)> = Vec::new();
    for row in rows {
        let number: i64 = row.try_get("number")?;
        let link = Link::read(row)?;
        match customers.last_mut() {
            Some((known, last)) if *known == number => last.links.extend(link),
            _ => {
                let customer = Customer {
                    id: row.try_get("id")?,
                    links: link.into_iter().collect(),
                    created_at: instant(row.try_get("created_at")?)?,
                    updated_at: instant(row.try_get("updated_at")?)?,
                };
                customers.push((number, customer));
            }
        }
    }
    Ok(customers)
}

impl Link {
    /// `None` where the customer of the row has no references.
    fn read(row: &AnyRow) -> Result<Option<Self>, Fault> {
        let Some(connection) = row.try_get::<Option<String>, _>("connection")? else {
            return Ok(None);
        };
        let purpose: Option<String> = row.try_get("purpose")?;
        let expires_at: Option<i64> = row.try_get("expires_at")?;
        Ok(Some(Self {
            connection,
            kind: row.try_get("kind")?,
            value: row.try_get("value")?,
            // A word that this version does not know must not become a consent to everything.
            purpose: purpose
                .map(|word| Purpose::parse(&word).ok_or(Fault::Newer))
                .transpose()?,
            expires_at: expires_at.map(instant).transpose()?,
        }))
    }
}

fn instant(milliseconds: i64) -> Result<DateTime<Utc>, Fault> {
    DateTime::from_timestamp_millis(milliseconds).ok_or(Fault::Other)
}
