//! Where every value came from, why there is none, and what the upstream sent for it.

use loangate::sim::{Provider, World};
use serde_json::{Value, json};

use super::{canonical, documents, segment};
use crate::support::Setup;

const ORIGINS: [&str; 4] = ["reported", "derived", "inferred", "assumed"];
const REASONS: [&str; 6] = [
    "not_in_provider_schema",
    "absent_in_response",
    "null_in_response",
    "not_applicable",
    "unparseable",
    "redacted",
];

/// Every value has an origin and a source, every null exactly one reason, and nothing else has either.
fn accounted_for(loan: &Value) {
    let provenance = loan["provenance"].as_object().unwrap();
    let missing = provenance["missing"].as_object().unwrap();
    let leaves = canonical(loan);
    for (path, value) in &leaves {
        let (origin, reason) = (provenance.get(path), missing.get(path));
        if value.is_null() {
            let reason = reason.unwrap_or_else(|| panic!("{path} has no reason: {loan}"));
            assert!(
                REASONS.contains(&reason.as_str().unwrap()) && origin.is_none(),
                "{path}"
            );
        } else {
            let origin = origin.unwrap_or_else(|| panic!("{path} has no origin: {loan}"));
            assert!(ORIGINS.contains(&origin["origin"].as_str().unwrap()), "{path}");
            assert!(
                !origin["source"].as_str().unwrap().is_empty() && reason.is_none(),
                "{path}"
            );
        }
    }
    assert_eq!(provenance.len() - 1 + missing.len(), leaves.len(), "{loan}");
}

#[tokio::test]
async fn every_value_has_an_origin_and_every_null_a_reason() {
    for world in [World::documents(), World::generated(7, 40)] {
        let gateway = Setup::all(&world).start().await;
        let answer = gateway.get("/loans?include=provenance&limit=200").await;
        assert!(answer.loans().len() >= 5);
        for loan in answer.loans() {
            accounted_for(&loan);
            let path = format!("/loans/{}", segment(loan["id"].as_str().unwrap()));
            let one = gateway.get(&format!("{path}?include=provenance")).await;
            accounted_for(&one.json()["data"]);
        }
    }
}

#[tokio::test]
async fn the_origins_of_the_contract_s_example() {
    let gateway = Setup::only(Provider::Bsa, &World::documents()).start().await;
    let loan = gateway.get("/loans/bsa:501?include=provenance").await.json()["data"].clone();
    let provenance = &loan["provenance"];
    for (path, origin, source) in [
        ("amounts.total_outstanding", "reported", "totalOutstanding"),
        ("amounts.fees_outstanding", "derived", "totalOutstanding"),
        ("id", "derived", "id"),
        ("currency", "reported", "currencyCode"),
        ("native_status", "reported", "status"),
        ("phase", "derived", "status"),
        ("as_of", "derived", "(fetch)"),
        ("connection", "assumed", "(config)"),
        ("provider_refs.account_number", "reported", "accountNo"),
    ] {
        assert_eq!(
            provenance[path],
            json!({"origin": origin, "source": source}),
            "{path}"
        );
    }
    for (path, reason) in [
        ("lender.name", "not_in_provider_schema"),
        ("amounts.credit_balance", "not_applicable"),
        ("dates.applied_on", "not_in_provider_schema"),
    ] {
        assert_eq!(provenance["missing"][path], reason, "{path}");
    }
    assert!(
        gateway.get("/loans/bsa:501").await.json()["data"]
            .get("provenance")
            .is_none()
    );
}

#[tokio::test]
async fn an_explanation_shows_what_was_sent_beside_what_was_made_of_it() {
    let gateway = Setup::only(Provider::Bsa, &World::documents()).start().await;
    let answer = gateway.get("/loans/bsa:501/explain").await;
    answer.assert_complete();
    let data = &answer.json()["data"];
    assert_eq!(data["loan"]["id"], "bsa:501");
    assert_eq!(data["records"][0]["name"], "loan");
    assert_eq!(data["records"][0]["received"]["totalOutstanding"], json!(5038.5));
    assert_eq!(data["records"][0]["received"]["customerName"], "[redacted]");
    let field = |path: &str| {
        let fields = data["fields"].as_array().unwrap();
        fields
            .iter()
            .find(|field| field["field"] == path)
            .unwrap()
            .clone()
    };
    assert_eq!(
        field("amounts.total_outstanding"),
        json!({"field": "amounts.total_outstanding", "value": "5038.50", "origin": "reported", "missing": null,
            "source": "totalOutstanding", "received": 5038.5})
    );
    assert_eq!(
        field("lender.name"),
        json!({"field": "lender.name", "value": null, "origin": null, "missing": "not_in_provider_schema",
            "source": null, "received": null})
    );
    let fields = data["fields"].as_array().unwrap().len();
    assert_eq!(fields, canonical(&data["loan"]).len());
    let granted = gateway.get("/loans/bsa:501/explain?include=personal").await;
    assert_eq!(
        granted.json()["data"]["records"][0]["received"]["customerName"],
        "Ada Lovelace"
    );
}

#[tokio::test]
async fn explanations_are_refused_like_loans() {
    let gateway = documents().await;
    gateway
        .get("/loans/bsa:999/explain")
        .await
        .assert_problem(404, "loan_not_found");
    gateway
        .get("/loans/nope/explain")
        .await
        .assert_problem(404, "loan_not_found");
    let bad = gateway.get("/loans/bsa:501/explain?include=raw&limit=3").await;
    bad.assert_problem(400, "invalid_request");
    assert_eq!(bad.json()["errors"].as_array().unwrap().len(), 2, "{}", bad.text);
}

#[tokio::test]
async fn beyond_loopback_nobody_sees_a_person_in_an_explanation() {
    let gateway = Setup::only(Provider::Bsa, &World::documents())
        .set("server.listen", "0.0.0.0:0")
        .set("auth.allow_insecure", "true")
        .start()
        .await;
    let path = "/loans/bsa:501/explain?include=personal";
    gateway.get(path).await.assert_problem(403, "forbidden");
    assert!(
        !gateway
            .get("/loans/bsa:501/explain")
            .await
            .text
            .contains("Lovelace")
    );
}
