//! How an instalment of a loan's plan becomes ours.

use chrono::NaiveDate;
use serde_json::value::RawValue;

use super::parts::part;
use super::wire::DOCUMENTED_INSTALMENT;
use crate::loan::{Column, Currency, FlagCode, Instalment, InstalmentStatus, Phase, Status};
use crate::providers::detail::{MappedRow, remainder, unpaid};
use crate::record::{Reader, Unit};

/// Columns that the documents do not show, spelled like those of the loan.
const FEES: &[&str] = &["feesDue", "feeDue", "feeChargesDue"];
const PENALTIES: &[&str] = &["penaltiesDue", "penaltyDue", "penaltyChargesDue"];

/// Hours that `Africa/Dar_es_Salaam` is ahead of UTC, summer and winter: where the lender is.
pub(super) const AHEAD: i32 = 3;

/// Maps one instalment of a loan of this status as it stands on a day. What is left of it says what was paid, unless the rest was written off.
pub(super) fn instalment(
    row: &RawValue,
    currency: Currency,
    today: NaiveDate,
    loan: Status,
) -> MappedRow<Instalment> {
    let mut row = Reader::new(row)?;
    row.amounts_are_in(currency, Unit::Major);
    let number = row.count(Column::Number, "period");
    let from = row.date(Column::From, "fromDate");
    let due_on = row.date(Column::DueOn, "dueDate");
    let complete = row.boolean(Column::Complete, "complete");
    let principal_due = row.money(Column::PrincipalDue, "principalDue")?;
    let interest_due = row.money(Column::InterestDue, "interestDue")?;
    let fees_due = part(&mut row, Column::FeesDue, FEES)?.value;
    let penalties_due = part(&mut row, Column::PenaltiesDue, PENALTIES)?.value;
    let total_due = row.money(Column::TotalDue, "totalDue")?;
    let total_outstanding = row.money(Column::TotalOutstanding, "totalOutstanding")?;
    let paid = total_due
        .zip(total_outstanding)
        .filter(|_| loan != Status::WrittenOff)
        .map(|(due, left)| remainder(due, left, currency));
    match paid {
        Some(Some(_)) => row.flag(FlagCode::BalanceDerived, Column::TotalPaid),
        Some(None) => row.flag(FlagCode::ComponentsMismatch, Column::TotalOutstanding),
        None => {}
    }
    let settled = total_outstanding.is_some_and(|left| left.value().is_zero());
    let not_paid = || match loan.phase() {
        // Nothing falls due on a loan that has ended.
        Phase::Ended => InstalmentStatus::Unknown,
        _ => unpaid(due_on, today),
    };
    let status = match complete {
        Some(true) => InstalmentStatus::Paid,
        Some(false) => not_paid(),
        None if settled => InstalmentStatus::Paid,
        None if total_outstanding.is_some() => not_paid(),
        None => InstalmentStatus::Unknown,
    };
    let rest = row.rest(DOCUMENTED_INSTALMENT);
    let instalment = Instalment {
        number,
        from,
        due_on,
        complete,
        currency: Some(currency),
        principal_due,
        interest_due,
        fees_due,
        penalties_due,
        total_due,
        total_paid: paid.flatten(),
        total_outstanding,
        status,
        flags: rest.flags,
        extensions: rest.extensions,
    };
    Ok((instalment, rest.drift))
}
