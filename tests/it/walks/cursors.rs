//! Cursors: whose they are, how long they can be followed, and what happens to those that are not ours.

use std::time::Duration;

use loangate::sim::{Provider, World};

use super::{Walk, address, each_once, ids, next, plain_books, small_pages};
use crate::support::{Answer, Running, encoded};

async fn first_cursor(gateway: &Running, query: &str) -> String {
    next(&gateway.get(&address(query, 7, None)).await).unwrap()
}

async fn follow(gateway: &Running, query: &str, limit: usize, cursor: &str) -> Answer {
    gateway.get(&address(query, limit, Some(cursor))).await
}

#[tokio::test]
async fn the_same_cursor_gives_the_same_page_again() {
    for query in ["", "sort=id", "currency=TZS,NGN"] {
        let gateway = plain_books(25).await;
        let first = first_cursor(&gateway, query).await;
        let second = follow(&gateway, query, 7, &first).await;
        let asked = gateway.world.requests().len();
        for _ in 0..2 {
            let again = follow(&gateway, query, 7, &first).await;
            assert_eq!(again.ids(), second.ids(), "{query}");
            assert_eq!(again.json()["sources"], second.json()["sources"], "{query}");
        }
        assert_eq!(gateway.world.requests().len(), asked, "{query}");
    }
}

#[tokio::test]
async fn the_last_page_can_be_asked_for_again() {
    let gateway = plain_books(5).await;
    let cursor = first_cursor(&gateway, "").await;
    let last = follow(&gateway, "", 7, &cursor).await;
    let again = follow(&gateway, "", 7, &cursor).await;
    assert_eq!(last.ids().len(), 3);
    assert_eq!(again.ids(), last.ids());
    assert!(next(&again).is_none());
    assert_eq!(again.json()["complete"], true);
}

#[tokio::test]
async fn a_page_asked_for_again_in_smaller_pieces_loses_and_doubles_nothing() {
    let gateway = plain_books(25).await;
    let first = gateway.get(&address("", 7, None)).await;
    let cursor = next(&first).unwrap();
    let lost = follow(&gateway, "", 20, &cursor).await;
    let mut all = first.ids();
    let mut cursor = Some(cursor);
    while let Some(here) = cursor {
        let page = follow(&gateway, "", 3, &here).await;
        all.extend(page.ids());
        assert_eq!(super::given(&page), all.len(), "{page:?}");
        cursor = next(&page);
    }
    assert_eq!(each_once(&all).len(), 50);
    assert!(lost.ids().iter().all(|id| all.contains(id)));
}

#[tokio::test]
async fn an_older_cursor_of_a_walk_has_expired() {
    let gateway = plain_books(25).await;
    let first = first_cursor(&gateway, "").await;
    let second = next(&follow(&gateway, "", 7, &first).await).unwrap();
    follow(&gateway, "", 7, &second).await;
    follow(&gateway, "", 7, &first)
        .await
        .assert_problem(410, "cursor_expired");
    // The walk itself goes on.
    assert_eq!(follow(&gateway, "", 7, &second).await.status, 200);
}

#[tokio::test]
async fn an_older_cursor_of_a_frozen_set_is_as_good_as_ever() {
    let gateway = plain_books(25).await;
    let first = first_cursor(&gateway, "sort=id").await;
    let page = follow(&gateway, "sort=id", 7, &first).await;
    let second = next(&page).unwrap();
    follow(&gateway, "sort=id", 7, &second).await;
    assert_eq!(follow(&gateway, "sort=id", 7, &first).await.ids(), page.ids());
}

#[tokio::test]
async fn a_cursor_that_is_not_of_this_query_is_invalid() {
    let gateway = plain_books(25).await;
    let cursor = first_cursor(&gateway, "currency=TZS").await;
    let others = [
        "",
        "currency=NGN",
        "currency=TZS,NGN",
        "currency=TZS&sort=id",
        "currency=TZS&connection=bsa",
        "currency=TZS&require=all",
    ];
    for other in others {
        follow(&gateway, other, 7, &cursor)
            .await
            .assert_problem(400, "invalid_cursor");
    }
    let elsewhere = plain_books(25).await;
    follow(&elsewhere, "currency=TZS", 7, &cursor)
        .await
        .assert_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn the_same_query_may_be_written_otherwise() {
    let gateway = plain_books(25).await;
    let query = "currency=TZS,NGN&kind=unknown&connection=bsa,carbon";
    let cursor = first_cursor(&gateway, query).await;
    let page = follow(&gateway, query, 7, &cursor).await;
    assert_eq!(page.loans().len(), 7);
    let same = [
        "connection=carbon,bsa&kind=unknown&currency=NGN,TZS",
        "kind=unknown&connection=bsa&currency=TZS&connection=carbon&currency=NGN",
        "currency=TZS%2CNGN&kind=unknown&connection=bsa%2Ccarbon",
    ];
    for other in same {
        assert_eq!(
            follow(&gateway, other, 7, &cursor).await.ids(),
            page.ids(),
            "{other}"
        );
    }
    let body = format!(
        r#"{{"currency":["NGN","TZS"],"kind":"unknown","connection":"carbon,bsa","limit":7,"cursor":"{cursor}"}}"#
    );
    assert_eq!(gateway.search(&body).await.ids(), page.ids());
}

#[tokio::test]
async fn altered_and_oversized_cursors_are_invalid() {
    let gateway = plain_books(25).await;
    let cursor = first_cursor(&gateway, "").await;
    let mut altered: Vec<String> = (0..cursor.len())
        .step_by(9)
        .chain([cursor.len() - 1])
        .map(|at| {
            let other = if &cursor[at..=at] == "A" { "B" } else { "A" };
            format!("{}{other}{}", &cursor[..at], &cursor[at + 1..])
        })
        .collect();
    altered.extend([
        cursor[1..].to_owned(),
        format!("{cursor}="),
        format!("{cursor}{cursor}"),
        "A".repeat(2049),
        "A".repeat(6000),
        encoded("not base64 \u{7f}"),
    ]);
    for text in altered {
        follow(&gateway, "", 7, &text)
            .await
            .assert_problem(400, "invalid_cursor");
    }
    assert_eq!(follow(&gateway, "", 7, &cursor).await.status, 200);
}

#[tokio::test]
async fn limit_max_age_and_include_may_change_between_pages() {
    let gateway = super::gateway(11, 20).await;
    for query in ["", "sort=id"] {
        let first = gateway.get(&address(query, 7, None)).await;
        assert!(first.loans().iter().all(|loan| loan.get("raw").is_none()));
        let cursor = next(&first).unwrap();
        let raw = follow(&gateway, &format!("{query}&max_age=60&include=raw"), 9, &cursor).await;
        assert_eq!(raw.loans().len(), 9, "{raw:?}");
        assert!(
            raw.loans()
                .iter()
                .all(|loan| loan["raw"].is_object() || loan["raw"].is_array())
        );
        let cursor = next(&raw).unwrap();
        let personal = follow(&gateway, &format!("{query}&include=personal"), 5, &cursor).await;
        assert_eq!(personal.loans().len(), 5);
        for loan in personal.loans() {
            assert!(loan.get("personal").is_some(), "{loan}");
            assert!(loan.get("raw").is_none(), "{loan}");
        }
    }
}

#[tokio::test]
async fn an_expired_cursor_says_so() {
    let world = World::documents();
    world.set_records(Provider::Bsa, super::plain(1000..1030));
    let gateway = small_pages(&world, &[Provider::Bsa])
        .set("cursor.ttl", "1s")
        .start()
        .await;
    let (live, frozen) = (
        first_cursor(&gateway, "").await,
        first_cursor(&gateway, "sort=id").await,
    );
    tokio::time::sleep(Duration::from_millis(1100)).await;
    for (query, cursor) in [("", live), ("sort=id", frozen)] {
        follow(&gateway, query, 7, &cursor)
            .await
            .assert_problem(410, "cursor_expired");
    }
}

fn thirty() -> World {
    let world = World::documents();
    world.set_records(Provider::Bsa, super::plain(1000..1030));
    world
}

#[tokio::test]
async fn a_walk_survives_a_reload_of_the_config() {
    let world = thirty();
    let setup = || small_pages(&world, &[Provider::Bsa]);
    let gateway = setup().start().await;
    for query in ["", "sort=id"] {
        let first = gateway.get(&address(query, 7, None)).await;
        let mut all = first.loans();
        let mut cursor = next(&first);
        while let Some(here) = cursor {
            gateway.reload(&setup()).unwrap();
            let page = follow(&gateway, query, 7, &here).await;
            assert_eq!(page.status, 200, "{page:?}");
            all.extend(page.loans());
            cursor = next(&page);
        }
        assert_eq!(each_once(&ids(&all)).len(), 30, "{query}");
    }
}

#[tokio::test]
async fn keys_are_changed_one_after_the_other() {
    let world = thirty();
    let keys = |keys: &str| small_pages(&world, &[Provider::Bsa]).set("cursor.keys", keys);
    let (old, new) = ("an-old-key-of-enough-letters", "a-new-key-of-enough-letters");
    let gateway = keys(old).start().await;
    let by_old = first_cursor(&gateway, "sort=id").await;
    gateway.reload(&keys(&format!("{new},{old}"))).unwrap();
    let page = follow(&gateway, "sort=id", 7, &by_old).await;
    assert_eq!(page.status, 200, "{page:?}");
    let by_new = next(&page).unwrap();
    gateway.reload(&keys(new)).unwrap();
    assert_eq!(follow(&gateway, "sort=id", 7, &by_new).await.status, 200);
    follow(&gateway, "sort=id", 7, &by_old)
        .await
        .assert_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn two_callers_who_follow_one_cursor_at_once_get_the_same_page() {
    let gateway = plain_books(40).await;
    let cursor = first_cursor(&gateway, "").await;
    let (one, other) = tokio::join!(follow(&gateway, "", 7, &cursor), follow(&gateway, "", 7, &cursor));
    assert_eq!(one.ids(), other.ids());
    let walk = Walk::follow(&gateway, "", || 200).await;
    assert_eq!(each_once(&walk.ids()).len(), 80);
}
