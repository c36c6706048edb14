//! A client sees its own connections, and learns nothing of others by any name.

use loangate::sim::{Provider, World};
use reqwest::Method;
use serde_json::Value;

use super::{COLLECTIONS, Client, UNDERWRITING, bearer, both, calls, clients, collections, underwriting};
use crate::support::{Answer, Setup};

fn ids(list: &Value) -> Vec<&str> {
    let key = |item: &'static str| move |value: &Value| value[item].is_string();
    let list = list.as_array().unwrap();
    let name = if list.iter().all(key("connection")) {
        "connection"
    } else {
        "id"
    };
    list.iter().map(|item| item[name].as_str().unwrap()).collect()
}

#[tokio::test]
async fn without_a_name_it_gets_those_it_may_see() {
    let gateway = both(&World::documents()).start().await;
    let own = bearer(&gateway, COLLECTIONS, "/loans").await;
    own.assert_complete();
    assert_eq!(ids(&own.json()["sources"]), ["bsa", "carbon"]);
    let foreign = |loan: &Value| !["bsa", "carbon"].contains(&loan["connection"].as_str().unwrap());
    assert!(!own.loans().iter().any(foreign), "{own:?}");
    assert_eq!(own.loans().len(), 3);
    let all = bearer(&gateway, UNDERWRITING, "/loans").await;
    assert_eq!(ids(&all.json()["sources"]).len(), 5);

    let foreign_calls = || {
        let foreign = [Provider::Belvo, Provider::Goscore, Provider::Fineract];
        foreign.map(|provider| gateway.asked(provider).len())
    };
    let (before, by_the_other) = (calls(&gateway), foreign_calls());
    for path in [
        "/loans?require=all",
        "/loans?sort=id",
        "/loans?connection=bsa,carbon",
    ] {
        let answer = bearer(&gateway, COLLECTIONS, path).await;
        answer.assert_complete();
        assert_eq!(answer.loans().len(), 3, "{path}");
    }
    let summary = bearer(&gateway, COLLECTIONS, "/loans/summary").await;
    assert_eq!(ids(&summary.json()["sources"]), ["bsa", "carbon"]);
    for format in ["application/x-ndjson", "text/csv"] {
        let headers = [("x-api-key", COLLECTIONS), ("accept", format)];
        let export = gateway.send(Method::GET, "/loans", &headers, None).await;
        assert_eq!(export.status, 200, "{export:?}");
        for foreign in ["belvo", "goscore", "fineract"] {
            assert!(!export.text.contains(foreign), "{export:?}");
        }
    }
    let list = bearer(&gateway, COLLECTIONS, "/connections").await.json();
    assert_eq!(ids(&list["data"]), ["bsa", "carbon"]);
    assert_eq!(list["page"]["total"], 2);
    for own in ["bsa", "carbon"] {
        let answer = bearer(&gateway, COLLECTIONS, &format!("/connections/{own}")).await;
        assert_eq!(answer.status, 200);
    }
    // A provider is not a connection: of those it may see, none is this one's.
    let nothing = bearer(&gateway, COLLECTIONS, "/loans?provider=belvo").await;
    assert_eq!((nothing.status, nothing.loans().len()), (200, 0));
    assert!(calls(&gateway) > before);
    assert_eq!(foreign_calls(), by_the_other);
}

/// Ways to name a connection.
fn ways(name: &str, reference: &str) -> Vec<(Method, String, Option<String>)> {
    let get = |path: String| (Method::GET, path, None);
    let search = |body: String| (Method::POST, "/loans/search".to_owned(), Some(body));
    vec![
        get(format!("/loans?connection={name}")),
        get(format!("/loans?connection=bsa,{name}")),
        get(format!("/loans?connection=bsa&connection={name}")),
        get(format!("/loans?connection={name}&limit=0&colour=red")),
        get(format!("/loans?ref={name}:{reference}")),
        get(format!("/loans?ref={name}:nonsense")),
        get(format!("/loans?ref=bsa:customer:42&ref={name}:{reference}")),
        get(format!("/loans?connection=bsa&ref={name}:{reference}")),
        get(format!("/loans?require={name}")),
        get(format!("/loans?require=bsa,{name}")),
        get(format!("/loans?cursor=AAAA&connection={name}")),
        get(format!("/loans/summary?connection={name}")),
        get(format!("/loans/summary?ref={name}:{reference}")),
        get(format!("/loans/{name}:1")),
        get(format!("/loans/{name}:1?x=1")),
        get(format!("/loans/{name}:1?include=personal")),
        get(format!("/loans/{name}%3A1")),
        get(format!("/loans/{name}:1/transactions")),
        get(format!("/loans/{name}:1/transactions?x=1")),
        get(format!("/loans/{name}:1/schedule")),
        get(format!("/loans/{name}:1/snapshots")),
        get(format!("/loans/{name}:1/explain")),
        get(format!("/connections/{name}")),
        search(format!(r#"{{"connection": "{name}"}}"#)),
        search(format!(r#"{{"connection": ["bsa", "{name}"]}}"#)),
        search(format!(r#"{{"ref": ["{name}:{reference}"]}}"#)),
        search(format!(r#"{{"require": "{name}"}}"#)),
    ]
}

/// An answer without what is new every time.
fn said(answer: &Answer) -> String {
    let mut json = answer.json();
    json["request_id"].take();
    format!("{} {json}", answer.status)
}

#[tokio::test]
async fn another_is_forbidden_by_every_name_and_so_is_one_that_does_not_exist() {
    let gateway = both(&World::documents()).start().await;
    let mut heard = Vec::new();
    for (name, reference) in [
        ("goscore", "consent:6915ab99857fec1e6f2f6c078"),
        ("belvo", "customer:1"),
        ("fineract", "loan:123"),
        ("nope", "loan:123"),
        ("BSA", "customer:42"),
    ] {
        for format in ["application/json", "application/x-ndjson"] {
            for (method, path, body) in ways(name, reference) {
                if format != "application/json" && !path.starts_with("/loans?") || path.contains("cursor") {
                    continue;
                }
                let headers = [
                    ("x-api-key", COLLECTIONS),
                    ("content-type", "application/json"),
                    ("accept", format),
                ];
                let answer = gateway.send(method, &path, &headers, body.as_deref()).await;
                answer.assert_problem(403, "forbidden");
                heard.push(said(&answer));
            }
        }
    }
    heard.dedup();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(!heard[0].contains("goscore"), "{heard:?}");
    assert_eq!(calls(&gateway), 0);
}

/// What is wrong with a request is told with the names that the client may know.
#[tokio::test]
async fn problems_name_no_others() {
    let gateway = both(&World::documents()).start().await;
    for path in [
        "/loans?ref=nonsense",
        "/loans?connection=bsa&ref=carbon:customer:1",
        "/loans?connection=bsa&require=carbon",
        "/loans?ref=bsa:consent:1",
        "/loans?include=transactions",
    ] {
        let answer = bearer(&gateway, COLLECTIONS, path).await;
        answer.assert_problem(400, "invalid_request");
        for foreign in ["belvo", "goscore", "fineract"] {
            assert!(!answer.text.contains(foreign), "{path}: {answer:?}");
        }
    }
    // Whoever sees all of them is told what is wrong.
    bearer(&gateway, UNDERWRITING, "/loans?connection=nope")
        .await
        .assert_problem(400, "invalid_request");
    bearer(&gateway, UNDERWRITING, "/loans/nope:1")
        .await
        .assert_problem(404, "loan_not_found");
    bearer(&gateway, UNDERWRITING, "/connections/nope")
        .await
        .assert_problem(404, "connection_not_found");
}

#[tokio::test]
async fn a_client_that_sees_no_connection_gets_nothing() {
    let none = Client {
        connections: "",
        ..collections()
    };
    let gateway = clients(Setup::all(&World::documents()), &[underwriting(), none])
        .start()
        .await;
    let answer = bearer(&gateway, COLLECTIONS, "/loans").await;
    assert_eq!((answer.status, answer.loans().len()), (200, 0));
    assert_eq!(answer.json()["complete"], false);
    let answer = bearer(&gateway, COLLECTIONS, "/connections").await;
    assert_eq!(answer.json()["page"]["total"], 0);
    bearer(&gateway, COLLECTIONS, "/loans?connection=bsa")
        .await
        .assert_problem(403, "forbidden");
    assert_eq!(calls(&gateway), 0);
}

#[tokio::test]
async fn a_cursor_is_for_its_client_and_for_what_that_may_see() {
    let world = World::documents();
    let records = (0..20).map(|at| format!(r#"{{"application_id":"A{at}"}}"#));
    world.set_records(Provider::Carbon, records.collect());
    let seeing = |connections| {
        let second = Client {
            connections,
            ..collections()
        };
        clients(Setup::all(&world), &[underwriting(), second])
    };
    let gateway = seeing("carbon,fineract").start().await;
    for path in [
        "/loans?connection=carbon&limit=3",
        "/loans?connection=carbon&sort=id&limit=3",
        "/loans/fineract:123/transactions?limit=2",
    ] {
        let json = bearer(&gateway, COLLECTIONS, path).await.json();
        let cursor = json["page"]["next_cursor"].as_str().unwrap();
        let next = format!("{path}&cursor={cursor}");
        let other = bearer(&gateway, UNDERWRITING, &next).await;
        other.assert_problem(400, "invalid_cursor");
        assert_eq!(bearer(&gateway, COLLECTIONS, &next).await.status, 200);
    }

    // One that may see less than when it began begins again.
    let path = "/loans?connection=carbon&limit=3";
    let first = bearer(&gateway, COLLECTIONS, path).await.json();
    let cursor = first["page"]["next_cursor"].as_str().unwrap();
    let next = format!("{path}&cursor={cursor}");
    gateway.reload(&seeing("carbon,fineract")).unwrap();
    let again = bearer(&gateway, COLLECTIONS, &next).await;
    assert_eq!(again.status, 200, "{again:?}");
    gateway.reload(&seeing("carbon")).unwrap();
    bearer(&gateway, COLLECTIONS, &next)
        .await
        .assert_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn nobody_gets_what_another_fetched() {
    let gateway = both(&World::documents())
        .set("cache.max_age", "60s")
        .start()
        .await;
    let path = "/loans?connection=bsa";
    for (key, cache) in [
        (UNDERWRITING, "miss"),
        (COLLECTIONS, "miss"),
        (UNDERWRITING, "hit"),
        (COLLECTIONS, "hit"),
    ] {
        let answer = bearer(&gateway, key, path).await;
        assert_eq!(answer.source("bsa")["cache"], cache, "{key}");
    }
}
