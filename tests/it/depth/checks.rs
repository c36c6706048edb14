//! Records that do not agree with themselves are shown as they are, and flagged; what is new in them is counted.

use loangate::sim::{Provider, World};
use serde_json::{Value, json};

use crate::support::{Running, Setup};

async fn over(provider: Provider, row: &str) -> Running {
    let world = World::documents();
    world.set_records(provider, vec![row.to_owned()]);
    Setup::only(provider, &world).start().await
}

fn flagged(loan: &Value, code: &str, field: &str) -> bool {
    let flags = loan["flags"].as_array().unwrap();
    flags.contains(&json!({"code": code, "field": field}))
}

#[tokio::test]
async fn a_snapshot_whose_parts_dates_and_rate_cannot_be() {
    let row = r#"{"id": "s1", "loanId": "l1", "customerId": "c1", "merchantCustomerId": "M1", "status": "active",
        "principalAmount": "100.00", "interestAmount": "10.00", "feesAmount": "1.00", "latePaymentInterestAmount": "0",
        "totalBalance": "112.00", "yearlyOrdinalInterestRate": "-3", "issueDate": "2026-04-20",
        "defaultDate": "2026-04-15", "lastPaymentDate": "2026-04-01", "targetCollectionDate": "2026-05-01"}"#;
    let gateway = over(Provider::Belvo, row).await;
    for path in ["/loans", "/loans/belvo:M1~l1"] {
        let answer = gateway.get(path).await;
        answer.assert_complete();
        let data = answer.json()["data"].clone();
        let loan = if path == "/loans" { data[0].clone() } else { data };
        for (code, field) in [
            ("components_mismatch", "amounts.total_outstanding"),
            ("implausible_rate", "rate.percent"),
            ("dates_out_of_order", "dates.defaulted_on"),
            ("dates_out_of_order", "last_payment.paid_on"),
        ] {
            assert!(flagged(&loan, code, field), "{code} {field}: {loan}");
        }
        assert_eq!(loan["amounts"]["total_outstanding"], "112.00");
        assert_eq!(loan["rate"]["percent"], "-3");
        assert_eq!(loan["dates"]["defaulted_on"], "2026-04-15");
    }
}

#[tokio::test]
async fn a_plan_that_does_not_leave_what_is_owed() {
    let row = r#"{"id": "1", "customerId": "42", "status": "Active", "currencyCode": "TZS", "totalOutstanding": 90,
        "principalOutstanding": 90, "repaymentSchedule": [
        {"period": 1, "dueDate": "2026-06-04", "complete": false, "totalDue": 100, "totalOutstanding": 100}]}"#;
    let gateway = over(Provider::Bsa, row).await;
    for path in ["/loans/bsa:1", "/loans/bsa:1?include=schedule"] {
        let loan = gateway.get(path).await.json()["data"].clone();
        assert!(
            flagged(&loan, "schedule_mismatch", "amounts.total_outstanding"),
            "{loan}"
        );
        assert_eq!(loan["amounts"]["total_outstanding"], "90.00");
    }
    let rows = gateway.get("/loans/bsa:1/schedule").await.json();
    assert_eq!(rows["data"][0]["total_outstanding"], "100.00");
}

#[tokio::test]
async fn what_is_new_is_counted_by_name_and_never_by_value() {
    let row = r#"{"id": "1", "customerId": "42", "status": "Sleeping", "currencyCode": "TZS", "overdue": "perhaps",
        "shoeSize": "forty-two"}"#;
    let gateway = over(Provider::Bsa, row).await;
    gateway.get("/loans").await.assert_complete();
    let connection = gateway.get("/connections/bsa").await;
    let drift = connection.json()["data"]["drift"].clone();
    let expected = json!([
        {"kind": "unknown_field", "field": "shoeSize", "count": 1},
        {"kind": "unknown_value", "field": "status", "count": 1},
        {"kind": "changed_type", "field": "overdue", "count": 1},
    ]);
    assert_eq!(drift, expected);
    let metrics = gateway.get("/metrics").await.text;
    for kind in ["unknown_field", "unknown_value", "changed_type"] {
        let line = format!("loangate_contract_drift_total{{connection=\"bsa\",kind=\"{kind}\"}} 1");
        assert!(metrics.contains(&line), "{metrics}");
    }
    for value in ["forty-two", "Sleeping", "perhaps"] {
        assert!(
            !metrics.contains(value) && !connection.text.contains(value),
            "{value}"
        );
    }
}
