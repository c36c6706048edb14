//! What Carbon's applications become.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::map;
use super::wire::{DOCUMENTED, List};
use crate::loan::{PaymentStatus, RecordType, Status};
use crate::providers::Mapped;
use crate::providers::golden::{
    any_record, currency, holds, known, loan, plain, presented, record, rows, whole,
};
use crate::providers::page::Count;
use crate::record::{Unit, Want};

fn naira(row: &serde_json::value::RawValue) -> Mapped {
    map::loan(row, currency("NGN"), Unit::Minor, &plain())
}

fn listed(text: &str) -> Vec<&serde_json::value::RawValue> {
    let list: List<'_> = serde_json::from_str(text).unwrap();
    serde_json::from_str(list.data.unwrap().get()).unwrap()
}

#[test]
fn the_example_of_the_page() {
    let rows = listed(include_str!("fixtures/list_example.json"));
    assert_snapshot!(whole(rows.into_iter().map(naira)));
}

#[test]
fn the_prose_of_the_page() {
    let rows = listed(include_str!("fixtures/list_prose.json"));
    assert_snapshot!(whole(rows.into_iter().map(naira)));
}

#[test]
fn both_envelopes_say_how_many_there_are() {
    let example: List<'_> = serde_json::from_str(include_str!("fixtures/list_example.json")).unwrap();
    assert_eq!(Count::of(example.total).unwrap(), 1);
    let prose: List<'_> = serde_json::from_str(include_str!("fixtures/list_prose.json")).unwrap();
    let pagination = prose.pagination.unwrap();
    assert_eq!(
        (
            Count::of(pagination.total).unwrap(),
            Count::of(pagination.pages).unwrap()
        ),
        (45, 3)
    );
    let text: List<'_> = serde_json::from_str(r#"{"data":[],"total":"10"}"#).unwrap();
    assert_eq!(Count::of(text.total).unwrap(), 10);
}

#[test]
fn the_life_of_a_loan() {
    assert_snapshot!(known(
        rows(include_str!("fixtures/lifecycle.json"))
            .into_iter()
            .map(naira)
    ));
}

#[test]
fn what_no_page_shows() {
    assert_snapshot!(known(
        rows(include_str!("fixtures/edges.json")).into_iter().map(naira)
    ));
}

#[test]
fn bank_accounts_are_held_back_unless_granted() {
    let detail = rows(include_str!("fixtures/detail.json"));
    let map = |want| {
        detail
            .iter()
            .map(move |row| presented(map::loan(row, currency("NGN"), Unit::Minor, &plain()), want))
    };
    let held_back = Want {
        raw: true,
        personal: false,
        ..Want::default()
    };
    let granted = Want {
        raw: true,
        personal: true,
        ..Want::default()
    };
    assert_snapshot!("detail_held_back", known(map(held_back)));
    assert_snapshot!("detail_granted", known(map(granted)));
}

#[test]
fn the_unit_is_the_connection_s() {
    let row = record(r#"{"application_id":"a","amount":2000000.5}"#);
    let major = loan(map::loan(&row, currency("NGN"), Unit::Major, &plain()));
    assert_eq!(major.amounts.requested.unwrap().to_string(), "2000000.50");
    let minor = loan(map::loan(&row, currency("NGN"), Unit::Minor, &plain()));
    assert_eq!(minor.amounts.requested.unwrap().to_string(), "20000.005");
    let yen = loan(map::loan(&row, currency("JPY"), Unit::Minor, &plain()));
    assert_eq!(yen.amounts.requested.unwrap().to_string(), "2000000.5");
}

#[test]
fn every_word_of_an_application() {
    use PaymentStatus::{NotApplicable, Unknown};
    for (word, status, payment, record_type) in [
        (
            "PENDING",
            Status::Pending,
            NotApplicable,
            RecordType::LoanApplication,
        ),
        (
            "KYC_PROCESSING",
            Status::Pending,
            NotApplicable,
            RecordType::LoanApplication,
        ),
        (
            "HAS_OFFER",
            Status::Offered,
            NotApplicable,
            RecordType::LoanApplication,
        ),
        (
            "OFFER_ACCEPTED",
            Status::Approved,
            NotApplicable,
            RecordType::LoanApplication,
        ),
        (
            "OFFER_DECLINED",
            Status::Withdrawn,
            NotApplicable,
            RecordType::LoanApplication,
        ),
        (
            "OFFER_EXPIRED",
            Status::Expired,
            NotApplicable,
            RecordType::LoanApplication,
        ),
        (
            "DECLINED",
            Status::Declined,
            NotApplicable,
            RecordType::LoanApplication,
        ),
        (
            "DISBURSEMENT_APPROVED",
            Status::Approved,
            NotApplicable,
            RecordType::LoanApplication,
        ),
        ("DISBURSED", Status::Active, Unknown, RecordType::LoanAccount),
        (
            "SOMETHING_ELSE",
            Status::Unknown,
            Unknown,
            RecordType::LoanApplication,
        ),
    ] {
        let row = record(&format!(
            r#"{{"application_id":"a","status":"{word}","loan_status":null}}"#
        ));
        let loan = loan(naira(&row));
        assert_eq!(
            (loan.status, loan.payment_status, loan.record_type),
            (status, payment, record_type),
            "{word}"
        );
        assert_eq!(loan.native_status.as_deref(), Some(word));
    }
}

#[test]
fn every_word_of_a_loan() {
    for (word, status, payment, overdue) in [
        ("ACTIVE", Status::Active, PaymentStatus::Current, Some(false)),
        (
            "ACTIVE_IN_ARREARS",
            Status::Active,
            PaymentStatus::InArrears,
            Some(true),
        ),
        ("CLOSED", Status::Closed, PaymentStatus::NotApplicable, None),
        ("SOMETHING_ELSE", Status::Unknown, PaymentStatus::Unknown, None),
    ] {
        let row = record(&format!(
            r#"{{"application_id":"a","status":"DISBURSED","loan_status":"{word}"}}"#
        ));
        let loan = loan(naira(&row));
        assert_eq!(
            (
                loan.status,
                loan.payment_status,
                loan.delinquency.overdue,
                loan.record_type
            ),
            (status, payment, overdue, RecordType::LoanAccount),
            "{word}"
        );
        assert_eq!(loan.native_status.as_deref(), Some(word));
        assert!(loan.extensions.get("status").is_some());
    }
}

proptest! {
    #[test]
    fn anything_is_a_loan_or_rejected(row in any_record(DOCUMENTED)) {
        let row = record(&row);
        for unit in [Unit::Major, Unit::Minor] {
            let want = Want { raw: true, personal: false, ..Want::default() };
            let mapped = presented(map::loan(&row, currency("NGN"), unit, &plain()), want);
            prop_assert!(mapped.as_ref().is_err() || mapped.as_ref().unwrap().0.personal.is_none());
            holds(&naira(&row))?;
        }
    }
}
