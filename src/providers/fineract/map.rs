//! How a ledger becomes the loan it is a view of.
//!
//! Everything here is derived from rows that moved money and were not reversed. Rows of any other kind carry
//! real-looking amounts and a balance of 0 that means "not computed".

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::ledger::{self, Entry, Ledger};
use super::types::{Effect, Meaning};
use super::wire::TRANSACTION;
use crate::loan::{
    Column, Currency, Field, Finding, FlagCode, IdStability, Loan, Missing, Money, Note, Notes, Origin,
    RecordType, Status, TransactionType, decimal,
};
use crate::providers::{Mapped, Mapping};

/// Where in the record, which is the list of rows, a field of ours was looked for.
const AMOUNTS: &str = "[].amount";
const BALANCES: &str = "[].outstandingLoanBalance";
const BEYOND: &str = "[].overpaymentPortion";
const CODES: &str = "[].currency.code";
const DATES: &str = "[].date";
const TYPES: &str = "[].type.id";

/// What a row says about the loan.
#[derive(Debug, Clone, Copy)]
struct Row {
    meaning: Meaning,
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

impl Row {
    fn of(entry: &Entry) -> Self {
        Self {
            meaning: entry.meaning,
            date: Reading {
                value: entry.transaction.posted_on,
                unreadable: entry.unreadable(Column::PostedOn),
            },
            amount: Reading {
                value: entry.transaction.amount,
                unreadable: entry.unreadable(Column::Amount),
            },
            balance: entry.balance.0,
            credit: entry.balance.1,
            overpayment: entry.overpayment,
        }
    }

    fn is(&self, kind: TransactionType) -> bool {
        self.meaning.kind == kind
    }
}

/// Maps the ledger of loan `id`. A row that cannot be used rejects the loan: its balance would not be to be trusted.
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
    let mut personal = Vec::new();
    let mut counted = Vec::with_capacity(rows.len());
    let mut ledger = Ledger {
        brief: true,
        outline: at.outline,
        ..ledger::of(&loan, data.get(), TRANSACTION)
    };
    for (number, row) in rows.iter().enumerate() {
        let mut entry = ledger.entry(row)?;
        drift.append(&mut entry.drift);
        let places = entry.personal.drain(..);
        personal.extend(places.map(|(name, place)| (Box::from(format!("[{number}].{name}")), place)));
        if !entry.known && !entry.reversed() {
            // It may have moved money.
            loan.flag(FlagCode::UnknownNativeValue, Field::PrincipalOutstanding);
        }
        if entry.unreadable(Column::Reversed) {
            loan.flag(FlagCode::MalformedField, Field::Status);
        }
        if entry.counts() {
            counted.push(Row::of(&entry));
        }
    }
    loan.currency = ledger.currency;
    // By date; rows of one day, and rows without one, stay in the server's order.
    if counted.iter().all(|row| row.date.value.is_some()) {
        counted.sort_by_key(|row| row.date.value);
    }
    if let Some(currency) = loan.currency {
        derive(&mut loan, &counted, currency);
    }
    let notes = account(&loan, &counted);
    loan.received.push("", data.get(), personal, notes);
    drift.sort();
    drift.dedup();
    Ok((loan, drift))
}

fn derive(loan: &mut Loan, ledger: &[Row], currency: Currency) {
    let disbursements = || ledger.iter().filter(|row| row.is(TransactionType::Disbursement));
    if let Some(first) = disbursements().next() {
        loan.dates.disbursed_on = taken(loan, first.date, Field::DisbursedOn);
        let sum = disbursements()
            .map(|row| taken(loan, row.amount, Field::OriginalPrincipal).map(|amount| amount.value()))
            .collect::<Vec<_>>();
        let sum = decimal::checked_total(sum);
        loan.amounts.original_principal = sum.map(|sum| Money::new(sum, currency));
        if sum.is_some() {
            loan.flag(FlagCode::BalanceDerived, Field::OriginalPrincipal);
        }
    }
    // Cash of the borrower against the plan.
    if let Some(last) = ledger.iter().rfind(|row| row.is(TransactionType::Repayment)) {
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
        let all = row.amount.value.map_or(Decimal::ZERO, |money| money.value());
        let change = if row.meaning.pays() {
            Some(beyond)
        } else if let Some(returned) = row.meaning.returns(beyond, all) {
            Decimal::ZERO.checked_sub(returned)
        } else {
            continue;
        };
        left = decimal::checked_sum(left, change?)?.max(Decimal::ZERO);
    }
    (!left.is_zero()).then(|| Money::new(left, currency))
}

fn status(ledger: &[Row], last: &Row, in_credit: bool) -> Status {
    if ledger.iter().any(|row| row.is(TransactionType::WriteOff)) {
        return Status::WrittenOff;
    }
    let Some(balance) = last.balance else {
        return Status::Unknown;
    };
    if in_credit {
        Status::Overpaid
    } else if !balance.value().is_zero() {
        Status::Active
    } else if last.meaning.effect == Effect::Up {
        // It put the debt up, or handed money of an open loan back: this nought does not mean that it was repaid.
        Status::Unknown
    } else {
        Status::Closed
    }
}

/// Notes where everything came from, and why something did not come.
fn account(loan: &Loan, ledger: &[Row]) -> Notes {
    let amounts = &loan.amounts;
    let in_credit = ledger.last().and_then(|last| last.credit).is_some();
    let written_off = loan.status == Status::WrittenOff;
    let derived = [
        (
            Field::OriginalPrincipal,
            AMOUNTS,
            amounts.original_principal.is_some(),
        ),
        (
            Field::PrincipalOutstanding,
            BALANCES,
            amounts.principal_outstanding.is_some(),
        ),
        (Field::DisbursedOn, DATES, loan.dates.disbursed_on.is_some()),
        (
            Field::LastPaymentPaidOn,
            DATES,
            loan.last_payment.paid_on.is_some(),
        ),
        (
            Field::LastPaymentAmount,
            AMOUNTS,
            loan.last_payment.amount.is_some(),
        ),
    ];
    let unreadable = |field| {
        let mut flags = loan.flags.iter();
        flags.any(|flag| flag.code == FlagCode::MalformedField && flag.field == field)
    };
    let mut notes: Vec<(Field, Finding, &'static str)> = derived
        .into_iter()
        .map(|(field, source, there)| {
            let finding = match there {
                true => Finding::Is(Origin::Derived),
                false if unreadable(field) => Finding::Missing(Missing::Unparseable),
                false => Finding::Missing(Missing::AbsentInResponse),
            };
            (field, finding, source)
        })
        .collect();
    notes.push((Field::Id, Finding::Is(Origin::Derived), "(request)"));
    notes.push(match loan.currency {
        Some(_) => (Field::Currency, Finding::Is(Origin::Reported), CODES),
        None => (
            Field::Currency,
            Finding::Missing(Missing::AbsentInResponse),
            CODES,
        ),
    });
    notes.push(match amounts.credit_balance {
        Some(_) if in_credit => (Field::CreditBalance, Finding::Is(Origin::Derived), BALANCES),
        Some(_) => (Field::CreditBalance, Finding::Is(Origin::Derived), BEYOND),
        None => (
            Field::CreditBalance,
            Finding::Missing(Missing::NotApplicable),
            BEYOND,
        ),
    });
    notes.push(match loan.status {
        Status::Unknown => (
            Field::Status,
            Finding::Missing(Missing::AbsentInResponse),
            BALANCES,
        ),
        _ if written_off => (Field::Status, Finding::Is(Origin::Inferred), TYPES),
        _ => (Field::Status, Finding::Is(Origin::Inferred), BALANCES),
    });
    notes.push((
        Field::NativeStatus,
        Finding::Missing(Missing::NotInProviderSchema),
        "",
    ));
    let note = |(field, finding, source)| Note {
        field,
        finding,
        source,
    };
    Notes {
        fields: notes.into_iter().map(note).collect(),
        references: vec![("loan_id", "(request)")],
    }
}
