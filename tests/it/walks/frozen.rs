//! Frozen sets: what does not change any more, and the order it is in.

use std::cmp::Ordering;

use loangate::sim::{Fault, Provider, World};
use serde_json::{Value, json};

use super::{Chance, Walk, address, each_once, gateway, ids, next, plain, plain_books, small_pages};
use crate::support::Setup;

const SORTS: [&str; 4] = ["id", "opened_on", "due_on", "days_past_due"];

fn key<'a>(loan: &'a Value, sort: &str) -> &'a Value {
    match sort {
        "id" => &loan["id"],
        "opened_on" => &loan["dates"]["opened_on"],
        "due_on" => &loan["next_payment"]["due_on"],
        "days_past_due" => &loan["delinquency"]["days_past_due"],
        "outstanding" => &loan["amounts"]["total_outstanding"],
        _ => unreachable!(),
    }
}

fn compare(sort: &str, left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_u64().cmp(&right.as_u64()),
        (Value::String(left), Value::String(right)) if sort == "outstanding" => {
            super::summary::exact(left).cmp(&super::summary::exact(right))
        }
        (Value::String(left), Value::String(right)) => left.cmp(right),
        _ => panic!("{left} and {right}"),
    }
}

/// The order of the contract, written again.
fn in_order(mut loans: Vec<Value>, sort: &str, descending: bool) -> Vec<String> {
    loans.sort_by(|left, right| {
        let (a, b) = (key(left, sort), key(right, sort));
        let by_key = match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) if descending => compare(sort, b, a),
            (false, false) => compare(sort, a, b),
        };
        by_key.then_with(|| super::id(left).cmp(&super::id(right)))
    });
    ids(&loans)
}

#[tokio::test]
async fn every_sort_is_total_with_nulls_last_and_ties_by_id() {
    let gateway = gateway(21, 90).await;
    let all = Walk::of(&gateway, "").await.loans;
    let mut chance = Chance(21);
    for sort in SORTS {
        for descending in [false, true] {
            let minus = if descending { "-" } else { "" };
            let query = format!("sort={minus}{sort}");
            let walk = Walk::follow(&gateway, &query, || chance.between(20, 200)).await;
            assert_eq!(walk.ids(), in_order(all.clone(), sort, descending), "{query}");
            assert!(sort == "id" || all.iter().any(|loan| key(loan, sort).is_null()));
        }
    }
}

#[tokio::test]
async fn sorting_by_what_is_owed_needs_one_currency() {
    let gateway = gateway(22, 60).await;
    let bad = ["", "&currency=TZS,NGN"];
    for more in bad {
        let answer = gateway.get(&format!("/loans?sort=outstanding{more}")).await;
        answer.assert_problem(400, "invalid_request");
        assert_eq!(answer.json()["errors"][0]["parameter"], "sort");
    }
    let tzs = Walk::of(&gateway, "currency=TZS").await.loans;
    for (query, descending) in [("sort=outstanding", false), ("sort=-outstanding", true)] {
        let walk = Walk::of(&gateway, &format!("{query}&currency=TZS")).await;
        assert_eq!(walk.ids(), in_order(tzs.clone(), "outstanding", descending));
    }
}

#[tokio::test]
async fn pages_are_those_of_the_first_moment_whatever_the_upstreams_do() {
    let queries = [
        "sort=id",
        "sort=-opened_on",
        "ref=bsa:customer:42&ref=carbon:customer:c1",
    ];
    for query in queries {
        let world = World::generated(23, 40);
        world.set_records(
            Provider::Bsa,
            (0..30)
                .map(|id| format!(r#"{{"id":"{id}","currencyCode":"TZS","customerId":"42"}}"#))
                .collect(),
        );
        world.set_records(
            Provider::Carbon,
            (0..30)
                .map(|id| format!(r#"{{"application_id":"{id}","customer_id":"c1"}}"#))
                .collect(),
        );
        let gateway = Setup::all(&world).start().await;
        let whole = gateway.get(&address(query, 200, None)).await;
        whole.assert_complete();
        let whole = whole.json();

        let mut page = gateway.get(&address(query, 7, None)).await;
        world.set_records(Provider::Bsa, plain(5000..5100));
        world.set_fault(Provider::Carbon, Fault::HtmlBadGateway);
        world.clear_requests();
        let mut loans = page.loans();
        loop {
            assert_eq!(page.json()["page"]["consistency"], "snapshot");
            assert_eq!(page.json()["page"]["total"], whole["page"]["total"]);
            assert_eq!(page.json()["complete"], true);
            assert_eq!(super::given(&page), loans.len());
            let Some(cursor) = next(&page) else { break };
            page = gateway.get(&address(query, 7, Some(&cursor))).await;
            loans.extend(page.loans());
        }
        assert!(gateway.world.requests().is_empty());
        let facts = |loans: &[Value]| -> Vec<Value> {
            let without_time = |loan: &Value| {
                let mut loan = loan.clone();
                loan["as_of"].take();
                loan
            };
            loans.iter().map(without_time).collect()
        };
        let mut all = whole["data"].as_array().unwrap().clone();
        all.truncate(loans.len());
        assert_eq!(facts(&loans[..all.len()]), facts(&all), "{query}");
        assert_eq!(json!(each_once(&ids(&loans)).len()), whole["page"]["total"]);
    }
}

#[tokio::test]
async fn more_than_is_gathered_is_refused_and_a_walk_is_not() {
    let world = World::documents();
    world.set_records(Provider::Bsa, plain(1000..1040));
    let gateway = small_pages(&world, &[Provider::Bsa])
        .set("limits.max_gathered", "39")
        .start()
        .await;
    gateway
        .get("/loans?sort=id")
        .await
        .assert_problem(422, "selection_too_large");
    assert_eq!(Walk::of(&gateway, "").await.loans.len(), 40);
    // What counts is what is left after filtering.
    let some = gateway
        .get("/loans?sort=id&currency=TZS&outstanding_min=1002&limit=200")
        .await;
    some.assert_complete();
    assert_eq!(some.loans().len(), 38);
    let exactly = gateway
        .get("/loans?sort=id&currency=TZS&outstanding_min=1001&limit=200")
        .await;
    exactly.assert_complete();
    assert_eq!(exactly.loans().len(), 39);
}

/// Dated observations are judged by the newest of them, and still only those that pass count.
#[tokio::test]
async fn a_filter_over_more_snapshots_than_are_gathered_misses_none() {
    let world = World::generated(24, 200);
    let unlimited = Setup::only(Provider::Belvo, &world).start().await;
    let limited = Setup::only(Provider::Belvo, &world)
        .set("limits.max_gathered", "60")
        .start()
        .await;
    for filter in [
        "payment_status=in_arrears",
        "overdue=true",
        "payment_status=unknown",
        "kind=mortgage",
    ] {
        let all = Walk::of(&unlimited, filter).await;
        let query = format!("/loans?sort=id&limit=200&{filter}");
        let answer = limited.get(&query).await;
        if all.loans.len() > 60 {
            answer.assert_problem(422, "selection_too_large");
        } else {
            answer.assert_complete();
            assert_eq!(each_once(&answer.ids()), each_once(&all.ids()), "{filter}");
            assert_eq!(answer.source("belvo")["exhausted"], true);
        }
    }
}

#[tokio::test]
async fn a_sort_over_two_sources_mixes_them() {
    let gateway = plain_books(15).await;
    let walk = Walk::follow(&gateway, "sort=-id", || 11).await;
    assert_eq!(walk.loans.len(), 30);
    assert_eq!(walk.ids(), in_order(walk.loans.clone(), "id", true));
}
