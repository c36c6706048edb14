//! What ledgers become.

use std::fmt::Write as _;

use insta::assert_snapshot;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::types::Meaning;
use super::wire::{Envelope, TRANSACTION};
use super::{ledger as ledgers_of, map};
use crate::loan::{Column, Direction, FlagCode, Status, Transaction};
use crate::providers::golden::{any_record, holds, known, loan, plain, presented, record, rows, whole};
use crate::providers::page::Records;
use crate::providers::{Mapped, Rows};
use crate::record::Want;

fn ledger(data: &RawValue, want: Want) -> Mapped {
    let rows: Vec<&RawValue> = serde_json::from_str(data.get()).unwrap();
    presented(map::loan("123", data, &rows, &plain()), want)
}

fn row(type_id: i64, rest: &str) -> String {
    format!(
        r#"{{"id":1,"type":{{"id":{type_id}}},"currency":{{"code":"NGN"}},"manuallyReversed":false{rest}}}"#
    )
}

fn of_rows(rows: &[String]) -> Mapped {
    ledger(&record(&format!("[{}]", rows.join(","))), Want::default())
}

#[test]
fn the_fields_of_the_page() {
    let envelope: Envelope<'_> = serde_json::from_str(include_str!("fixtures/transactions.json")).unwrap();
    assert_eq!(envelope.succeeded, Some(true));
    assert_snapshot!(whole([ledger(envelope.data.unwrap(), Want::default())]));
}

#[test]
fn ledgers() {
    #[derive(Deserialize)]
    struct Name {
        ledger: String,
    }
    let mut text = String::new();
    for case in rows(include_str!("fixtures/ledgers.json")) {
        let name: Name = serde_json::from_str(case.get()).unwrap();
        let envelope: Envelope<'_> = serde_json::from_str(case.get()).unwrap();
        let mapped = ledger(envelope.data.unwrap(), Want::default());
        write!(text, "# {}\n{}", name.ledger, known([mapped])).unwrap();
    }
    assert_snapshot!(text);
}

/// The rows of a ledger as callers see them.
fn entries(data: &RawValue) -> Rows<Transaction> {
    let loan = loan(ledger(data, Want::default()));
    let whole = loan.received.main().unwrap().text();
    let rows: Records<'_> = serde_json::from_str(whole).unwrap();
    ledgers_of::of(&loan, whole, TRANSACTION).rows(&rows)
}

fn entry(type_id: i64, rest: &str) -> Transaction {
    let rows = entries(&record(&format!("[{}]", row(type_id, rest)))).rows;
    rows.into_iter().next().unwrap()
}

#[test]
fn the_ledger_of_the_page() {
    let envelope: Envelope<'_> = serde_json::from_str(include_str!("fixtures/transactions.json")).unwrap();
    let read = entries(envelope.data.unwrap());
    assert!(read.rejected.is_empty() && read.drift.is_empty());
    assert_snapshot!(serde_json::to_string_pretty(&read.rows).unwrap());
}

/// Every id of Apache Fineract and one that is not, as a table: read it beside the one in the README.
#[test]
fn what_every_type_means() {
    let mut text = String::new();
    for id in 0..=48 {
        let (meaning, known) = Meaning::of(Some(id));
        if !known {
            writeln!(text, "{id}: –").unwrap();
            continue;
        }
        let money = if meaning.monetary() { "" } else { ", not monetary" };
        let direction = meaning.direction(None).as_str();
        writeln!(text, "{id}: {}, {direction}{money}", meaning.kind.as_str()).unwrap();
    }
    assert_snapshot!(text);
    let of = |id: i64, principal: &str| {
        let rest = format!(r#","amount":9,"principalPortion":{principal}"#);
        entry(id, &rest).direction
    };
    assert_eq!(
        (of(20, "0"), of(20, "9")),
        (Direction::None, Direction::IncreasesDebt)
    );
}

#[test]
fn a_type_nobody_knows_is_kept_and_does_not_count() {
    let row = r#"{"id":9,"type":{"id":99,"code":"loanTransactionType.new","value":"New"},"currency":{"code":"NGN"},"amount":5,"outstandingLoanBalance":7}"#;
    let read = entries(&record(&format!("[{row}]")));
    assert_snapshot!(serde_json::to_string_pretty(&read.rows[0]).unwrap());
    assert_eq!(read.drift.len(), 1);
    assert_eq!(read.drift[0].field, "type.id");
}

#[test]
fn parts_make_up_the_amount_where_they_must() {
    let mismatched = |id: i64, parts: &str| {
        let entry = entry(id, &format!(r#","amount":100,{parts}"#));
        let flags = entry.flags.iter();
        let found: Vec<_> = flags.map(|flag| (flag.code, flag.field)).collect();
        assert!(
            found
                .iter()
                .all(|flag| *flag == (FlagCode::SplitMismatch, Column::Amount))
        );
        // A check changes nothing.
        assert_eq!(entry.amount.unwrap().to_string(), "100.00");
        !found.is_empty()
    };
    let all = |principal: u32, beyond: u32| {
        format!(
            r#""principalPortion":{principal},"interestPortion":0,"feeChargesPortion":0,"penaltyChargesPortion":0,"overpaymentPortion":{beyond}"#
        )
    };
    for id in [2, 17, 21, 22, 23, 24, 26, 28, 31, 33] {
        assert!(
            !mismatched(id, &all(100, 0)) && !mismatched(id, &all(60, 40)),
            "{id}"
        );
        assert!(
            mismatched(id, &all(99, 0)) && mismatched(id, &all(100, 1)),
            "{id}"
        );
        // A part that is not there may be the missing one.
        assert!(!mismatched(id, r#""principalPortion":99"#) && mismatched(id, r#""principalPortion":101"#));
    }
    for id in [4, 5, 6, 8, 10, 16, 18, 25, 27] {
        assert!(
            !mismatched(id, &all(99, 0)) && mismatched(id, &all(100, 1)),
            "{id}"
        );
    }
    for id in [1, 9, 20, 99] {
        let only_unknown = entry(id, &format!(r#","amount":100,{}"#, all(100, 100)));
        let split = |flag: &crate::loan::Flag<Column>| flag.code == FlagCode::SplitMismatch;
        assert!(!only_unknown.flags.iter().any(split), "{id}");
    }
}

#[test]
fn dates_balances_and_reversals_of_a_row() {
    let dated = entry(
        2,
        r#","date":"2026-05-02","submittedOnDate":[2026,5],"outstandingLoanBalance":-5"#,
    );
    assert_eq!(dated.posted_on.unwrap().to_string(), "2026-05-02");
    assert_eq!(dated.recorded_on, None);
    assert_eq!(dated.balance_after.unwrap().to_string(), "0.00");
    assert_snapshot!(serde_json::to_string_pretty(&dated).unwrap());
    // Nought means "not computed" on rows of bookkeeping, and nothing on rows that were taken back.
    assert_eq!(entry(10, r#","outstandingLoanBalance":0"#).balance_after, None);
    let reversed = entry(2, r#","reversedOnDate":[2026,5,2],"outstandingLoanBalance":7"#);
    assert_eq!((reversed.reversed, reversed.balance_after), (Some(true), None));
    let of = |flag: &str| {
        let row = format!(
            r#"[{{"type":{{"id":2}},"currency":{{"code":"NGN"}},"outstandingLoanBalance":7{flag}}}]"#
        );
        let rows = entries(&record(&row)).rows;
        (rows[0].reversed, rows[0].balance_after.is_some())
    };
    assert_eq!(of(""), (Some(false), true));
    assert_eq!(of(r#","manuallyReversed":true"#), (Some(true), false));
    assert_eq!(of(r#","manuallyReversed":"yes""#), (None, false));
    // Parts that are absent are null, not nought.
    let parts = entry(2, r#","interestPortion":0.5"#).breakdown.unwrap();
    assert!(parts.principal.is_none() && parts.interest.is_some());
    assert_eq!(entry(2, "").breakdown, None);
    assert_eq!(entry(1, r#","principalPortion":0"#).breakdown, None);
}

/// A payment's account numbers are not in the page of the wrapper; a server that sends them shows nobody.
#[test]
fn account_numbers_are_held_back() {
    let row =
        r#"{"type":{"id":2},"currency":{"code":"NGN"},"paymentDetailData":{"accountNumber":"0123456789"}}"#;
    let data = record(&format!("[{row},{row}]"));
    let want = Want {
        raw: true,
        ..Want::default()
    };
    let held_back = loan(ledger(&data, want));
    assert!(!serde_json::to_string(&held_back).unwrap().contains("0123456789"));
    assert!(
        !serde_json::to_string(&entries(&data).rows)
            .unwrap()
            .contains("0123456789")
    );
    let granted = Want {
        raw: true,
        personal: true,
        ..Want::default()
    };
    let granted = loan(ledger(&data, granted));
    assert_eq!(granted.raw.unwrap().0.get(), data.get());
    let personal = serde_json::to_string(&granted.personal.unwrap()).unwrap();
    assert!(personal.contains(r#""[1].paymentDetailData":"#), "{personal}");
}

#[test]
fn the_error_handler_writes_other_keys() {
    let envelope: Envelope<'_> = serde_json::from_str(include_str!("fixtures/error.json")).unwrap();
    assert_eq!(envelope.succeeded, Some(false));
    assert_eq!(envelope.data.map(RawValue::get), Some("null"));
}

#[test]
fn raw_is_the_ledger_as_received() {
    let envelope: Envelope<'_> = serde_json::from_str(include_str!("fixtures/transactions.json")).unwrap();
    let data = envelope.data.unwrap();
    let want = Want {
        raw: true,
        personal: true,
        ..Want::default()
    };
    let loan = loan(ledger(data, want));
    assert_eq!(loan.raw.unwrap().0.get(), data.get());
    assert!(loan.personal.unwrap().is_empty());
}

/// Every id of Apache Fineract, and one that is not: which rows count, and which zero means repaid.
#[test]
fn every_type_of_transaction() {
    const MONETARY: &[i64] = &[
        1, 2, 4, 5, 6, 8, 9, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28, 31, 33, 35, 37,
    ];
    const NOT_REPAID: &[i64] = &[1, 18, 19, 25, 35];
    for id in 0..=48 {
        let first = row(1, r#","amount":100,"outstandingLoanBalance":100"#);
        let open = loan(of_rows(&[
            first.clone(),
            row(id, r#","amount":10,"outstandingLoanBalance":90"#),
        ]));
        let moved = open.amounts.principal_outstanding.unwrap().to_string() == "90.00";
        assert_eq!(moved, MONETARY.contains(&id), "{id}");

        let repaid = loan(of_rows(&[
            first,
            row(id, r#","amount":10,"outstandingLoanBalance":0"#),
        ]));
        let expected = match id {
            6 => Status::WrittenOff,
            id if !MONETARY.contains(&id) => Status::Active,
            id if NOT_REPAID.contains(&id) => Status::Unknown,
            _ => Status::Closed,
        };
        assert_eq!(repaid.status, expected, "{id}");

        let (_, drift) = of_rows(&[row(id, r#","amount":10,"outstandingLoanBalance":90"#)]).unwrap();
        assert_eq!(drift.is_empty(), !matches!(id, 11 | 48), "{id}");
    }
}

proptest! {
    #[test]
    fn any_row_is_part_of_a_loan_or_rejects_it(row in any_record(TRANSACTION)) {
        let mapped = of_rows(std::slice::from_ref(&row));
        holds(&mapped)?;
        if mapped.is_ok() {
            // What the loan was made from is what its ledger shows.
            let read = entries(&record(&format!("[{row}]")));
            prop_assert_eq!((read.rows.len(), read.rejected.len()), (1, 0));
            let shown = &read.rows[0];
            let parts = shown.breakdown.unwrap_or_default();
            let amounts = [shown.amount, shown.balance_after, parts.principal, parts.interest, parts.fees, parts.penalties, parts.overpayment];
            for amount in amounts.into_iter().flatten() {
                prop_assert!(!amount.value().is_sign_negative() || amount.value().is_zero());
            }
            prop_assert!(shown.balance_after.is_none() || (shown.monetary && shown.reversed == Some(false)));
        }
    }

    #[test]
    fn any_ledger_is_a_loan_or_rejected(types in prop::collection::vec(0_i64..49, 0..6), rest in any_record(&["date", "amount", "outstandingLoanBalance", "overpaymentPortion"])) {
        let rest = rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap();
        let rest = if rest.is_empty() { String::new() } else { format!(",{rest}") };
        let rows: Vec<String> = types.into_iter().map(|id| row(id, &rest)).collect();
        holds(&of_rows(&rows))?;
    }
}
