use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{NaiveDateTime, Utc};
use serde_json::{Value, json};

use super::{Answer, Provider, World, get, mint_goscore, send};

const LOANS: &str = "/loans/6915ab99857fec1e6f2f6c078";

async fn loans(world: &World, path: &str) -> Answer {
    get(world, Provider::Goscore, path).await
}

fn count(answer: &Answer) -> usize {
    answer.json()["loans"].as_array().unwrap().len()
}

#[tokio::test]
async fn tokens_are_posted_for_and_expire_in_an_hour() {
    let world = World::documents();
    let minted = mint_goscore(&world).await.json();
    let token = minted["token"].as_str().unwrap();
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    let expires = claims["expire_at"].as_i64().unwrap();
    let life = expires - Utc::now().timestamp();
    assert!((3590..=3600).contains(&life));
    assert_eq!(claims["app_id"], 1);
    let shown =
        NaiveDateTime::parse_from_str(minted["expire_at"].as_str().unwrap(), "%m-%d-%Y %H:%M").unwrap();
    assert_eq!(shown.and_utc().timestamp(), expires / 60 * 60);

    let path = "/goscore/api/1.0/loans/6915ab99857fec1e6f2f6c078";
    let bearer = [("authorization", format!("Bearer {token}"))];
    assert_eq!(send(&world, Method::GET, path, &bearer).await.status, 200);
    assert_ne!(mint_goscore(&world).await.json()["token"], minted["token"]);

    let wrong = [
        ("client-id", "somebody".to_owned()),
        ("secret-key", "guess".to_owned()),
    ];
    let refused = send(&world, Method::POST, "/goscore/api/1.0/auth", &wrong).await;
    assert_eq!((refused.status, &refused.json()["type"]), (401, &json!("error")));
    assert_eq!(
        send(&world, Method::GET, "/goscore/api/1.0/auth", &[])
            .await
            .status,
        405
    );
    assert!(world.requests().iter().any(|request| request.operation == "auth"));
}

#[tokio::test]
async fn the_sample_is_the_page() {
    let world = World::documents();
    let answer = loans(&world, LOANS).await;
    assert_eq!(answer.text, include_str!("../documents/goscore_loans.json"));
    // Page by page the rows keep their bytes, and the student loan comes with each.
    let second = loans(&world, &format!("{LOANS}?page=2&per_page=3")).await;
    assert_eq!(count(&second), 1);
    assert!(second.text.contains("\"current_balance\": 29118.06,\n"));
    assert_eq!(second.json()["student_loan"]["interest"].to_string(), "39456.67");
    let keys: Vec<String> = second.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["loans", "status", "student_loan", "user_data_id"]);
}

#[tokio::test]
async fn pages_are_clamped_without_a_word_and_run_out_empty() {
    let world = World::generated(1, 70);
    assert_eq!(count(&loans(&world, LOANS).await), 70);
    assert_eq!(count(&loans(&world, &format!("{LOANS}?per_page=500")).await), 50);
    assert_eq!(
        count(&loans(&world, &format!("{LOANS}?per_page=500&page=2")).await),
        20
    );
    assert_eq!(
        count(&loans(&world, &format!("{LOANS}?per_page=500&page=3")).await),
        0
    );
    assert_eq!(count(&loans(&world, &format!("{LOANS}?page=2")).await), 0);
    world.set_max_per_page(Provider::Goscore, 2);
    assert_eq!(count(&loans(&world, &format!("{LOANS}?per_page=50")).await), 2);
}

#[tokio::test]
async fn consents_stand_where_they_stand() {
    let world = World::documents();
    for (consent, status, rows, student_loan) in [
        ("consent-in-progress", "in_progress", 0, None),
        ("consent-no-student", "done", 2, Some(json!({}))),
        ("consent-partial", "partially_done", 1, None),
        ("consent-error", "error", 0, None),
    ] {
        let answer = loans(&world, &format!("/loans/{consent}")).await;
        assert_eq!((&answer.json()["status"], count(&answer)), (&json!(status), rows));
        assert_eq!(answer.json().get("student_loan"), student_loan.as_ref());
    }
    let unknown = loans(&world, "/loans/1").await;
    assert_eq!(
        (unknown.status, &unknown.json()["error"]["status"]),
        (404, &json!("BAD_REQUEST"))
    );

    world.set_goscore(
        "a/b",
        "new",
        Some(r#"{"status":"ok"}"#),
        vec![r#"{ "odd" : 1.10 }"#.to_owned()],
    );
    let given = loans(&world, "/loans/a%2Fb").await;
    assert!(
        given
            .text
            .contains(r#""loans":[{ "odd" : 1.10 }],"student_loan":{"status":"ok"},"#)
    );
    assert_eq!(loans(&world, "/loans/a/b").await.status, 404);
    world.set_records(Provider::Goscore, vec!["{}".to_owned()]);
    assert_eq!(loans(&world, LOANS).await.json()["student_loan"], json!({}));
}
