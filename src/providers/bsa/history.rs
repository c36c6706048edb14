//! How a repayment of a loan's history becomes ours.

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::parts::{Part, all_known, any_known, make_up, part};
use super::wire::DOCUMENTED_REPAYMENT;
use crate::loan::{Breakdown, Column, Currency, Direction, FlagCode, Money, Transaction, TransactionType};
use crate::providers::detail::MappedRow;
use crate::record::{Choice, Reader, Rejected, Unit};

/// What a row is, what it does to the debt, and whether it is more than bookkeeping.
type Effect = (TransactionType, Direction, bool);

/// The words of the repayment pages. A recovery is money on a debt that is booked as lost already; a charge-off books
/// it so, and it stays owed.
const TYPES: &[(&str, Effect)] = {
    use Direction::{DecreasesDebt, IncreasesDebt, None};
    use TransactionType::{ChargeOff, InterestWaiver, Recovery, Refund, Repayment};
    &[
        ("Repayment", (Repayment, DecreasesDebt, true)),
        ("Foreclosure", (Repayment, DecreasesDebt, true)),
        ("Waive Interest", (InterestWaiver, DecreasesDebt, true)),
        ("Recovery Repayment", (Recovery, None, true)),
        ("Refund", (Refund, IncreasesDebt, true)),
        ("Charge-off", (ChargeOff, None, false)),
    ]
};

/// `status`, which one generation of the API has in the place of `reversed`. Only the first word is documented.
const STATUSES: &[(&str, bool)] = &[("posted", false), ("reversed", true)];

/// Maps one repayment of the loan with this id.
pub(super) fn transaction(row: &RawValue, loan_id: &Arc<str>, currency: Currency) -> MappedRow<Transaction> {
    let mut row = Reader::new(row)?;
    row.amounts_are_in(currency, Unit::Major);
    let id = row.text(Column::Id, "id");
    let native = row.choice(Column::Type, "type", TYPES);
    let nothing_known = (TransactionType::Unknown, Direction::None, false);
    let (kind, direction, monetary) = native.known().unwrap_or(nothing_known);
    let posted_on = row.date(Column::PostedOn, "date");
    let amount = row.money(Column::Amount, "amount")?;
    let breakdown = breakdown(&mut row, amount, currency)?;
    let reversed = reversed(&mut row);
    let rest = row.rest(DOCUMENTED_REPAYMENT);
    let transaction = Transaction {
        id,
        loan_id: Arc::clone(loan_id),
        kind,
        native_type: native.word().map(str::to_owned),
        direction,
        posted_on,
        recorded_on: None,
        amount,
        currency: Some(currency),
        breakdown,
        balance_after: None,
        monetary,
        reversed,
        flags: rest.flags,
        extensions: rest.extensions,
    };
    Ok((transaction, rest.drift))
}

/// What the amount went to. Parts that are nought are left out.
fn breakdown(
    row: &mut Reader<'_, Column>,
    amount: Option<Money>,
    currency: Currency,
) -> Result<Option<Breakdown>, Rejected> {
    let mut parts = [
        part(row, Column::Principal, &["principal"])?,
        part(row, Column::Interest, &["interest"])?,
        part(row, Column::Fees, &["fees"])?,
        part(row, Column::Penalties, &["penalties"])?,
        part(row, Column::Overpayment, &["overpaymentPortion"])?,
    ];
    if !any_known(&parts) {
        return Ok(None);
    }
    if let Some(amount) = amount {
        let all = all_known(&parts);
        match make_up(&mut parts, amount, currency, row, "amount") {
            // More parts would only make it more.
            Some(Ordering::Greater) => row.flag(FlagCode::SplitMismatch, Column::Amount),
            Some(Ordering::Less) if all => row.flag(FlagCode::SplitMismatch, Column::Amount),
            _ => {}
        }
    }
    let [principal, interest, fees, penalties, overpayment] = parts.map(|part: Part<Column>| part.value);
    Ok(Some(Breakdown {
        principal,
        interest,
        fees,
        penalties,
        overpayment,
    }))
}

/// Whether it was taken back: in the words of whichever generation answers.
fn reversed(row: &mut Reader<'_, Column>) -> Option<bool> {
    if row.has("reversed") {
        return row.boolean(Column::Reversed, "reversed");
    }
    let status = row.choice(Column::Reversed, "status", STATUSES);
    if matches!(status, Choice::Unknown(_)) {
        row.keep("status");
    }
    status.known()
}
