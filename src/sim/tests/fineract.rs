use axum::http::Method;
use serde_json::{Value, json};

use super::{Provider, World, get, keys, send};

#[tokio::test]
async fn the_ledger_is_the_document() {
    let world = World::documents();
    let answer = get(&world, Provider::Fineract, "/api/v1/Loans/123/transactions").await;
    let sample: Value =
        serde_json::from_str(include_str!("../documents/fineract_transactions.json")).unwrap();
    assert_eq!(
        (answer.header("content-type"), answer.json()),
        ("application/json", sample)
    );
    assert!(answer.text.contains("\"principalPortion\": 833.330000"));
    for row in answer.json()["data"].as_array().unwrap() {
        assert_eq!(
            (
                row.as_object().unwrap().len(),
                row["type"].as_object().unwrap().len()
            ),
            (18, 19)
        );
    }
    // Any version, any case, as ASP.NET routes.
    assert_eq!(
        get(&world, Provider::Fineract, "/api/v2/loans/123/Transactions")
            .await
            .status,
        200
    );
    assert_eq!(
        get(&world, Provider::Fineract, "/api/1/Loans/123/transactions")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn other_loans_are_empty_unknown_or_no_number() {
    let world = World::documents();
    let empty = get(&world, Provider::Fineract, "/api/v1/Loans/124/transactions").await;
    assert_eq!(
        empty.text,
        r#"{"succeeded":true,"message":null,"errors":null,"data":[]}"#
    );
    let unknown = get(&world, Provider::Fineract, "/api/v1/Loans/9/transactions").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(
        (&unknown.json()["Succeeded"], &unknown.json()["Data"]),
        (&json!(false), &json!(null))
    );
    let mut french = keys(Provider::Fineract);
    french.push(("accept-language", "fr".to_owned()));
    let unknown = send(
        &world,
        Method::GET,
        "/fineract/api/v1/Loans/9/transactions",
        &french,
    )
    .await;
    assert!(unknown.json()["Message"].as_str().unwrap().starts_with("Le prêt"));
    let no_number = get(&world, Provider::Fineract, "/api/v1/Loans/nine/transactions").await;
    assert_eq!(
        (no_number.status, &no_number.json()["status"]),
        (400, &json!(400))
    );
    let nobody = send(
        &world,
        Method::GET,
        "/fineract/api/v1/Loans/123/transactions",
        &[],
    )
    .await;
    assert_eq!(
        (
            nobody.status,
            nobody.header("www-authenticate"),
            nobody.text.as_str()
        ),
        (401, "Bearer", "")
    );

    world.set_fineract_ledger("7", vec!["{ }".to_owned(), "not json".to_owned()]);
    let given = get(&world, Provider::Fineract, "/api/v1/Loans/7/transactions").await;
    assert!(given.text.ends_with(r#""data":[{ },not json]}"#));
}
