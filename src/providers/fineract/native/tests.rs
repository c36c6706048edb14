//! What loans of Apache Fineract become.

use std::fmt::Write as _;

use insta::assert_snapshot;
use proptest::prelude::*;
use serde::Serialize;
use serde_json::value::RawValue;

use super::fields::{DELINQUENT, LOAN, PERIOD, STATUS, SUMMARY, TIMELINE, TRANSACTION};
use super::wire::List;
use super::{is_id, map, refusal, schedule, transactions};
use crate::loan::{Field, Finding, InstalmentStatus, Missing, Status};
use crate::providers::golden::{
    any_record, any_value, holds, known, loan, plain, presented, record, rows, whole,
};
use crate::providers::{Mapped, Rows, Standing};
use crate::record::Want;
use crate::upstream::Kind;

fn mapped(text: &str) -> Mapped {
    map::loan(&record(text), &plain())
}

fn shown<T: Serialize>(rows: Rows<T>) -> String {
    let mut text = serde_json::to_string_pretty(&rows.rows).unwrap();
    for rejected in rows.rejected {
        write!(text, "\nrejected: {rejected}").unwrap();
    }
    for drift in rows.drift {
        write!(text, "\ndrift: {} {}", drift.kind.as_str(), drift.field).unwrap();
    }
    text
}

const DETAIL: &str = include_str!("fixtures/detail.json");

#[test]
fn one_loan() {
    assert_snapshot!(whole([mapped(DETAIL)]));
}

#[test]
fn its_ledger() {
    let text = record(DETAIL);
    let loan = loan(map::loan(&text, &plain()));
    let held = transactions(&loan, loan.received.main().unwrap().text()).unwrap();
    assert_snapshot!(shown(held));
}

#[test]
fn its_instalments() {
    let text = record(DETAIL);
    let loan = loan(map::loan(&text, &plain()));
    let held = schedule(&loan, text.get()).unwrap();
    let standings: Vec<InstalmentStatus> = held.rows.iter().map(|row| row.status).collect();
    // Read on 28 May 2026, when the second one falls due.
    assert_eq!(
        standings,
        [
            InstalmentStatus::Paid,
            InstalmentStatus::Due,
            InstalmentStatus::Upcoming
        ]
    );
    assert_snapshot!(shown(held));
}

#[test]
fn every_status() {
    let list: List<'_> = serde_json::from_str(include_str!("fixtures/statuses.json")).unwrap();
    let rows = list.page_items.unwrap().0;
    let brief = rows.into_iter().map(|row| {
        map::loan(row, &plain()).map(|(mut loan, drift)| {
            loan.extensions = crate::loan::Extensions::default();
            (loan, drift)
        })
    });
    assert_snapshot!(known(brief));
}

#[test]
fn what_can_be_wrong() {
    assert_snapshot!(known(
        rows(include_str!("fixtures/edges.json"))
            .into_iter()
            .map(|row| map::loan(row, &plain()))
    ));
}

/// Names of clients and staff, and numbers of bank accounts, deep in the record.
#[test]
fn nothing_about_a_person_is_shown_unless_granted() {
    let people = [
        "Lovelace",
        "Hopper",
        "ghopper",
        "Grace",
        "Johnson",
        "Katherine",
        "0123456789",
        "R-77",
    ];
    let held_back = Want {
        raw: true,
        ..Want::default()
    };
    let text = whole([presented(mapped(DETAIL), held_back)]);
    for word in people {
        assert!(!text.contains(word), "{word}");
    }
    let loan = loan(mapped(DETAIL));
    let ledger = shown(transactions(&loan, loan.received.main().unwrap().text()).unwrap());
    assert!(!ledger.contains("0123456789") && !ledger.contains("R-77"));

    let granted = Want {
        raw: true,
        personal: true,
        ..Want::default()
    };
    let (shown, _) = presented(mapped(DETAIL), granted).unwrap();
    let raw = shown.raw.unwrap();
    assert_eq!(raw.0.get(), record(DETAIL).get());
    let personal = serde_json::to_string(&shown.personal.unwrap()).unwrap();
    for word in people {
        assert!(personal.contains(word), "{word}");
    }
    assert!(personal.contains(r#""transactions[2].paymentDetailData":"#));
}

#[test]
fn a_ledger_in_which_one_row_is_bad_keeps_the_others() {
    let detail = mapped(
        r#"{"id":1,"status":{"id":300},"currency":{"code":"NGN"},"transactions":[
            {"id":1,"type":{"id":1},"currency":{"code":"NGN"},"amount":1e400},
            {"id":2,"type":{"id":2},"currency":{"code":"NGN"},"amount":5},
            {"id":3,"type":{"id":2},"currency":{"code":"KES"},"amount":5},
            7]}"#,
    );
    let loan = loan(detail);
    let held = transactions(&loan, loan.received.main().unwrap().text()).unwrap();
    assert_eq!((held.rows.len(), held.rejected.len()), (1, 3));
    assert_eq!(held.rows[0].id.as_deref(), Some("2"));
}

#[test]
fn instalments_of_a_loan_that_is_not_open_are_never_late() {
    let text = |status: u32| {
        format!(
            r#"{{"id":1,"status":{{"id":{status}}},"currency":{{"code":"NGN"}},"repaymentSchedule":{{"periods":[
                {{"period":1,"dueDate":[2026,1,1]}},{{"period":2,"dueDate":[2026,5,28]}},{{"period":3,"dueDate":[2027,1,1]}},
                {{"period":4,"dueDate":[2026,1,1],"obligationsMetOnDate":[2026,1,1]}},{{"period":5}}]}}}}"#
        )
    };
    let standings = |status| {
        let text = text(status);
        let held = schedule(&loan(mapped(&text)), &text).unwrap();
        let words: Vec<&str> = held.rows.iter().map(|row| row.status.as_str()).collect();
        words.join(" ")
    };
    assert_eq!(standings(300), "overdue due upcoming paid unknown");
    assert_eq!(standings(200), "unknown unknown upcoming paid unknown");
    assert_eq!(standings(601), "unknown unknown upcoming paid unknown");
}

#[test]
fn a_loan_of_a_list_holds_neither() {
    let list: List<'_> = serde_json::from_str(include_str!("fixtures/statuses.json")).unwrap();
    let row: &RawValue = list.page_items.unwrap().0[2];
    let loan = loan(map::loan(row, &plain()));
    assert_eq!(loan.status, Status::Active);
    assert!(transactions(&loan, row.get()).is_none() && schedule(&loan, row.get()).is_none());
}

#[test]
fn refusals() {
    let api = |code: &str| {
        format!(
            r#"{{"developerMessage":"x","httpStatusCode":"403","userMessageGlobalisationCode":"{code}"}}"#
        )
    };
    let of = |status, body: &str| refusal(status, body.as_bytes());
    assert_eq!(
        of(403, &api("validation.msg.domain.rule.violation")),
        Some(Kind::Rejected)
    );
    assert_eq!(of(403, &api("error.msg.not.authorized")), None);
    assert_eq!(of(403, ""), None);
    assert_eq!(of(400, &api("validation.msg.validation.errors.exist")), None);
    assert_eq!(of(400, "<html>HTTP Status 400</html>"), Some(Kind::Unauthorized));
    assert_eq!(of(404, &api("error.msg.resource.not.found")), None);
    assert_eq!(of(500, r#"{"Exception":"x"}"#), None);
}

#[test]
fn ids_are_numbers() {
    for id in ["1", "9223372036854775807"] {
        assert!(is_id(id), "{id}");
    }
    for id in [
        "",
        "0",
        "-1",
        "+1",
        "01",
        "1.0",
        "template",
        "9223372036854775808",
        "1/2",
    ] {
        assert!(!is_id(id), "{id}");
    }
}

proptest! {
    #[test]
    fn any_record_is_a_loan_or_rejected(row in any_record(LOAN)) {
        holds(&mapped(&row))?;
    }

    #[test]
    fn any_object_within_a_loan_is_read(
        status in any_record(STATUS),
        timeline in any_record(TIMELINE),
        summary in any_record(SUMMARY),
        delinquent in any_record(DELINQUENT),
        period in any_record(PERIOD),
        row in any_record(TRANSACTION),
        frequency in any_value(),
    ) {
        let text = format!(
            r#"{{"id":1,"currency":{{"code":"NGN"}},"status":{status},"timeline":{timeline},"summary":{summary},
                "delinquent":{delinquent},"interestRateFrequencyType":{{"id":{frequency}}},"interestRatePerPeriod":2,
                "repaymentSchedule":{{"periods":[{period}]}},"transactions":[{row}]}}"#
        );
        let mapped = mapped(&text);
        holds(&mapped)?;
        if let Ok((loan, _)) = mapped {
            prop_assert!(transactions(&loan, &text).is_some());
            prop_assert!(schedule(&loan, &text).is_some());
        }
    }
}

#[test]
fn what_cannot_be_read_says_so() {
    let of = |rest: &str| {
        mapped(&format!(
            r#"{{"id":1,"status":{{"id":300}},"currency":{{"code":"NGN"}},{rest}}}"#
        ))
        .unwrap()
    };
    let why = |loan: &crate::loan::Loan, field| loan.received.noted(field, false).unwrap().1.finding;
    let unparseable = Finding::Missing(Missing::Unparseable);
    let (loan, _) = of(r#""summary":"gone","timeline":7"#);
    assert_eq!(why(&loan, Field::PastDue), unparseable);
    assert_eq!(why(&loan, Field::ClosedOn), unparseable);
    let (loan, drift) = of(r#""termPeriodFrequencyType":{"id":9},"transactions":{}"#);
    assert_eq!(why(&loan, Field::TermUnit), unparseable);
    let fields: Vec<&str> = drift.iter().map(|drift| &*drift.field).collect();
    assert_eq!(fields, ["termPeriodFrequencyType.id", "transactions"]);
    let held = transactions(&loan, r#"{"transactions":{}}"#).unwrap();
    assert!(held.rows.is_empty() && held.standing != Standing::Complete);
    let (loan, _) = of(r#""repaymentSchedule":{"periods":[{"period":1,"obligationsMetOnDate":[2026,1,1]}]}"#);
    assert_eq!(loan.term.instalments_paid, Some(1));
    let (loan, _) = of(r#""repaymentSchedule":{"periods":[{"period":1,"complete":"x"}]}"#);
    assert_eq!(loan.term.instalments_paid, None);
    assert_eq!(why(&loan, Field::TermInstalmentsPaid), unparseable);
}
