//! A row of a ledger, as both flavours send it.

use std::ops::Range;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::dates::date;
use super::types::{Meaning, Parts};
use super::wire::{About, CURRENCY, TYPE};
use crate::loan::{
    Breakdown, Column, Currency, FlagCode, Loan, Money, Transaction, TransactionType, decimal,
};
use crate::providers::Rows;
use crate::providers::detail::MappedRow;
use crate::providers::page::Records;
use crate::record::{Drift, DriftKind, Outline, Reader, Rejected, Rest, Unit, Why};

/// The parts of an amount, in the order of [`Breakdown`].
const PORTIONS: &[&str] = &[
    "principalPortion",
    "interestPortion",
    "feeChargesPortion",
    "penaltyChargesPortion",
    "overpaymentPortion",
];
/// The other amounts of a row: the loan's, repeated, and a share of a part. A row in which one cannot be kept exactly is
/// not to be relied on.
const OTHER_AMOUNTS: &[&str] = &["netDisbursalAmount", "unrecognizedIncomePortion"];
/// Account numbers, cheque numbers and free text about a payment.
const PERSONAL: &[&str] = &["paymentDetailData", "transfer"];

/// Where rows are read, and what is known about them all.
#[derive(Debug)]
pub(super) struct Ledger<'a> {
    /// The text that the rows are part of.
    pub(super) whole: &'a str,
    /// The loan's id.
    pub(super) loan_id: Arc<str>,
    /// The loan's currency: the one of every row.
    pub(super) currency: Option<Currency>,
    /// The fields that the documents name.
    pub(super) documented: &'static [&'static str],
    /// Whether only what the rows say about the loan is wanted, and not their extensions.
    pub(super) brief: bool,
    /// Of a text that the rows are part of.
    pub(super) outline: &'a Outline<'a>,
}

/// A row of a ledger.
#[derive(Debug)]
pub(super) struct Entry {
    /// As callers see it.
    pub(super) transaction: Transaction,
    /// What its type means.
    pub(super) meaning: Meaning,
    /// Whether its type is one that somebody knows.
    pub(super) known: bool,
    /// The balance it was sent with, whether or not it says anything, and what of it was below nought.
    pub(super) balance: (Option<Money>, Option<Money>),
    /// What of it is beyond the debt.
    pub(super) overpayment: Option<Money>,
    /// What no document names.
    pub(super) drift: Vec<Drift>,
    /// Where in the whole text the values about a person are.
    pub(super) personal: Vec<(Box<str>, Range<usize>)>,
}

impl Entry {
    /// Whether it moved money and was not taken back. One that does not say whether it was, was not.
    pub(super) fn counts(&self) -> bool {
        self.meaning.monetary() && !self.reversed()
    }

    /// Whether it was taken back.
    pub(super) fn reversed(&self) -> bool {
        self.transaction.reversed == Some(true)
    }

    /// Whether something unreadable stood in the place of a column.
    pub(super) fn unreadable(&self, column: Column) -> bool {
        let flags = &self.transaction.flags;
        flags
            .iter()
            .any(|flag| flag.code == FlagCode::MalformedField && flag.field == column)
    }
}

impl<'a> Ledger<'a> {
    /// Reads a row.
    pub(super) fn entry(&mut self, raw: &'a RawValue) -> Result<Entry, Rejected> {
        let mut row = Reader::within(self.whole, raw, self.outline)?;
        if self.brief {
            row.briefly();
        }
        let id = row.text(Column::Id, "id");
        let (type_id, native_type) = type_of(&mut row);
        let (meaning, known) = Meaning::of(type_id);
        if !known {
            row.flag(FlagCode::UnknownNativeValue, Column::Type);
        }
        let posted_on = date(&mut row, Column::PostedOn, "date");
        let currency = self.currency_of(&mut row)?;
        row.amounts_are_in(currency, Unit::Major);
        let amount = row.money(Column::Amount, "amount")?;
        let parts = Breakdown {
            principal: row.money(Column::Principal, "principalPortion")?,
            interest: row.money(Column::Interest, "interestPortion")?,
            fees: row.money(Column::Fees, "feeChargesPortion")?,
            penalties: row.money(Column::Penalties, "penaltyChargesPortion")?,
            overpayment: row.money(Column::Overpayment, "overpaymentPortion")?,
        };
        for other in OTHER_AMOUNTS {
            row.signed(Column::Amount, other)?;
            row.keep(other);
        }
        let balance = row.signed(Column::BalanceAfter, "outstandingLoanBalance")?;
        let recorded_on = date(&mut row, Column::RecordedOn, "submittedOnDate");
        let reversed = reversed(&mut row);

        check(&mut row, meaning, amount, parts);
        let breakdown =
            (meaning.kind != TransactionType::Disbursement && parts != Breakdown::default()).then_some(parts);
        if breakdown.is_none() {
            for portion in PORTIONS {
                row.keep(portion);
            }
        }
        // Where nothing moved, nought means "not computed".
        let says = meaning.monetary() && reversed == Some(false);
        let balance_after = balance.0.filter(|_| says);
        if balance_after.is_none() {
            row.keep("outstandingLoanBalance");
        } else if balance.1.is_some() {
            row.flag(FlagCode::BalanceDerived, Column::BalanceAfter);
            row.keep("outstandingLoanBalance");
        }
        row.personal(PERSONAL);

        let Rest {
            flags,
            extensions,
            mut drift,
            personal,
        } = row.rest(self.documented);
        if !known {
            drift.push(Drift {
                kind: DriftKind::UnknownValue,
                field: "type.id".to_owned(),
            });
        }
        let transaction = Transaction {
            id,
            loan_id: Arc::clone(&self.loan_id),
            kind: meaning.kind,
            native_type,
            direction: meaning.direction(parts.principal),
            posted_on,
            recorded_on,
            amount,
            currency: Some(currency),
            breakdown,
            balance_after,
            monetary: meaning.monetary(),
            reversed,
            flags,
            extensions,
        };
        Ok(Entry {
            transaction,
            meaning,
            known,
            balance,
            overpayment: parts.overpayment,
            drift,
            personal,
        })
    }

    /// The loan's currency, repeated on every row.
    fn currency_of(&mut self, row: &mut Reader<'_, Column>) -> Result<Currency, Rejected> {
        let mut named = row.open(Column::Amount, "currency.");
        named.briefly();
        let currency = named
            .text(Column::Amount, "currency.code")
            .and_then(|code| Currency::parse(&code))
            .filter(|currency| self.currency.is_none_or(|known| known == *currency))
            .ok_or(Rejected::new("currency", Why::NoCurrency))?;
        row.close(named, CURRENCY);
        row.keep("currency");
        self.currency = Some(currency);
        Ok(currency)
    }

    /// The ledger as callers see it. A row that cannot be used costs no other.
    pub(super) fn rows(mut self, rows: &Records<'a>) -> Rows<Transaction> {
        Rows::collect(rows.0.iter().copied(), |row| -> MappedRow<Transaction> {
            let entry = self.entry(row)?;
            Ok((entry.transaction, entry.drift))
        })
    }
}

/// The loan that a ledger belongs to, ready for its rows.
pub(super) fn of<'a>(loan: &Loan, whole: &'a str, documented: &'static [&'static str]) -> Ledger<'a> {
    Ledger {
        whole,
        loan_id: Arc::from(loan.id.as_str()),
        currency: loan.currency,
        documented,
        brief: false,
        outline: Outline::NONE,
    }
}

/// The id that decides, and their word. The whole of it stays where a caller sees it: two types have one word. As one
/// piece, because that is much less work than what is left of it flag by flag.
fn type_of(row: &mut Reader<'_, Column>) -> (Option<i64>, Option<String>) {
    let mut kind = row.open(Column::Type, "type.");
    kind.briefly();
    let id = kind
        .number(Column::Type, "type.id")
        .filter(Decimal::is_integer)
        .and_then(|id| i64::try_from(id).ok());
    let word = kind
        .text(Column::Type, "type.value")
        .or_else(|| kind.text(Column::Type, "type.code"));
    row.close(kind, TYPE);
    row.keep("type");
    (id, word)
}

/// Older servers have only the first of the two; newer ones say by the second that they reversed a row themselves.
fn reversed(row: &mut Reader<'_, Column>) -> Option<bool> {
    let by_hand = row.boolean(Column::Reversed, "manuallyReversed");
    let dated = row.raw("reversedOnDate").is_some();
    row.keep("reversedOnDate");
    if dated {
        return Some(true);
    }
    // A flag that is not there is not set; one that cannot be read says nothing.
    let unreadable = row.is_flagged(FlagCode::MalformedField, Column::Reversed);
    by_hand.or_else(|| (!unreadable).then_some(false))
}

/// Whether the parts go with the amount. A check changes nothing.
fn check(row: &mut Reader<'_, Column>, meaning: Meaning, amount: Option<Money>, parts: Breakdown) {
    let Some(amount) = amount.map(|amount| amount.value()) else {
        return;
    };
    let parts = [
        parts.principal,
        parts.interest,
        parts.fees,
        parts.penalties,
        parts.overpayment,
    ];
    let sum = decimal::checked_total(parts.iter().flatten().map(|part| Some(part.value())));
    let complete = parts.iter().all(Option::is_some);
    let fits = match (meaning.parts, sum) {
        (Parts::Free, _) => true,
        (_, None) => false,
        // A part that is not there may be the one that is missing.
        (Parts::All, Some(sum)) if complete => sum == amount,
        (Parts::All | Parts::Some, Some(sum)) => sum <= amount,
    };
    if !fits {
        row.flag(FlagCode::SplitMismatch, Column::Amount);
    }
}

/// What of the rows of a list is about people: names and raw values, in order. A row that cannot be looked into is, all
/// of it.
pub(super) fn people<'a>(name: &str, list: &'a str) -> Vec<(String, &'a str)> {
    let Ok(Records(rows)) = serde_json::from_str(list) else {
        return vec![(name.to_owned(), list)];
    };
    let mut people = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let at = format!("{name}[{number}]");
        let Ok(about) = serde_json::from_str::<About<'_>>(row.get()) else {
            people.push((at, row.get()));
            continue;
        };
        let mut values = [
            ("paymentDetailData", about.payment_detail_data),
            ("transfer", about.transfer),
        ];
        values.sort_by_key(|(_, value)| value.map(|value| value.get().as_ptr()));
        let values = values.into_iter().filter_map(|(key, value)| Some((key, value?)));
        people.extend(values.map(|(key, value)| (format!("{at}.{key}"), value.get())));
    }
    people
}
