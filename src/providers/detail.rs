//! What a provider knows of a loan beside the loan itself: its ledger, its plan, its history.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use serde_json::value::RawValue;

use super::page::Standing;
use crate::loan::{Currency, InstalmentStatus, Loan, Money, decimal};
use crate::record::{Drift, Rejected};
use crate::upstream::{Call, Error, Kind};

/// One kind of detail of a provider's loans. A provider that has it says so by having this; there is no other way to
/// claim it.
#[async_trait]
pub trait Detail<T>: Debug + Send + Sync {
    /// Whether every loan of a list holds it, so that a list can show it without another call.
    fn embedded(&self) -> bool {
        false
    }

    /// What the loan's own records hold; `None` when they do not.
    fn held(&self, loan: &Loan) -> Option<Rows<T>>;

    /// Asks for one page of it; the first is number 1. `None`: this host does not have it.
    async fn ask(&self, _call: &Call, _loan: &Loan, _number: u32) -> Result<Option<Rows<T>>, Error> {
        Ok(None)
    }
}

/// Rows of a detail, in upstream order.
#[derive(Debug)]
pub struct Rows<T> {
    /// The rows that could be read.
    pub rows: Vec<T>,
    /// The rows that could not.
    pub rejected: Vec<Rejected>,
    /// What no document mentions.
    pub drift: Vec<Drift>,
    /// Whether there is a page after this one.
    pub more: bool,
    /// Whether the provider itself says that something is missing.
    pub standing: Standing,
}

/// A row that could be read, and what was new about it.
pub(crate) type MappedRow<T> = Result<(T, Vec<Drift>), Rejected>;

impl<T> Rows<T> {
    /// Maps every row; a bad one is reported and costs no other.
    pub(super) fn collect<'a>(
        rows: impl IntoIterator<Item = &'a RawValue>,
        mut map: impl FnMut(&'a RawValue) -> MappedRow<T>,
    ) -> Self {
        let mut read = Self::none();
        for row in rows {
            match map(row) {
                Ok((row, drift)) => {
                    read.rows.push(row);
                    read.drift.extend(drift);
                }
                Err(rejected) => read.rejected.push(rejected),
            }
        }
        read
    }

    /// No rows, and nothing missing.
    pub(super) fn none() -> Self {
        Self {
            rows: Vec::new(),
            rejected: Vec::new(),
            drift: Vec::new(),
            more: false,
            standing: Standing::Complete,
        }
    }

    /// No rows, or none yet, for this reason.
    pub(super) fn incomplete(error: Error) -> Self {
        Self {
            standing: Standing::Incomplete(error),
            ..Self::none()
        }
    }

    /// Rows that are there and cannot be read.
    pub(super) fn unreadable(operation: &'static str, why: &'static str) -> Self {
        Self::incomplete(Error::new(Kind::BadPayload, operation, why))
    }
}

/// The calendar day of an instant in a time zone this many hours ahead of UTC.
pub(super) fn day(instant: DateTime<Utc>, hours_ahead: i32) -> NaiveDate {
    let offset = hours_ahead.checked_mul(3600).and_then(FixedOffset::east_opt);
    offset.map_or_else(
        || instant.date_naive(),
        |offset| instant.with_timezone(&offset).date_naive(),
    )
}

/// Where an instalment that is not paid stands on this day.
pub(super) fn unpaid(due_on: Option<NaiveDate>, today: NaiveDate) -> InstalmentStatus {
    match due_on {
        None => InstalmentStatus::Unknown,
        Some(due_on) if due_on < today => InstalmentStatus::Overdue,
        Some(due_on) if due_on == today => InstalmentStatus::Due,
        Some(_) => InstalmentStatus::Upcoming,
    }
}

/// What is left of an amount when another is taken from it, exactly; `None` where that is below nought.
pub(super) fn remainder(whole: Money, part: Money, currency: Currency) -> Option<Money> {
    let mut taken = part.value();
    taken.set_sign_negative(true);
    let left = decimal::checked_sum(whole.value(), taken)?;
    (left.is_zero() || left.is_sign_positive()).then(|| Money::new(left, currency))
}
