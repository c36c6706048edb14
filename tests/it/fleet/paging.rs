//! What a cursor names is everywhere.

use loangate::sim::{Fault, Provider, World};
use serde_json::Value;

use super::{Redis, fleet, sharing};
use crate::support::{Answer, Running, Setup, loan_path};
use crate::walks;

/// A gateway over plain books in small pages.
fn setup(world: &World, redis: &Redis) -> Setup {
    sharing(
        walks::small_pages(world, &[Provider::Bsa, Provider::Carbon]),
        redis.address,
    )
}

fn books(rows: usize) -> World {
    let world = World::documents();
    world.set_records(Provider::Bsa, walks::plain(1000..1000 + rows));
    world.set_records(Provider::Carbon, walks::applications(1000..1000 + rows));
    world
}

fn next(page: &Answer) -> Option<String> {
    page.json()["page"]["next_cursor"].as_str().map(str::to_owned)
}

async fn page(gateway: &Running, query: &str, limit: usize, cursor: Option<&str>) -> Answer {
    let cursor = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
    let answer = gateway
        .get(&format!("/loans?limit={limit}&{query}{cursor}"))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// Follows a list, each page from the next gateway; its loans, and its last page.
async fn around(gateways: &[Running], query: &str, limit: usize) -> (Vec<Value>, Answer) {
    let mut loans = Vec::new();
    let mut cursor = None;
    for gateway in gateways.iter().cycle() {
        let answer = page(gateway, query, limit, cursor.as_deref()).await;
        loans.extend(answer.loans());
        cursor = next(&answer);
        if cursor.is_none() {
            return (loans, answer);
        }
    }
    unreachable!()
}

fn ids(loans: &[Value]) -> Vec<&str> {
    loans.iter().map(|loan| loan["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_frozen_set_is_paged_over_all_of_them() {
    let Some(redis) = Redis::start().await else { return };
    // More than goes under one name.
    let world = books(130);
    let gateways: [Running; 3] = fleet(setup(&world, &redis)).await;
    for query in ["sort=id", "sort=-id"] {
        let first = page(&gateways[0], query, 200, None).await;
        let rest = page(&gateways[0], query, 200, next(&first).as_deref()).await;
        let whole = [first.loans(), rest.loans()].concat();
        assert_eq!(whole.len(), 260);
        for limit in [7, 100, 130] {
            let (loans, last) = around(&gateways, query, limit).await;
            assert_eq!(loans, whole, "{query} {limit}");
            last.assert_complete();
            for connection in ["bsa", "carbon"] {
                for key in ["count", "total", "duplicates", "exhausted", "status", "as_of"] {
                    assert_eq!(
                        last.source(connection)[key],
                        rest.source(connection)[key],
                        "{key}"
                    );
                }
            }
        }
    }
    // Whatever the upstreams do meanwhile, and with the counts of each page.
    let start = page(&gateways[0], "sort=id&max_age=0", 20, None).await;
    world.set_fault(Provider::Bsa, Fault::HtmlBadGateway);
    world.set_fault(Provider::Carbon, Fault::HtmlBadGateway);
    world.clear_requests();
    let mut cursor = next(&start);
    while let Some(known) = cursor {
        let here = page(&gateways[0], "sort=id&max_age=0", 33, Some(&known)).await;
        let there = page(&gateways[1], "sort=id&max_age=0", 33, Some(&known)).await;
        for part in ["data", "sources", "complete"] {
            assert_eq!(there.json()[part], here.json()[part]);
        }
        assert_eq!(there.json()["page"]["total"], 260);
        cursor = next(&here);
    }
    assert!(world.requests().is_empty());
}

#[tokio::test]
async fn a_walk_goes_over_all_of_them_and_fetches_each_page_once() {
    let Some(redis) = Redis::start().await else { return };
    let world = books(75);
    let gateways: [Running; 3] = fleet(setup(&world, &redis)).await;
    let pages = || gateways[0].asked(Provider::Bsa).len() + gateways[0].asked(Provider::Carbon).len();
    let (alone, _) = around(&gateways[..1], "", 9).await;
    let fetched = pages();
    world.clear_requests();
    let (loans, last) = around(&gateways, "max_age=0", 9).await;
    assert_eq!(ids(&loans), ids(&alone));
    assert_eq!(loans.len(), 150);
    last.assert_complete();
    assert_eq!(pages(), fetched);
    assert_eq!(last.source("bsa")["count"], 75);
    assert_eq!(last.source("bsa")["exhausted"], true);
}

/// An answer that never arrived is given again by another gateway, as it was.
#[tokio::test]
async fn a_lost_answer_is_given_again_by_another() {
    let Some(redis) = Redis::start().await else { return };
    let world = books(40);
    let [one, two, three] = fleet(setup(&world, &redis)).await;
    let mut cursor = next(&page(&one, "", 6, None).await);
    let mut given = 6;
    while let Some(known) = cursor {
        let lost = page(&two, "", 6, Some(&known)).await;
        let again = page(&three, "", 6, Some(&known)).await;
        assert_eq!(again.loans(), lost.loans());
        let after = page(&one, "", 6, Some(&known)).await;
        assert_eq!(after.loans(), lost.loans());
        given += after.loans().len();
        cursor = next(&after);
        // Two answers back is too far.
        if let Some(cursor) = &cursor {
            page(&two, "", 6, Some(cursor)).await;
            let behind = three.get(&format!("/loans?limit=6&cursor={known}")).await;
            behind.assert_problem(410, "cursor_expired");
        }
    }
    assert_eq!(given, 80);
}

/// Of a walk that several ask to step at once, whoever asks, each step is made once.
#[tokio::test]
async fn two_do_not_step_a_walk_at_once() {
    let Some(redis) = Redis::start().await else { return };
    let world = books(40);
    let [one, two] = fleet(setup(&world, &redis)).await;
    let cursor = next(&page(&one, "", 6, None).await).unwrap();
    let (a, b) = tokio::join!(page(&one, "", 6, Some(&cursor)), page(&two, "", 6, Some(&cursor)));
    assert_eq!(a.loans(), b.loans());
    let (mut loans, mut cursor) = (12, next(&a));
    while let Some(known) = cursor {
        let answer = page(&two, "", 50, Some(&known)).await;
        loans += answer.loans().len();
        cursor = next(&answer);
    }
    assert_eq!(loans, 80);
}

#[tokio::test]
async fn rows_of_a_loan_are_paged_over_all_of_them() {
    let Some(redis) = Redis::start().await else { return };
    let world = World::generated(9, 40);
    let setup = sharing(Setup::native_fineract(&world), redis.address);
    let [one, two] = fleet(setup).await;
    let list = page(&one, "", 50, None).await;
    let mut seen = 0;
    for id in list.ids() {
        let path = format!("{}/transactions?limit=1", loan_path(&id));
        let mut answer = one.get(&path).await;
        let whole = one
            .get(&format!("{}/transactions?limit=200", loan_path(&id)))
            .await;
        let mut rows = answer.loans();
        let mut from = [&two, &one].into_iter().cycle();
        while let Some(cursor) = next(&answer) {
            answer = from.next().unwrap().get(&format!("{path}&cursor={cursor}")).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            rows.extend(answer.loans());
            seen += 1;
        }
        assert_eq!(rows, whole.loans());
    }
    assert!(seen > 10, "{seen}");
}

/// A cursor goes on after every gateway was started anew.
#[tokio::test]
async fn cursors_outlive_the_gateways() {
    let Some(redis) = Redis::start().await else { return };
    let world = books(30);
    let setup = setup(&world, &redis);
    let first = setup.clone().start().await;
    let simulators = first.simulators();
    let mut cursors = Vec::new();
    for query in ["", "sort=id"] {
        cursors.push((query, next(&page(&first, query, 10, None).await)));
    }
    first.stop().await;
    let second = setup.beside(simulators).await;
    for (query, mut cursor) in cursors {
        let mut loans = 10;
        while let Some(known) = cursor {
            let answer = page(&second, query, 10, Some(&known)).await;
            loans += answer.loans().len();
            cursor = next(&answer);
        }
        assert_eq!(loans, 60, "{query:?}");
    }
}
