//! What Belvo's snapshots become.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::wire::{DOCUMENTED, List};
use super::{history, map};
use crate::loan::{Arrangement, Loan, PaymentStatus, Status};
use crate::providers::golden::{
    any_record, currency, details, holds, known, loan, plain, presented, record, rows, whole,
};
use crate::providers::page::Count;
use crate::providers::{Mapped, Rows};
use crate::record::Want;

fn pesos(row: &RawValue) -> Mapped {
    map::loan(row, currency("MXN"), &plain())
}

fn listed() -> Vec<&'static RawValue> {
    let list: List<'_> = serde_json::from_str(include_str!("fixtures/list.json")).unwrap();
    list.items.unwrap().0
}

#[test]
fn the_list_of_the_page() {
    assert_snapshot!(whole(listed().into_iter().map(pesos)));
}

#[test]
fn the_meta_of_the_page_counts_snapshots() {
    let list: List<'_> = serde_json::from_str(include_str!("fixtures/list.json")).unwrap();
    let meta = list.meta.unwrap();
    let counts = [meta.total_items, meta.total_pages, meta.items_per_page];
    assert_eq!(counts.map(|count| Count::of(count).unwrap()), [4, 1, 20]);
}

#[test]
fn snapshots_of_one_loan_share_its_id_and_differ_in_their_instant() {
    let loans: Vec<Loan> = listed().into_iter().map(|row| loan(pesos(row))).collect();
    assert_eq!(loans[0].id, loans[2].id);
    assert!(loans[0].as_of < loans[2].as_of);
    assert_ne!(
        loans[0].provider_refs.get("snapshot_id"),
        loans[2].provider_refs.get("snapshot_id")
    );
}

#[test]
fn where_a_debt_stands() {
    assert_snapshot!(known(
        rows(include_str!("fixtures/standing.json"))
            .into_iter()
            .map(pesos)
    ));
}

#[test]
fn what_no_page_shows() {
    assert_snapshot!(known(
        rows(include_str!("fixtures/edges.json")).into_iter().map(pesos)
    ));
}

#[test]
fn salary_address_and_phone_are_held_back_unless_granted() {
    let row = listed()[0];
    let held_back = Want {
        raw: true,
        personal: false,
        ..Want::default()
    };
    let text = whole([presented(map::loan(row, currency("MXN"), &plain()), held_back)]);
    for value in ["18500", "Insurgentes", "+5255"] {
        assert!(!text.contains(value), "{value}");
    }
    assert_eq!(text.matches("[redacted]").count(), 3);
    let granted = Want {
        raw: true,
        personal: true,
        ..Want::default()
    };
    let loan = loan(presented(map::loan(row, currency("MXN"), &plain()), granted));
    assert_eq!(loan.raw.unwrap().0.get(), row.get());
    let personal = loan.personal.unwrap();
    let names: Vec<&str> = personal.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["customerSalary", "customerAddress", "mainPhoneNumber"]);
    assert_eq!(personal.get("customerSalary").unwrap().0.get(), r#""18500.00""#);
}

#[test]
fn every_pair_of_words() {
    use Arrangement::{InCollection, Restructured, Unknown as Unarranged};
    use PaymentStatus::{Defaulted, InArrears, NotApplicable, Overdue, Unknown};
    for (status, credit, becomes, native, payment, arrangement) in [
        (
            "active",
            "past_due",
            Status::Active,
            "active",
            Overdue,
            InCollection,
        ),
        (
            "active",
            "in_arrears",
            Status::Active,
            "active",
            InArrears,
            InCollection,
        ),
        (
            "active",
            "restructured",
            Status::Active,
            "active",
            Defaulted,
            Restructured,
        ),
        (
            "active",
            "canceled",
            Status::Cancelled,
            "canceled",
            NotApplicable,
            Unarranged,
        ),
        ("active", "", Status::Active, "active", Defaulted, InCollection),
        ("active", "other", Status::Active, "active", Unknown, InCollection),
        (
            "inactive",
            "past_due",
            Status::Unknown,
            "inactive",
            Overdue,
            Unarranged,
        ),
        (
            "inactive",
            "in_arrears",
            Status::Unknown,
            "inactive",
            InArrears,
            Unarranged,
        ),
        (
            "inactive",
            "restructured",
            Status::Unknown,
            "inactive",
            Unknown,
            Restructured,
        ),
        (
            "inactive",
            "canceled",
            Status::Cancelled,
            "canceled",
            NotApplicable,
            Unarranged,
        ),
        ("inactive", "", Status::Unknown, "inactive", Unknown, Unarranged),
        ("other", "past_due", Status::Unknown, "other", Overdue, Unarranged),
    ] {
        let row = record(&format!(
            r#"{{"merchantCustomerId":"M","loanId":"L","defaultDate":"2026-04-15","status":"{status}","creditStatus":"{credit}"}}"#
        ));
        let loan = loan(pesos(&row));
        assert_eq!(
            (loan.status, loan.payment_status, loan.arrangement),
            (becomes, payment, arrangement),
            "{status} {credit}"
        );
        assert_eq!(loan.native_status.as_deref(), Some(native));
    }
}

/// The snapshots of rows that are not rejected.
fn snapshots(mapped: impl IntoIterator<Item = Mapped>) -> String {
    let mut rows = Rows::collect([], |_| unreachable!());
    for (loan, _) in mapped.into_iter().flatten() {
        let (snapshot, drift) = history::snapshot(&loan);
        rows.rows.push(snapshot);
        rows.drift.extend(drift);
    }
    details(&rows)
}

#[test]
fn the_history_of_the_page() {
    assert_snapshot!(snapshots(listed().into_iter().map(pesos)));
}

#[test]
fn snapshots_of_what_no_page_shows() {
    let text = snapshots(rows(include_str!("fixtures/edges.json")).into_iter().map(pesos));
    assert_snapshot!(text);
}

#[test]
fn a_snapshot_holds_all_of_its_record_but_the_person() {
    for row in listed() {
        let (snapshot, _) = history::snapshot(&loan(pesos(row)));
        let text = serde_json::to_string(&snapshot).unwrap();
        for private in ["18500", "Insurgentes", "+5255"] {
            assert!(!text.contains(private), "{private}");
        }
        let kept = [
            "loanId",
            "customerId",
            "status",
            "creditStatus",
            "issueDate",
            "reference",
            "lastUpdatedDate",
        ];
        for key in kept
            .iter()
            .filter(|key| row.get().contains(&format!("\"{key}\"")))
        {
            assert!(snapshot.extensions.has(key), "{key}");
        }
    }
}

proptest! {
    #[test]
    fn anything_is_a_loan_or_rejected(row in any_record(DOCUMENTED), named in any::<bool>()) {
        // Without ids nothing else is looked at.
        let row = if named { row.replacen('{', r#"{"merchantCustomerId":"M","loanId":"L","#, 1).replace(",}", "}") } else { row };
        let mapped = pesos(&record(&row));
        holds(&mapped)?;
        if let Ok((loan, _)) = mapped {
            let (snapshot, _) = history::snapshot(&loan);
            prop_assert!(snapshot.extensions.has("merchantCustomerId"));
        }
    }
}
