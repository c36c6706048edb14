//! Redis that is gone, slow, full or read-only costs at most its small time, and nobody an answer.

use std::net::SocketAddr;
use std::time::Duration;

use loangate::sim::World;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep_until};

use super::{PROVIDER, Redis, fleet, metric, shared, sharing, until};
use crate::access::{UNDERWRITING, bearer, both};
use crate::cli::{loangate, text};
use crate::support::log::Capturing;
use crate::support::{Answer, Running};
use crate::walks;

/// What lies between a gateway and its Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Free,
    /// Every answer comes so much later.
    Slow(Duration),
    /// Nothing comes back.
    Stalled,
}

/// A way to Redis that can be made slow.
struct Between {
    address: SocketAddr,
    way: watch::Sender<Way>,
}

impl Between {
    async fn before(redis: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let way = watch::Sender::new(Way::Free);
        let known = way.clone();
        tokio::spawn(async move {
            loop {
                let (gateway, _) = listener.accept().await.unwrap();
                let Ok(server) = TcpStream::connect(redis).await else {
                    continue;
                };
                let (mut from_gateway, mut to_gateway) = gateway.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let mut ways = known.subscribe();
                tokio::spawn(async move { tokio::io::copy(&mut from_gateway, &mut to_server).await });
                let (sent, mut under_way) = mpsc::unbounded_channel();
                tokio::spawn(async move {
                    while let Some((due, bytes)) = under_way.recv().await {
                        sleep_until(due).await;
                        if ways.wait_for(|way| *way != Way::Stalled).await.is_err() {
                            return;
                        }
                        let bytes: Vec<u8> = bytes;
                        if to_gateway.write_all(&bytes).await.is_err() {
                            return;
                        }
                    }
                });
                let way = known.clone();
                tokio::spawn(async move {
                    let mut buffer = vec![0; 64 * 1024];
                    while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
                        let late = match *way.borrow() {
                            Way::Slow(time) => time,
                            Way::Free | Way::Stalled => Duration::ZERO,
                        };
                        let piece = (Instant::now() + late, buffer[..count].to_vec());
                        if sent.send(piece).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, way }
    }
}

async fn up(gateway: &Running) -> bool {
    metric(gateway, "loangate_fleet_up").await == 1
}

async fn answers_alone(gateway: &Running) {
    let first = gateway.get("/loans?max_age=1").await;
    first.assert_complete();
    for path in ["/loans?limit=2&sort=id", "/loans?limit=2"] {
        let mut answer = gateway.get(path).await;
        answer.assert_complete();
        while let Some(cursor) = answer.json()["page"]["next_cursor"].as_str() {
            answer = gateway.get(&format!("{path}&cursor={cursor}")).await;
            answer.assert_complete();
        }
    }
}

fn world() -> World {
    let world = World::documents();
    world.set_records(PROVIDER, walks::applications(0..9));
    world
}

#[tokio::test]
async fn gone_from_the_beginning_nobody_notices() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    redis.kill();
    let gateway = shared(&world(), redis.address).start().await;
    answers_alone(&gateway).await;
    assert_eq!(metric(&gateway, "loangate_fleet_up").await, 0);
    redis.again().await;
    until(async || up(&gateway).await).await;
    answers_alone(&gateway).await;
}

#[tokio::test]
async fn it_goes_and_comes_back_and_cursors_go_on() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let [one, two] = fleet(shared(&world(), redis.address)).await;
    for sort in ["", "&sort=id"] {
        let path = format!("/loans?limit=2{sort}");
        let cursor = |answer: &Answer| answer.json()["page"]["next_cursor"].as_str().unwrap().to_owned();
        let first = one.get(&path).await;
        redis.kill();
        // Here it goes on; there nobody can know of it, and that is no reason to begin again.
        let second = one.get(&format!("{path}&cursor={}", cursor(&first))).await;
        second.assert_complete();
        let elsewhere = two.get(&format!("{path}&cursor={}", cursor(&second))).await;
        elsewhere.assert_problem(503, "overloaded");
        assert_eq!(elsewhere.header("retry-after"), "1");
        redis.again().await;
        until(async || up(&one).await && up(&two).await).await;
        let third = one.get(&format!("{path}&cursor={}", cursor(&second))).await;
        third.assert_complete();
        if sort.is_empty() {
            // The walk is shared again with its next step.
            two.get(&format!("{path}&cursor={}", cursor(&third)))
                .await
                .assert_complete();
        }
        answers_alone(&two).await;
    }
}

#[tokio::test]
async fn stalled_it_costs_its_time_once_and_then_nothing() {
    let Some(redis) = Redis::start().await else { return };
    let between = Between::before(redis.address).await;
    let gateway = shared(&world(), between.address)
        .set("cache.redis_timeout", "300ms")
        .start()
        .await;
    gateway.get("/loans").await.assert_complete();
    between.way.send_replace(Way::Stalled);
    let first = gateway.get("/loans?kind=unknown&sort=id").await;
    first.assert_complete();
    assert!(first.took >= Duration::from_millis(290), "{:?}", first.took);
    assert!(first.took < Duration::from_secs(3), "{:?}", first.took);
    assert_eq!(metric(&gateway, "loangate_fleet_up").await, 0);
    let timeouts = async || {
        let mut all = 0;
        // Hints are nobody's request.
        for operation in ["get", "put", "lease", "rate"] {
            let name =
                format!(r#"loangate_fleet_requests_total{{operation="{operation}",outcome="timeout"}}"#);
            all += metric(&gateway, &name).await;
        }
        all
    };
    let before = timeouts().await;
    for _ in 0..20 {
        answers_alone(&gateway).await;
    }
    assert_eq!(timeouts().await, before, "nobody waited again");
    between.way.send_replace(Way::Free);
    until(async || up(&gateway).await).await;
}

/// However often a request asks, and however often it is not slow enough to be given up.
#[tokio::test]
async fn slow_it_costs_a_request_no_more_than_its_time() {
    let Some(redis) = Redis::start().await else { return };
    let between = Between::before(redis.address).await;
    let setup = both(&world());
    let gateway = sharing(setup, between.address)
        .set("cache.redis_timeout", "400ms")
        .set("auth.clients.0.rate_limit.per_second", "1000")
        .start()
        .await;
    let ask = async |path: &str| bearer(&gateway, UNDERWRITING, path).await;
    ask("/loans?connection=carbon").await.assert_complete();
    between.way.send_replace(Way::Slow(Duration::from_millis(150)));
    for page in 0..5 {
        // A rate, a lease with an entry, a set: more than fits.
        let answer = ask(&format!("/loans?connection=carbon&limit=2&sort=id&status=unknown,active&outstanding_min={page}&currency=NGN")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.took < Duration::from_secs(2), "{:?}", answer.took);
    }
}

#[tokio::test]
async fn full_or_read_only_it_is_not_asked_to_keep_anything_and_says_so_once() {
    for refusing in [["maxmemory", "1"], ["min-replicas-to-write", "3"]] {
        let Some(redis) = Redis::start().await else { return };
        let log = Capturing::start();
        let gateway = shared(&world(), redis.address).start().await;
        gateway.get("/loans").await.assert_complete();
        let _: () = redis.tell(&["CONFIG", "SET", refusing[0], refusing[1]]).await;
        answers_alone(&gateway).await;
        answers_alone(&gateway).await;
        assert_eq!(metric(&gateway, "loangate_fleet_up").await, 1);
        let _: () = redis.tell(&["CONFIG", "SET", refusing[0], "0"]).await;
        answers_alone(&gateway).await;
        let refused = metric(
            &gateway,
            r#"loangate_fleet_requests_total{operation="put",outcome="refused"}"#,
        )
        .await;
        assert!(refused > 0);
        let log = log.end();
        let said = |words: &str| log.iter().filter(|line| line.contains(words)).count();
        assert_eq!(
            (said("redis takes nothing"), said("redis takes again")),
            (1, 1),
            "{refusing:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_says_whether_there_is_a_redis() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let world = World::documents();
    let setup = shared(&world, redis.address);
    let simulators = setup.clone().start().await.simulators();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("loangate.toml");
    std::fs::write(&path, setup.text(simulators)).unwrap();
    let check = || {
        let output = loangate(&["check", "--probe", "--config", path.to_str().unwrap()])
            .envs(setup.variables().iter().cloned())
            .output()
            .unwrap();
        (output.status.code(), text(&output.stdout))
    };
    let (code, out) = block_in_place(check);
    assert!(
        code == Some(0) && out.contains("  redis            ok\n"),
        "{out}"
    );
    redis.kill();
    let (code, out) = block_in_place(check);
    assert!(
        code == Some(1) && out.contains("  redis            it cannot be reached\n"),
        "{out}"
    );
}

/// Far away, but never so slow that it is given up: every page is there, on whichever gateway it is asked for.
#[tokio::test]
async fn from_afar_everything_is_still_everywhere() {
    let Some(redis) = Redis::start().await else { return };
    let between = Between::before(redis.address).await;
    let world = World::documents();
    world.set_records(PROVIDER, walks::applications(0..1500));
    let setup = shared(&world, between.address)
        .set("cache.redis_timeout", "400ms")
        .set("connections.carbon.page_size", "100");
    let gateways: [Running; 2] = fleet(setup).await;
    // Four trips are within the time of a request; the fifteen parts of a set are not.
    between.way.send_replace(Way::Slow(Duration::from_millis(60)));
    for (query, limit, pages) in [("sort=id&", 200, 8), ("", 3, 8)] {
        let mut cursor = String::new();
        for page in 0..pages {
            let gateway = &gateways[page % 2];
            let answer = gateway.get(&format!("/loans?{query}limit={limit}{cursor}")).await;
            assert_eq!(answer.status, 200, "{query} page {page}: {answer:?}");
            if let Some(next) = answer.json()["page"]["next_cursor"].as_str() {
                cursor = format!("&cursor={next}");
            }
        }
    }
}
