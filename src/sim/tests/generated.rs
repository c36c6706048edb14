use std::collections::BTreeMap;

use serde_json::Value;

use super::{Provider, World, get};

/// The fields that every row of a provider's documents has, whatever its state.
const ALWAYS: [(Provider, &str, &str, &[&str]); 4] = [
    (
        Provider::Goscore,
        "/loans/6915ab99857fec1e6f2f6c078",
        "loans",
        &["creditor_name", "current_balance", "type"],
    ),
    (
        Provider::Carbon,
        "/v1/loans?limit=100",
        "data",
        &["application_id", "customer_id", "amount", "status"],
    ),
    (
        Provider::Bsa,
        "/v1/loans?rows=100&orderBy=id",
        "items",
        &["id", "customerId", "status", "currencyCode"],
    ),
    (
        Provider::Belvo,
        "/loans?limit=100&order=asc",
        "items",
        &["id", "totalBalance", "defaultDate", "createdDate"],
    ),
];

#[tokio::test]
async fn the_same_seed_makes_the_same_world_and_another_makes_another() {
    for (provider, path, rows, fields) in ALWAYS {
        let first = get(&World::generated(1, 100), provider, path).await;
        assert_eq!(
            first.text,
            get(&World::generated(1, 100), provider, path).await.text
        );
        assert_ne!(
            first.text,
            get(&World::generated(2, 100), provider, path).await.text
        );
        let found = first.json()[rows].as_array().unwrap().clone();
        assert_eq!(found.len(), 100, "{provider}");
        for row in &found {
            assert!(
                fields
                    .iter()
                    .all(|field| row.get(field).is_some_and(|value| !value.is_null())),
                "{row}"
            );
        }
    }
}

#[tokio::test]
async fn a_million_loans_cost_nothing_until_they_are_read() {
    let world = World::generated(9, 1_000_000);
    for (provider, path, rows) in [
        (
            Provider::Goscore,
            "/loans/6915ab99857fec1e6f2f6c078?per_page=50&page=20000",
            "loans",
        ),
        (Provider::Carbon, "/v1/loans?limit=100&page=10000", "data"),
        (Provider::Bsa, "/v1/loans?rows=100&orderBy=id&page=10000", "items"),
        (Provider::Bsa, "/v1/loans?rows=100&page=777", "items"),
        (Provider::Belvo, "/loans?limit=100&order=desc&page=1", "items"),
    ] {
        let body = get(&world, provider, path).await.json();
        assert!(body[rows].as_array().unwrap().len() >= 50, "{path}");
    }
    let last = get(&world, Provider::Bsa, "/v1/loans/1000998").await.json();
    let customer = last["customerId"].as_str().unwrap();
    let theirs = get(
        &world,
        Provider::Bsa,
        &format!("/v1/loans?customerId={customer}&rows=100"),
    )
    .await
    .json();
    assert!((1..=3).contains(&theirs["total"].as_u64().unwrap()));
}

#[tokio::test]
async fn bsa_balances_add_up() {
    let world = World::generated(4, 100);
    let body = get(&world, Provider::Bsa, "/v1/loans?rows=100&orderBy=id")
        .await
        .json();
    let mut states = BTreeMap::new();
    for row in body["items"].as_array().unwrap() {
        *states.entry(row["status"].as_str().unwrap()).or_insert(0) += 1;
        if row.get("principalDisbursed").is_none() {
            continue;
        }
        let parts = ["principalOutstanding", "interestOutstanding", "feesOutstanding"];
        let sum: i128 = parts.iter().map(|key| thousandths(&row[*key])).sum();
        // Beyond 2^53 the test's own reader rounds; the wire does not.
        if sum < 1 << 50 {
            assert_eq!(sum, thousandths(&row["totalOutstanding"]), "{row}");
        }
    }
    assert_eq!(states.len(), 8);
}

fn thousandths(amount: &Value) -> i128 {
    let text = if amount.is_null() {
        "0".to_owned()
    } else {
        amount.to_string()
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    format!("{whole}{fraction:0<3}").parse().unwrap()
}

#[tokio::test]
async fn awkward_amounts_are_on_the_wire_as_written() {
    let world = World::generated(4, 2000);
    let all = get(&world, Provider::Goscore, "/loans/6915ab99857fec1e6f2f6c078")
        .await
        .text;
    for amount in [":38.505,", ":0.1,", ":99999999999999.99,", ":0.0,"] {
        assert!(all.contains(amount), "{amount}");
    }
}

#[tokio::test]
async fn every_generated_ledger_is_one_of_the_wrappers() {
    let world = World::generated(4, 8);
    for loan in 1000..1008 {
        let answer = get(
            &world,
            Provider::Fineract,
            &format!("/api/v1/Loans/{loan}/transactions"),
        )
        .await;
        let body = answer.json();
        let rows = body["data"].as_array().unwrap();
        assert_eq!(rows[0]["type"]["code"], "loanTransactionType.disbursement");
        assert_eq!(rows[0]["principalPortion"].to_string(), "0");
        assert!(answer.text.contains("000,"));
        for row in rows {
            assert_eq!(
                (
                    row.as_object().unwrap().len(),
                    row["type"].as_object().unwrap().len()
                ),
                (18, 19)
            );
            assert_eq!(row["date"].as_array().unwrap().len(), 3);
        }
    }
    assert_eq!(
        get(&world, Provider::Fineract, "/api/v1/Loans/1008/transactions")
            .await
            .status,
        404
    );
}
