//! What was fetched lately is given again, said so, and never taken for more than it is.

use std::time::Duration;

use futures_util::future::join_all;
use loangate::sim::{Fault, Provider, World};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::support::chaos::{Act, Asked, Chaos, End};
use crate::support::{Running, Setup};

const PROVIDER: Provider = Provider::Carbon;

fn kept(world: &World) -> Setup {
    Setup::only(PROVIDER, world)
        .set("cache.max_age", "60s")
        .set("cache.stale_if_error", "60s")
}

fn failing(status: u16) -> Fault {
    Fault::Status {
        status,
        times: u32::MAX,
    }
}

fn as_of(source: &Value) -> &str {
    source["as_of"].as_str().unwrap()
}

#[tokio::test]
async fn the_same_question_is_answered_from_memory() {
    let world = World::documents();
    let gateway = kept(&world).start().await;
    let first = gateway.get("/loans").await;
    let fetched = first.source("carbon");
    assert_eq!(
        (&fetched["cache"], &fetched["upstream_requests"]),
        (&"miss".into(), &1.into())
    );
    let again = gateway.get("/loans").await;
    let source = again.source("carbon");
    assert_eq!(
        (&source["cache"], &source["upstream_requests"]),
        (&"hit".into(), &0.into())
    );
    assert_eq!(as_of(&source), as_of(&fetched));
    again.assert_complete();
    assert_eq!(again.json()["data"], first.json()["data"]);
    assert_eq!(again.header("etag"), first.header("etag"));
    assert_eq!(gateway.asked(PROVIDER).len(), 1);
}

#[tokio::test]
async fn another_question_is_not() {
    let world = World::generated(3, 20);
    let gateway = kept(&world).start().await;
    let loans = gateway.get("/loans?limit=200").await.loans();
    let customers: Vec<&str> = loans
        .iter()
        .filter_map(|loan| loan["borrower"]["customer_id"].as_str())
        .collect();
    let (one, other) = (customers[5], customers[customers.len() - 1]);
    assert_ne!(one, other);
    for customer in [one, other, one] {
        let answer = gateway
            .get(&format!("/loans?ref=carbon:customer:{customer}"))
            .await;
        answer.assert_complete();
        for loan in answer.loans() {
            assert_eq!(loan["borrower"]["customer_id"], customer);
        }
    }
    // The list, one customer, the other; the fourth question was a known one.
    assert_eq!(gateway.asked(PROVIDER).len(), 3);
}

#[tokio::test]
async fn fetch_now_means_now() {
    let world = World::documents();
    let gateway = kept(&world).start().await;
    gateway.get("/loans").await;
    let now = gateway.get("/loans?max_age=0").await;
    assert_eq!(now.source("carbon")["cache"], "miss");
    assert_eq!(gateway.asked(PROVIDER).len(), 2);
    // What was fetched so is there for the others.
    assert_eq!(gateway.get("/loans").await.source("carbon")["cache"], "hit");
    assert_eq!(
        gateway.get("/loans?max_age=3600").await.source("carbon")["cache"],
        "hit"
    );
    assert_eq!(gateway.asked(PROVIDER).len(), 2);
}

#[tokio::test]
async fn turned_off_it_does_nothing() {
    let world = World::documents();
    let gateway = kept(&world).set("cache.max_age", "0s").start().await;
    for _ in 0..3 {
        assert_eq!(gateway.get("/loans").await.source("carbon")["cache"], "off");
    }
    world.set_fault(PROVIDER, failing(503));
    gateway.get("/loans").await.assert_problem(502, "upstream_failed");
}

#[tokio::test]
async fn raw_records_are_there_when_the_loans_come_from_memory() {
    let world = World::documents();
    let gateway = kept(&world).start().await;
    assert!(gateway.get("/loans").await.loans()[0].get("raw").is_none());
    let raw = gateway.get("/loans?include=raw").await;
    assert_eq!(raw.source("carbon")["cache"], "hit");
    assert!(raw.loans()[0]["raw"]["application_id"].is_string(), "{raw:?}");
    assert!(gateway.get("/loans").await.loans()[0].get("raw").is_none());
}

#[tokio::test]
async fn when_the_upstream_fails_older_loans_are_given_and_called_stale() {
    let world = World::documents();
    let gateway = kept(&world).start().await;
    let fresh = gateway.get("/loans").await;
    let faults = [
        (failing(503), "upstream_unavailable"),
        (failing(429), "upstream_rate_limited"),
        (Fault::Html200, "upstream_bad_payload"),
        (Fault::Truncated, "upstream_unavailable"),
    ];
    for (fault, code) in faults {
        world.set_fault(PROVIDER, fault);
        let answer = gateway.get("/loans?max_age=0").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["complete"], false);
        assert_eq!(answer.header("loangate-complete"), "false");
        let source = answer.source("carbon");
        assert_eq!(
            (&source["status"], &source["cache"]),
            (&"stale".into(), &"stale".into())
        );
        assert_eq!(source["error"]["code"], code, "{source}");
        assert_eq!(as_of(&source), as_of(&fresh.source("carbon")));
        assert!(source["upstream_requests"].as_u64().unwrap() >= 1, "{source}");
        assert_eq!(answer.ids(), fresh.ids());
        assert!(
            answer.loans().iter().all(|loan| loan["stale"] == true),
            "{answer:?}"
        );
        assert_ne!(answer.header("etag"), fresh.header("etag"));
        // Whoever needs it all is told.
        gateway.get("/loans?max_age=0&require=all").await.problem();
    }
    world.set_fault(PROVIDER, Fault::None);
    gateway.get("/loans?max_age=0").await.assert_complete();
}

#[tokio::test]
async fn loans_that_are_ours_no_more_are_not_given() {
    let world = World::documents();
    let gateway = kept(&world).start().await;
    gateway.get("/loans").await.assert_complete();
    for (status, code) in [
        (401, "upstream_unauthorized"),
        (403, "upstream_forbidden"),
        (404, "upstream_not_found"),
        (400, "upstream_rejected"),
    ] {
        world.set_fault(PROVIDER, failing(status));
        let answer = gateway.get("/loans?max_age=0").await;
        assert_ne!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.source_error(PROVIDER), code);
    }
}

#[tokio::test]
async fn without_leave_no_stale_loans() {
    let world = World::documents();
    let gateway = kept(&world).set("cache.stale_if_error", "0s").start().await;
    gateway.get("/loans").await.assert_complete();
    world.set_fault(PROVIDER, failing(503));
    gateway
        .get("/loans?max_age=0")
        .await
        .assert_problem(502, "upstream_failed");
}

#[tokio::test]
async fn what_is_not_whole_is_not_kept() {
    // Sorted, so that the pages after the first are a part of what is kept.
    const WHOLE: &str = "/loans?sort=id";
    let world = World::generated(3, 6);
    let gateway = kept(&world).connection(PROVIDER, "page_size", "2").start().await;
    world.set_fault(PROVIDER, failing(503));
    gateway.get(WHOLE).await.assert_problem(502, "upstream_failed");
    world.set_fault(PROVIDER, Fault::PageLoop);
    assert_eq!(gateway.get(WHOLE).await.source("carbon")["status"], "partial");
    world.set_fault(PROVIDER, Fault::None);
    let answer = gateway.get(WHOLE).await;
    answer.assert_complete();
    assert_eq!(answer.source("carbon")["cache"], "miss");
    assert_eq!(answer.loans().len(), 6);
}

/// A gateway that takes fifty requests at once, and an upstream that answers once it is let.
async fn holding() -> (Running, Chaos, watch::Sender<bool>) {
    let world = World::documents();
    let (open, held) = watch::channel(false);
    let chaos = Chaos::start(&world, move |_: &Asked| Act::Held(held.clone())).await;
    let gateway = kept(&world)
        .through(PROVIDER, &chaos)
        .set("server.max_in_flight", "50")
        .start()
        .await;
    (gateway, chaos, open)
}

/// A caller that may go away.
async fn caller(gateway: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let request = b"GET /loans HTTP/1.1\r\nhost: gateway\r\n\r\n";
    stream.write_all(request).await.unwrap();
    stream
}

/// Waits until all fifty are in hand: the next one is told so.
async fn full(gateway: &Running) {
    while gateway.get("/connections").await.status != 503 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn many_callers_share_one_fetch_and_the_first_may_leave() {
    let (gateway, chaos, open) = holding().await;
    let first = caller(&gateway).await;
    chaos.until(|counts| counts.requests() == 1).await;
    let others = join_all((0..49).map(|_| gateway.get("/loans")));
    let first_leaves = async {
        full(&gateway).await;
        drop(first);
        open.send(true).unwrap();
    };
    let (answers, ()) = tokio::join!(others, first_leaves);
    for answer in answers {
        answer.assert_complete();
        assert_eq!(answer.loans().len(), 2);
    }
    assert_eq!(chaos.counts().requests(), 1);
}

#[tokio::test]
async fn a_fetch_that_nobody_waits_for_ends() {
    let (gateway, chaos, open) = holding().await;
    let callers = join_all((0..50).map(|_| caller(&gateway))).await;
    full(&gateway).await;
    chaos.until(|counts| counts.requests() == 1).await;
    assert_eq!(chaos.counts().open, 1);
    drop(callers);
    chaos.until(|counts| counts.open == 0).await;
    // Nothing of it is left: the next one fetches anew.
    open.send(true).unwrap();
    gateway.get("/loans").await.assert_complete();
    assert_eq!(chaos.counts().requests(), 2);
}

#[tokio::test]
async fn who_joins_late_has_the_time_of_its_own_request() {
    let world = World::documents();
    let (_never, held) = watch::channel(false);
    let chaos = Chaos::start(&world, move |_: &Asked| Act::Held(held.clone())).await;
    let gateway = kept(&world)
        .through(PROVIDER, &chaos)
        .set("server.deadline", "1s")
        .start()
        .await;
    let first = async {
        let answer = gateway.get("/loans").await;
        chaos.turn(|_| Act::Answer(End::Keep));
        answer
    };
    let second = async {
        chaos.until(|counts| counts.requests() == 1).await;
        // The later of two callers; both have a second.
        tokio::time::sleep(Duration::from_millis(500)).await;
        gateway.get("/loans").await
    };
    let (first, second) = tokio::join!(first, second);
    first.assert_problem(504, "upstream_timeout");
    second.assert_complete();
}

#[tokio::test]
async fn a_shared_fetch_that_fails_fails_for_all_and_for_nobody_after() {
    let world = World::documents();
    let chaos = Chaos::start(&world, |_| Act::Bytes(b"nonsense\r\n\r\n".to_vec(), End::Close)).await;
    let gateway = kept(&world).through(PROVIDER, &chaos).start().await;
    for answer in join_all((0..10).map(|_| gateway.get("/loans"))).await {
        answer.assert_problem(502, "upstream_failed");
    }
    chaos.turn(|_| Act::Answer(End::Keep));
    gateway.get("/loans").await.assert_complete();
}

/// The opening is in the cache, and the page behind it failed: that answer is not the answer to the next one who asks.
#[tokio::test]
async fn an_answer_with_a_gap_is_not_given_again() {
    let world = World::generated(3, 150);
    let chaos = Chaos::start(&world, |asked: &Asked| {
        if asked.target.contains("page=2") && asked.attempt == 0 {
            Act::Bytes(
                b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n".to_vec(),
                End::Keep,
            )
        } else {
            Act::Answer(End::Keep)
        }
    })
    .await;
    let gateway = kept(&world).through(PROVIDER, &chaos).start().await;
    let broken = gateway.get("/loans?limit=200").await;
    assert_eq!(broken.json()["complete"], false);
    let given = broken.loans().len();
    for pages in 1..=2 {
        let whole = gateway.get("/loans?limit=200").await;
        whole.assert_complete();
        assert!(whole.loans().len() > given, "{given} of all again");
        assert_eq!(whole.source("carbon")["cache"], "hit");
        // Only the opening is kept: the page behind it is as it is now.
        assert_eq!(chaos.counts().pages(), 2 + pages);
    }
}
