//! Rates and requests in hand, for each client by itself.

use std::time::Instant;

use loangate::sim::{Provider, World};
use reqwest::Method;
use tokio::sync::watch;

use super::{COLLECTIONS, UNDERWRITING, bearer, both, clients, collections, underwriting};
use crate::support::chaos::{Act, Chaos};
use crate::support::{Running, Setup};

/// Asks until it is told to wait; how many answers that took, and how many there can have been.
async fn exhaust(gateway: &Running, burst: u64, per_second: u64) -> (u64, u64) {
    let started = Instant::now();
    for passed in 0.. {
        let answer = bearer(gateway, COLLECTIONS, "/connections").await;
        assert_eq!(
            answer.header("ratelimit-policy"),
            format!(r#""client";q={burst};w={}"#, burst.div_ceil(per_second))
        );
        if answer.status == 429 {
            answer.assert_problem(429, "rate_limited");
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=burst).contains(&wait), "{answer:?}");
            let left = answer.header("ratelimit");
            assert!(left.starts_with(r#""client";r=0;t="#), "{left}");
            let grown = (started.elapsed().as_secs() + 1) * per_second;
            return (passed, burst + grown);
        }
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(passed < 10_000, "there is no limit");
    }
    unreachable!()
}

/// Who paces itself by the policy may use all that comes back, however little may be asked at once.
#[tokio::test]
async fn a_burst_smaller_than_the_rate_does_not_hide_the_rate() {
    let gateway = both(&World::documents())
        .set("auth.clients.1.rate_limit.per_second", "50")
        .set("auth.clients.1.rate_limit.burst", "5")
        .start()
        .await;
    let answer = bearer(&gateway, COLLECTIONS, "/connections").await;
    assert_eq!(answer.header("ratelimit-policy"), r#""client";q=50;w=1"#);
    assert_eq!(answer.header("ratelimit"), r#""client";r=4;t=1"#);
}

#[tokio::test]
async fn over_its_rate_a_client_waits_and_the_others_do_not() {
    let gateway = both(&World::documents())
        .set("auth.clients.1.rate_limit.per_second", "1")
        .set("auth.clients.1.rate_limit.burst", "20")
        .start()
        .await;
    let first = bearer(&gateway, COLLECTIONS, "/connections").await;
    assert_eq!(first.header("ratelimit"), r#""client";r=19;t=1"#);
    let (passed, most) = exhaust(&gateway, 20, 1).await;
    assert!((19..=most).contains(&passed), "{passed} of {most}");
    // Whatever is asked, by whatever header, and nothing is asked upstream.
    for path in ["/loans", "/no/such/route", "/metrics", "/loans?x=1"] {
        let answer = gateway
            .send(Method::GET, path, &[("x-api-key", COLLECTIONS)], None)
            .await;
        if answer.status != 429 {
            // A second has passed.
            continue;
        }
        answer.assert_problem(429, "rate_limited");
    }
    let other = bearer(&gateway, UNDERWRITING, "/connections").await;
    assert_eq!((other.status, other.header("ratelimit")), (200, ""));
    assert_eq!(gateway.get("/livez").await.status, 200);
    // Wrong keys are no way to use up somebody's rate, or to learn about it.
    let stranger = bearer(&gateway, "wrong", "/connections").await;
    assert_eq!((stranger.status, stranger.header("ratelimit")), (401, ""));
}

#[tokio::test]
async fn a_reload_is_no_way_around_a_limit_that_has_not_changed() {
    let world = World::documents();
    let limited = |burst: &str| {
        both(&world)
            .set("auth.clients.1.rate_limit.per_second", "1")
            .set("auth.clients.1.rate_limit.burst", burst)
    };
    let gateway = limited("1000").start().await;
    for _ in 0..50 {
        bearer(&gateway, COLLECTIONS, "/connections").await;
    }
    let left = async || {
        let answer = bearer(&gateway, COLLECTIONS, "/connections").await;
        let left = answer.header("ratelimit").to_owned();
        let (_, left) = left.split_once("r=").unwrap();
        left.split(';').next().unwrap().parse::<u64>().unwrap()
    };
    let before = left().await;
    assert!(before < 990, "{before}");
    gateway.reload(&limited("1000")).unwrap();
    // It has grown by a second or two at most.
    let after = left().await;
    assert!(after < before + 5, "{before} {after}");
    gateway.reload(&limited("2000")).unwrap();
    assert_eq!(left().await, 1999);
}

#[tokio::test]
async fn a_client_has_no_more_in_hand_than_it_may() {
    let world = World::documents();
    let (open, held) = watch::channel(false);
    let chaos = Chaos::start(&world, move |_| Act::Held(held.clone())).await;
    let gateway = clients(
        Setup::only(Provider::Carbon, &world),
        &[
            underwriting(),
            super::Client {
                connections: "carbon",
                ..collections()
            },
        ],
    )
    .through(Provider::Carbon, &chaos)
    .set("auth.clients.1.max_concurrency", "2")
    .start()
    .await;
    let asking = async {
        let ask = |key| bearer(&gateway, key, "/loans?max_age=0");
        tokio::join!(ask(COLLECTIONS), ask(COLLECTIONS), ask(UNDERWRITING))
    };
    let refused = async {
        chaos.until(|counts| counts.requests() == 3).await;
        for path in ["/loans", "/connections"] {
            let answer = bearer(&gateway, COLLECTIONS, path).await;
            answer.assert_problem(429, "rate_limited");
            assert_eq!(answer.header("retry-after"), "1");
        }
        assert_eq!(bearer(&gateway, UNDERWRITING, "/connections").await.status, 200);
        open.send(true).unwrap();
    };
    let ((one, two, three), ()) = tokio::join!(asking, refused);
    for answer in [one, two, three] {
        answer.assert_complete();
    }
    assert_eq!(bearer(&gateway, COLLECTIONS, "/connections").await.status, 200);
}
