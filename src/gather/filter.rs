//! Which loans of a selection are meant, and in what order. Decided here for every provider alike: no filter is left
//! to an upstream, because none of them means exactly ours (a snapshot's date is not its loan's, a status scan stops
//! after a thousand).

use std::cmp::Ordering;
use std::hash::Hash;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::loan::{Currency, Kind, Loan, PaymentStatus, Phase, RecordType, Status};

/// Conditions that a loan must all meet. An empty list of words is no condition. A null meets no range.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// One of these.
    pub record_type: Vec<RecordType>,
    /// One of these.
    pub kind: Vec<Kind>,
    /// One of these.
    pub status: Vec<Status>,
    /// One of these.
    pub phase: Vec<Phase>,
    /// One of these.
    pub payment_status: Vec<PaymentStatus>,
    /// One of these.
    pub currency: Vec<Currency>,
    /// Overdue, or known not to be.
    pub overdue: Option<bool>,
    /// `dates.opened_on`
    pub opened: Range<NaiveDate>,
    /// `next_payment.due_on`
    pub due: Range<NaiveDate>,
    /// `dates.defaulted_on`
    pub defaulted: Range<NaiveDate>,
    /// `amounts.total_outstanding`; the caller names exactly one currency with it.
    pub outstanding: Range<Decimal>,
}

/// Inclusive bounds, either of which may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Range<T> {
    /// Not before, not below.
    pub from: Option<T>,
    /// Not after, not above.
    pub to: Option<T>,
}

impl<T> Default for Range<T> {
    fn default() -> Self {
        Self { from: None, to: None }
    }
}

impl<T: PartialOrd> Range<T> {
    /// Whether it asks for nothing.
    pub fn is_open(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// Whether a value lies in it; null lies in no range that asks for something.
    pub fn holds(&self, value: Option<T>) -> bool {
        match value {
            Some(value) => {
                self.from.as_ref().is_none_or(|from| value >= *from)
                    && self.to.as_ref().is_none_or(|to| value <= *to)
            }
            None => self.is_open(),
        }
    }
}

impl Filter {
    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a loan meets every condition.
    pub fn matches(&self, loan: &Loan) -> bool {
        one_of(&self.record_type, Some(loan.record_type))
            && one_of(&self.kind, Some(loan.kind))
            && one_of(&self.status, Some(loan.status))
            && one_of(&self.phase, Some(loan.phase))
            && one_of(&self.payment_status, Some(loan.payment_status))
            && one_of(&self.currency, loan.currency)
            && (self.overdue.is_none() || self.overdue == loan.delinquency.overdue)
            && self.opened.holds(loan.dates.opened_on)
            && self.due.holds(loan.next_payment.due_on)
            && self.defaulted.holds(loan.dates.defaulted_on)
            && self
                .outstanding
                .holds(loan.amounts.total_outstanding.map(|money| money.value()))
    }
}

fn one_of<T: PartialEq>(words: &[T], value: Option<T>) -> bool {
    words.is_empty() || value.is_some_and(|value| words.contains(&value))
}

/// What to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SortKey {
    /// `id`
    Id,
    /// `dates.opened_on`
    OpenedOn,
    /// `next_payment.due_on`
    DueOn,
    /// `delinquency.days_past_due`
    DaysPastDue,
    /// `amounts.total_outstanding`; the caller names exactly one currency with it.
    Outstanding,
}

impl SortKey {
    /// The keys by their words.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("id", Self::Id),
        ("opened_on", Self::OpenedOn),
        ("due_on", Self::DueOn),
        ("days_past_due", Self::DaysPastDue),
        ("outstanding", Self::Outstanding),
    ];
}

/// An order that is total: nulls come last in either direction, and ties go by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sort {
    /// What to sort by.
    pub key: SortKey,
    /// Largest first.
    pub descending: bool,
}

impl Sort {
    /// Compares two loans.
    pub fn compare(self, left: &Loan, right: &Loan) -> Ordering {
        let by_key = match self.key {
            SortKey::Id => self.directed(left.id.cmp(&right.id)),
            SortKey::OpenedOn => self.nulls_last(left.dates.opened_on, right.dates.opened_on),
            SortKey::DueOn => self.nulls_last(left.next_payment.due_on, right.next_payment.due_on),
            SortKey::DaysPastDue => {
                self.nulls_last(left.delinquency.days_past_due, right.delinquency.days_past_due)
            }
            SortKey::Outstanding => {
                let amount = |loan: &Loan| loan.amounts.total_outstanding.map(|money| money.value());
                self.nulls_last(amount(left), amount(right))
            }
        };
        by_key.then_with(|| left.id.cmp(&right.id))
    }

    fn nulls_last<T: Ord>(self, left: Option<T>, right: Option<T>) -> Ordering {
        match (left, right) {
            (Some(left), Some(right)) => self.directed(left.cmp(&right)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        }
    }

    fn directed(self, ordering: Ordering) -> Ordering {
        if self.descending {
            ordering.reverse()
        } else {
            ordering
        }
    }
}
