//! What one gateway learns of an upstream that fails, the others know.

use loangate::sim::World;
use serde_json::Value;

use super::{PROVIDER, Redis, fleet, shared, until};
use crate::support::Running;
use crate::support::chaos::{Act, Chaos, End};

async fn health(gateway: &Running, key: &str) -> Value {
    gateway.get("/connections/carbon").await.json()["data"]["health"][key].clone()
}

#[tokio::test]
async fn a_circuit_that_opens_opens_everywhere_and_closes_by_itself() {
    let Some(redis) = Redis::start().await else { return };
    let world = World::documents();
    let chaos = Chaos::start(&world, |_| {
        Act::Bytes(
            b"HTTP/1.1 503 Gone\r\ncontent-length: 0\r\n\r\n".to_vec(),
            End::Keep,
        )
    })
    .await;
    let setup = shared(&world, redis.address)
        .through(PROVIDER, &chaos)
        .connection(PROVIDER, "circuit.failures", "2")
        .connection(PROVIDER, "circuit.open_for", "3s")
        .connection(PROVIDER, "retry.attempts", "1");
    let [one, two] = fleet(setup).await;
    for _ in 0..2 {
        assert_eq!(one.get("/loans").await.status, 502);
    }
    until(async || health(&two, "circuit").await == "open").await;
    let asked = chaos.counts().requests();
    two.get("/loans")
        .await
        .assert_problem(503, "upstream_unavailable");
    assert_eq!(chaos.counts().requests(), asked, "it is left alone");
    chaos.turn(|_| Act::Answer(End::Keep));
    // Each finds out by a probe of its own.
    for gateway in [&two, &one] {
        until(async || gateway.get("/loans?max_age=0").await.status == 200).await;
        assert_eq!(health(gateway, "circuit").await, "closed");
    }
}

#[tokio::test]
async fn a_pause_that_one_is_asked_for_all_keep() {
    let Some(redis) = Redis::start().await else { return };
    let world = World::documents();
    let chaos = Chaos::start(&world, |_| {
        Act::Bytes(
            b"HTTP/1.1 429 Slow\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n".to_vec(),
            End::Keep,
        )
    })
    .await;
    let [one, two] = fleet(shared(&world, redis.address).through(PROVIDER, &chaos)).await;
    one.get("/loans")
        .await
        .assert_problem(503, "upstream_unavailable");
    let asked = chaos.counts().requests();
    until(async || !health(&two, "rate_limited_for_ms").await.is_null()).await;
    let answer = two.get("/loans").await;
    answer.assert_problem(503, "upstream_unavailable");
    assert_eq!(answer.source_error(PROVIDER), "upstream_rate_limited");
    assert_eq!(chaos.counts().requests(), asked);
}
