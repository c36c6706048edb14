//! Transactions, schedules and snapshots: pages, filters, refusals.

use loangate::sim::{Provider, World};
use serde_json::Value;

use super::{capabilities, documents, segment};
use crate::support::Setup;

/// Keys that the contract gives each row.
const TRANSACTION: &[&str] = &[
    "id",
    "loan_id",
    "type",
    "native_type",
    "direction",
    "posted_on",
    "recorded_on",
    "amount",
    "currency",
    "breakdown",
    "balance_after",
    "monetary",
    "reversed",
    "flags",
    "extensions",
];
const INSTALMENT: &[&str] = &[
    "number",
    "from",
    "due_on",
    "complete",
    "principal_due",
    "interest_due",
    "fees_due",
    "total_due",
    "total_paid",
    "total_outstanding",
    "status",
    "flags",
];
const SNAPSHOT: &[&str] = &[
    "snapshot_id",
    "as_of",
    "status",
    "payment_status",
    "amounts",
    "days_past_due",
    "collection_on",
    "extensions",
];

#[tokio::test]
async fn a_connection_shows_the_rows_it_says_it_has_and_no_others() {
    let gateway = documents().await;
    let kinds = [
        ("transactions", TRANSACTION),
        ("schedule", INSTALMENT),
        ("snapshots", SNAPSHOT),
    ];
    let mut seen = Vec::new();
    for loan in gateway.get("/loans?limit=200").await.loans() {
        let connection = loan["connection"].as_str().unwrap();
        let can = capabilities(&gateway, connection).await;
        for (kind, keys) in kinds {
            let path = format!("/loans/{}/{kind}", segment(loan["id"].as_str().unwrap()));
            let answer = gateway.get(&path).await;
            if !can.iter().any(|word| word == kind) {
                answer.assert_problem(404, "capability_not_supported");
                assert!(answer.text.contains(&can.join(", ")), "{}", answer.text);
                continue;
            }
            if answer.status == 404 {
                // This host does not send it.
                answer.assert_problem(404, "capability_not_supported");
                continue;
            }
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            for row in answer.json()["data"].as_array().unwrap() {
                for key in keys {
                    assert!(row.get(key).is_some(), "{path}: no {key} in {row}");
                }
                seen.push(kind);
            }
        }
    }
    for (kind, _) in kinds {
        assert!(seen.contains(&kind), "no {kind} at all");
    }
}

#[tokio::test]
async fn pages_of_a_ledger_make_up_the_whole() {
    let gateway = Setup::only(Provider::Fineract, &World::documents()).start().await;
    let whole = gateway.get("/loans/fineract:123/transactions?limit=200").await;
    let whole_json = whole.json();
    let rows = whole_json["data"].as_array().unwrap();
    assert!(rows.len() > 3 && whole_json["page"]["next_cursor"].is_null());
    assert_eq!(whole_json["page"]["total"], rows.len());
    let mut paged: Vec<Value> = Vec::new();
    let mut path = "/loans/fineract:123/transactions?limit=2".to_owned();
    loop {
        let page = gateway.get(&path).await.json();
        paged.extend(page["data"].as_array().unwrap().clone());
        match page["page"]["next_cursor"].as_str() {
            Some(cursor) => path = format!("/loans/fineract:123/transactions?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(&paged, rows);
    let days: Vec<&str> = rows.iter().filter_map(|row| row["posted_on"].as_str()).collect();
    assert!(days.is_sorted(), "{days:?}");
    // A cursor belongs to its loan and its question.
    let first = gateway
        .get("/loans/fineract:123/transactions?limit=2")
        .await
        .json();
    let cursor = first["page"]["next_cursor"].as_str().unwrap();
    for other in [
        "/loans/fineract:123/transactions?monetary=true",
        "/loans?x=",
        "/loans/fineract:124/transactions?",
    ] {
        let answer = gateway
            .get(
                &format!("{other}&cursor={cursor}")
                    .replace("?x=&", "?")
                    .replace("?&", "?"),
            )
            .await;
        answer.assert_problem(400, "invalid_cursor");
    }
}

/// Whether a row is among those asked for.
type Fits = fn(&Value) -> bool;

#[tokio::test]
async fn transactions_are_filtered_by_what_they_are() {
    let gateway = Setup::only(Provider::Fineract, &World::documents()).start().await;
    let all = gateway
        .get("/loans/fineract:123/transactions?limit=200")
        .await
        .json();
    let all = all["data"].as_array().unwrap().clone();
    let cases: [(&str, Fits); 4] = [
        ("monetary=true", |row| row["monetary"] == true),
        ("reversed=false", |row| row["reversed"] == false),
        ("type=repayment,disbursement", |row| {
            row["type"] == "repayment" || row["type"] == "disbursement"
        }),
        ("from=2026-01-01", |row| {
            row["posted_on"].as_str().is_some_and(|day| day >= "2026-01-01")
        }),
    ];
    for (query, fits) in cases {
        let answer = gateway
            .get(&format!("/loans/fineract:123/transactions?limit=200&{query}"))
            .await;
        let expected: Vec<Value> = all.iter().filter(|row| fits(row)).cloned().collect();
        assert_eq!(answer.json()["data"].as_array().unwrap(), &expected, "{query}");
    }
    for bad in [
        "type=gift",
        "monetary=yes",
        "from=today",
        "from=2026-02-01&to=2026-01-01",
        "sort=amount",
        "limit=0",
    ] {
        let answer = gateway
            .get(&format!("/loans/fineract:123/transactions?{bad}"))
            .await;
        answer.assert_problem(400, "invalid_request");
    }
}

#[tokio::test]
async fn rows_in_a_list_only_where_the_list_holds_them() {
    let gateway = documents().await;
    let bsa = gateway.get("/loans?connection=bsa&include=schedule").await;
    for loan in bsa.loans() {
        assert!(loan["schedule"].is_array(), "{loan}");
    }
    let refused = gateway.get("/loans?include=schedule").await;
    refused.assert_problem(400, "invalid_request");
    assert!(refused.text.contains("GET /loans/{id}"), "{}", refused.text);
    let single = gateway.get("/loans/bsa:501?include=schedule").await.json();
    let alone = gateway.get("/loans/bsa:501/schedule").await.json();
    assert_eq!(single["data"]["schedule"], alone["data"]);
    let ledger = gateway
        .get("/loans/fineract:123?include=transactions")
        .await
        .json();
    let alone = gateway
        .get("/loans/fineract:123/transactions?limit=200")
        .await
        .json();
    assert_eq!(
        ledger["data"]["transactions"].as_array().unwrap().len(),
        alone["data"].as_array().unwrap().len()
    );
}

#[tokio::test]
async fn rows_of_no_loan() {
    let gateway = documents().await;
    for path in [
        "/loans/bsa:999/schedule",
        "/loans/nope:1/schedule",
        "/loans/bsa/schedule",
    ] {
        gateway.get(path).await.assert_problem(404, "loan_not_found");
    }
    gateway
        .get("/loans/goscore:x~student/schedule")
        .await
        .assert_problem(404, "capability_not_supported");
}
