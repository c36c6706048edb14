//! The plan of a loan: the periods of its schedule that are instalments.

use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::fields::PERIOD;
use crate::loan::{Column, Currency, Instalment, InstalmentStatus, Loan, Phase};
use crate::providers::Rows;
use crate::providers::detail::{MappedRow, unpaid};
use crate::providers::fineract::dates::date;
use crate::providers::page::Records;
use crate::record::{Reader, Rest, Unit};

/// The instalments among the periods of a loan's schedule. Disbursements are periods without a number.
pub(super) fn rows(loan: &Loan, periods: &Records<'_>) -> Rows<Instalment> {
    let Some(currency) = loan.currency else {
        return Rows::none();
    };
    let day = loan.as_of.0.date_naive();
    let open = loan.phase == Phase::Servicing;
    let numbered = periods.0.iter().copied().filter(|row| is_instalment(row));
    Rows::collect(numbered, |row| instalment(row, currency, day, open))
}

/// The periods that are no instalments.
pub(super) fn payouts<'a>(periods: &Records<'a>) -> impl Iterator<Item = &'a RawValue> {
    periods.0.iter().copied().filter(|row| !is_instalment(row))
}

/// Whether a period has a number. What is no period at all is left to be rejected.
fn is_instalment(row: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Numbered<'a> {
        #[serde(borrow)]
        period: Option<&'a RawValue>,
    }
    serde_json::from_str::<Numbered<'_>>(row.get()).map_or(true, |row| row.period.is_some())
}

fn instalment(row: &RawValue, currency: Currency, day: NaiveDate, open: bool) -> MappedRow<Instalment> {
    let mut row = Reader::new(row)?;
    row.amounts_are_in(currency, Unit::Major);
    let number = row.count(Column::Number, "period");
    let from = date(&mut row, Column::From, "fromDate");
    let due_on = date(&mut row, Column::DueOn, "dueDate");
    let met = row.raw("obligationsMetOnDate").is_some();
    row.keep("obligationsMetOnDate");
    let complete = row.boolean(Column::Complete, "complete");
    let principal_due = row.money(Column::PrincipalDue, "principalDue")?;
    let interest_due = row.money(Column::InterestDue, "interestDue")?;
    let fees_due = row.money(Column::FeesDue, "feeChargesDue")?;
    let penalties_due = row.money(Column::PenaltiesDue, "penaltyChargesDue")?;
    let total_due = row.money(Column::TotalDue, "totalDueForPeriod")?;
    let total_paid = row.money(Column::TotalPaid, "totalPaidForPeriod")?;
    let total_outstanding = row.money(Column::TotalOutstanding, "totalOutstandingForPeriod")?;
    let Rest {
        flags,
        extensions,
        drift,
        ..
    } = row.rest(PERIOD);
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
        total_paid,
        total_outstanding,
        status: standing(complete.unwrap_or(met), due_on, day, open),
        flags,
        extensions,
    };
    Ok((instalment, drift))
}

/// Where an instalment stands on the day the loan was read. Nothing falls due on a loan that is not open.
fn standing(paid: bool, due_on: Option<NaiveDate>, day: NaiveDate, open: bool) -> InstalmentStatus {
    match unpaid(due_on, day) {
        _ if paid => InstalmentStatus::Paid,
        status if open || status == InstalmentStatus::Upcoming => status,
        _ => InstalmentStatus::Unknown,
    }
}
