//! Books that change while they are walked: what moved is counted, what may be lost is said.

use std::ops::Range;

use loangate::sim::{Fault, Provider, World};
use serde_json::Value;

use super::{
    Chance, Walk, address, applications, each_once, exported, next, number, plain, seeded, small_pages,
};
use crate::support::rows::scripted;
use crate::support::{Answer, Running};

fn set(world: &World, provider: Provider, ids: impl IntoIterator<Item = usize>) {
    let rows = match provider {
        Provider::Bsa => plain(ids),
        Provider::Carbon => applications(ids),
        Provider::Belvo => snapshots(ids),
        Provider::Goscore | Provider::Fineract => unreachable!(),
    };
    world.set_records(provider, rows);
}

/// Rows that Belvo lists newest first: the smaller the number, the newer.
fn snapshots(ids: impl IntoIterator<Item = usize>) -> Vec<String> {
    ids.into_iter()
        .map(|id| {
            let instant = format!(
                "2026-01-01T{:02}:{:02}:{:02}.000Z",
                23 - id / 3600,
                59 - id / 60 % 60,
                59 - id % 60
            );
            format!(r#"{{"merchantCustomerId":"M","loanId":"L{id}","createdDate":"{instant}"}}"#)
        })
        .collect()
}

/// Walks the book of a provider, and calls `change` after each page.
async fn walk_while(
    provider: Provider,
    rows: Range<usize>,
    mut change: impl FnMut(&World, usize),
) -> (Running, Walk) {
    let world = World::documents();
    set(&world, provider, rows);
    let gateway = small_pages(&world, &[provider]).start().await;
    let mut walk = Walk {
        pages: Vec::new(),
        facts: Vec::new(),
        loans: Vec::new(),
    };
    let mut cursor = None;
    loop {
        let page = gateway.get(&address("", 10, cursor.as_deref())).await;
        assert_eq!(page.status, 200, "{page:?}");
        walk.loans.extend(page.loans());
        cursor = next(&page);
        walk.pages.push(page);
        change(&world, walk.pages.len());
        if cursor.is_none() {
            return (gateway, walk);
        }
    }
}

/// All of `rows` came, each once, and nothing is held against the source.
fn assert_whole(provider: Provider, walk: &Walk, rows: Range<usize>) -> Value {
    let came = each_once(&walk.ids());
    let key = |row: usize| match provider {
        Provider::Belvo => {
            came.iter().any(|id| id.ends_with(&format!(":L{row}")))
                || came.iter().any(|id| id.ends_with(&format!("L{row}")))
        }
        _ => came.contains(&format!("{provider}:{row}")),
    };
    for row in rows {
        assert!(key(row), "{provider}: {row} is lost of {came:?}");
    }
    let last = walk.last();
    let source = last.source(provider.as_str());
    assert_eq!(source["status"], "ok", "{source}");
    assert_eq!(last.json()["complete"], true);
    source
}

fn assert_declared(provider: Provider, page: &Answer) {
    let source = page.source(provider.as_str());
    assert_eq!(source["status"], "partial", "{source}");
    assert_eq!(source["error"]["code"], "upstream_bad_payload", "{source}");
    assert_eq!(page.json()["complete"], false);
    assert_eq!(page.header("loangate-complete"), "false");
}

#[tokio::test]
async fn rows_inserted_in_front_come_again_and_are_counted() {
    for provider in [Provider::Bsa, Provider::Carbon, Provider::Belvo] {
        for inserted in [1, 3, 9, 10, 25] {
            let (_, walk) = walk_while(provider, 1100..1150, |world, page| {
                if page == 3 {
                    set(world, provider, 1100 - inserted..1150);
                }
            })
            .await;
            let source = assert_whole(provider, &walk, 1100..1150);
            assert_eq!(
                number(&source, "duplicates"),
                inserted,
                "{provider} {inserted}: {source}"
            );
        }
    }
}

#[tokio::test]
async fn a_row_that_moves_past_the_reader_is_declared() {
    // The others are asked for in an order that no change of a record moves it in.
    let provider = Provider::Carbon;
    for moved in [1131, 1149] {
        let (_, walk) = walk_while(provider, 1100..1150, |world, page| {
            if page == 2 {
                let others = (1100..1150).filter(|row| *row != moved);
                set(world, provider, std::iter::once(moved).chain(others));
            }
        })
        .await;
        let ids = walk.ids();
        assert!(!ids.contains(&format!("{provider}:{moved}")), "nothing is tested");
        assert_eq!(each_once(&ids).len(), 49);
        let last = walk.last();
        assert_eq!(number(&last.source(provider.as_str()), "duplicates"), 1);
        assert_declared(provider, last);
    }
}

#[tokio::test]
async fn rows_added_behind_come_too() {
    for provider in [Provider::Bsa, Provider::Carbon, Provider::Belvo] {
        let (_, walk) = walk_while(provider, 1100..1150, |world, page| {
            if page == 2 {
                set(world, provider, 1100..1163);
            }
        })
        .await;
        let source = assert_whole(provider, &walk, 1100..1163);
        assert_eq!(number(&source, "duplicates"), 0);
    }
}

#[tokio::test]
async fn rows_deleted_in_front_are_declared_from_then_on() {
    for provider in [Provider::Bsa, Provider::Carbon, Provider::Belvo] {
        for deleted in [1, 10, 14] {
            let (_, walk) = walk_while(provider, 1100..1150, |world, page| {
                if page == 2 {
                    set(world, provider, 1100 + deleted..1150);
                }
            })
            .await;
            each_once(&walk.ids());
            let (before, after) = walk.pages.split_at(2);
            assert!(before.iter().all(|page| page.json()["complete"] == true));
            assert!(!after.is_empty());
            for page in after {
                assert_declared(provider, page);
            }
        }
    }
}

#[tokio::test]
async fn whatever_is_inserted_or_deleted_nothing_is_lost_in_silence() {
    for seed in 1..=16 {
        seeded(seed);
        let mut chance = Chance(seed);
        let provider = *chance.pick(&[Provider::Bsa, Provider::Carbon, Provider::Belvo]);
        let (mut first, mut end) = (1100, 1100 + chance.between(15, 70));
        let mut there: Range<usize> = first..end;
        let (_, walk) = walk_while(provider, first..end, |world, _| {
            match chance.between(1, 4) {
                1 => first -= chance.between(1, 15),
                2 => end += chance.between(1, 8),
                3 if chance.one_in(2) => first = (first + chance.between(1, 15)).min(end - 1),
                _ => {}
            }
            // The book grows a few times only.
            (first, end) = (first.max(1000), end.min(1250));
            there = there.start.max(first)..there.end.min(end);
            set(world, provider, first..end);
        })
        .await;
        each_once(&walk.ids());
        let source = walk.last().source(provider.as_str());
        if source["status"] == "ok" {
            assert_whole(provider, &walk, there);
        } else {
            assert_declared(provider, walk.last());
        }
    }
}

#[tokio::test]
async fn more_insertions_than_can_be_told_apart_are_declared() {
    let world = World::documents();
    set(&world, Provider::Bsa, 100_000..100_300);
    let gateway = small_pages(&world, &[Provider::Bsa])
        .connection(Provider::Bsa, "page_size", "100")
        .start()
        .await;
    let first = gateway.get(&address("", 100, None)).await;
    set(&world, Provider::Bsa, 100_000 - 66_000..100_300);
    let second = gateway.get(&address("", 100, next(&first).as_deref())).await;
    assert_declared(Provider::Bsa, &second);
}

#[tokio::test]
async fn a_page_that_fails_ends_its_source_and_not_the_others() {
    let world = World::documents();
    set(&world, Provider::Bsa, 1000..1050);
    set(&world, Provider::Carbon, 1000..1050);
    let gateway = small_pages(&world, &[Provider::Bsa, Provider::Carbon])
        .connection(Provider::Bsa, "retry.attempts", "1")
        .start()
        .await;
    let first = gateway.get(&address("", 15, None)).await;
    world.set_fault(
        Provider::Bsa,
        Fault::Status {
            status: 503,
            times: u32::MAX,
        },
    );
    let mut loans = first.loans();
    let mut cursor = next(&first);
    let asked = gateway.asked(Provider::Bsa).len();
    while let Some(here) = cursor {
        let page = gateway.get(&address("", 20, Some(&here))).await;
        // It stays given up when it is well again, and stays reported.
        world.set_fault(Provider::Bsa, Fault::None);
        let source = page.source("bsa");
        assert_eq!(source["status"], "partial", "{source}");
        assert_eq!(source["error"]["code"], "upstream_unavailable");
        assert_eq!(source["count"], 10);
        assert_eq!(source["exhausted"], false);
        assert_eq!(page.json()["complete"], false);
        assert!(page.json()["page"]["total"].is_null());
        assert_eq!(page.source("carbon")["status"], "ok");
        loans.extend(page.loans());
        cursor = next(&page);
    }
    assert_eq!(each_once(&super::ids(&loans)).len(), 60);
    assert_eq!(gateway.asked(Provider::Bsa).len(), asked + 1);
}

#[tokio::test]
async fn a_page_that_repeats_ends_its_source() {
    for provider in [Provider::Bsa, Provider::Carbon, Provider::Belvo] {
        let (gateway, walk) = walk_while(provider, 1100..1150, |world, page| {
            if page == 2 {
                world.set_fault(provider, Fault::PageLoop);
            }
        })
        .await;
        each_once(&walk.ids());
        assert_eq!(walk.loans.len(), 20);
        assert_declared(provider, walk.last());
        assert_eq!(walk.last().source(provider.as_str())["exhausted"], false);
        assert_eq!(gateway.asked(provider).len(), 3);
    }
}

#[tokio::test]
async fn pages_that_go_round_in_circles_end_their_source() {
    let page = |ids: Range<usize>, number: usize| {
        let rows = plain(ids).join(",");
        let body = format!(r#"{{"items":[{rows}],"total":100,"page":{number},"rowsPerPage":10}}"#);
        scripted(200, "application/json", body)
    };
    let (gateway, walk) = walk_while(Provider::Bsa, 1000..1100, |world, at| {
        let ids = if at % 2 == 1 { 1010..1020 } else { 1000..1010 };
        world.set_fault(Provider::Bsa, page(ids, at + 1));
    })
    .await;
    assert_eq!(walk.loans.len(), 20);
    assert_eq!(each_once(&walk.ids()).len(), 20);
    assert_declared(Provider::Bsa, walk.last());
    assert_eq!(gateway.asked(Provider::Bsa).len(), 3);
}

#[tokio::test]
async fn snapshots_out_of_order_are_declared() {
    let mixed: Vec<String> = [3, 1, 2].into_iter().flat_map(|id| snapshots([id])).collect();
    let body = format!(
        r#"{{"items":[{}],"meta":{{"totalItems":3,"totalPages":1,"itemsPerPage":10,"currentPage":1}}}}"#,
        mixed.join(",")
    );
    let world = World::documents();
    world.set_fault(Provider::Belvo, scripted(200, "application/json", body));
    let gateway = small_pages(&world, &[Provider::Belvo]).start().await;
    for query in ["", "sort=id"] {
        let walk = Walk::of(&gateway, query).await;
        assert_eq!(walk.loans.len(), 3);
        assert_declared(Provider::Belvo, walk.last());
    }
    let (_, end) = exported(&gateway, "").await;
    assert_eq!(end["complete"], false);
}
