//! Every filter, held against a naive reading of the full list.

use std::collections::BTreeSet;

use loangate::sim::{Provider, World};
use serde_json::Value;

use super::{Chance, Walk, each_once, exported, gateway, id, ids, plain, small_pages, summary::exact};
use crate::support::Setup;

const WORDS: [&str; 6] = [
    "record_type",
    "kind",
    "status",
    "phase",
    "payment_status",
    "currency",
];
const DATES: [(&str, &str); 3] = [
    ("opened", "/dates/opened_on"),
    ("due", "/next_payment/due_on"),
    ("defaulted", "/dates/defaulted_on"),
];

/// One filter, as a caller writes it and as it is meant.
type Condition = (String, Box<dyn Fn(&Value) -> bool>);

fn word(name: &'static str, values: BTreeSet<String>) -> Condition {
    let list: Vec<&str> = values.iter().map(String::as_str).collect();
    let text = format!("{name}={}", list.join(","));
    (
        text,
        Box::new(move |loan| loan[name].as_str().is_some_and(|value| values.contains(value))),
    )
}

fn overdue(wanted: bool) -> Condition {
    (
        format!("overdue={wanted}"),
        Box::new(move |loan| loan["delinquency"]["overdue"] == wanted),
    )
}

fn from(name: &str, path: &'static str, bound: String) -> Condition {
    (
        format!("{name}_from={bound}"),
        Box::new(move |loan| {
            loan.pointer(path)
                .unwrap()
                .as_str()
                .is_some_and(|day| day >= &*bound)
        }),
    )
}

fn to(name: &str, path: &'static str, bound: String) -> Condition {
    (
        format!("{name}_to={bound}"),
        Box::new(move |loan| {
            loan.pointer(path)
                .unwrap()
                .as_str()
                .is_some_and(|day| day <= &*bound)
        }),
    )
}

fn owes(name: &'static str, bound: String) -> Condition {
    let limit = exact(&bound);
    (
        format!("{name}={bound}"),
        Box::new(move |loan| {
            let owed = loan["amounts"]["total_outstanding"].as_str().map(exact);
            owed.is_some_and(|owed| {
                if name == "outstanding_min" {
                    owed >= limit
                } else {
                    owed <= limit
                }
            })
        }),
    )
}

/// Some values that the loans have in this place.
fn values(chance: &mut Chance, loans: &[Value], path: &str, most: usize) -> BTreeSet<String> {
    let there: Vec<&str> = loans
        .iter()
        .filter_map(|loan| loan.pointer(path)?.as_str())
        .collect();
    if there.is_empty() {
        return BTreeSet::new();
    }
    (0..chance.between(1, most))
        .map(|_| (*chance.pick(&there)).to_owned())
        .collect()
}

/// One to three filters of chance, that loans of this list may pass.
fn conditions(chance: &mut Chance, loans: &[Value]) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = Vec::new();
    for name in WORDS {
        if chance.one_in(6) {
            let values = values(chance, loans, &format!("/{name}"), 3);
            conditions.push(word(name, values));
        }
    }
    for (name, path) in DATES {
        if chance.one_in(6) {
            let mut days = values(chance, loans, path, 2);
            let first = days.pop_first();
            conditions.extend(first.map(|day| from(name, path, day)));
            conditions.extend(days.pop_first().map(|day| to(name, path, day)));
        }
    }
    if chance.one_in(5) {
        conditions.push(overdue(chance.one_in(2)));
    }
    if conditions.is_empty() || chance.one_in(5) {
        conditions.retain(|(text, _)| !text.starts_with("currency="));
        let currency = values(chance, loans, "/currency", 1);
        let mine: Vec<Value> = loans
            .iter()
            .filter(|loan| {
                loan["currency"]
                    .as_str()
                    .is_some_and(|code| currency.contains(code))
            })
            .cloned()
            .collect();
        let bound = values(chance, &mine, "/amounts/total_outstanding", 1).pop_first();
        let name = *chance.pick(&["outstanding_min", "outstanding_max"]);
        conditions.extend(bound.map(|bound| owes(name, bound)));
        conditions.push(word("currency", currency));
    }
    conditions
}

async fn agrees_with_the_naive_reading(seed: u64) {
    let gateway = gateway(seed, 80).await;
    let all = Walk::follow(&gateway, "", || 200).await.loans;
    let mut chance = Chance(seed);
    let mut some_passed = 0;
    for _ in 0..12 {
        let conditions = conditions(&mut chance, &all);
        let texts: Vec<&str> = conditions.iter().map(|(text, _)| text.as_str()).collect();
        let query = texts.join("&");
        let expected: BTreeSet<String> = all
            .iter()
            .filter(|loan| conditions.iter().all(|(_, passes)| passes(loan)))
            .map(id)
            .collect();
        let live = Walk::follow(&gateway, &query, || chance.between(5, 200)).await;
        assert_eq!(each_once(&live.ids()), expected, "seed {seed}, live: {query}");
        assert!(
            live.pages
                .iter()
                .all(|page| page.json()["page"]["total"].is_null())
        );
        live.last().assert_complete();
        let frozen = Walk::follow(&gateway, &format!("sort=id&{query}"), || 200).await;
        assert_eq!(each_once(&frozen.ids()), expected, "seed {seed}, frozen: {query}");
        some_passed += usize::from(!expected.is_empty());
    }
    assert!(some_passed > 5, "{some_passed}");
}

#[tokio::test]
async fn filters_mean_what_they_say() {
    agrees_with_the_naive_reading(41).await;
}

#[tokio::test]
async fn filters_mean_what_they_say_in_another_book() {
    agrees_with_the_naive_reading(42).await;
}

#[tokio::test]
async fn every_word_alone_in_walks_and_exports() {
    let gateway = gateway(43, 40).await;
    let all = Walk::follow(&gateway, "", || 200).await.loans;
    for name in WORDS {
        let there: BTreeSet<&str> = all.iter().filter_map(|loan| loan[name].as_str()).collect();
        let mut counted = all.iter().filter(|loan| loan[name].is_null()).count();
        for value in there {
            let (loans, end) = exported(&gateway, &format!("{name}={value}")).await;
            assert!(loans.iter().all(|loan| loan[name] == value));
            assert_eq!(end["complete"], true);
            counted += each_once(&ids(&loans)).len();
        }
        assert_eq!(counted, all.len(), "{name} splits the list");
    }
}

#[tokio::test]
async fn a_null_is_in_no_range_and_neither_overdue_nor_not() {
    let gateway = gateway(44, 60).await;
    let all = Walk::follow(&gateway, "", || 200).await.loans;
    for (name, path) in DATES {
        let dated = all
            .iter()
            .filter(|loan| !loan.pointer(path).unwrap().is_null())
            .count();
        assert!(dated > 0 && dated < all.len(), "{name}");
        for query in [format!("{name}_from=0001-01-01"), format!("{name}_to=9999-12-31")] {
            assert_eq!(Walk::of(&gateway, &query).await.loans.len(), dated, "{query}");
        }
    }
    let known = |wanted: bool| {
        all.iter()
            .filter(|loan| loan["delinquency"]["overdue"] == wanted)
            .count()
    };
    for wanted in [true, false] {
        let walk = Walk::of(&gateway, &format!("overdue={wanted}")).await;
        assert_eq!(walk.loans.len(), known(wanted));
    }
    assert!(known(true) + known(false) < all.len());
}

#[tokio::test]
async fn a_filtered_walk_may_give_short_pages_and_an_end() {
    let world = World::documents();
    world.set_records(Provider::Bsa, plain(1000..1400));
    let gateway = small_pages(&world, &[Provider::Bsa])
        .set("server.deadline", "1s")
        .start()
        .await;
    gateway.get("/loans?limit=1").await;
    world.set_fault(
        Provider::Bsa,
        loangate::sim::Fault::Slow(std::time::Duration::from_millis(40)),
    );
    let walk = Walk::of(&gateway, "currency=TZS&outstanding_min=1395").await;
    assert_eq!(walk.loans.len(), 5);
    walk.last().assert_complete();
    let (last, before) = walk.pages.split_last().unwrap();
    assert!(super::next(last).is_none());
    assert!(
        before.iter().any(|page| page.loans().is_empty()),
        "{}",
        before.len()
    );
    assert_eq!(gateway.asked(Provider::Bsa).len(), 40 + 1);
}

#[tokio::test]
async fn amounts_are_compared_as_decimals() {
    let world = World::documents();
    let rows = ["9.5", "10", "10.00", "10.001", "100", "0", "null"];
    world.set_records(
        Provider::Bsa,
        rows.iter()
            .enumerate()
            .map(|(id, amount)| {
                format!(r#"{{"id":"{id}","currencyCode":"TZS","totalOutstanding":{amount}}}"#)
            })
            .collect(),
    );
    let gateway = Setup::only(Provider::Bsa, &world).start().await;
    for (query, expected) in [
        ("outstanding_min=10", vec!["1", "2", "3", "4"]),
        ("outstanding_max=10.000", vec!["0", "1", "2", "5"]),
        ("outstanding_min=10.0001&outstanding_max=99.99", vec!["3"]),
        ("outstanding_min=0", vec!["0", "1", "2", "3", "4", "5"]),
    ] {
        let expected: BTreeSet<String> = expected.iter().map(|id| format!("bsa:{id}")).collect();
        let answer = gateway.get(&format!("/loans?currency=TZS&{query}")).await;
        assert_eq!(each_once(&answer.ids()), expected, "{query}");
    }
}

#[tokio::test]
async fn no_filter_goes_upstream() {
    let gateway = gateway(45, 10).await;
    gateway.get("/loans").await;
    let queries = |gateway: &crate::support::Running| -> BTreeSet<String> {
        let mut requests = gateway.world.requests();
        requests.retain(|request| request.operation != "auth");
        requests.into_iter().map(|request| request.query).collect()
    };
    let without = queries(&gateway);
    gateway.world.clear_requests();
    gateway
        .get("/loans?status=active&defaulted_from=2026-01-01&overdue=true&kind=personal_loan")
        .await;
    let with = queries(&gateway);
    assert!(
        with.is_subset(&without) && !with.is_empty(),
        "{with:?} {without:?}"
    );
}
