//! Totals, held against the full list.

use std::collections::{BTreeMap, BTreeSet};

use loangate::sim::{Fault, Provider, World};
use serde_json::{Value, json};

use super::{Chance, Walk, gateway, small_pages};
use crate::support::Setup;

/// A decimal text as an exact whole number of its eighteenth places.
pub(super) fn exact(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert!(fraction.len() <= 18, "{text}");
    format!("{whole}{fraction:0<18}").parse().unwrap()
}

/// One total, computed again.
fn total(loans: &[&Value], name: &str) -> (Option<i128>, usize, usize) {
    let amounts: Vec<&str> = loans
        .iter()
        .filter_map(|loan| loan["amounts"][name].as_str())
        .collect();
    let sum = amounts.iter().map(|text| exact(text)).sum();
    let unknown = loans.len() - amounts.len();
    ((!amounts.is_empty()).then_some(sum), loans.len(), unknown)
}

fn assert_total(shown: &Value, loans: &[&Value], name: &str) {
    let (sum, count, unknown) = total(loans, name);
    assert_eq!(shown["amount"].as_str().map(exact), sum, "{name}: {shown}");
    assert_eq!(shown["loans"], count, "{name}: {shown}");
    assert_eq!(shown["unknown"], unknown, "{name}: {shown}");
    assert_eq!(shown.as_object().unwrap().len(), 3);
}

fn assert_groups(groups: &Value, loans: &[&Value], by: Option<&str>, debt: bool) {
    let mut expected: BTreeMap<(String, String), Vec<&Value>> = BTreeMap::new();
    for loan in loans {
        let word = by.map_or(String::new(), |by| loan[by].as_str().unwrap().to_owned());
        let currency = loan["currency"].as_str().unwrap_or_default().to_owned();
        expected.entry((currency, word)).or_default().push(loan);
    }
    let groups = groups.as_array().unwrap();
    assert_eq!(groups.len(), expected.len(), "{by:?}");
    let mut met = BTreeSet::new();
    for group in groups {
        let word = by.map_or("", |by| group[by].as_str().unwrap()).to_owned();
        let currency = group["currency"].as_str().unwrap_or_default().to_owned();
        let mine = &expected[&(currency.clone(), word.clone())];
        assert!(met.insert((currency, word)), "{group}");
        assert_eq!(group["loans"], mine.len());
        if debt {
            for name in ["total_outstanding", "principal_outstanding", "past_due"] {
                assert_total(&group[name], mine, name);
            }
            let worst = mine
                .iter()
                .filter_map(|loan| loan["delinquency"]["days_past_due"].as_u64())
                .max();
            assert_eq!(group["worst_days_past_due"], json!(worst));
        } else {
            assert_total(&group["requested"], mine, "requested");
            assert!(group.get("total_outstanding").is_none());
        }
    }
}

fn assert_sums(figures: &Value, loans: &[Value]) {
    for (part, debt) in [("debt", true), ("applications", false)] {
        let mine: Vec<&Value> = loans
            .iter()
            .filter(|loan| (loan["record_type"] == "loan_application") != debt)
            .collect();
        let figures = &figures[part];
        assert_groups(&figures["by_currency"], &mine, None, debt);
        for by in ["kind", "phase", "payment_status", "connection"] {
            assert_groups(&figures[format!("by_{by}")], &mine, Some(by), debt);
        }
    }
}

#[tokio::test]
async fn the_totals_are_those_of_the_list() {
    for seed in [31, 32] {
        let gateway = gateway(seed, Chance(seed).between(30, 150)).await;
        for query in [
            "",
            "currency=TZS",
            "connection=bsa,belvo",
            "overdue=true",
            "ref=bsa:customer:42",
            "kind=mortgage",
        ] {
            let walk = Walk::follow(&gateway, query, || 200).await;
            let answer = gateway.get(&format!("/loans/summary?{query}")).await;
            answer.assert_complete();
            let json = answer.json();
            assert_sums(&json["data"], &walk.loans);
            assert_eq!(
                json["sources"].as_array().unwrap().len(),
                walk.last().json()["sources"].as_array().unwrap().len()
            );
            assert_eq!(super::given(&answer), walk.loans.len(), "{query}");
            assert!(json.get("page").is_none());
        }
    }
}

#[tokio::test]
async fn a_sum_with_too_many_digits_is_null_and_its_neighbours_are_exact() {
    let large = "99999999999999999999999999.99";
    let rows = |currency: &str, amounts: &[&str]| -> Vec<String> {
        amounts
            .iter()
            .enumerate()
            .map(|(id, amount)| {
                format!(
                    r#"{{"id":"{currency}{id}","currencyCode":"{currency}","totalOutstanding":{amount}}}"#
                )
            })
            .collect()
    };
    let world = World::documents();
    world.set_records(
        Provider::Bsa,
        [
            rows("TZS", &["1.10", "2.2", "0.001"]),
            rows("NGN", &std::iter::repeat_n(large, 900).collect::<Vec<_>>()),
            rows("MXN", &["79228162514264337593543950335", "0.5"]),
        ]
        .concat(),
    );
    let gateway = Setup::only(Provider::Bsa, &world).start().await;
    let answer = gateway.get("/loans/summary").await;
    let groups = answer.json()["data"]["debt"]["by_currency"].clone();
    let of = |currency: &str| {
        let groups = groups.as_array().unwrap().iter();
        groups
            .clone()
            .find(|group| group["currency"] == currency)
            .unwrap()["total_outstanding"]
            .clone()
    };
    assert_eq!(of("TZS"), json!({"amount": "3.301", "loans": 3, "unknown": 0}));
    assert_eq!(of("NGN")["amount"], Value::Null);
    assert_eq!(of("NGN")["loans"], 900);
    assert!(answer.json()["complete"].is_boolean());
}

#[tokio::test]
async fn totals_with_a_failed_source_say_so() {
    let world = World::generated(33, 25);
    let gateway = small_pages(&world, &[Provider::Bsa, Provider::Carbon, Provider::Belvo])
        .start()
        .await;
    world.set_fault(Provider::Carbon, Fault::HtmlBadGateway);
    let answer = gateway.get("/loans/summary").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["complete"], false);
    assert_eq!(answer.header("loangate-complete"), "false");
    assert_eq!(answer.source("carbon")["status"], "failed");
    let walk = Walk::of(&gateway, "connection=bsa,belvo").await;
    assert_sums(&answer.json()["data"], &walk.loans);
    gateway
        .get("/loans/summary?require=carbon")
        .await
        .assert_problem(502, "upstream_failed");
    for provider in Provider::ALL {
        world.set_fault(provider, Fault::HtmlBadGateway);
    }
    gateway
        .get("/loans/summary")
        .await
        .assert_problem(502, "upstream_failed");
}

#[tokio::test]
async fn totals_have_no_pages() {
    let gateway = gateway(34, 5).await;
    for name in ["limit=5", "cursor=x", "sort=id", "include=raw"] {
        gateway
            .get(&format!("/loans/summary?{name}"))
            .await
            .assert_problem(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_debt_that_may_be_there_twice_is_told_and_counted_twice() {
    let world = World::documents();
    let row = |id: &str, principal: &str| {
        format!(
            r#"{{"id":"{id}","customerId":"42","currencyCode":"MXN","principalDisbursed":{principal},"totalOutstanding":8391.80}}"#
        )
    };
    world.set_records(Provider::Bsa, vec![row("7", "12000"), row("8", "11999.99")]);
    let gateway = Setup::of(&world, &[Provider::Bsa, Provider::Belvo]).start().await;
    let person = "ref=bsa:customer:42&ref=belvo:merchant_customer:CUST-001234";
    let answer = gateway.get(&format!("/loans/summary?{person}")).await;
    answer.assert_complete();
    let collected = "belvo:CUST-001234~3f6f4a0e-5f0b-4c38-9d1f-0c8a4f2be101";
    let figures = &answer.json()["data"];
    assert_eq!(
        figures["duplicate_candidates"],
        json!([{
            "loans": [collected, "bsa:7"],
            "evidence": ["same_original_principal", "same_total_outstanding"],
        }])
    );
    let owed = &figures["debt"]["by_currency"][0]["total_outstanding"];
    assert_eq!(*owed, json!({"amount": "25175.40", "loans": 3, "unknown": 0}));

    let alone = gateway.get("/loans/summary?ref=bsa:customer:42").await;
    assert_eq!(alone.json()["data"]["duplicate_candidates"], json!([]));
    // A question about nobody looks for none.
    let book = gateway.get("/loans/summary").await;
    assert_eq!(book.json()["data"]["duplicate_candidates"], Value::Null);
}
