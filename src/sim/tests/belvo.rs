use serde_json::{Value, json};

use super::{Answer, Provider, World, column, distinct, get};

async fn list(world: &World, query: &str) -> Answer {
    get(world, Provider::Belvo, &format!("/loans{query}")).await
}

const SECOND: &str = "a1f0c9d8-7e6b-4a5c-8d4e-3f2a1b0c9d02";

#[tokio::test]
async fn the_samples_hold_every_documented_field() {
    let world = World::documents();
    let body = list(&world, "?order=asc").await.json();
    assert_eq!(
        body,
        serde_json::from_str::<Value>(include_str!("../documents/belvo_loans.json")).unwrap()
    );
    assert_eq!(body["items"][0].as_object().unwrap().len(), 29);
    assert_eq!(body["items"][0]["loanId"], body["items"][2]["loanId"]);
    assert!(body["items"][3].get("loanId").is_none());
    assert_eq!(body["items"][1]["creditStatus"], "in_arrears");
}

#[tokio::test]
async fn pages_are_clamped_and_links_forget_the_filters() {
    let world = World::generated(2, 250);
    let body = list(&world, "?order=asc&limit=500&page=2&start_date=2020-01-01")
        .await
        .json();
    assert_eq!(
        body["meta"],
        json!({"totalItems": 250, "itemCount": 100, "itemsPerPage": 100, "totalPages": 3, "currentPage": 2})
    );
    assert_eq!(
        body["links"],
        json!({
            "first": "/{resource}?limit=100",
            "last": "/{resource}?page=3&limit=100",
            "next": "/{resource}?page=3&limit=100",
            "previous": "/{resource}?page=1&limit=100"
        })
    );
    let last = list(&world, "?order=asc&limit=100&page=3").await.json();
    assert_eq!(
        (&last["links"]["next"], &last["meta"]["itemCount"]),
        (&json!(""), &json!(50))
    );
    assert_eq!(list(&world, "").await.json()["meta"]["itemsPerPage"], 20);
    assert_eq!(list(&world, "?page=99").await.json()["items"], json!([]));
}

#[tokio::test]
async fn what_is_refused_is_a_string_or_a_list() {
    let world = World::documents();
    for query in ["?customer_id=ada", "?payment_method_id=1"] {
        let refused = list(&world, query).await;
        assert_eq!(
            refused.text, r#"{"statusCode":400,"error":"Bad Request","message":"id must be a UUID"}"#,
            "{query}"
        );
    }
    let refused = list(&world, "?status=paid&limit=0&start_date=1.4.2026&order=up")
        .await
        .json();
    assert_eq!(
        refused["message"],
        json!([
            "limit must not be less than 1",
            "status must be one of the following values: active, inactive",
            "order must be one of the following values: asc, desc",
            "start_date must be a valid date in YYYY-MM-DD format"
        ])
    );
}

#[tokio::test]
async fn every_filter_keeps_what_it_says() {
    let world = World::documents();
    for (query, expected) in [
        ("?customer_id=0d1a377b-b4c5-4a94-9e2e-83e59d1f6a9c", 2),
        (
            "?payment_method_id=43e5a5b1-b2c6-4f45-8c1f-f28fec707a4b&status=active",
            1,
        ),
        ("?merchant_customer_id=CUST-005678", 2),
        ("?default_date=2026-04-15", 2),
        ("?start_date=2026-04-15&end_date=2026-04-30", 2),
        ("?start_date=2026-05-05", 1),
        ("?status=inactive", 1),
        ("?merchant_customer_id=nobody", 0),
    ] {
        assert_eq!(
            list(&world, query).await.json()["meta"]["totalItems"],
            expected,
            "{query}"
        );
    }
}

#[tokio::test]
async fn an_order_holds_only_when_it_is_asked_for() {
    let world = World::generated(2, 90);
    let up = column(
        &list(&world, "?order=asc&limit=90").await.json()["items"],
        "createdDate",
    );
    assert!(up.is_sorted() && distinct(&up).len() == 90);
    let mut down = column(
        &list(&world, "?order=desc&limit=90").await.json()["items"],
        "createdDate",
    );
    down.reverse();
    assert_eq!(up, down);
    let first = column(&list(&world, "?limit=90").await.json()["items"], "createdDate");
    assert_ne!(
        first,
        column(&list(&world, "?limit=90").await.json()["items"], "createdDate")
    );
    assert_eq!(distinct(&first), distinct(&up));
}

#[tokio::test]
async fn loans_have_one_to_four_snapshots_and_are_found_by_their_people() {
    let world = World::generated(2, 84);
    let all = list(&world, "?order=asc&limit=100").await.json();
    let loans = column(&all["items"], "loanId");
    let mut counts: Vec<usize> = distinct(&loans[4..])
        .iter()
        .map(|id| loans.iter().filter(|loan| loan == id).count())
        .collect();
    counts.sort_unstable();
    counts.dedup();
    assert_eq!(counts, [1, 2, 3, 4]);
    for index in [4, 30, 83] {
        let row = &all["items"][index];
        for (parameter, key) in [
            ("customer_id", "customerId"),
            ("payment_method_id", "paymentMethodId"),
            ("merchant_customer_id", "merchantCustomerId"),
        ] {
            let wanted = row[key].as_str().unwrap();
            let expected = column(&all["items"], key)
                .iter()
                .filter(|value| *value == wanted)
                .count();
            let found = list(&world, &format!("?{parameter}={wanted}")).await.json();
            assert_eq!(found["meta"]["totalItems"], expected, "{parameter}");
        }
    }
}

#[tokio::test]
async fn one_snapshot_is_found_by_its_own_id() {
    let world = World::documents();
    assert_eq!(
        get(&world, Provider::Belvo, &format!("/loans/{SECOND}"))
            .await
            .json()["id"],
        SECOND
    );
    let of_a_loan = get(
        &world,
        Provider::Belvo,
        "/loans/3f6f4a0e-5f0b-4c38-9d1f-0c8a4f2be101",
    )
    .await;
    assert_eq!(
        (of_a_loan.status, &of_a_loan.json()["statusCode"]),
        (404, &json!(404))
    );
    assert_eq!(get(&world, Provider::Belvo, "/loans/7").await.status, 400);
}
