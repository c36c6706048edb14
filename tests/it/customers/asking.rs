//! `customer=`: one id in place of all references that are linked to it.

use loangate::sim::{Provider, World};
use reqwest::Method;
use serde_json::json;

use super::{EVERYWHERE, Place, delete, on_both, put};
use crate::cli::loangate;
use crate::support::{Answer, Setup};

fn refs(references: &[&str]) -> String {
    let pairs: Vec<String> = references
        .iter()
        .map(|reference| format!("ref={reference}"))
        .collect();
    pairs.join("&")
}

/// The answer without what is new in every one.
fn lasting(answer: &Answer) -> (Vec<String>, String) {
    answer.assert_complete();
    (answer.ids(), answer.json()["page"].to_string())
}

on_both! {
    a_customer_is_every_reference_that_is_linked(place) {
        let gateway = place.setup().start().await;
        put(&gateway, "person 1".replace(' ', "-").as_str(), &json!(EVERYWHERE)).await;
        let by_reference = gateway.get(&format!("/loans?{}", refs(&EVERYWHERE))).await;
        let by_customer = gateway.get("/loans?customer=person-1").await;
        assert_eq!(lasting(&by_customer), lasting(&by_reference));
        assert_eq!(by_customer.json()["page"]["consistency"], "snapshot");
        for provider in Provider::ALL {
            let source = by_customer.source(provider.as_str());
            assert_eq!((&source["status"], &source["reason"]), (&json!("ok"), &json!(null)), "{source}");
        }

        let searched = gateway.search(r#"{"customer": "person-1"}"#).await;
        assert_eq!(lasting(&searched), lasting(&by_customer));

        let totals = async |query: &str| gateway.get(&format!("/loans/summary?{query}")).await.json()["data"].take();
        assert_eq!(totals("customer=person-1").await, totals(&refs(&EVERYWHERE)).await);

        let lines = async |query: &str| {
            let accept = [("accept", "application/x-ndjson")];
            let answer = gateway.send(Method::GET, &format!("/loans?{query}"), &accept, None).await;
            let mut lines: Vec<String> = answer.text.lines().map(str::to_owned).collect();
            let end: serde_json::Value = serde_json::from_str(&lines.pop().unwrap()).unwrap();
            assert_eq!(end["complete"], true);
            lines.len()
        };
        let count = by_customer.ids().len();
        assert_eq!(lines("customer=person-1").await, count);
        assert_eq!(lines(&refs(&EVERYWHERE)).await, count);
    }

    a_customer_and_references_are_united(place) {
        let gateway = place.setup().start().await;
        put(&gateway, "one", &json!(["bsa:customer:42", "fineract:loan:123"])).await;
        let both = gateway.get("/loans?customer=one&ref=carbon:customer:1732ca47-42b2-4990-a65d-c369e934eed3&ref=bsa:customer:42").await;
        both.assert_complete();
        for (connection, status, requests) in [("bsa", "ok", 1), ("carbon", "ok", 1), ("fineract", "ok", 1), ("belvo", "skipped", 0)] {
            let source = both.source(connection);
            assert_eq!(source["status"], status, "{source}");
            assert!(source["upstream_requests"].as_u64().unwrap() >= requests, "{source}");
        }
        assert_eq!(both.source("belvo")["reason"], "no_reference");
        // What both name is asked for once.
        assert_eq!(gateway.attempts(Provider::Bsa), 1);
    }

    an_unknown_customer_is_no_answer(place) {
        let gateway = place.setup().start().await;
        for address in ["/loans?customer=nobody", "/loans/summary?customer=nobody", "/loans?customer=", "/loans?customer=a%20b"] {
            gateway.get(address).await.assert_problem(404, "customer_not_found");
        }
        let accept = [("accept", "text/csv")];
        let answer = gateway.send(Method::GET, "/loans?customer=nobody", &accept, None).await;
        answer.assert_problem(404, "customer_not_found");
        gateway.get("/loans?customer=a&customer=b").await.assert_problem(400, "invalid_request");
        assert!(gateway.world.requests().is_empty());
    }

    the_pages_of_a_customer_end_with_it(place) {
        let world = World::generated(7, 60);
        let gateway = place.with(Setup::all(&world)).start().await;
        put(&gateway, "one", &json!(["goscore:consent:6915ab99857fec1e6f2f6c078"])).await;
        let query = "/loans?customer=one&limit=20";
        let first = gateway.get(query).await;
        let cursor = first.json()["page"]["next_cursor"].as_str().unwrap().to_owned();
        let next = async |query: &str| gateway.get(&format!("{query}&cursor={cursor}")).await;
        assert_eq!(next(query).await.ids().len(), 20);
        next("/loans?customer=two&limit=20").await.assert_problem(404, "customer_not_found");
        put(&gateway, "two", &json!(["goscore:consent:6915ab99857fec1e6f2f6c078"])).await;
        next("/loans?customer=two&limit=20").await.assert_problem(400, "invalid_cursor");
        next("/loans?limit=20").await.assert_problem(400, "invalid_cursor");

        // What is linked from now on makes no difference to a set that was frozen before.
        put(&gateway, "one", &json!(["bsa:customer:42"])).await;
        assert_eq!(next(query).await.ids().len(), 20);
        delete(&gateway, "one").await;
        next(query).await.assert_problem(404, "customer_not_found");
    }
}

#[tokio::test]
async fn connections_that_were_not_meant_are_not_asked() {
    let place = Place::file();
    let gateway = place.setup().start().await;
    put(&gateway, "one", &json!(EVERYWHERE)).await;
    for query in ["connection=bsa,carbon", "provider=bsa,carbon"] {
        let answer = gateway.get(&format!("/loans?customer=one&{query}")).await;
        answer.assert_complete();
        assert_eq!(
            answer.json()["sources"].as_array().unwrap().len(),
            2,
            "{answer:?}"
        );
    }
    assert!(gateway.asked(Provider::Goscore).is_empty());
    let answer = gateway.get("/loans?customer=one&include=schedule").await;
    answer.assert_problem(400, "invalid_request");
    assert_eq!(answer.json()["errors"][0]["parameter"], "include");
    let answer = gateway
        .get("/loans?customer=one&include=schedule&connection=bsa")
        .await;
    answer.assert_complete();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_in_a_terminal() {
    let place = Place::file();
    let gateway = place.setup().start().await;
    put(
        &gateway,
        "one",
        &json!([{"ref": "bsa:customer:42", "purpose": "processing"}, {"ref": "fineract:loan:123", "purpose": "presentation"}]),
    )
    .await;
    let url = format!("http://{}", gateway.address);
    let listed = |more: &[&str]| {
        let mut arguments = vec!["loans", "--format", "ndjson", "--url", &url];
        arguments.extend(more);
        let output = loangate(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap().lines().count()
    };
    assert_eq!(listed(&["--customer", "one"]), 3);
    assert_eq!(listed(&["--customer", "one", "--purpose", "processing"]), 2);
}

#[tokio::test]
async fn a_customer_without_references_has_no_loans_that_are_known() {
    let place = Place::file();
    let gateway = place.setup().start().await;
    put(&gateway, "one", &json!([])).await;
    let answer = gateway.get("/loans?customer=one").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["complete"], false);
    assert!(answer.ids().is_empty());
    assert_eq!(answer.source("bsa")["reason"], "no_reference");
    assert!(gateway.world.requests().is_empty());
}

/// A reload took a connection away. Nothing of the customer is missing without a word.
#[tokio::test]
async fn what_is_linked_to_a_connection_that_is_gone_is_told() {
    let place = Place::file();
    let world = World::documents();
    let gateway = place.with(Setup::all(&world)).start().await;
    put(&gateway, "one", &json!(["bsa:customer:42", "carbon:customer:1"])).await;
    gateway
        .reload(&place.with(Setup::of(&world, &[Provider::Bsa, Provider::Belvo])))
        .unwrap();
    let answer = gateway.get("/loans?customer=one").await;
    answer.assert_complete();
    let gone = answer.source("carbon");
    assert_eq!(
        (&gone["status"], &gone["reason"], &gone["provider"]),
        (&json!("skipped"), &json!("not_configured"), &json!("unknown"))
    );
    assert_eq!(answer.source("belvo")["reason"], "no_reference");
    // Who says which connections are meant does not hear of others.
    let answer = gateway.get("/loans?customer=one&connection=bsa").await;
    assert_eq!(answer.json()["sources"].as_array().unwrap().len(), 1);
    // The same customers, without having been opened anew.
    assert_eq!(
        gateway.get("/customers/one").await.json()["references"][1]["ref"],
        "carbon:customer:1"
    );
}

on_both! {
    whole_books_hold_what_is_linked(place) {
        let world = World::generated(3, 12);
        let setup = place
            .with(Setup::of(&world, &[Provider::Goscore, Provider::Fineract, Provider::Bsa]))
            .set("connections.goscore.references", "")
            .set("connections.fineract.references", "loan:123");
        let gateway = setup.start().await;
        let before = gateway.get("/loans?limit=200").await;
        assert_eq!(before.source("goscore")["reason"], "no_reference");
        let counted = |answer: &Answer, connection: &str| answer.source(connection)["count"].as_u64().unwrap();
        assert_eq!(counted(&before, "fineract"), 1);

        // Twice linked is asked for once, also where the config names it too.
        put(&gateway, "one", &json!(["goscore:consent:6915ab99857fec1e6f2f6c078", "fineract:loan:123", "fineract:loan:1000"])).await;
        put(&gateway, "two", &json!(["goscore:consent:6915ab99857fec1e6f2f6c078", "bsa:customer:42"])).await;
        let after = gateway.get("/loans?limit=200").await;
        after.assert_complete();
        assert_eq!(after.json()["page"]["consistency"], "live");
        assert_eq!(counted(&after, "fineract"), 2);
        assert!(counted(&after, "goscore") >= 12, "{after:?}");
        assert_eq!(counted(&after, "bsa"), counted(&before, "bsa"));
        let ids = after.ids();
        let different: std::collections::BTreeSet<&String> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());

        let mut consents = gateway.asked(Provider::Goscore);
        consents.retain(|request| request.query.starts_with("page=1&"));
        assert_eq!(consents.len(), 1, "{consents:?}");
        delete(&gateway, "one").await;
        delete(&gateway, "two").await;
        let again = gateway.get("/loans?limit=200").await;
        assert_eq!(again.source("goscore")["reason"], "no_reference");
        assert_eq!(counted(&again, "fineract"), 1);
    }
}
