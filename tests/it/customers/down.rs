//! A store that gives no answer: what needs it says so, and nothing else notices.

use reqwest::Method;
use serde_json::json;

use super::{Place, delete, get, put};
use crate::support::Setup;
use loangate::sim::{Provider, World};

#[tokio::test]
async fn what_needs_no_customers_works_without_the_store() {
    let place = Place::file();
    let gateway = place
        .setup()
        .set("store.url", "postgres://user:SECRET-mark@127.0.0.1:1/loangate")
        .start()
        .await;
    assert!(!gateway.debug.contains("SECRET"), "{}", gateway.debug);
    for answer in [
        get(&gateway, "one").await,
        put(&gateway, "one", &json!([])).await,
        delete(&gateway, "one").await,
        gateway.get("/customers").await,
        gateway.get("/loans?customer=one").await,
        // Of these the whole book is what is linked.
        gateway.get("/loans?connection=goscore").await,
        gateway.get("/loans/summary?connection=goscore").await,
        gateway
            .send(
                Method::GET,
                "/loans?connection=goscore,fineract",
                &[("accept", "text/csv")],
                None,
            )
            .await,
    ] {
        answer.assert_problem(503, "store_unavailable");
        assert_eq!(answer.header("retry-after"), "1");
        assert!(!answer.text.contains("SECRET"), "{answer:?}");
    }
    // The others are answered, and what is not is said.
    for address in ["/loans", "/loans?sort=id", "/loans/summary"] {
        let answer = gateway.get(address).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["complete"], false);
        for (connection, listed) in [
            ("bsa", true),
            ("carbon", true),
            ("belvo", true),
            ("goscore", false),
            ("fineract", false),
        ] {
            let source = answer.source(connection);
            assert_eq!(source["status"], if listed { "ok" } else { "failed" }, "{source}");
            if !listed {
                assert_eq!(source["error"]["code"], "upstream_unavailable");
                assert!(
                    source["error"]["detail"].as_str().unwrap().contains("store"),
                    "{source}"
                );
            }
        }
        assert!(!answer.text.contains("SECRET"), "{answer:?}");
    }
    let required = gateway.get("/loans?require=goscore").await;
    required.assert_problem(502, "upstream_failed");
    for address in [
        "/loans?connection=bsa,carbon,belvo",
        "/loans?ref=goscore:consent:6915ab99857fec1e6f2f6c078",
        "/loans/bsa:501",
        "/connections",
        "/readyz",
    ] {
        assert_eq!(gateway.get(address).await.status, 200, "{address}");
    }
}

/// A store that was not there is opened once it is.
#[tokio::test]
async fn a_store_that_comes_back_is_used_again() {
    let place = Place::file();
    let later = place.directory().join("later");
    let url = format!("sqlite://{}/loangate.db", later.display());
    let setup = Setup::only(Provider::Bsa, &World::documents()).set("store.url", &url);
    let gateway = setup.start().await;
    put(&gateway, "one", &json!([]))
        .await
        .assert_problem(503, "store_unavailable");
    std::fs::create_dir(&later).unwrap();
    assert_eq!(put(&gateway, "one", &json!([])).await.status, 201);
}
