//! What callers tell us to remember: their own customer ids, and the references linked to each.
//!
//! One trait, two engines with the same SQL: a SQLite file, or PostgreSQL where several gateways run. Knows no HTTP, no
//! provider and no clock: what a reference may be and what time it is, its callers say.

#![warn(missing_docs)]

mod customer;
mod fault;
mod keeper;
mod postgres;
mod rows;
mod schema;
mod settings;
mod sqlite;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

pub use customer::{Customer, Link, Namespace, Precondition, Purpose, Tags, Version};
pub use fault::Fault;
pub use keeper::Keeper;
pub use settings::{Place, Settings};

/// Customers beyond this many are not counted.
pub const COUNTED: u64 = 10_000;

/// Customers and their references, each in the namespace of who may see them.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// The customer of this id.
    async fn get(&self, of: &Namespace, id: &str) -> Result<Option<Customer>, Fault>;

    /// Makes a customer be as `change` says, if its precondition holds. Nothing is written where nothing changes.
    async fn put(&self, of: &Namespace, id: &str, change: Change) -> Result<Put, Fault>;

    /// Forgets a customer, if the precondition holds. What is gone is not in the store's files any more.
    async fn delete(&self, of: &Namespace, id: &str, only: Precondition) -> Result<Deleted, Fault>;

    /// At most `limit` customers after a place, in the order in which they were first put; the first place is 0.
    async fn page(&self, of: &Namespace, after: u64, limit: usize) -> Result<Page, Fault>;

    /// Everything that is linked at these connections, whoever the customers are: each once, in a fixed order. Nothing of
    /// a connection that has more than `most`.
    async fn linked(&self, of: &Namespace, connections: &[Arc<str>], most: usize) -> Result<Linked, Fault>;
}

/// What is linked at some connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Linked {
    /// The references.
    pub links: Vec<Link>,
    /// The connections that have more than were asked for.
    pub too_many: Vec<Arc<str>>,
}

/// What a customer is to be.
#[derive(Debug, Clone)]
pub struct Change {
    /// All that is linked from now on, in this order.
    pub links: Vec<Link>,
    /// Of these, which may stay if they are linked already, and may not be added.
    pub may_only_stay: Vec<Link>,
    /// What must be true before.
    pub only: Precondition,
    /// When this happens.
    pub at: DateTime<Utc>,
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// There was no such customer before.
    Created(Customer),
    /// There was; it is so now, and may have been before.
    Replaced(Customer),
    /// The precondition does not hold.
    Refused,
    /// Something would be added that may only stay.
    NotTheirs,
}

/// What came of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// The customer is gone.
    Gone,
    /// There was none.
    Unknown,
    /// The precondition does not hold.
    Refused,
}

/// Some of the customers of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In the order in which they were first put.
    pub customers: Vec<Customer>,
    /// The place after the last; `None` where there are no more.
    pub next: Option<u64>,
    /// How many there are in all, up to [`COUNTED`].
    pub total: Option<u64>,
}
