//! The API's document: what is checked in is what the handlers say, and what one gateway serves is true of that gateway.

use std::collections::BTreeSet;
use std::{env, fs};

use loangate::sim::World;
use serde_json::{Value, json};

use crate::access::guarded;
use crate::support::{Setup, conformance, keys::example};

const CHECKED_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");

async fn served(setup: Setup, base_path: &str) -> Value {
    let gateway = setup.set("server.base_path", base_path).start().await;
    let answer = gateway.get(&format!("{base_path}/openapi.json")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    answer.json()
}

/// `LOANGATE_BLESS=1 cargo test --test it openapi` writes it anew.
#[tokio::test]
async fn the_document_that_is_checked_in_is_what_the_handlers_say() {
    let document = served(guarded(), "").await;
    assert_eq!(document["openapi"], "3.1.0");
    let text = format!("{}\n", serde_json::to_string_pretty(&document).unwrap());
    if env::var_os("LOANGATE_BLESS").is_some() {
        fs::write(CHECKED_IN, &text).unwrap();
    }
    let checked_in = fs::read_to_string(CHECKED_IN).unwrap();
    assert!(
        checked_in == text,
        "docs/openapi.json is not what the handlers say; LOANGATE_BLESS=1 writes it anew"
    );
}

/// Clients that are generated from it name their functions so.
#[tokio::test]
async fn every_operation_has_a_name_of_its_own() {
    let document = served(guarded(), "").await;
    let items = document["paths"].as_object().unwrap().values();
    let operations: Vec<&Value> = items
        .flat_map(|item| item.as_object().unwrap().values())
        .collect();
    let names: BTreeSet<&str> = operations
        .iter()
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), operations.len(), "{names:?}");
}

/// The document is there for everybody. What a gateway has configured is not, unless everybody may see that too.
#[tokio::test]
async fn a_gateway_names_its_connections_only_where_everybody_may_see_them() {
    let text = served(guarded(), "").await.to_string();
    for id in ["bsa:", "\"bsa\",\"carbon\",\"fineract\",\"goscore\",\"all\""] {
        assert!(!text.contains(id), "{id}");
    }

    let open = served(Setup::all(&World::documents()), "").await;
    let parameters = open["paths"]["/loans"]["get"]["parameters"].as_array().unwrap();
    let of = |name: &str| {
        let found = parameters.iter().find(|parameter| parameter["name"] == name);
        found.unwrap()["schema"]["items"].clone()
    };
    let ids = ["belvo", "bsa", "carbon", "fineract", "goscore"];
    assert_eq!(of("connection")["enum"], json!(ids));
    assert!(of("ref")["pattern"].as_str().unwrap().contains("bsa:(customer|"));
    assert!(open.get("security").is_none());
    assert!(open["components"].get("securitySchemes").is_none());
}

#[tokio::test]
async fn below_a_prefix_it_says_so() {
    let document = served(guarded(), "/lending").await;
    assert_eq!(document["servers"], json!([{"url": "/lending"}]));
    let document = served(guarded(), "").await;
    assert_eq!(document["servers"], json!([{"url": "/"}]));
}

/// The page and everything it loads come from this binary; its policy lets nothing else in.
#[tokio::test]
async fn the_page_needs_nobody_else() {
    let gateway = guarded().set("server.base_path", "/lending").start().await;
    let page = gateway.get("/lending/docs").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(
        page.header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    let links = |text: &str| -> Vec<String> {
        let parts = text.split(['"']);
        let links = parts.filter(|part| part.starts_with("docs/") || part.contains("//"));
        links.map(str::to_owned).collect()
    };
    let links = links(&page.text);
    assert!(links.len() > 3, "{links:?}");
    for link in links {
        let file = gateway.get(&format!("/lending/{link}")).await;
        assert_eq!(file.status, 200, "{link}");
        let kind = file.header("content-type");
        assert!(kind.starts_with("text/") || kind == "image/png", "{link}: {kind}");
    }
    assert!(
        gateway
            .get("/lending/docs/page.js")
            .await
            .text
            .contains("validatorUrl: null")
    );
    for missing in ["/lending/docs/index.html", "/lending/docs/nothing"] {
        gateway.get(missing).await.assert_problem(404, "not_found");
    }
}

/// What holds answers to the document finds what is wrong with them.
#[test]
fn an_answer_that_the_document_does_not_describe_is_found() {
    let source = json!({
        "connection": "bsa", "provider": "bsa", "status": "ok", "reason": null, "count": 0, "total": null,
        "rejected": 0, "duplicates": 0, "exhausted": true, "as_of": "2026-05-28T09:00:00Z", "cache": "miss",
        "upstream_requests": 1, "elapsed_ms": 2, "error": null
    });
    let good = json!({
        "data": [example()],
        "page": {"limit": 50, "count": 1, "total": null, "next_cursor": null, "consistency": "live"},
        "complete": true, "sources": [source], "request_id": "1"
    });
    let changed = |pointer: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    let without = |pointer: &str, key: &str| {
        let mut changed = good.clone();
        changed
            .pointer_mut(pointer)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(key);
        changed
    };
    let with = |pointer: &str, key: &str| {
        let mut changed = good.clone();
        changed.pointer_mut(pointer).unwrap()[key] = json!(null);
        changed
    };
    assert_eq!(conformance::list_of_loans(&good), Vec::<String>::new());
    let bad = [
        changed("/data/0/amounts/requested", json!(5000)),
        changed("/data/0/amounts/requested", json!("5,000")),
        changed("/data/0/status", json!("alive")),
        changed("/data/0/dates/matures_on", json!("2026-13-04")),
        changed("/data/0/as_of", json!("yesterday")),
        changed("/data/0/flags/0/field", json!("rate.colour")),
        changed("/sources/0/cache", json!("maybe")),
        changed("/page/consistency", json!(null)),
        without("/data/0", "native_kind"),
        without("/data/0/dates", "closed_on"),
        without("/sources/0", "error"),
        without("", "request_id"),
        with("/data/0", "colour"),
        with("/data/0/lender", "colour"),
        with("/sources/0", "colour"),
        with("/page", "colour"),
        with("", "colour"),
    ];
    for (at, bad) in bad.iter().enumerate() {
        assert!(!conformance::list_of_loans(bad).is_empty(), "{at}: {bad}");
    }
}
