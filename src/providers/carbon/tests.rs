//! What Carbon's applications become.

use insta::assert_snapshot;
use proptest::prelude::*;

use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::map::{self, Application};
use super::schedule;
use super::wire::{ACTIVE_LOAN, DOCUMENTED, INSTALMENT, List, OFFER, One, Schedule};
use crate::loan::{Instalment, InstalmentStatus, Loan, PaymentStatus, RecordType, Status};
use crate::providers::detail::day;
use crate::providers::golden::{
    any_record, currency, details, holds, known, loan, plain, presented, record, rows, whole,
};
use crate::providers::page::Count;
use crate::providers::{Mapped, Rows};
use crate::record::{Unit, Want, account};

fn naira(row: &RawValue) -> Mapped {
    map::loan(row, currency("NGN"), Unit::Minor, &plain())
}

fn listed(text: &str) -> Vec<&RawValue> {
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
        assert!(loan.extensions.has("status"));
    }
}

/// The record that one answer holds.
fn one(text: &str) -> &RawValue {
    serde_json::from_str::<One<'_>>(text).unwrap().data.unwrap()
}

/// Applications with what stands beside them.
#[derive(Deserialize)]
struct Joined<'a> {
    #[serde(borrow)]
    application: &'a RawValue,
    #[serde(borrow)]
    offer: Option<&'a RawValue>,
    #[serde(borrow)]
    active: Option<&'a RawValue>,
}

/// The loan of the detail call, seen an hour after the application was, and what could not be joined.
fn joined(records: &Joined<'_>) -> (Mapped, Vec<String>) {
    let at = plain();
    let mut failed = Vec::new();
    let mut application = match Application::read(records.application, currency("NGN"), Unit::Minor, &at) {
        Ok(application) => application,
        Err(rejected) => return (Err(rejected), failed),
    };
    if let Some(offer) = records.offer {
        failed.extend(application.join_offer(offer).err().map(|bad| bad.to_string()));
    }
    if let Some(active) = records.active {
        let later = at.fetched_at.checked_add_signed(Duration::hours(1)).unwrap();
        failed.extend(
            application
                .join_active(active, later)
                .err()
                .map(|bad| bad.to_string()),
        );
    }
    (Ok(application.finish()), failed)
}

#[test]
fn the_samples_of_the_pages_joined() {
    let disbursed = r#"{"application_id":"a","customer_id":"c","amount":2000000,"repayment_period":3,"status":"DISBURSED","loan_status":"ACTIVE","loan_id":"LOAN_ABC123","updated_at":"2025-01-15T10:30:00.000Z"}"#;
    let disbursed = record(disbursed);
    let offers = [
        include_str!("fixtures/offer_example.json"),
        include_str!("fixtures/offer_prose.json"),
    ];
    let loans = offers.map(|offer| {
        let (loan, failed) = joined(&Joined {
            application: &disbursed,
            offer: Some(one(offer)),
            active: Some(one(include_str!("fixtures/active_loan.json"))),
        });
        assert!(failed.is_empty());
        let names: Vec<&str> = loan
            .as_ref()
            .unwrap()
            .0
            .received
            .records()
            .iter()
            .map(crate::loan::Record::name)
            .collect();
        assert_eq!(names, ["", "offer", "active_loan"]);
        loan
    });
    assert_snapshot!(whole(loans));
}

#[test]
fn what_may_stand_beside_an_application() {
    let cases: Vec<Joined<'_>> = serde_json::from_str(include_str!("fixtures/joined.json")).unwrap();
    let text = cases.iter().map(|case| {
        let (loan, failed) = joined(case);
        format!("{}not joined: {failed:?}\n", known([loan]))
    });
    assert_snapshot!(text.collect::<String>());
}

/// The reason or the origin of a field, and what was looked at.
fn why(loan: &Loan, path: &str) -> String {
    let account = account(loan).into_iter().find(|account| account.path == path);
    let account = account.unwrap();
    format!("{:?} {}", account.finding.unwrap(), account.source)
}

#[test]
fn what_was_looked_at_is_named() {
    let row = record(r#"{"application_id":"a","status":"DISBURSED","loan_status":"NEW"}"#);
    let (unknown, _) = naira(&row).unwrap();
    assert_eq!(why(&unknown, "payment_status"), "Is(Assumed) loan_status");
    assert_eq!(
        why(&unknown, "delinquency.overdue"),
        "Missing(Unparseable) loan_status"
    );
    let cases: Vec<Joined<'_>> = serde_json::from_str(include_str!("fixtures/joined.json")).unwrap();
    let of = |id: &str| {
        let case = cases
            .iter()
            .find(|case| case.application.get().contains(&format!("\"{id}\"")));
        joined(case.unwrap()).0.unwrap().0
    };
    let offer = of("an-unreadable-offer");
    assert_eq!(
        why(&offer, "amounts.approved"),
        "Missing(Unparseable) offer.offered_amount"
    );
    assert_eq!(why(&offer, "rate.percent"), "Is(Reported) offer.interest_rate");
    let active = of("an-unreadable-loan");
    assert_eq!(
        why(&active, "next_payment.amount"),
        "Missing(Unparseable) active_loan.nextRepaymentAmount"
    );
    assert_eq!(
        why(&active, "rate.percent"),
        "Missing(Unparseable) offer.interest_rate"
    );
    assert_eq!(why(&active, "rate.period"), why(&active, "rate.percent"));
    assert_eq!(
        active.received.record("offer").unwrap().text(),
        r#"["not an object"]"#
    );
    let known = of("a-new-word");
    assert_eq!(why(&known, "status"), "Is(Reported) loan_status");
    assert_eq!(known.native_status.as_deref(), Some("ACTIVE"));
    assert_eq!(why(&known, "native_kind"), "Missing(NotInProviderSchema) ");
}

fn plan(rows: Vec<&RawValue>, at: &str) -> Rows<Instalment> {
    let at = DateTime::parse_from_rfc3339(at).unwrap().with_timezone(&Utc);
    let today = day(at, schedule::AHEAD);
    Rows::collect(rows, |row| {
        schedule::instalment(row, currency("NGN"), Unit::Minor, today)
    })
}

#[test]
fn the_plan_of_the_page() {
    let data: Schedule<'_> =
        serde_json::from_str(one(include_str!("fixtures/repayments.json")).get()).unwrap();
    assert_snapshot!(details(&plan(data.schedule.unwrap().0, "2025-03-01T00:00:00Z")));
}

#[test]
fn where_instalments_stand() {
    let text = include_str!("fixtures/plan.json");
    assert_snapshot!(details(&plan(rows(text), "2026-05-28T12:00:00Z")));
    let status = |at| plan(rows(text), at).rows[2].status;
    assert_eq!(status("2026-05-27T22:59:59Z"), InstalmentStatus::Upcoming);
    assert_eq!(status("2026-05-27T23:00:00Z"), InstalmentStatus::Due);
    assert_eq!(status("2026-05-28T23:00:00Z"), InstalmentStatus::Overdue);
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

    #[test]
    fn anything_may_stand_beside_anything(
        application in any_record(DOCUMENTED),
        offer in any_record(OFFER),
        active in any_record(ACTIVE_LOAN),
        instalment in any_record(INSTALMENT),
    ) {
        let application = record(&application.replacen('{', r#"{"application_id":"1","#, 1).replace(",}", "}"));
        let (offer, active) = (record(&offer), record(&active));
        let alone = joined(&Joined { application: &application, offer: None, active: None });
        let (all, _) = joined(&Joined { application: &application, offer: Some(&offer), active: Some(&active) });
        prop_assert_eq!(alone.0.is_ok(), all.is_ok());
        holds(&all)?;
        let instalment = record(&instalment);
        let plan = plan(vec![&instalment], "2026-05-28T12:00:00Z");
        prop_assert_eq!(plan.rows.len().checked_add(plan.rejected.len()), Some(1));
    }
}
