//! What BSA's loans become.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::map;
use super::wire::{DOCUMENTED, List};
use crate::loan::{PaymentStatus, Phase, Status};
use crate::providers::golden::{any_record, holds, known, loan, plain, presented, record, rows, whole};
use crate::providers::page::Count;
use crate::record::Want;

#[test]
fn the_response_of_the_page() {
    let list: List<'_> = serde_json::from_str(include_str!("fixtures/list.json")).unwrap();
    assert_eq!(
        (
            Count::of(list.total).unwrap(),
            Count::of(list.rows_per_page).unwrap()
        ),
        (7, 25)
    );
    let rows = list.items.unwrap().0;
    assert_snapshot!(whole(rows.into_iter().map(|row| map::loan(row, &plain()))));
}

#[test]
fn what_is_owed() {
    let rows = rows(include_str!("fixtures/balances.json"));
    assert_snapshot!(known(rows.into_iter().map(|row| map::loan(row, &plain()))));
}

#[test]
fn what_no_page_shows() {
    let rows = rows(include_str!("fixtures/edges.json"));
    assert_snapshot!(known(rows.into_iter().map(|row| map::loan(row, &plain()))));
}

#[test]
fn the_customer_s_name_is_held_back_unless_granted() {
    let list: List<'_> = serde_json::from_str(include_str!("fixtures/list.json")).unwrap();
    let rows = list.items.unwrap().0;
    let held_back = Want {
        raw: true,
        personal: false,
        ..Want::default()
    };
    let text = whole([presented(map::loan(rows[0], &plain()), held_back)]);
    assert!(!text.contains("Lovelace") && text.contains(r#""customerName": "[redacted]""#));
    let granted = Want {
        raw: true,
        personal: true,
        ..Want::default()
    };
    let loan = loan(presented(map::loan(rows[0], &plain()), granted));
    assert_eq!(loan.raw.unwrap().0.get(), rows[0].get());
    assert_eq!(
        loan.personal.unwrap().get("customerName").unwrap().0.get(),
        r#""Ada Lovelace""#
    );
}

#[test]
fn every_label() {
    use PaymentStatus::{Current, NotApplicable, Overdue, Unknown};
    for (label, status, phase, when_not_overdue, when_overdue) in [
        (
            "Submitted and pending approval",
            Status::Pending,
            Phase::Origination,
            NotApplicable,
            NotApplicable,
        ),
        (
            "Approved",
            Status::Approved,
            Phase::Origination,
            NotApplicable,
            NotApplicable,
        ),
        ("Active", Status::Active, Phase::Servicing, Current, Overdue),
        ("Overpaid", Status::Overpaid, Phase::Servicing, Current, Overdue),
        (
            "Withdrawn by applicant",
            Status::Withdrawn,
            Phase::Ended,
            NotApplicable,
            NotApplicable,
        ),
        (
            "Rejected",
            Status::Declined,
            Phase::Ended,
            NotApplicable,
            NotApplicable,
        ),
        (
            "Closed (obligations met)",
            Status::Closed,
            Phase::Ended,
            NotApplicable,
            NotApplicable,
        ),
        (
            "Closed (written off)",
            Status::WrittenOff,
            Phase::Ended,
            NotApplicable,
            NotApplicable,
        ),
        (
            "Closed (rescheduled)",
            Status::Unknown,
            Phase::Unknown,
            Unknown,
            Unknown,
        ),
    ] {
        for (overdue, payment) in [("false", when_not_overdue), ("true", when_overdue)] {
            let row = record(&format!(
                r#"{{"id":"1","currencyCode":"TZS","status":"{label}","overdue":{overdue}}}"#
            ));
            let loan = loan(map::loan(&row, &plain()));
            assert_eq!(
                (loan.status, loan.phase, loan.payment_status),
                (status, phase, payment),
                "{label}"
            );
            assert_eq!(loan.native_status.as_deref(), Some(label));
        }
    }
}

proptest! {
    #[test]
    fn anything_is_a_loan_or_rejected(row in any_record(DOCUMENTED), named in any::<bool>()) {
        // Without an id and a currency nothing else is looked at.
        let row = if named { row.replacen('{', r#"{"id":"1","currencyCode":"TZS","#, 1).replace(",}", "}") } else { row };
        holds(&map::loan(&record(&row), &plain()))?;
    }
}
