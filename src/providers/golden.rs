//! What the tests beside every `map.rs` share: printing what a fixture became, and feeding a mapping what no provider
//! would send.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use chrono::DateTime;
use proptest::prelude::*;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Mapped, Mapping, Rows, Standing};
use crate::loan::{Currency, Field, Finding, Loan, survives};
use crate::record::{Outline, Want, account, present};

/// Every key of a loan, as the contract gives them.
const KEYS: &[&str] = &[
    "id",
    "record_type",
    "connection",
    "provider",
    "kind",
    "native_kind",
    "status",
    "phase",
    "native_status",
    "status_reason",
    "payment_status",
    "arrangement",
    "lender",
    "borrower",
    "currency",
    "amounts",
    "rate",
    "term",
    "dates",
    "next_payment",
    "last_payment",
    "delinquency",
    "provider_refs",
    "id_stability",
    "as_of",
    "as_of_basis",
    "stale",
    "flags",
    "extensions",
];

/// A mapping for connection `test`, fetched at a fixed instant.
pub(super) fn plain() -> Mapping<'static> {
    static CONNECTION: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("test"));
    Mapping {
        connection: &CONNECTION,
        fetched_at: DateTime::from_timestamp(1_780_000_000, 0).unwrap(),
        outline: Outline::NONE,
    }
}

/// What a caller with this wish is shown of a mapped record.
pub(super) fn presented(mapped: Mapped, want: Want) -> Mapped {
    mapped.map(|(mut loan, drift)| {
        present(&mut loan, want);
        (loan, drift)
    })
}

/// A currency the tests name.
pub(super) fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

/// A record from text.
pub(super) fn record(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

/// The rows of a hand-made fixture, which is an array of records.
pub(super) fn rows(text: &str) -> Vec<&RawValue> {
    serde_json::from_str(text).unwrap()
}

/// Every key of every loan, as the answer has it.
pub(super) fn whole(mapped: impl IntoIterator<Item = Mapped>) -> String {
    print(mapped, str::to_owned)
}

/// What is known about every loan: the same without what is null, unknown or the same everywhere, a line for each key.
pub(super) fn known(mapped: impl IntoIterator<Item = Mapped>) -> String {
    print(mapped, |loan| {
        let mut text = String::new();
        for line in loan.lines().filter(|line| says_something(line)) {
            let inner = line.trim_start();
            let depth = line.len().saturating_sub(inner.len()) / 2;
            if depth > 1 || (depth == 1 && inner.starts_with(['}', ']'])) {
                text.push(' ');
                text.push_str(inner);
            } else {
                text.push('\n');
                text.push_str(line);
            }
        }
        let told = |line: &&str| !line.ends_with("{ },") && !line.ends_with("{}");
        text.trim_start()
            .lines()
            .filter(told)
            .collect::<Vec<_>>()
            .join("\n")
    })
}

fn says_something(line: &str) -> bool {
    let line = line.trim().trim_end_matches(',');
    let everywhere = ["\"connection\"", "\"provider\"", "\"stale\"", "\"phase\""];
    let nothing = line.ends_with(": null") || line.ends_with(": \"unknown\"");
    !nothing && everywhere.iter().all(|key| !line.starts_with(key))
}

fn print(mapped: impl IntoIterator<Item = Mapped>, show: fn(&str) -> String) -> String {
    let mut text = String::new();
    for mapped in mapped {
        match mapped {
            Ok((loan, drift)) => {
                accounted_for(&loan).unwrap();
                let loan = serde_json::to_string_pretty(&loan).unwrap();
                writeln!(text, "{}", show(&loan)).unwrap();
                for drift in drift {
                    writeln!(text, "drift: {} {}", drift.kind.as_str(), drift.field).unwrap();
                }
            }
            Err(rejected) => writeln!(text, "rejected: {rejected}").unwrap(),
        }
    }
    text
}

/// The rows of a detail, a line for each, and what else was said of them.
pub(super) fn details<T: Serialize>(rows: &Rows<T>) -> String {
    let mut text = String::new();
    for row in &rows.rows {
        writeln!(text, "{}", serde_json::to_string(row).unwrap()).unwrap();
    }
    for rejected in &rows.rejected {
        writeln!(text, "rejected: {rejected}").unwrap();
    }
    for drift in &rows.drift {
        writeln!(text, "drift: {} {}", drift.kind.as_str(), drift.field).unwrap();
    }
    if let Standing::Incomplete(error) | Standing::Partial(error) = &rows.standing {
        writeln!(text, "incomplete: {} {}", error.kind.as_str(), error.detail()).unwrap();
    }
    text
}

/// The loan of a record that is not rejected.
pub(super) fn loan(mapped: Mapped) -> Loan {
    mapped.map(|(loan, _)| loan).unwrap()
}

/// A record of documented and foreign keys with values of any type, valid or not.
pub(super) fn any_record(documented: &'static [&'static str]) -> impl Strategy<Value = String> {
    let keys = documented.iter().copied().chain(["surprise", "status "]);
    let keys = prop::sample::subsequence(keys.collect::<Vec<_>>(), 0..=documented.len());
    keys.prop_flat_map(|keys| {
        let values = prop::collection::vec(any_value(), keys.len());
        (Just(keys), values).prop_map(|(keys, values)| {
            let members: Vec<String> = keys
                .iter()
                .zip(values)
                .map(|(key, value)| format!("{}:{value}", serde_json::to_string(key).unwrap()))
                .collect();
            format!("{{{}}}", members.join(","))
        })
    })
}

/// Any JSON value, with those in front that mappings decide on.
pub(super) fn any_value() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-1",
        "1",
        "0.48",
        "59",
        "\"\"",
        "\"NGN\"",
        "\"2026-02-30\"",
        "\"2026-05-02\"",
        "\"2026-05-02T23:30:00-06:00\"",
        "\"ACTIVE\"",
        "\"active\"",
        "\"CLOSED\"",
        "\"canceled\"",
        "\"past_due\"",
        "\"Overpaid\"",
        "\"unavailable\"",
        "[]",
        "{}",
        "[2026,5,2]",
        "[2026,5]",
        "[{\"dueDate\":\"2026-05-02\"}]",
        "{\"code\":\"NGN\"}",
        "{\"id\":1}",
        "{\"id\":2}",
        "{\"id\":6}",
        "1e400",
        "\"NaN\"",
        "\"1_000\"",
        "12345678901234567890123456789",
        "\"\\u0000\\u001b\"",
        "\"\\ud800\"",
    ]);
    prop_oneof![
        6 => words.prop_map(str::to_owned),
        2 => any::<i64>().prop_map(|number| number.to_string()),
        2 => "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,12})?([eE][+-]?[0-9]{1,3})?",
        2 => "-?(0|[1-9][0-9]{0,20})\\.[0-9]{1,6}".prop_map(|number| format!("\"{number}\"")),
        1 => any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ]
}

/// A loan holds every key of the contract and owes no negative amount, whatever it was made from; a rejection is fine.
pub(super) fn holds(mapped: &Mapped) -> Result<(), TestCaseError> {
    let Ok((loan, _)) = mapped else { return Ok(()) };
    let text = serde_json::to_string_pretty(loan).unwrap();
    let top: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("  \""))
        .filter_map(|line| line.split_once("\":"))
        .map(|(key, _)| key)
        .collect();
    prop_assert_eq!(&top, KEYS);
    let added = [Field::Schedule, Field::Transactions];
    for path in Field::ALL
        .iter()
        .filter(|field| !added.contains(field))
        .map(|field| field.path())
    {
        let key = path.rsplit('.').next().unwrap_or(path);
        prop_assert!(
            text.contains(&format!("\"{key}\":")),
            "{path} is not there: {text}"
        );
    }
    let money = [
        loan.amounts.requested,
        loan.amounts.approved,
        loan.amounts.original_principal,
        loan.amounts.principal_outstanding,
        loan.amounts.interest_outstanding,
        loan.amounts.fees_outstanding,
        loan.amounts.penalties_outstanding,
        loan.amounts.total_outstanding,
        loan.amounts.total_paid,
        loan.amounts.past_due,
        loan.amounts.credit_limit,
        loan.amounts.credit_balance,
        loan.next_payment.amount,
        loan.last_payment.amount,
    ];
    for money in money.into_iter().flatten() {
        prop_assert!(!money.to_string().starts_with('-'), "{money} in {text}");
    }
    accounted_for(loan)?;
    prop_assert!(loan.id.starts_with("test:") && loan.id.len() > "test:".len());
    prop_assert!(loan.phase == loan.status.phase());
    Ok(())
}

/// Every value has an origin, and every null exactly one reason; and all of it survives being shared.
fn accounted_for(loan: &Loan) -> Result<(), TestCaseError> {
    survives(loan);
    for account in account(loan) {
        let null = account.value.0.get() == "null";
        prop_assert!(
            match account.finding {
                Some(Finding::Is(_)) => !null && !account.source.is_empty(),
                Some(Finding::Missing(_)) => null,
                None => false,
            },
            "{} is {} and {:?} from `{}` for {}",
            account.path,
            account.value.0.get(),
            account.finding,
            account.source,
            loan.received.main().map_or("", |record| record.text())
        );
    }
    Ok(())
}
