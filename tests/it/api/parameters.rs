//! Parameters: all problems at once, none ignored, and the same in a body.

use reqwest::Method;
use serde_json::{Value, json};

use super::{all, bsa};
use crate::support::Answer;

/// The parameters that a problem names, in its order.
fn parameters(answer: &Answer) -> Vec<String> {
    answer.assert_problem(400, "invalid_request");
    let json = answer.json();
    let errors = json["errors"].as_array().unwrap();
    for error in errors {
        assert!(!error["detail"].as_str().unwrap().is_empty(), "{error}");
    }
    let name = |error: &Value| error["parameter"].as_str().unwrap().to_owned();
    errors.iter().map(name).collect()
}

#[tokio::test]
async fn every_problem_at_once() {
    let gateway = all().await;
    let answer = gateway
        .get("/loans?limit=0&colour=red&connection=nope&provider=acme&ref=bsa&ref=bsa:consent:1&include=everything&max_age=-1&sort=size")
        .await;
    let mut named = parameters(&answer);
    named.sort();
    assert_eq!(
        named,
        [
            "colour",
            "connection",
            "include",
            "limit",
            "max_age",
            "provider",
            "ref",
            "ref",
            "sort"
        ]
    );
    assert!(gateway.world.requests().is_empty());
}

#[tokio::test]
async fn malformed_parameters() {
    let gateway = bsa().await;
    let cases = [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=", "limit"),
        ("limit=+5", "limit"),
        ("limit=5.0", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("limit=5&limit=5", "limit"),
        ("max_age=1s", "max_age"),
        ("max_age=1&max_age=2", "max_age"),
        ("connection=", "connection"),
        ("connection=bsa,", "connection"),
        ("connection=BSA", "connection"),
        ("provider=,bsa", "provider"),
        ("include=", "include"),
        ("include=raw,,personal", "include"),
        ("include=transactions", "include"),
        ("ref=", "ref"),
        ("ref=bsa:customer:", "ref"),
        ("ref=bsa:customer:a%00b", "ref"),
        ("ref=bsa:Customer:42", "ref"),
        ("ref=nope:customer:42", "ref"),
        ("Limit=5", "Limit"),
        ("=5", ""),
        ("status=open", "status"),
        ("sort=", "sort"),
        ("sort=outstanding", "sort"),
        ("overdue=yes", "overdue"),
        ("opened_from=2026-02-30", "opened_from"),
        ("due_from=2026-03-01&due_to=2026-02-01", "due_from"),
        ("outstanding_min=5", "outstanding_min"),
        ("outstanding_min=1e400&currency=TZS", "outstanding_min"),
        ("currency=shilling", "currency"),
        ("customer=c-1", "customer"),
        ("purpose=marketing", "purpose"),
        ("limit=%ff", "limit"),
    ];
    for (query, parameter) in cases {
        let named = parameters(&gateway.get(&format!("/loans?{query}")).await);
        assert!(named.iter().any(|name| name == parameter), "{query}: {named:?}");
    }
    let long = "1".repeat(257);
    parameters(&gateway.get(&format!("/loans?ref=bsa:customer:{long}")).await);
    assert!(gateway.world.requests().is_empty());
    for query in [
        "limit=200",
        "limit=001",
        "max_age=0",
        "connection=bsa,bsa",
        "provider=bsa&provider=bsa",
        "include=raw&include=raw",
    ] {
        assert_eq!(
            gateway.get(&format!("/loans?{query}")).await.status,
            200,
            "{query}"
        );
    }
}

#[tokio::test]
async fn parameters_where_there_are_none() {
    let gateway = bsa().await;
    for path in [
        "/connections?x=1",
        "/connections/bsa?limit=1",
        "/loans/bsa:501?limit=1",
    ] {
        assert_eq!(parameters(&gateway.get(path).await).len(), 1, "{path}");
    }
}

#[tokio::test]
async fn a_reference_outside_the_selection() {
    let gateway = all().await;
    for query in [
        "connection=carbon&ref=bsa:customer:4711",
        "provider=carbon&ref=bsa:customer:4711",
        "connection=bsa&provider=carbon&ref=bsa:customer:4711",
    ] {
        let answer = gateway.get(&format!("/loans?{query}")).await;
        assert_eq!(parameters(&answer), ["ref"]);
        assert!(
            !answer.text.contains("4711"),
            "a reference names a person: {answer:?}"
        );
    }
}

#[tokio::test]
async fn connection_and_provider_intersect() {
    let gateway = all().await;
    let answer = gateway
        .get("/loans?connection=bsa,carbon&provider=bsa,belvo")
        .await;
    answer.assert_complete();
    assert_eq!(answer.json()["sources"].as_array().unwrap().len(), 1);
    assert_eq!(answer.ids(), ["bsa:501"]);
    let none = gateway.get("/loans?connection=bsa&provider=carbon").await;
    assert_eq!(none.status, 200);
    assert_eq!(none.json()["complete"], false);
    assert_eq!(none.json()["sources"], json!([]));
}

#[tokio::test]
async fn searching_is_listing() {
    let gateway = all().await;
    let pairs = [
        ("/loans", "{}"),
        (
            "/loans?connection=bsa,carbon&limit=2",
            r#"{"connection": ["bsa", "carbon"], "limit": 2}"#,
        ),
        (
            "/loans?ref=bsa:customer:42&max_age=0",
            r#"{"ref": "bsa:customer:42", "max_age": 0}"#,
        ),
        (
            "/loans?connection=belvo&include=raw,personal",
            r#"{"connection": "belvo", "include": ["raw", "personal"]}"#,
        ),
    ];
    for (path, body) in pairs {
        let (listed, found) = (gateway.get(path).await, gateway.search(body).await);
        assert_eq!(found.status, 200, "{found:?}");
        for connection in ["bsa", "belvo", "carbon", "fineract", "goscore"] {
            assert_eq!(listed.bytes_of(connection), found.bytes_of(connection));
        }
        assert_eq!(listed.header("etag"), found.header("etag"));
        for key in ["limit", "count", "total", "consistency"] {
            assert_eq!(listed.json()["page"][key], found.json()["page"][key], "{key}");
        }
    }
    let bad = gateway
        .search(r#"{"limit": 0, "colour": ["red"], "connection": {"a": 1}, "ref": [], "sort": ["id"]}"#)
        .await;
    let mut named = parameters(&bad);
    named.sort();
    assert_eq!(named, ["colour", "connection", "limit", "ref", "sort"]);
    for body in [
        "",
        "[]",
        "{",
        "null",
        r#"{"limit": 1, "limit": 1}"#,
        r#"{"limit": 1.5}"#,
        r#"{"limit": null}"#,
        r#"{"limit": "5"}"#,
        r#"{"max_age": "0"}"#,
        r#"{"overdue": "true"}"#,
        r#"{"limit": 1e1}"#,
        // A number with a fraction has been a float somewhere.
        r#"{"currency": "TZS", "outstanding_min": 1.5}"#,
    ] {
        gateway.search(body).await.assert_problem(400, "invalid_request");
    }
    for body in [
        r#"{"limit": 5.0}"#,
        r#"{"currency": "TZS", "outstanding_min": 1, "outstanding_max": "10000.50"}"#,
    ] {
        assert_eq!(gateway.search(body).await.status, 200, "{body}");
    }
    let query = gateway
        .send(
            Method::POST,
            "/loans/search?limit=1",
            &[("content-type", "application/json")],
            Some("{}"),
        )
        .await;
    query.assert_problem(400, "invalid_request");
    assert!(
        gateway
            .world
            .requests()
            .iter()
            .all(|request| request.method == "GET" || request.operation == "auth")
    );
}
