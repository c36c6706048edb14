//! What ledgers become.

use std::fmt::Write as _;

use insta::assert_snapshot;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::map;
use super::wire::{Envelope, TRANSACTION};
use crate::loan::Status;
use crate::providers::Mapped;
use crate::providers::golden::{any_record, holds, known, loan, plain, presented, record, rows, whole};
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
        holds(&of_rows(&[row]))?;
    }

    #[test]
    fn any_ledger_is_a_loan_or_rejected(types in prop::collection::vec(0_i64..49, 0..6), rest in any_record(&["date", "amount", "outstandingLoanBalance", "overpaymentPortion"])) {
        let rest = rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap();
        let rest = if rest.is_empty() { String::new() } else { format!(",{rest}") };
        let rows: Vec<String> = types.into_iter().map(|id| row(id, &rest)).collect();
        holds(&of_rows(&rows))?;
    }
}
