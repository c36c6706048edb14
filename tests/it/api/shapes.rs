//! What a good answer looks like.

use loangate::sim::{Provider, World};
use reqwest::Method;
use serde_json::Value;

use super::{all, bsa};
use crate::support::Setup;
use crate::support::keys::{assert_canonical, example};

#[tokio::test]
async fn heads_are_like_bodies() {
    let gateway = bsa().await;
    for path in [
        "/loans",
        "/loans/bsa:501",
        "/loans/bsa:501/schedule",
        "/loans/bsa:501/explain",
        "/connections",
        "/livez",
        "/loans?limit=0",
        "/nope",
    ] {
        let got = gateway.get(path).await;
        let head = gateway.send(Method::HEAD, path, &[], None).await;
        assert_eq!(head.status, got.status, "{path}");
        assert_eq!(head.text, "");
        for name in ["content-type", "loangate-complete", "cache-control", "etag"] {
            assert_eq!(head.header(name), got.header(name), "{path} {name}");
        }
    }
    assert_eq!(
        gateway.get("/loans").await.header("cache-control"),
        "private, no-cache"
    );
}

#[tokio::test]
async fn personal_fields_on_loopback() {
    let gateway = all().await;
    let plain = gateway.get("/loans").await;
    let personal = gateway.get("/loans?include=personal").await;
    personal.assert_complete();
    for loan in plain.loans() {
        assert!(loan.get("personal").is_none() && loan.get("raw").is_none());
    }
    for loan in personal.loans() {
        assert!(loan["personal"].is_object(), "{loan}");
        assert!(loan.get("raw").is_none());
    }
    assert!(personal.text.contains("Ada Lovelace") && !plain.text.contains("Ada Lovelace"));
}

#[tokio::test]
async fn personal_fields_beyond_loopback() {
    let gateway = Setup::only(Provider::Bsa, &World::documents())
        .set("server.listen", "0.0.0.0:0")
        .set("auth.allow_insecure", "true")
        .start()
        .await;
    gateway.get("/loans").await.assert_complete();
    gateway
        .get("/loans?include=personal")
        .await
        .assert_problem(403, "forbidden");
    gateway
        .get("/loans/bsa:501?include=personal")
        .await
        .assert_problem(403, "forbidden");
    let raw = gateway.get("/loans?include=raw").await;
    assert!(raw.text.contains("[redacted]") && !raw.text.contains("Ada Lovelace"));
}

#[tokio::test]
async fn every_key_is_always_there() {
    let gateway = Setup::all(&World::generated(11, 60)).start().await;
    for limit in [1, 200] {
        let answer = gateway.get(&format!("/loans?limit={limit}")).await;
        for loan in answer.loans() {
            assert_canonical(&loan);
        }
    }
    let mut with_more = gateway.get("/loans?limit=200&include=raw,personal").await.loans();
    for loan in &mut with_more {
        let members = loan.as_object_mut().unwrap();
        assert!(members.remove("raw").is_some() && members.remove("personal").is_some());
        assert_canonical(loan);
    }
}

/// The contract's own example is the sample of the BSA page.
#[tokio::test]
async fn the_example_of_the_contract() {
    let gateway = bsa().await;
    let mut loan = gateway.get("/loans").await.loans().remove(0);
    let mut expected = example();
    assert!(loan["as_of"].as_str().unwrap().ends_with('Z'));
    for it in [&mut loan, &mut expected] {
        it["as_of"].take();
        it["extensions"].take();
    }
    assert_eq!(loan, expected);
}

#[tokio::test]
async fn envelopes_have_their_keys() {
    let gateway = all().await;
    let keys = |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let list = gateway.get("/loans").await.json();
    assert_eq!(keys(&list), ["complete", "data", "page", "request_id", "sources"]);
    assert_eq!(
        keys(&list["page"]),
        ["consistency", "count", "limit", "next_cursor", "total"]
    );
    let source = [
        "as_of",
        "cache",
        "connection",
        "count",
        "duplicates",
        "elapsed_ms",
        "error",
        "exhausted",
        "provider",
        "reason",
        "rejected",
        "status",
        "total",
        "upstream_requests",
    ];
    for one in list["sources"].as_array().unwrap() {
        assert_eq!(keys(one), source);
    }
    let one = gateway.get("/loans/bsa:501").await.json();
    assert_eq!(keys(&one), ["complete", "data", "request_id", "sources"]);
    let connections = gateway.get("/connections").await.json();
    assert_eq!(connections["data"].as_array().unwrap().len(), 5);
    for connection in connections["data"].as_array().unwrap() {
        assert_eq!(connection["verification"], "docs_only");
        assert!(!connection["coverage"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn probes() {
    let gateway = bsa().await;
    assert_eq!(gateway.get("/livez").await.status, 200);
    assert_eq!(gateway.get("/readyz").await.status, 200);
    assert!(gateway.world.requests().is_empty());
}
