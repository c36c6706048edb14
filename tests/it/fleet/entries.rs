//! What one gateway fetched, the others have.

use futures_util::future::join_all;
use loangate::sim::{Fault, World};
use reqwest::Method;
use serde_json::Value;
use tokio::sync::watch;

use super::{PROVIDER, Redis, fleet, shared, until};
use crate::support::chaos::{Act, Chaos, End};
use crate::support::{Answer, Running};

fn cache(answer: &Answer) -> (Value, Value) {
    let source = answer.source("carbon");
    (source["cache"].clone(), source["upstream_requests"].clone())
}

#[tokio::test]
async fn one_fetch_serves_all() {
    let Some(redis) = Redis::start().await else { return };
    let world = World::documents();
    let [one, two, three] = fleet(shared(&world, redis.address)).await;
    let first = one.get("/loans").await;
    first.assert_complete();
    assert_eq!(cache(&first), ("miss".into(), 1.into()));
    for gateway in [&two, &three, &two, &one] {
        let answer = gateway.get("/loans").await;
        answer.assert_complete();
        assert_eq!(cache(&answer), ("hit".into(), 0.into()));
        assert_eq!(answer.json()["data"], first.json()["data"]);
        assert_eq!(answer.header("etag"), first.header("etag"));
        let as_of = |answer: &Answer| answer.source("carbon")["as_of"].clone();
        assert_eq!(as_of(&answer), as_of(&first));
    }
    assert_eq!(one.asked(PROVIDER).len(), 1);
}

#[tokio::test]
async fn everything_about_a_loan_comes_along() {
    let Some(redis) = Redis::start().await else { return };
    let world = World::generated(31, 30);
    let [one, two] = fleet(shared(&world, redis.address)).await;
    let query = "/loans?limit=200&include=raw,provenance,personal";
    let (first, again) = (one.get(query).await, two.get(query).await);
    assert_eq!(cache(&again), ("hit".into(), 0.into()));
    assert_eq!(again.bytes_of("carbon"), first.bytes_of("carbon"));
    assert_eq!(again.json()["data"], first.json()["data"]);
}

/// Whoever asks at once waits for the one who was first, whatever gateway they ask.
#[tokio::test]
async fn who_asks_meanwhile_waits_for_the_same_fetch() {
    let Some(redis) = Redis::start().await else { return };
    let world = World::documents();
    let (open, gate) = watch::channel(false);
    let chaos = Chaos::start(&world, move |_| Act::Held(gate.clone())).await;
    let gateways: [Running; 3] = fleet(shared(&world, redis.address).through(PROVIDER, &chaos)).await;
    let asking = async {
        let all = gateways
            .iter()
            .flat_map(|gateway| (0..4).map(move |_| gateway.get("/loans")));
        join_all(all).await
    };
    let opening = async {
        chaos.until(|counts| counts.requests() > 0).await;
        // All the others have had time to find that somebody is at it.
        until(async || {
            let leases: u64 = redis_count(&redis, "set").await;
            leases >= 3
        })
        .await;
        open.send(true).unwrap();
    };
    let (answers, ()) = tokio::join!(asking, opening);
    for answer in answers {
        answer.assert_complete();
    }
    assert_eq!(chaos.counts().requests(), 1);
}

/// How often Redis was told this.
async fn redis_count(redis: &Redis, command: &str) -> u64 {
    let stats: String = redis.tell(&["INFO", "commandstats"]).await;
    let prefix = format!("cmdstat_{command}:calls=");
    let line = stats.lines().find_map(|line| line.strip_prefix(prefix.as_str()));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_failure_is_nobody_elses() {
    let Some(redis) = Redis::start().await else { return };
    let world = World::documents();
    let chaos = Chaos::start(&world, |_| {
        Act::Bytes(
            b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n".to_vec(),
            End::Keep,
        )
    })
    .await;
    let [one, two] = fleet(shared(&world, redis.address).through(PROVIDER, &chaos)).await;
    for gateway in [&one, &two] {
        gateway.get("/loans").await.assert_problem(502, "upstream_failed");
    }
    chaos.turn(|_| Act::Answer(End::Keep));
    one.get("/loans").await.assert_complete();
    let again = two.get("/loans").await;
    assert_eq!(cache(&again), ("hit".into(), 0.into()));
}

#[tokio::test]
async fn fetch_now_asks_the_upstream_and_gives_to_the_others() {
    let Some(redis) = Redis::start().await else { return };
    let world = World::documents();
    let [one, two, three] = fleet(shared(&world, redis.address)).await;
    one.get("/loans").await;
    let now = two.get("/loans?max_age=0").await;
    assert_eq!(cache(&now), ("miss".into(), 1.into()));
    assert_eq!(one.asked(PROVIDER).len(), 2);
    assert_eq!(cache(&three.get("/loans").await), ("hit".into(), 0.into()));
    assert_eq!(one.asked(PROVIDER).len(), 2);
}

#[tokio::test]
async fn a_gateway_that_never_fetched_has_what_there_was() {
    let Some(redis) = Redis::start().await else { return };
    let world = World::documents();
    let setup = shared(&world, redis.address).set("cache.max_age", "1ms");
    let [one, two] = fleet(setup).await;
    let first = one.get("/loans").await;
    first.assert_complete();
    // It is given to the others when it has been answered.
    until(async || redis.tell::<u64>(&["DBSIZE"]).await == 1).await;
    world.set_fault(
        PROVIDER,
        Fault::Status {
            status: 503,
            times: u32::MAX,
        },
    );
    for query in ["/loans", "/loans?max_age=0"] {
        let stale = two.get(query).await;
        assert_eq!(stale.status, 200, "{stale:?}");
        let source = stale.source("carbon");
        assert_eq!(
            (&source["status"], &source["cache"]),
            (&"stale".into(), &"stale".into())
        );
        assert_eq!(stale.ids(), first.ids());
        assert!(stale.loans().iter().all(|loan| loan["stale"] == true));
    }
}

/// Neither clients nor configs run together.
#[tokio::test]
async fn nobody_gets_what_is_not_theirs() {
    let Some(redis) = Redis::start().await else { return };
    let world = World::documents();
    let setup = shared(&world, redis.address);
    let one = setup.clone().start().await;
    one.get("/loans").await.assert_complete();
    let others = [
        setup.clone().connection(PROVIDER, "carbon_key", "another"),
        setup.clone().connection(PROVIDER, "currency", "USD"),
        setup.clone().set("limits.max_gathered", "9999"),
        setup
            .clone()
            .set("cache.keys", "another key of at least 32 characters"),
    ];
    for other in others {
        let other = other.beside(one.simulators()).await;
        assert_eq!(other.get("/loans").await.source("carbon")["cache"], "miss");
    }
    let rotated = format!("a new key of 32 characters or more,{}", super::CACHE_KEY);
    let rotated = setup.set("cache.keys", &rotated).beside(one.simulators()).await;
    assert_eq!(cache(&rotated.get("/loans").await), ("hit".into(), 0.into()));
}

#[tokio::test]
async fn clients_are_kept_apart() {
    let Some(redis) = Redis::start().await else { return };
    let world = World::documents();
    let setup = super::sharing(crate::access::both(&world), redis.address);
    let [one, two] = fleet(setup).await;
    let ask = async |gateway: &Running, key: &str| {
        let headers = [("x-api-key", key)];
        let answer = gateway
            .send(Method::GET, "/loans?connection=bsa", &headers, None)
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.source("bsa")["cache"].clone()
    };
    assert_eq!(ask(&one, crate::access::UNDERWRITING).await, "miss");
    assert_eq!(ask(&two, crate::access::COLLECTIONS).await, "miss");
    assert_eq!(ask(&two, crate::access::UNDERWRITING).await, "hit");
    assert_eq!(ask(&one, crate::access::COLLECTIONS).await, "hit");
}

/// In the middle of replacing a key some have the new one in front, and others not yet.
#[tokio::test]
async fn while_keys_are_replaced_cursors_go_on() {
    let Some(redis) = Redis::start().await else { return };
    let world = World::documents();
    world.set_records(PROVIDER, crate::walks::applications(0..12));
    let (old, new) = (super::CACHE_KEY, "a new key of 32 characters or more");
    let setup = shared(&world, redis.address);
    let keys = |keys: [&str; 2]| setup.clone().set("cache.keys", &keys.join(","));
    let one = keys([new, old]).start().await;
    let other = keys([old, new]).beside(one.simulators()).await;
    for query in ["", "sort=id&"] {
        for gateways in [[&one, &other], [&other, &one]] {
            let (mut cursor, mut loans) = (String::new(), 0);
            for gateway in gateways.into_iter().cycle() {
                let answer = gateway.get(&format!("/loans?{query}limit=2{cursor}")).await;
                assert_eq!(answer.status, 200, "{query} after {loans}: {answer:?}");
                loans += answer.loans().len();
                match answer.json()["page"]["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(loans, 12);
        }
    }
}
