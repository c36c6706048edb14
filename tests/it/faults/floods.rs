//! Bodies that never end or are much larger than they look, one and many at once: refused in time, and nobody waits in
//! a circle for memory.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::future::join_all;
use loangate::sim::{Provider, World};
use tokio::time::Instant;

use crate::support::chaos::{Act, Asked, Chaos, End};
use crate::support::{Answer, Running, Setup};

const PROVIDER: Provider = Provider::Carbon;
const AT_ONCE: usize = 64;
const DEADLINE: Duration = Duration::from_secs(5);

fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&vec![b' '; 8 << 20]).unwrap();
    let body = encoder.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

fn endless(_: &Asked) -> Act {
    let piece = [b"8000\r\n".to_vec(), vec![b' '; 0x8000], b"\r\n".to_vec()].concat();
    Act::Endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", piece)
}

async fn start(script: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> (Running, Chaos) {
    let world = World::documents();
    let chaos = Chaos::start(&world, script).await;
    let gateway = Setup::only(PROVIDER, &world)
        .through(PROVIDER, &chaos)
        .connection(PROVIDER, "timeout", "20s")
        .connection(PROVIDER, "max_concurrency", "1000")
        .set("server.deadline", "5s")
        .set("limits.upstream_body", "512KiB")
        // Two of the largest at a time.
        .set("limits.upstream_in_flight", "2MiB")
        .start()
        .await;
    (gateway, chaos)
}

async fn many(gateway: &Running) -> Vec<Answer> {
    let started = Instant::now();
    let answers = join_all((0..AT_ONCE).map(|_| gateway.get("/loans"))).await;
    let elapsed = started.elapsed();
    assert!(elapsed < DEADLINE, "{elapsed:?}");
    answers
}

async fn too_large(script: impl Fn(&Asked) -> Act + Send + Sync + 'static) {
    let (gateway, chaos) = start(script).await;
    for answer in many(&gateway).await {
        assert_eq!(answer.source_error(PROVIDER), "upstream_too_large", "{answer:?}");
    }
    // They are not read to their end, and nothing of them stays.
    chaos.until(|counts| counts.open == 0).await;
    chaos.turn(|_| Act::Answer(End::Keep));
    gateway.get("/loans").await.assert_complete();
}

#[tokio::test]
async fn many_bombs_at_once() {
    let bomb = bomb();
    too_large(move |_| Act::Bytes(bomb.clone(), End::Hang)).await;
}

#[tokio::test]
async fn many_endless_bodies_at_once() {
    too_large(endless).await;
}

#[tokio::test]
async fn many_bodies_of_ten_gibibytes_at_once() {
    too_large(|_| {
        Act::Endless(
            "HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n",
            vec![b' '; 0x8000],
        )
    })
    .await;
}

/// Each holds memory that the others wait for, and none of them ends: the deadline ends them all.
#[tokio::test]
async fn many_bodies_that_stall_after_they_took_their_memory() {
    let body = [
        b"HTTP/1.1 200 OK\r\ncontent-length: 500000\r\n\r\n".to_vec(),
        vec![b' '; 400_000],
    ]
    .concat();
    let world = World::documents();
    let chaos = Chaos::start(&world, move |_| Act::Bytes(body.clone(), End::Hang)).await;
    let gateway = Setup::only(PROVIDER, &world)
        .through(PROVIDER, &chaos)
        .connection(PROVIDER, "max_concurrency", "1000")
        .set("server.deadline", "700ms")
        .set("limits.upstream_body", "512KiB")
        .set("limits.upstream_in_flight", "2MiB")
        .start()
        .await;
    let started = Instant::now();
    for answer in many(&gateway).await {
        assert_eq!(answer.source_error(PROVIDER), "deadline_exceeded", "{answer:?}");
    }
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    chaos.turn(|_| Act::Answer(End::Keep));
    gateway.get("/loans").await.assert_complete();
}

/// Healthy answers that need more memory than there is take turns.
#[tokio::test]
async fn large_answers_take_turns() {
    let world = World::documents();
    let filler = "x".repeat(400_000);
    let row = format!(r#"{{"application_id":"A-1","filler":"{filler}"}}"#);
    world.set_records(PROVIDER, vec![row]);
    let gateway = Setup::only(PROVIDER, &world)
        .set("limits.upstream_body", "512KiB")
        .set("limits.upstream_in_flight", "1MiB")
        .connection(PROVIDER, "max_concurrency", "1000")
        .start()
        .await;
    for answer in join_all((0..16).map(|_| gateway.get("/loans"))).await {
        answer.assert_complete();
    }
}
