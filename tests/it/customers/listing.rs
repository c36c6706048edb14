//! `GET /customers`: pages in the order in which customers were first put.

use serde_json::{Value, json};

use super::{Place, delete, on_both, put};
use crate::support::Running;

/// All ids, page by page.
async fn walk(gateway: &Running, limit: usize) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let answer = gateway.get(&format!("/customers?limit={limit}{cursor}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let json = answer.json();
        let data = json["data"].as_array().unwrap();
        assert_eq!(json["page"]["count"], data.len());
        assert_eq!(json["page"]["limit"], limit);
        assert!(data.len() <= limit);
        ids.extend(data.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        match &json["page"]["next_cursor"] {
            Value::String(next) => cursor = format!("&cursor={next}"),
            _ => return ids,
        }
    }
}

on_both! {
    pages_hold_each_customer_once(place) {
        let gateway = place.setup().start().await;
        let mut ids: Vec<String> = (0..23).map(|number| format!("person-{}", number * 7919 % 100)).collect();
        for (at, id) in ids.iter().enumerate() {
            let references: Vec<String> = (0..at % 3).map(|number| format!("bsa:customer:{number}")).collect();
            put(&gateway, id, &json!(references)).await;
        }
        for limit in [1, 7, 23, 200] {
            assert_eq!(walk(&gateway, limit).await, ids, "{limit}");
        }
        let all = gateway.get("/customers?limit=200").await.json();
        assert_eq!(all["page"]["total"], 23);
        assert_eq!(all["complete"], true);
        for (at, one) in all["data"].as_array().unwrap().iter().enumerate() {
            assert_eq!(one["references"].as_array().unwrap().len(), at % 3, "{one}");
        }
        // A change moves nobody.
        put(&gateway, &ids[3], &json!(["bsa:customer:9"])).await;
        delete(&gateway, &ids[5]).await;
        ids.remove(5);
        assert_eq!(walk(&gateway, 4).await, ids);
    }

    customers_come_and_go_while_they_are_listed(place) {
        let gateway = place.setup().start().await;
        for id in ["a", "b", "c", "d"] {
            put(&gateway, id, &json!([])).await;
        }
        let first = gateway.get("/customers?limit=2").await;
        let cursor = first.json()["page"]["next_cursor"].as_str().unwrap().to_owned();
        for id in ["a", "b", "c"] {
            delete(&gateway, id).await;
        }
        put(&gateway, "e", &json!([])).await;
        let next = gateway.get(&format!("/customers?limit=2&cursor={cursor}")).await.json();
        let ids: Vec<&str> = next["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["d", "e"]);
        assert_eq!(next["page"]["next_cursor"], Value::Null);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_page_is_said() {
    let place = Place::file();
    let gateway = place.setup().start().await;
    let empty = gateway.get("/customers").await.json();
    assert_eq!((&empty["data"], &empty["page"]["total"]), (&json!([]), &json!(0)));
    for (query, code) in [
        ("limit=0", "invalid_request"),
        ("limit=201", "invalid_request"),
        ("connection=bsa", "invalid_request"),
        ("cursor=x", "invalid_cursor"),
    ] {
        gateway
            .get(&format!("/customers?{query}"))
            .await
            .assert_problem(400, code);
    }
}
