//! What lines of the debt register and student loans become.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::has_fields;
use super::map::{self, Person};
use super::wire::{LOAN, Loans, STUDENT_LOAN};
use crate::loan::{Arrangement, IdStability, Kind, Status};
use crate::providers::Mapped;
use crate::providers::golden::{
    any_record, currency, holds, known, loan, plain, presented, record, rows, whole,
};
use crate::record::{Want, account};

fn person() -> Person<'static> {
    Person {
        consent: "6915ab99857fec1e6f2f6c078",
        user_data_id: Some("5c6985db-980b-4dba-a58e-c11faa5ea052"),
        currency: currency("NOK"),
    }
}

fn line(row: &RawValue) -> Mapped {
    map::loan(row, &person(), &plain())
}

fn student(row: &RawValue) -> Mapped {
    map::student_loan(row, &person(), &plain())
}

fn response() -> Loans<'static> {
    serde_json::from_str(include_str!("fixtures/loans.json")).unwrap()
}

#[test]
fn the_response_of_the_page() {
    let response = response();
    let lines = response.loans.unwrap().0;
    let student_loan = response.student_loan.map(student);
    assert_snapshot!(whole(lines.into_iter().map(line).chain(student_loan)));
}

#[test]
fn what_no_page_shows() {
    assert_snapshot!(known(
        rows(include_str!("fixtures/edges.json")).into_iter().map(line)
    ));
}

#[test]
fn student_loans() {
    assert_snapshot!(known(
        rows(include_str!("fixtures/student_loans.json"))
            .into_iter()
            .map(student)
    ));
}

#[test]
fn a_student_loan_without_fields_is_none() {
    for (text, is_one) in [
        ("{}", false),
        ("{ }", false),
        ("null", false),
        ("[]", false),
        (r#"{"balance":1}"#, true),
    ] {
        assert_eq!(has_fields(&record(text)), is_one, "{text}");
    }
}

#[test]
fn kid_and_account_are_held_back_unless_granted() {
    let row = response().loans.unwrap().0[0];
    let held_back = Want {
        raw: true,
        personal: false,
        ..Want::default()
    };
    let text = whole([presented(map::loan(row, &person(), &plain()), held_back)]);
    assert!(!text.contains("012345677899") && !text.contains("42024603940"));
    assert_eq!(text.matches("[redacted]").count(), 2);
    let granted = Want {
        raw: true,
        personal: true,
        ..Want::default()
    };
    let loan = loan(presented(map::loan(row, &person(), &plain()), granted));
    assert_eq!(loan.raw.unwrap().0.get(), row.get());
    let personal = loan.personal.unwrap();
    assert_eq!(personal.get("kid").unwrap().0.get(), r#""012345677899""#);
    assert_eq!(personal.get("account").unwrap().0.get(), r#""42024603940""#);
}

#[test]
fn an_id_outlives_everything_that_a_payment_changes() {
    let id = |text: &str| loan(line(&record(text))).id;
    let row = r#"{"creditor_name":"A","creditor_org_number":1,"type":"consumner_loan","loan_amount":100.0,"account":"9","kid":"7","current_balance":90,"terms":12,"nominal_rate":5,"credit_limit":1}"#;
    let same = id(row);
    for (from, to) in [
        (r#""current_balance":90"#, r#""current_balance":10"#),
        (r#""terms":12"#, r#""terms":0.48"#),
        (r#""nominal_rate":5"#, r#""nominal_rate":6"#),
        (r#""creditor_name":"A""#, r#""creditor_name":"B""#),
        (r#""credit_limit":1"#, r#""credit_limit":2"#),
        (r#""kid":"7""#, r#""kid":"8""#),
        ("consumner_loan", "consumer_loan"),
        (r#""loan_amount":100.0"#, r#""loan_amount":"100.00""#),
        (r#""creditor_org_number":1"#, r#""creditor_org_number":"1""#),
        (r#""account":"9""#, r#""account":9"#),
    ] {
        assert_eq!(id(&row.replace(from, to)), same, "{to}");
    }
    for (from, to) in [
        (r#""creditor_org_number":1"#, r#""creditor_org_number":2"#),
        ("consumner_loan", "charge_card"),
        (r#""account":"9""#, r#""account":"8""#),
        (r#""account":"9""#, r#""account":"""#),
        (r#""loan_amount":100.0"#, r#""loan_amount":101"#),
    ] {
        assert_ne!(id(&row.replace(from, to)), same, "{to}");
    }
    let card = r#"{"creditor_org_number":1,"type":"credit_card","credit_limit":1,"account":"","kid":null}"#;
    assert_ne!(
        id(card),
        id(&card.replace(r#""credit_limit":1"#, r#""credit_limit":2"#))
    );
    assert_eq!(loan(line(&record(card))).id_stability, IdStability::Fingerprint);
}

#[test]
fn every_type() {
    for (word, kind) in [
        ("credit_card", Kind::CreditCard),
        ("consumner_loan", Kind::PersonalLoan),
        ("consumer_loan", Kind::PersonalLoan),
        ("charge_card", Kind::ChargeCard),
        ("something_else", Kind::Unknown),
    ] {
        let loan = loan(line(&record(&format!(
            r#"{{"creditor_org_number":1,"type":"{word}"}}"#
        ))));
        assert_eq!((loan.kind, loan.native_kind.as_deref()), (kind, Some(word)));
    }
}

#[test]
fn every_word_about_a_student_loan() {
    for (status, reason, becomes, arrangement) in [
        ("ok", "", Status::Active, Arrangement::Unknown),
        (
            "unavailable",
            "moved_to_debt_collection",
            Status::Transferred,
            Arrangement::InCollection,
        ),
        ("unavailable", "terminated", Status::Closed, Arrangement::Unknown),
        (
            "unavailable",
            "debt_settlement",
            Status::Active,
            Arrangement::DebtSettlement,
        ),
        (
            "unavailable",
            "unrecognized",
            Status::Unknown,
            Arrangement::Unknown,
        ),
        (
            "unavailable",
            "something_else",
            Status::Unknown,
            Arrangement::Unknown,
        ),
        ("unavailable", "", Status::Unknown, Arrangement::Unknown),
        (
            "moved_to_debt_collection",
            "",
            Status::Transferred,
            Arrangement::InCollection,
        ),
        (
            "something_else",
            "terminated",
            Status::Unknown,
            Arrangement::Unknown,
        ),
    ] {
        let row = record(&format!(r#"{{"status":"{status}","status_reason":"{reason}"}}"#));
        let loan = loan(student(&row));
        assert_eq!(
            (loan.status, loan.arrangement),
            (becomes, arrangement),
            "{status} {reason}"
        );
        assert_eq!(loan.native_status.as_deref(), Some(status));
        assert_eq!(loan.status_reason.as_deref().unwrap_or_default(), reason);
    }
}

proptest! {
    #[test]
    fn anything_is_a_loan_or_rejected(row in any_record(LOAN)) {
        holds(&line(&record(&row)))?;
    }

    #[test]
    fn any_student_loan_is_a_loan_or_rejected(row in any_record(STUDENT_LOAN)) {
        holds(&student(&record(&row)))?;
    }
}

#[test]
fn a_term_that_was_divided_is_unparseable() {
    let row = record(r#"{"creditor_org_number":"1","loan_amount":5,"terms":0.48}"#);
    let loan = loan(line(&row));
    let why = |path: &str| {
        let account = account(&loan).into_iter().find(|account| account.path == path);
        format!("{:?}", account.unwrap().finding.unwrap())
    };
    assert_eq!(why("term.remaining_count"), "Missing(Unparseable)");
    assert_eq!(why("term.unit"), "Missing(Unparseable)");
    assert_eq!(why("native_status"), "Missing(NotInProviderSchema)");
    assert_eq!(why("rate.period"), "Missing(AbsentInResponse)");
}
