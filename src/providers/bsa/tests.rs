//! What BSA's loans become.

use insta::assert_snapshot;
use proptest::prelude::*;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::details::{instalments, transactions};
use super::map;
use super::wire::{DOCUMENTED, DOCUMENTED_INSTALMENT, DOCUMENTED_REPAYMENT, List};
use crate::loan::{FlagCode, InstalmentStatus, Loan, PaymentStatus, Phase, Status};
use crate::providers::golden::{
    any_record, any_value, details, holds, known, loan, plain, presented, record, rows, whole,
};
use crate::providers::page::Count;
use crate::record::{Want, account};

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

/// The loan of a record, as of an instant.
fn as_of(text: &str, at: &str) -> Loan {
    let row: &RawValue = serde_json::from_str(text).unwrap();
    let mut mapping = plain();
    mapping.fetched_at = DateTime::parse_from_rfc3339(at).unwrap().with_timezone(&Utc);
    loan(map::loan(row, &mapping))
}

#[test]
fn the_plan_of_the_page() {
    let list: List<'_> = serde_json::from_str(include_str!("fixtures/list.json")).unwrap();
    let loan = as_of(list.items.unwrap().0[0].get(), "2026-05-28T09:00:00Z");
    assert_snapshot!(details(&instalments(&loan).unwrap()));
}

#[test]
fn where_instalments_stand() {
    let loan = as_of(include_str!("fixtures/schedule.json"), "2026-05-28T20:59:59Z");
    assert_snapshot!(details(&instalments(&loan).unwrap()));
}

#[test]
fn a_day_begins_three_hours_before_it_does_in_greenwich() {
    let status = |at| {
        let loan = as_of(include_str!("fixtures/schedule.json"), at);
        instalments(&loan).unwrap().rows[2].status
    };
    assert_eq!(status("2026-05-27T20:59:59Z"), InstalmentStatus::Upcoming);
    assert_eq!(status("2026-05-27T21:00:00Z"), InstalmentStatus::Due);
    assert_eq!(status("2026-05-28T21:00:00Z"), InstalmentStatus::Overdue);
}

#[test]
fn the_history_of_repayments() {
    let loan = as_of(include_str!("fixtures/history.json"), "2026-05-28T09:00:00Z");
    assert!(!serde_json::to_string(&loan).unwrap().contains("7821"));
    assert_snapshot!(details(&transactions(&loan).unwrap()));
}

#[test]
fn what_was_written_off_was_not_paid() {
    let read = |status: &str| {
        let text = format!(
            r#"{{"id":"1","currencyCode":"TZS","status":"{status}","totalOutstanding":0,"repaymentSchedule":[{{"totalDue":5,"totalOutstanding":0}}]}}"#
        );
        let loan = as_of(&text, "2026-05-28T09:00:00Z");
        instalments(&loan).unwrap().rows[0]
            .total_paid
            .map(|paid| paid.to_string())
    };
    assert_eq!(read("Closed (obligations met)").as_deref(), Some("5.00"));
    assert_eq!(read("Closed (written off)"), None);
}

#[test]
fn nothing_is_late_on_a_loan_that_has_ended() {
    use InstalmentStatus::{Overdue, Paid, Unknown};
    let read = |status: &str| {
        let text = format!(
            r#"{{"id":"1","currencyCode":"TZS","status":"{status}","repaymentSchedule":[{{"dueDate":"2026-05-01","complete":false}},{{"dueDate":"2026-05-01","totalOutstanding":5}},{{"dueDate":"2026-05-01","complete":true}}]}}"#
        );
        let loan = as_of(&text, "2026-05-28T09:00:00Z");
        let matures = account(&loan)
            .into_iter()
            .find(|account| account.path == "dates.matures_on");
        assert_eq!(matures.unwrap().source, "repaymentSchedule[].dueDate");
        let plan = instalments(&loan).unwrap();
        plan.rows.iter().map(|row| row.status).collect::<Vec<_>>()
    };
    assert_eq!(read("Active"), [Overdue, Overdue, Paid]);
    for ended in ["Closed (written off)", "Closed (obligations met)", "Rejected"] {
        assert_eq!(read(ended), [Unknown, Unknown, Paid], "{ended}");
    }
}

#[test]
fn a_plan_leaves_what_is_owed_or_is_flagged() {
    let flagged = |owed: &str, left: &str| {
        let text = format!(
            r#"{{"id":"1","currencyCode":"TZS","totalOutstanding":{owed},"repaymentSchedule":[{{"totalOutstanding":60}},{{"totalOutstanding":{left}}}]}}"#
        );
        let loan = as_of(&text, "2026-05-28T09:00:00Z");
        loan.flags
            .iter()
            .any(|flag| flag.code == FlagCode::ScheduleMismatch)
    };
    assert!(!flagged("100.5", "40.50"));
    assert!(!flagged("100", "\"40\""));
    assert!(flagged("100", "41"));
    for unknown in ["null", "\"many\"", "[]"] {
        assert!(!flagged("100", unknown) && !flagged("null", "1"), "{unknown}");
    }
}

#[test]
fn a_host_without_a_list_is_no_host_with_an_empty_one() {
    let read = |more: &str| {
        let text = format!(r#"{{"id":"1","currencyCode":"TZS"{more}}}"#);
        let loan = as_of(&text, "2026-05-28T09:00:00Z");
        (
            instalments(&loan).map(|rows| details(&rows)),
            transactions(&loan).map(|rows| details(&rows)),
        )
    };
    assert_eq!(read(""), (None, None));
    let nothing = Some(String::new());
    for list in ["null", "[]"] {
        let both = format!(r#","repaymentSchedule":{list},"repaymentHistory":{list}"#);
        assert_eq!(read(&both), (nothing.clone(), nothing.clone()), "{list}");
    }
    for unreadable in [
        r#","repaymentSchedule":{},"repaymentHistory":7"#,
        r#","repaymentSchedule":[],"repaymentSchedule":[],"repaymentHistory":[]"#,
    ] {
        let (schedule, history) = read(unreadable);
        for said in [schedule, history].map(Option::unwrap) {
            assert!(said.starts_with("incomplete: upstream_bad_payload"), "{said}");
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

    #[test]
    fn any_row_of_a_list_is_read_or_rejected(
        instalment in any_record(DOCUMENTED_INSTALMENT),
        repayment in any_record(DOCUMENTED_REPAYMENT),
        other in any_value(),
    ) {
        let text = format!(
            r#"{{"id":"1","currencyCode":"TZS","repaymentSchedule":[{instalment},{other}],"repaymentHistory":[{repayment},{other}]}}"#
        );
        let loan = loan(map::loan(&record(&text), &plain()));
        let (plan, history) = (instalments(&loan).unwrap(), transactions(&loan).unwrap());
        prop_assert_eq!(plan.rows.len().checked_add(plan.rejected.len()), Some(2));
        prop_assert_eq!(history.rows.len().checked_add(history.rejected.len()), Some(2));
        for row in [details(&plan), details(&history)].iter().flat_map(|text| text.lines()) {
            let ours = row.split(",\"flags\"").next().unwrap();
            for key in ["amount", "principal", "interest", "due", "paid", "outstanding"] {
                prop_assert!(!ours.contains(&format!("{key}\":\"-")), "{}", row);
            }
        }
    }
}

#[test]
fn a_name_that_comes_twice_is_not_shown_once() {
    let row = record(
        r#"{"id": "1", "status": "Active", "currencyCode": "TZS", "customerName": "Ada", "customerName": "Grace"}"#,
    );
    let want = Want {
        raw: true,
        ..Want::default()
    };
    let loan = loan(presented(map::loan(&row, &plain()), want));
    assert_eq!(loan.raw.unwrap().0.get(), r#""[redacted]""#);
}
