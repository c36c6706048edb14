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

#[tokio::test]
async fn an_offer_comes_in_the_style_of_the_lists_once_there_is_one() {
    let world = World::generated(3, 50);
    let ask = async |id: &str| get(&world, Provider::Carbon, &format!("/v1/loans/{id}/offer")).await;
    let sample = "aaaabbbb-cccc-dddd-eeee-ffffffffffff";
    let camel = ask(sample).await.json();
    assert_eq!(camel["data"]["offerAmount"], 2_000_000);
    assert_eq!(camel["data"]["repaymentSchedule"].as_array().unwrap().len(), 3);
    world.set_carbon_envelope(CarbonEnvelope::TotalNumber);
    let snake = ask(sample).await.json();
    assert_eq!(snake["data"]["offered_amount"], 2_000_000);
    assert_eq!(snake["data"]["total_repayment"], 2_160_000);

    let mut said = std::collections::BTreeSet::new();
    for row in list(&world, "?limit=100").await.json()["data"]
        .as_array()
        .unwrap()
    {
        let answer = ask(row["application_id"].as_str().unwrap()).await;
        said.insert((answer.status, row["status"].as_str().unwrap().to_owned()));
        if answer.status == 422 {
            assert_eq!(answer.json()["message"], "Application has no loan ID");
        }
    }
    let none: Vec<&str> = said
        .iter()
        .filter(|(status, _)| *status == 422)
        .map(|(_, word)| word.as_str())
        .collect();
    assert_eq!(none, ["DECLINED", "KYC_PROCESSING", "PENDING"]);
    assert_eq!(said.len(), 9);
    assert_eq!(ask("nobody").await.json()["message"], "Application not found");
}

#[tokio::test]
async fn a_customer_has_one_active_loan_and_a_loan_one_plan() {
    let row = |application: &str, loan: &str, status: &str| {
        format!(
            r#"{{"application_id":"{application}","customer_id":"C","amount":3000000,"repayment_period":3,"status":"DISBURSED","loan_id":{loan},"loan_status":{status},"created_at":"2025-01-15T10:10:00.000Z"}}"#
        )
    };
    let world = World::documents();
    world.set_records(
        Provider::Carbon,
        vec![
            row("first", "\"LOAN_1\"", "\"ACTIVE\""),
            row("second", "\"LOAN_2\"", "\"ACTIVE_IN_ARREARS\""),
            row("third", "\"LOAN_3\"", "\"CLOSED\""),
            row("fourth", "null", "null"),
        ],
    );
    let ask = async |path: &str| get(&world, Provider::Carbon, &format!("/v1/loans/{path}")).await;
    let active = ask("active?customer_id=C").await.json();
    assert_eq!(
        active["data"],
        json!({
            "loanId": "LOAN_2", "outstandingBalance": 3_240_000, "loanStatus": "ACTIVE_IN_ARREARS",
            "nextRepaymentDate": "2025-02-14", "nextRepaymentAmount": 1_080_000
        })
    );
    for (path, status, message) in [
        ("active", 400, "customer_id query param is required"),
        ("active?customer_id=D", 400, "Customer not enrolled for lending"),
        ("LOAN_9/repayments", 400, "Loan not found"),
        ("fourth/repayments", 422, "No SME loan ID on record"),
    ] {
        let refused = ask(path).await;
        assert_eq!(
            (refused.status, &refused.json()["message"]),
            (status, &json!(message)),
            "{path}"
        );
    }
    let plan = ask("LOAN_1/repayments").await.json();
    let words = column(&plan["data"]["schedule"], "status");
    assert_eq!(words, ["PAID", "UNPAID", "UNPAID"]);
    assert_eq!(
        plan["data"]["schedule"][0],
        json!({
            "dueDate": "2025-02-14", "principalDue": 1_000_000, "interestDue": 80_000, "totalDue": 1_080_000,
            "paidAmount": 1_080_000, "status": "PAID"
        })
    );

    let world = World::generated(3, 400);
    let rows = list(&world, "?status=DISBURSED&limit=100&page=2").await.json();
    for row in rows["data"].as_array().unwrap().iter().take(5) {
        let path = format!("/v1/loans/{}/repayments", row["loan_id"].as_str().unwrap());
        let plan = get(&world, Provider::Carbon, &path).await.json();
        let rows = plan["data"]["schedule"].as_array().unwrap();
        assert_eq!(
            u64::try_from(rows.len()).unwrap(),
            row["repayment_period"].as_u64().unwrap()
        );
    }
}
