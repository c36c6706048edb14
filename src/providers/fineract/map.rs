//! How a ledger becomes the loan it is a view of.
//!
//! Everything here is derived from rows that moved money and were not reversed. Rows of any other kind carry
//! real-looking amounts and a balance of 0 that means "not computed".

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::wire::{CurrencyData, TRANSACTION, Type};
use crate::loan::{Currency, Field, Flag, FlagCode, IdStability, Loan, Money, RecordType, Status, decimal};
use crate::providers::{Mapped, Mapping};
use crate::record::{Drift, DriftKind, Reader, Rejected, Unit, Why, calendar_date};

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
/// Types after which a zero balance does not mean that the loan was repaid: they put the debt up, or hand money of an
/// open loan back.
const REOPENING: &[i64] = &[DISBURSEMENT, 18, 19, 25, 35];
/// Types that pay towards the debt. What they pay beyond it belongs to the borrower.
const CREDITS: &[i64] = &[2, 21, 22, 23, 24, 26, 28, 31, 33, 37];
/// Types that use up or return what was paid beyond the debt, as far as their own overpayment portion goes.
const RETURNS: &[i64] = &[DISBURSEMENT, 20, 25];
/// Moves an overpayment to another account: all of it is one.
const TRANSFER_REFUND: i64 = 16;
/// The other amounts of a row. Nothing of the loan comes from them, but a ledger in which one cannot be kept exactly
/// is not to be relied on.
const PORTIONS: &[&str] = &[
    "netDisbursalAmount",
    "principalPortion",
    "interestPortion",
    "feeChargesPortion",
    "penaltyChargesPortion",
    "unrecognizedIncomePortion",
];

/// What a row says about the loan.
#[derive(Debug, Clone, Copy)]
struct Row {
    type_id: i64,
    date: Reading<NaiveDate>,
    amount: Reading<Money>,
    balance: Option<Money>,
    credit: Option<Money>,
    overpayment: Option<Money>,
}

/// A value of a row, and whether the row held something unreadable in its place.
#[derive(Debug, Clone, Copy)]
struct Reading<T> {
    value: Option<T>,
    unreadable: bool,
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
    if ledger.iter().all(|row| row.date.value.is_some()) {
        ledger.sort_by_key(|row| row.date.value);
    }
    if let Some(currency) = loan.currency {
        derive(&mut loan, &ledger, currency);
    }
    loan.received.push("", data.get(), Vec::new());
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
    let overpayment = row.money(Field::CreditBalance, "overpaymentPortion")?;
    for portion in PORTIONS {
        row.money(Field::TotalPaid, portion)?;
    }
    // The page has only the first; newer servers say by the second that they reversed a row themselves.
    let reversed = row.boolean(Field::Status, "manuallyReversed").unwrap_or(false)
        || row.raw("reversedOnDate").is_some();

    let known = type_id.is_some_and(|id| MONETARY.contains(&id) || BOOKKEEPING.contains(&id));
    if !known {
        drift.push(Drift {
            kind: DriftKind::UnknownValue,
            field: "type.id".to_owned(),
        });
        if !reversed {
            // It may have moved money.
            loan.flag(FlagCode::UnknownNativeValue, Field::PrincipalOutstanding);
        }
    }
    // Only what no document names matters here; the row itself belongs to the ledger, not to the loan.
    let mut unused = Loan::unknown(
        &loan.connection,
        loan.provider,
        RecordType::LedgerView,
        loan.as_of.0,
    );
    drift.extend(row.finish(TRANSACTION, &mut unused));
    let unreadable = |field| {
        let flag = Flag {
            code: FlagCode::MalformedField,
            field,
        };
        unused.flags.contains(&flag)
    };
    if unreadable(Field::Status) {
        loan.flag(FlagCode::MalformedField, Field::Status);
    }
    let row = Row {
        type_id: type_id.unwrap_or_default(),
        date: Reading {
            value: date,
            unreadable: unreadable(Field::DisbursedOn),
        },
        amount: Reading {
            value: amount,
            unreadable: unreadable(Field::OriginalPrincipal),
        },
        balance,
        credit,
        overpayment,
    };
    Ok((MONETARY.contains(&row.type_id) && !reversed).then_some(row))
}

/// `[year, month, day]`, or ISO text from newer servers. Two numbers are a day nobody can name.
fn date(row: &mut Reader<'_, Field>) -> Option<NaiveDate> {
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
        loan.dates.disbursed_on = taken(loan, first.date, Field::DisbursedOn);
        let sum = disbursements()
            .map(|row| taken(loan, row.amount, Field::OriginalPrincipal).map(|amount| amount.value()))
            .collect::<Vec<_>>()
            .into_iter()
            .try_fold(Decimal::ZERO, |sum, amount| decimal::checked_sum(sum, amount?));
        loan.amounts.original_principal = sum.map(|sum| Money::new(sum, currency));
        if sum.is_some() {
            loan.flag(FlagCode::BalanceDerived, Field::OriginalPrincipal);
        }
    }
    if let Some(last) = ledger.iter().rfind(|row| REPAYMENTS.contains(&row.type_id)) {
        loan.last_payment.paid_on = taken(loan, last.date, Field::LastPaymentPaidOn);
        loan.last_payment.amount = taken(loan, last.amount, Field::LastPaymentAmount);
    }
    let Some(last) = ledger.last() else { return };
    loan.amounts.principal_outstanding = last.balance;
    loan.amounts.credit_balance = match last.balance {
        Some(balance) if balance.value().is_zero() => last.credit.or_else(|| overpaid(ledger, currency)),
        Some(_) | None => None,
    };
    if last.balance.is_some() {
        loan.flag(FlagCode::BalanceDerived, Field::PrincipalOutstanding);
    }
    if loan.amounts.credit_balance.is_some() {
        loan.flag(FlagCode::BalanceDerived, Field::CreditBalance);
    }
    let status = status(ledger, last, loan.amounts.credit_balance.is_some());
    if status != Status::Unknown {
        loan.flag(FlagCode::StatusInferred, Field::Status);
    }
    loan.set_status(status);
}

/// A value of the row that decides a field; flagged there when the row's own was unreadable.
fn taken<T>(loan: &mut Loan, reading: Reading<T>, field: Field) -> Option<T> {
    if reading.unreadable {
        loan.flag(FlagCode::MalformedField, field);
    }
    reading.value
}

/// What was paid beyond the debt and not returned. The balance column stops at what is owed, so it does not say.
fn overpaid(ledger: &[Row], currency: Currency) -> Option<Money> {
    let mut left = Decimal::ZERO;
    for row in ledger {
        let beyond = row.overpayment.map_or(Decimal::ZERO, |money| money.value());
        let moved = row.amount.value.map_or(Decimal::ZERO, |money| money.value());
        let change = match row.type_id {
            kind if CREDITS.contains(&kind) => Some(beyond),
            kind if RETURNS.contains(&kind) => Decimal::ZERO.checked_sub(beyond),
            TRANSFER_REFUND => Decimal::ZERO.checked_sub(moved),
            _ => continue,
        };
        left = decimal::checked_sum(left, change?)?.max(Decimal::ZERO);
    }
    (!left.is_zero()).then(|| Money::new(left, currency))
}

fn status(ledger: &[Row], last: &Row, in_credit: bool) -> Status {
    if ledger.iter().any(|row| row.type_id == WRITE_OFF) {
        return Status::WrittenOff;
    }
    let Some(balance) = last.balance else {
        return Status::Unknown;
    };
    if in_credit {
        Status::Overpaid
    } else if !balance.value().is_zero() {
        Status::Active
    } else if REOPENING.contains(&last.type_id) {
        Status::Unknown
    } else {
        Status::Closed
    }
}
