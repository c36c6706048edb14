use serde_json::json;

use super::{Answer, Provider, World, column, distinct, get};
use crate::sim::CarbonEnvelope;

async fn list(world: &World, query: &str) -> Answer {
    get(world, Provider::Carbon, &format!("/v1/loans{query}")).await
}

#[tokio::test]
async fn both_samples_of_the_page_in_each_envelope() {
    let world = World::documents();
    let answer = list(&world, "").await;
    let body = answer.json();
    assert_eq!(
        body["pagination"],
        json!({"total": 2, "page": 1, "limit": 20, "pages": 1})
    );
    assert_eq!(body["message"], "Loan applications fetched");
    assert_eq!(body["data"][0].as_object().unwrap().len(), 6);
    assert_eq!(body["data"][1].as_object().unwrap().len(), 12);
    assert!(answer.text.contains("\"created_at\": \"2024-05-15T10:00:00Z\"\n"));
    world.set_carbon_envelope(CarbonEnvelope::TotalNumber);
    assert_eq!(list(&world, "").await.json()["total"], 2);
    world.set_carbon_envelope(CarbonEnvelope::TotalString);
    assert_eq!(list(&world, "").await.json()["total"], "2");
}

#[tokio::test]
async fn limits_are_clamped_and_echoed() {
    let world = World::generated(3, 230);
    let body = list(&world, "?limit=1000&page=3").await.json();
    assert_eq!(
        body["pagination"],
        json!({"total": 230, "page": 3, "limit": 100, "pages": 3})
    );
    assert_eq!(body["data"].as_array().unwrap().len(), 30);
    assert_eq!(list(&world, "?page=4&limit=100").await.json()["data"], json!([]));
    assert_eq!(
        list(&world, "?page=x&limit=0").await.json()["pagination"]["limit"],
        20
    );
}

#[tokio::test]
async fn filters_count_what_they_keep() {
    let world = World::generated(3, 200);
    let everything = list(&world, "?limit=100").await.json();
    let words = column(&everything["data"], "status");
    assert_eq!(distinct(&words).len(), 9);
    let disbursed = list(&world, "?status=DISBURSED&limit=100").await.json();
    let rows = disbursed["data"].as_array().unwrap();
    assert_eq!(disbursed["pagination"]["total"], rows.len());
    assert!(
        rows.iter()
            .all(|row| row["status"] == "DISBURSED" && row["loan_id"].is_string())
    );

    let customer = everything["data"][20]["customer_id"].as_str().unwrap();
    let theirs = list(&world, &format!("?customer_id={customer}")).await.json();
    assert_eq!(theirs["data"].as_array().unwrap().len(), 3);
    let sample = list(
        &world,
        "?customer_id=1732ca47-42b2-4990-a65d-c369e934eed3&status=HAS_OFFER",
    )
    .await
    .json();
    assert_eq!(sample["pagination"]["total"], 2);
    assert_eq!(list(&world, "?status=NO_SUCH").await.json()["data"], json!([]));
}

#[tokio::test]
async fn one_application_has_more_to_say_than_its_row() {
    let world = World::generated(3, 50);
    let id = list(&world, "?page=2").await.json()["data"][7]["application_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let one = get(&world, Provider::Carbon, &format!("/v1/loans/{id}"))
        .await
        .json();
    assert_eq!(one["data"]["application_id"], id.as_str());
    assert!(
        one["data"]["account_identifier"]
            .as_str()
            .unwrap()
            .starts_with("PC_")
    );
    assert!(one["data"]["disbursement_account"].is_null());
    assert_eq!(one["data"].as_object().unwrap().len(), 14);

    let unknown = get(&world, Provider::Carbon, "/v1/loans/nobody").await;
    assert_eq!(unknown.status, 400);
    assert_eq!(unknown.json()["message"], "Application not found");
    assert_eq!(unknown.json()["status"], "error");
}

#[tokio::test]
async fn the_detail_adds_only_what_the_row_does_not_have() {
    let world = World::documents();
    let row = r#"{"application_id":"A-1","account_identifier":"MINE"}"#;
    world.set_records(Provider::Carbon, vec![row.to_owned()]);
    let answer = get(&world, Provider::Carbon, "/v1/loans/A-1").await;
    assert_eq!(
        answer.text.matches("account_identifier").count(),
        1,
        "{}",
        answer.text
    );
    assert_eq!(answer.json()["data"]["account_identifier"], "MINE");
    assert!(answer.json()["data"]["disbursement_account"].is_null());
}
