//! How an instalment of a Carbon loan becomes ours.

use chrono::NaiveDate;
use serde_json::value::RawValue;

use super::wire::{INSTALMENT, either};
use crate::loan::{Column, Currency, FlagCode, Instalment, InstalmentStatus};
use crate::providers::detail::{MappedRow, remainder, unpaid};
use crate::record::{Choice, Reader, Unit};

/// Whether it is paid. Only the second word is documented.
const STATUSES: &[(&str, bool)] = &[("PAID", true), ("UNPAID", false)];

/// Hours that `Africa/Lagos` is ahead of UTC, summer and winter: where the lender is.
pub(super) const AHEAD: i32 = 1;

/// Maps one instalment as it stands on a day. They are not numbered, and nothing is said of fees.
pub(super) fn instalment(
    row: &RawValue,
    currency: Currency,
    unit: Unit,
    today: NaiveDate,
) -> MappedRow<Instalment> {
    let mut row = Reader::new(row)?;
    row.amounts_are_in(currency, unit);
    let key = either(&mut row, "dueDate", "due_date");
    let due_on = row.date(Column::DueOn, key);
    let key = either(&mut row, "principalDue", "principal_due");
    let principal_due = row.money(Column::PrincipalDue, key)?;
    let key = either(&mut row, "interestDue", "interest_due");
    let interest_due = row.money(Column::InterestDue, key)?;
    let key = either(&mut row, "totalDue", "total_due");
    let total_due = row.money(Column::TotalDue, key)?;
    let key = either(&mut row, "paidAmount", "paid_amount");
    let total_paid = row.money(Column::TotalPaid, key)?;
    let word = row.choice(Column::Status, "status", STATUSES);
    if matches!(word, Choice::Unknown(_)) {
        row.keep("status");
    }

    let left = total_due
        .zip(total_paid)
        .map(|(due, paid)| remainder(due, paid, currency));
    match left {
        Some(Some(_)) => row.flag(FlagCode::BalanceDerived, Column::TotalOutstanding),
        Some(None) => row.flag(FlagCode::ComponentsMismatch, Column::TotalPaid),
        None => {}
    }
    let left = left.flatten();
    let status = match word.known() {
        Some(true) => InstalmentStatus::Paid,
        Some(false) => unpaid(due_on, today),
        None if left.is_some_and(|left| left.value().is_zero()) => InstalmentStatus::Paid,
        None => InstalmentStatus::Unknown,
    };
    let rest = row.rest(INSTALMENT);
    let instalment = Instalment {
        number: None,
        from: None,
        due_on,
        complete: word.known(),
        currency: Some(currency),
        principal_due,
        interest_due,
        fees_due: None,
        penalties_due: None,
        total_due,
        total_paid,
        total_outstanding: left,
        status,
        flags: rest.flags,
        extensions: rest.extensions,
    };
    Ok((instalment, rest.drift))
}
