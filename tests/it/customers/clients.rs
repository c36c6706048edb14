//! Whose customers they are: what one client knows is not there for another, unless their config shares it.

use loangate::config::KeyHash;
use loangate::sim::{Provider, World};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Place, linking, on_both, path};
use crate::support::{Answer, Running, Setup};

/// A client by its id, and its key: the same with a prefix that keys have.
async fn send(gateway: &Running, client: &str, method: Method, address: &str, body: Option<&str>) -> Answer {
    let key = format!("Bearer lgk_{client}-key-of-a-test");
    let headers = [
        ("authorization", key.as_str()),
        ("content-type", "application/json"),
    ];
    gateway.send(method, address, &headers, body).await
}

async fn put(gateway: &Running, client: &str, id: &str, references: &Value) -> Answer {
    send(
        gateway,
        client,
        Method::PUT,
        &path(id),
        Some(&linking(references)),
    )
    .await
}

async fn get(gateway: &Running, client: &str, address: &str) -> Answer {
    send(gateway, client, Method::GET, address, None).await
}

/// Clients: id, scopes, connections, and the name under which they share customers.
fn with(setup: Setup, clients: &[(&str, &str, &str, &str)]) -> Setup {
    let mut setup = setup.set("auth.mode", "api_key");
    for (at, (id, scopes, connections, customers)) in clients.iter().enumerate() {
        let hash = KeyHash::of(&format!("lgk_{id}-key-of-a-test")).to_string();
        let set =
            |setup: Setup, key: &str, value: &str| setup.set(&format!("auth.clients.{at}.{key}"), value);
        setup = set(setup, "id", id);
        setup = set(setup, "key_hash", &hash);
        setup = set(setup, "scopes", scopes);
        setup = set(setup, "connections", connections);
        if !customers.is_empty() {
            setup = set(setup, "customers", customers);
        }
    }
    setup
}

const BOTH: &str = "loans:read,customers:write";

on_both! {
    another_clients_customer_is_not_there(place) {
        // One is named as the other's namespace would be, if those could meet.
        let clients = [("one", BOTH, "*", ""), ("two", BOTH, "*", ""), ("three", BOTH, "*", "one")];
        let gateway = with(place.setup(), &clients).start().await;
        assert_eq!(put(&gateway, "one", "person", &json!(["bsa:customer:42", "fineract:loan:123"])).await.status, 201);
        for other in ["two", "three"] {
            let gone = send(&gateway, other, Method::DELETE, "/customers/person", None).await;
            gone.assert_problem(404, "customer_not_found");
            get(&gateway, other, "/customers/person").await.assert_problem(404, "customer_not_found");
            get(&gateway, other, "/loans?customer=person").await.assert_problem(404, "customer_not_found");
            let list = get(&gateway, other, "/customers").await;
            assert_eq!(list.json()["page"]["total"], 0);
            assert_eq!(list.json()["data"], json!([]));
        }
        // The same id is another customer.
        assert_eq!(put(&gateway, "two", "person", &json!(["carbon:customer:1"])).await.status, 201);
        let mine = get(&gateway, "one", "/customers/person").await;
        assert_eq!(mine.json()["references"].as_array().unwrap().len(), 2);
        // Nor is it in another's books.
        let book = |answer: &Answer| answer.source("fineract")["count"].clone();
        put(&gateway, "one", "more", &json!(["fineract:loan:1000"])).await;
        let asked = |answer: &Answer| answer.source("fineract")["upstream_requests"].clone();
        let (own, others) = (get(&gateway, "one", "/loans").await, get(&gateway, "two", "/loans").await);
        assert_ne!(asked(&own), asked(&others), "{own:?} {others:?}");
        assert_eq!(book(&others), 1);
    }

    clients_share_what_their_config_says(place) {
        let clients = [("one", BOTH, "*", "lending"), ("two", "loans:read", "bsa", "lending"), ("three", BOTH, "bsa,carbon", "lending")];
        let gateway = with(place.setup(), &clients).start().await;
        let references = json!(["bsa:customer:42", "goscore:consent:secret-consent"]);
        let made = put(&gateway, "one", "person", &references).await;
        assert_eq!(made.status, 201);
        let read = get(&gateway, "two", "/customers/person").await;
        assert_eq!(read.text, made.text);

        // A client without a connection is told that there is one, and that it is not for it.
        let answer = get(&gateway, "two", "/loans?customer=person").await;
        answer.assert_complete();
        let source = answer.source("goscore");
        assert_eq!((&source["status"], &source["reason"], &source["provider"]), (&json!("skipped"), &json!("not_allowed"), &json!("unknown")));
        assert_eq!(answer.json()["sources"].as_array().unwrap().len(), 2, "{answer:?}");
        assert!(gateway.asked(Provider::Goscore).is_empty());

        // It may not change them; who may, may not add what it may not see, and may leave it as it is.
        put(&gateway, "two", "person", &references).await.assert_problem(403, "forbidden");
        let added = json!(["bsa:customer:42", "goscore:consent:secret-consent", "goscore:consent:another"]);
        put(&gateway, "three", "person", &added).await.assert_problem(403, "forbidden");
        let longer = json!(["bsa:customer:42", {"ref": "goscore:consent:secret-consent", "purpose": "processing"}]);
        put(&gateway, "three", "person", &longer).await.assert_problem(403, "forbidden");
        put(&gateway, "three", "new", &json!(["goscore:consent:secret-consent"])).await.assert_problem(403, "forbidden");
        // Nor does it learn which connections there are.
        put(&gateway, "three", "person", &json!(["nothing:consent:x"])).await.assert_problem(403, "forbidden");
        let kept = json!(["carbon:customer:1", "goscore:consent:secret-consent"]);
        assert_eq!(put(&gateway, "three", "person", &kept).await.status, 200);
        let read = get(&gateway, "one", "/customers/person").await;
        assert_eq!(read.json()["references"][1]["ref"], "goscore:consent:secret-consent");
    }
}

#[tokio::test]
async fn reading_and_changing_are_different_scopes() {
    let place = Place::file();
    let clients = [
        ("reader", "loans:read", "*", "all"),
        ("writer", "customers:write", "*", "all"),
    ];
    let gateway = with(place.setup(), &clients).start().await;
    assert_eq!(put(&gateway, "writer", "person", &json!([])).await.status, 201);
    get(&gateway, "writer", "/customers/person")
        .await
        .assert_problem(403, "forbidden");
    assert_eq!(get(&gateway, "reader", "/customers/person").await.status, 200);
    put(&gateway, "reader", "person", &json!([]))
        .await
        .assert_problem(403, "forbidden");
    let gone = send(&gateway, "reader", Method::DELETE, "/customers/person", None).await;
    gone.assert_problem(403, "forbidden");
    gateway
        .get("/customers")
        .await
        .assert_problem(401, "unauthorized");
}

#[tokio::test]
async fn a_cursor_of_the_list_is_of_one_client() {
    let place = Place::file();
    let clients = [("one", BOTH, "*", "all"), ("two", BOTH, "*", "all")];
    let gateway = with(place.with(Setup::all(&World::documents())), &clients)
        .start()
        .await;
    for id in ["a", "b", "c"] {
        put(&gateway, "one", id, &json!([])).await;
    }
    let first = get(&gateway, "one", "/customers?limit=2").await;
    let cursor = first.json()["page"]["next_cursor"].as_str().unwrap().to_owned();
    let address = format!("/customers?limit=1&cursor={cursor}");
    let next = get(&gateway, "one", &address).await;
    assert_eq!(next.json()["data"][0]["id"], "c");
    get(&gateway, "two", &address)
        .await
        .assert_problem(400, "invalid_cursor");
    let loans = format!("/loans?cursor={cursor}");
    get(&gateway, "one", &loans)
        .await
        .assert_problem(400, "invalid_cursor");
}
