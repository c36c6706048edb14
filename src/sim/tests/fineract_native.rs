use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rust_decimal::Decimal;
use serde_json::json;

use super::super::record::{field, rows_of};
use super::super::{NATIVE_FINERACT_PATH, Provider, World};
use super::{Answer, distinct, send};

fn keys(password: &str, tenant: &str) -> Vec<(&'static str, String)> {
    let pair = STANDARD.encode(format!("demo-user:{password}"));
    vec![
        ("authorization", format!("Basic {pair}")),
        ("fineract-platform-tenantid", tenant.to_owned()),
    ]
}

async fn get(world: &World, path: &str) -> Answer {
    let path = format!("{NATIVE_FINERACT_PATH}/loans{path}");
    send(world, Method::GET, &path, &keys("demo-password", "demo")).await
}

fn ids(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let rows = body["pageItems"].as_array().unwrap().iter();
    rows.map(|row| row["id"].to_string()).collect()
}

#[tokio::test]
async fn the_way_in_is_a_tenant_and_then_a_password() {
    let world = World::documents();
    assert_eq!(get(&world, "").await.status, 200);
    let path = format!("{NATIVE_FINERACT_PATH}/loans");
    let refused = send(&world, Method::GET, &path, &keys("guess", "demo")).await;
    assert_eq!(
        (refused.status, &refused.json()["userMessageGlobalisationCode"]),
        (401, &json!("error.msg.not.authenticated"))
    );
    let refused = send(&world, Method::GET, &path, &keys("demo-password", "other")).await;
    assert_eq!(
        (refused.status, refused.header("content-type")),
        (400, "text/html; charset=utf-8")
    );
    let bearer = [("authorization", "Bearer demo-token".to_owned())];
    assert_eq!(send(&world, Method::GET, &path, &bearer).await.status, 400);
    // The wrapper's way in is another one.
    let wrapper = "/fineract/api/v1/Loans/123/transactions";
    let refused = send(&world, Method::GET, wrapper, &keys("demo-password", "demo")).await;
    assert_eq!(refused.status, 401);
    let written = send(&world, Method::POST, &path, &keys("demo-password", "demo")).await;
    assert_eq!(written.status, 405);
}

#[tokio::test]
async fn pages_are_a_limit_and_an_offset_in_an_order_that_is_asked_for() {
    let world = World::generated(5, 60);
    let page = get(&world, "?limit=3&offset=2&orderBy=id&sortOrder=ASC").await;
    assert_eq!(page.json()["totalFilteredRecords"], 61);
    assert_eq!(ids(&page), ["1001", "1002", "1003"]);
    let last = get(&world, "?limit=3&offset=60&orderBy=id&sortOrder=ASC").await;
    assert_eq!(ids(&last), ["1059"]);
    let past = get(&world, "?limit=3&offset=61&orderBy=id&sortOrder=ASC").await;
    assert!(ids(&past).is_empty());
    let down = get(&world, "?limit=1&offset=0&orderBy=id&sortOrder=DESC").await;
    assert_eq!(ids(&down), ["1059"]);
    // Without a limit the offset is forgotten, and without an order there is none.
    let all = get(&world, "?offset=50&orderBy=id").await;
    assert_eq!(ids(&all).len(), 61);
    let (first, second) = (get(&world, "?limit=61").await, get(&world, "?limit=61").await);
    assert_ne!(ids(&first), ids(&second));
    assert_eq!(distinct(&ids(&first)), distinct(&ids(&second)));
    assert_eq!(get(&world, "?limit=1&orderBy=colour").await.status, 400);
    for row in all.json()["pageItems"].as_array().unwrap() {
        assert!(row.get("transactions").is_none() && row.get("repaymentSchedule").is_none());
        assert_eq!(row.get("summary").is_some(), row["status"]["id"] != 100, "{row}");
    }
}

#[tokio::test]
async fn an_old_release_does_not_know_the_filter() {
    let world = World::generated(5, 60);
    let client = "?limit=100&offset=0&orderBy=id&clientId=10002";
    assert_eq!(ids(&get(&world, client).await), ["1006", "1007", "1008"]);
    world.set_ignores_client(true);
    assert_eq!(ids(&get(&world, client).await).len(), 61);
}

#[tokio::test]
async fn associations_are_given_where_they_are_asked_for() {
    let world = World::generated(5, 60);
    let bare = get(&world, "/123").await.json();
    assert!(bare.get("transactions").is_none() && bare.get("repaymentSchedule").is_none());
    let full = get(&world, "/123?associations=repaymentSchedule,transactions")
        .await
        .json();
    assert_eq!(full["repaymentSchedule"]["periods"].as_array().unwrap().len(), 13);
    assert_eq!(full["transactions"].as_array().unwrap().len(), 6);
    // A schedule begins with the payout, and what is left of it is what is owed.
    let number = |text: String| text.parse::<Decimal>().unwrap();
    for id in 1000..1060 {
        let loan = get(&world, &format!("/{id}?associations=all")).await;
        let schedule = field(&loan.text, "repaymentSchedule").unwrap();
        let periods = rows_of(&schedule, "periods");
        assert!(field(&periods[0], "period").is_none() && periods.len() == 7);
        let Some(summary) = field(&loan.text, "summary") else {
            assert_eq!(loan.json()["transactions"], json!([]));
            continue;
        };
        let left = periods
            .iter()
            .filter_map(|period| field(period, "totalOutstandingForPeriod"));
        let owed = number(field(&summary, "totalOutstanding").unwrap());
        assert_eq!(left.map(number).sum::<Decimal>(), owed, "{id}");
    }
    let unknown = get(&world, "/9").await;
    assert_eq!(
        (
            unknown.status,
            &unknown.json()["errors"][0]["userMessageGlobalisationCode"]
        ),
        (404, &json!("error.msg.loan.id.invalid"))
    );
    assert_eq!(world.requests()[0].provider, Provider::Fineract);
}
