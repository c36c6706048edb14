//! A customer as callers see it. Its references read the same as they are written, so that what was read can be put.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::{Customer, Link, Purpose};

/// A customer: the caller's own id, and where that person's loans are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Customer)]
pub(in crate::api) struct View<'a> {
    /// The caller's own id.
    id: &'a str,
    /// What is linked, in the order it was put.
    references: Vec<Linked>,
    /// When it was first put.
    created_at: DateTime<Utc>,
    /// When it was last changed.
    updated_at: DateTime<Utc>,
}

/// A reference that is linked to a customer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LinkedReference)]
struct Linked {
    /// `<connection>:<type>:<value>`.
    r#ref: String,
    /// What it may be used for; null for anything.
    purpose: Option<Purpose>,
    /// From when on it is not used; null for never.
    expires_at: Option<DateTime<Utc>>,
}

impl<'a> View<'a> {
    pub(super) fn of(customer: &'a Customer) -> Self {
        let linked = |link: &Link| Linked {
            r#ref: format!("{}:{}:{}", link.connection, link.kind, link.value),
            purpose: link.purpose,
            expires_at: link.expires_at,
        };
        Self {
            id: &customer.id,
            references: customer.links.iter().map(linked).collect(),
            created_at: customer.created_at,
            updated_at: customer.updated_at,
        }
    }
}

/// A text as a segment of a path.
pub(super) fn segment(text: &str) -> String {
    text.bytes().fold(String::new(), |mut segment, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(segment, "%{byte:02X}");
        }
        segment
    })
}
