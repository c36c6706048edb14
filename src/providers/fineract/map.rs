//! How a ledger becomes the loan it is a view of.
//!
//! Everything here is derived from rows that moved money and were not reversed. Rows of any other kind carry
//! real-looking amounts and a balance of 0 that means "not computed".

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::wire::{CurrencyData, TRANSACTION, Type};
use crate::loan::{Currency, Field, FlagCode, IdStability, Json, Loan, Money, RecordType, Status, decimal};
use crate::providers::{Mapped, Mapping};
use crate::record::{Drift, DriftKind, Reader, Rejected, Unit, Want, Why, calendar_date};

/// Transaction types by `type.id`: whether the row moves the balance. An id that is not here is new and does not.
/// From `LoanTransactionType` and `isNonMonetaryTransaction()` of Apache Fineract.
const MONETARY: &[i64] = &[
    1, 2, 4, 5, 6, 8, 9, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28, 31, 33, 35, 37,
];
const BOOKKEEPING: &[i64] = &[
    0, 3, 7, 10, 12, 13, 14, 15, 27, 29, 30, 32, 34, 36, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
];
const DISBURSEMENT: i64 = 1;
const WRITE_OFF: i64 = 6;
/// Cash of the borrower against the plan.
const REPAYMENTS: &[i64] = &[2, 28];
/// Types that put the debt up: a zero balance after one of them does not mean that the loan was repaid.
const INCREASING: &[i64] = &[DISBURSEMENT, 19, 20, 25, 35];

/// What a row says about the loan.
#[derive(Debug, Clone, Copy)]
struct Row {
    type_id: i64,
    date: Option<NaiveDate>,
    amount: Option<Money>,
    balance: Option<Money>,
    credit: Option<Money>,
}

/// Maps the ledger of loan `id`.
pub(super) fn loan(id: &str, data: &RawValue, rows: &[&RawValue], at: &Mapping<'_>) -> Mapped {
    let mut loan = Loan::unknown(
        at.connection,
        super::DESCRIPTOR.name,
        RecordType::LedgerView,
        at.fetched_at,
    );
    loan.identify(id, IdStability::Native);
    loan.provider_refs.push("loan_id", id.to_owned());

    let mut drift = Vec::new();
    let mut ledger = Vec::with_capacity(rows.len());
    for row in rows {
        ledger.extend(self::row(row, &mut loan, &mut drift)?);
    }
    // By date; rows of one day, and rows without one, stay in the server's order.
    if ledger.iter().all(|row| row.date.is_some()) {
        ledger.sort_by_key(|row| row.date);
    }
    if let Some(currency) = loan.currency {
        derive(&mut loan, &ledger, currency);
    }
    if at.want.raw {
        loan.raw = Some(Json(data.to_owned()));
    }
    if at.want.personal {
        loan.personal = Some(crate::loan::Named::default());
    }
    drift.sort();
    drift.dedup();
    Ok((loan, drift))
}

/// Reads a row; `None` when it does not count towards any balance.
fn row(raw: &RawValue, loan: &mut Loan, drift: &mut Vec<Drift>) -> Result<Option<Row>, Rejected> {
    let mut row = Reader::new(raw)?;
    let currency = row
        .raw("currency")
        .and_then(|raw| serde_json::from_str::<CurrencyData>(raw).ok())
        .and_then(|data| data.code)
        .and_then(|code| Currency::parse(&code))
        .filter(|currency| loan.currency.is_none_or(|known| known == *currency))
        .ok_or(Rejected::new("currency", Why::NoCurrency))?;
    loan.currency = Some(currency);
    row.amounts_are_in(currency, Unit::Major);

    let type_id = row
        .raw("type")
        .and_then(|raw| serde_json::from_str::<Type>(raw).ok())
        .and_then(|kind| kind.id);
    let date = date(&mut row);
    let amount = row.money(Field::OriginalPrincipal, "amount")?;
    let (balance, credit) = row.balance(Field::PrincipalOutstanding, "outstandingLoanBalance")?;
    let reversed = row.boolean(Field::Status, "manuallyReversed").unwrap_or(false);

    let known = type_id.is_some_and(|id| MONETARY.contains(&id) || BOOKKEEPING.contains(&id));
    if !known {
        drift.push(Drift {
            kind: DriftKind::UnknownValue,
            field: "type.id".to_owned(),
        });
    }
    // Only what no document names matters here; the row itself belongs to the ledger, not to the loan.
    let mut unused = Loan::unknown(
        &loan.connection,
        loan.provider,
        RecordType::LedgerView,
        loan.as_of.0,
    );
    drift.extend(row.finish(TRANSACTION, Want::default(), &mut unused));
    for flag in unused
        .flags
        .iter()
        .filter(|flag| flag.code == FlagCode::MalformedField)
    {
        loan.flag(flag.code, flag.field);
    }
    Ok(type_id
        .filter(|id| MONETARY.contains(id) && !reversed)
        .map(|type_id| Row {
            type_id,
            date,
            amount,
            balance,
            credit,
        }))
}

/// `[year, month, day]`, or ISO text from newer servers. Two numbers are a day nobody can name.
fn date(row: &mut Reader<'_>) -> Option<NaiveDate> {
    let raw = row.raw("date")?;
    let date = match serde_json::from_str::<Vec<i32>>(raw) {
        Ok(parts) => match parts.as_slice() {
            [year @ 1..=9999, month, day, ..] => u32::try_from(*month)
                .ok()
                .zip(u32::try_from(*day).ok())
                .and_then(|(month, day)| NaiveDate::from_ymd_opt(*year, month, day)),
            _ => None,
        },
        Err(_) => serde_json::from_str::<String>(raw)
            .ok()
            .and_then(|text| calendar_date(&text)),
    };
    date.or_else(|| row.malformed(Field::DisbursedOn, "date"))
}

fn derive(loan: &mut Loan, ledger: &[Row], currency: Currency) {
    let disbursements = || ledger.iter().filter(|row| row.type_id == DISBURSEMENT);
    if let Some(first) = disbursements().next() {
        loan.dates.disbursed_on = first.date;
        let sum = disbursements()
            .map(|row| row.amount.map(|amount| amount.value()))
            .try_fold(Decimal::ZERO, |sum, amount| decimal::checked_sum(sum, amount?));
        loan.amounts.original_principal = sum.map(|sum| Money::new(sum, currency));
        if sum.is_some() {
            loan.flag(FlagCode::BalanceDerived, Field::OriginalPrincipal);
        }
    }
    if let Some(last) = ledger.iter().rfind(|row| REPAYMENTS.contains(&row.type_id)) {
        loan.last_payment.paid_on = last.date;
        loan.last_payment.amount = last.amount;
    }
    let Some(last) = ledger.last() else { return };
    loan.amounts.principal_outstanding = last.balance;
    loan.amounts.credit_balance = last.credit;
    if last.balance.is_some() {
        loan.flag(FlagCode::BalanceDerived, Field::PrincipalOutstanding);
    }
    let status = status(ledger, last);
    if status != Status::Unknown {
        loan.flag(FlagCode::StatusInferred, Field::Status);
    }
    loan.set_status(status);
}

fn status(ledger: &[Row], last: &Row) -> Status {
    let Some(balance) = last.balance else {
        return Status::Unknown;
    };
    if ledger.iter().any(|row| row.type_id == WRITE_OFF) {
        Status::WrittenOff
    } else if last.credit.is_some() {
        Status::Overpaid
    } else if !balance.value().is_zero() {
        Status::Active
    } else if INCREASING.contains(&last.type_id) {
        Status::Unknown
    } else {
        Status::Closed
    }
}
