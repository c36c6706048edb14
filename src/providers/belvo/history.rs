//! A loan as it was seen once: made from the same mapping as the loan itself.

use chrono::NaiveDate;
use serde_json::value::RawValue;

use super::map::PERSONAL;
use super::wire::DOCUMENTED;
use crate::loan::{AsOfBasis, Column, Extensions, Field, Loan, Snapshot};
use crate::record::{Drift, Reader};

/// Not a payment's due date: the day on which a debit is tried.
const COLLECTION: &str = "targetCollectionDate";

/// What has a home in a snapshot. The words of both statuses have none, and stay beside what they mean.
const AT_HOME: &[&str] = &[
    "id",
    "principalAmount",
    "totalBalance",
    "daysOverdue",
    "loanAmount",
    "interestAmount",
    "feesAmount",
    "latePaymentInterestAmount",
    "paidAmount",
    "createdDate",
];

/// The snapshot that a loan was mapped from. What has a home in a loan and none here is in its extensions.
pub(super) fn snapshot(loan: &Loan) -> (Snapshot, Vec<Drift>) {
    let (collection_on, extensions, drift) = leftover(loan).unwrap_or_default();
    let dated = loan.as_of_basis == AsOfBasis::ProviderReported;
    let snapshot = Snapshot {
        snapshot_id: loan.provider_refs.get("snapshot_id").cloned(),
        as_of: dated.then_some(loan.as_of.0),
        status: loan.status,
        payment_status: loan.payment_status,
        currency: loan.currency,
        amounts: loan.amounts,
        days_past_due: loan.delinquency.days_past_due,
        collection_on,
        flags: loan
            .flags
            .iter()
            .filter(|flag| is_here(flag.field))
            .copied()
            .collect(),
        extensions,
    };
    (snapshot, drift)
}

/// Whether a snapshot has this field of a loan.
fn is_here(field: Field) -> bool {
    let named = [
        Field::Status,
        Field::PaymentStatus,
        Field::Currency,
        Field::DaysPastDue,
        Field::AsOf,
    ];
    named.contains(&field) || field.path().starts_with("amounts.")
}

/// What the loan's mapping left in its record, and what it took for fields that a snapshot does not have.
fn leftover(loan: &Loan) -> Option<(Option<NaiveDate>, Extensions, Vec<Drift>)> {
    let record: &RawValue = serde_json::from_str(loan.received.main()?.text()).ok()?;
    let mut row = Reader::<Column>::new(record).ok()?;
    let collection_on = row.date(Column::DueOn, COLLECTION);
    for key in AT_HOME {
        if !loan.extensions.has(key) {
            row.raw(key);
        }
    }
    row.personal(PERSONAL);
    let rest = row.rest(DOCUMENTED);
    // The mapping of the loan has noted the others.
    let drift = rest.drift.into_iter().filter(|drift| drift.field == COLLECTION);
    Some((collection_on, rest.extensions, drift.collect()))
}
