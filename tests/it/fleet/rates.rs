//! A client has one limit, however many gateways it asks.

use std::time::Instant;

use loangate::sim::World;

use super::{Redis, fleet, sharing};
use crate::access::{COLLECTIONS, UNDERWRITING, bearer, both};
use crate::support::{Running, Setup};

fn limited(redis: &Redis, per_second: u64, burst: u64) -> Setup {
    sharing(both(&World::documents()), redis.address)
        .set("auth.clients.1.rate_limit.per_second", &per_second.to_string())
        .set("auth.clients.1.rate_limit.burst", &burst.to_string())
}

#[tokio::test]
async fn the_limit_is_that_of_all_gateways_together() {
    let Some(redis) = Redis::start().await else { return };
    let (per_second, burst) = (10, 100);
    let gateways: [Running; 3] = fleet(limited(&redis, per_second, burst)).await;
    let started = Instant::now();
    let mut passed = 0;
    for asked in 0.. {
        let answer = bearer(&gateways[asked % 3], COLLECTIONS, "/connections").await;
        assert_eq!(answer.header("ratelimit-policy"), r#""client";q=100;w=10"#);
        if answer.status == 429 {
            answer.assert_problem(429, "rate_limited");
            assert_eq!(answer.header("retry-after"), "1");
            break;
        }
        passed += 1;
        let left: u64 = answer.header("ratelimit")["\"client\";r=".len()..]
            .split(';')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let back = u64::try_from(started.elapsed().as_millis()).unwrap() * per_second / 1000 + 1;
        assert!(
            left + passed <= burst + back && left + passed >= burst,
            "{left} left after {passed}, {back} came back"
        );
    }
    let back = u64::try_from(started.elapsed().as_millis()).unwrap() * per_second / 1000;
    let most = burst + back;
    assert!(
        passed >= burst && passed <= most + most / 20,
        "{passed} of {most}"
    );
    // The others are not held up.
    for gateway in &gateways {
        assert_eq!(bearer(gateway, UNDERWRITING, "/connections").await.status, 200);
    }
}

/// What is counted here goes on when nothing is shared, and a restart of a gateway is no way around a limit.
#[tokio::test]
async fn without_redis_each_gateway_counts_by_itself() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let [one, two] = fleet(limited(&redis, 1, 4)).await;
    for _ in 0..3 {
        assert_eq!(bearer(&one, COLLECTIONS, "/connections").await.status, 200);
    }
    let last = bearer(&two, COLLECTIONS, "/connections").await;
    assert!(
        last.header("ratelimit").starts_with(r#""client";r=0;"#),
        "{last:?}"
    );
    assert_eq!(bearer(&one, COLLECTIONS, "/connections").await.status, 429);
    redis.kill();
    // Here three of four are gone, there one.
    let first = bearer(&one, COLLECTIONS, "/connections").await;
    let second = bearer(&two, COLLECTIONS, "/connections").await;
    assert_eq!(second.status, 200, "{second:?}");
    assert!([200, 429].contains(&first.status));
    let gone = async |gateway: &Running| {
        let answer = bearer(gateway, UNDERWRITING, "/metrics").await;
        answer.text.contains("\nloangate_fleet_up 0\n")
    };
    assert!(gone(&one).await && gone(&two).await);
}
