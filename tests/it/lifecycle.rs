//! Starting, stopping and changing the config: no request is lost, and nothing keeps the process.

use std::net::SocketAddr;
use std::time::Duration;

use loangate::app::{App, Reloader};
use loangate::sim::{Provider, World};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::support::chaos::{Act, Chaos, End};
use crate::support::{Answer, Setup, fetch};

const PROVIDER: Provider = Provider::Carbon;
const SOON: Duration = Duration::from_secs(5);

struct Process {
    address: SocketAddr,
    reloader: Reloader,
    stop: oneshot::Sender<()>,
    exited: JoinHandle<()>,
}

impl Process {
    /// The gateway of this setup, whose providers are all reached through `chaos`.
    async fn start(setup: &Setup, chaos: &Chaos) -> Self {
        let app = App::build(&setup.document(chaos.address)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let reloader = app.reloader();
        let (stop, told) = oneshot::channel();
        let exited = tokio::spawn(app.serve(listener, async {
            // Not told to stop, it serves until the test is over.
            if told.await.is_err() {
                std::future::pending::<()>().await;
            }
        }));
        Self {
            address,
            reloader,
            stop,
            exited,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn get(&self, path: &str) -> impl Future<Output = Answer> + Send + 'static {
        let url = self.url(path);
        async move { fetch(&url).await }
    }
}

fn setup(world: &World) -> Setup {
    Setup::only(PROVIDER, world)
        .set("server.drain_delay", "400ms")
        .set("server.shutdown_grace", "10s")
}

/// A world whose only application has this id.
fn of(id: &str) -> World {
    let world = World::documents();
    let row = format!(r#"{{"application_id":"{id}"}}"#);
    world.set_records(PROVIDER, vec![row]);
    world
}

/// An upstream that answers once it is let.
async fn holding(world: &World) -> (Chaos, watch::Sender<bool>) {
    let (open, gate) = watch::channel(false);
    let chaos = Chaos::start(world, move |_| Act::Held(gate.clone())).await;
    (chaos, open)
}

#[tokio::test]
async fn stopping_says_so_keeps_accepting_for_a_while_and_finishes_what_is_in_hand() {
    let world = of("one");
    let (chaos, open) = holding(&world).await;
    let process = Process::start(&setup(&world), &chaos).await;
    let before = process.get("/readyz").await;
    assert_eq!((before.status, before.header("connection")), (200, ""));
    let in_hand = tokio::spawn(process.get("/loans"));
    chaos.until(|counts| counts.requests() == 1).await;

    let address = process.address;
    let (readyz, livez) = (process.url("/readyz"), process.url("/livez"));
    process.stop.send(()).unwrap();
    let draining = loop {
        let answer = fetch(&readyz).await;
        if answer.status == 503 {
            break answer;
        }
        assert_eq!(answer.status, 200);
    };
    assert_eq!(draining.header("connection"), "close");
    let alive = fetch(&livez).await;
    assert_eq!((alive.status, alive.header("connection")), (200, "close"));

    // Then the door is closed, and the one inside is still waited for.
    let closed = async { while TcpStream::connect(address).await.is_ok() {} };
    timeout(SOON, closed).await.unwrap();
    assert!(!process.exited.is_finished());
    open.send(true).unwrap();
    in_hand.await.unwrap().assert_complete();
    timeout(SOON, process.exited).await.unwrap().unwrap();
}

#[tokio::test]
async fn requests_that_arrive_while_it_drains_are_answered() {
    let world = of("one");
    let chaos = Chaos::start(&world, |_| Act::Answer(End::Keep)).await;
    let process = Process::start(&setup(&world).set("server.drain_delay", "1s"), &chaos).await;
    let url = process.url("/loans");
    process.stop.send(()).unwrap();
    let started = Instant::now();
    let mut answered = 0;
    // Well before the door closes.
    while started.elapsed() < Duration::from_millis(200) {
        fetch(&url).await.assert_complete();
        answered += 1;
    }
    assert!(answered > 0);
    timeout(SOON, process.exited).await.unwrap().unwrap();
}

#[tokio::test]
async fn nobody_keeps_it_beyond_its_grace() {
    let world = of("one");
    let (chaos, _open) = holding(&world).await;
    let setup = setup(&world)
        .set("server.drain_delay", "0ms")
        .set("server.shutdown_grace", "300ms");
    let process = Process::start(&setup, &chaos).await;
    let mut half = TcpStream::connect(process.address).await.unwrap();
    half.write_all(b"GET /loans HTTP/1.1\r\nhost: ga").await.unwrap();
    let _silent = TcpStream::connect(process.address).await.unwrap();
    let mut waiting = TcpStream::connect(process.address).await.unwrap();
    waiting
        .write_all(b"GET /loans HTTP/1.1\r\nhost: gateway\r\n\r\n")
        .await
        .unwrap();
    chaos.until(|counts| counts.requests() == 1).await;
    let started = Instant::now();
    process.stop.send(()).unwrap();
    timeout(SOON, process.exited).await.unwrap().unwrap();
    let took = started.elapsed();
    assert!(
        took >= Duration::from_millis(300) && took < Duration::from_secs(3),
        "{took:?}"
    );
}

#[tokio::test]
async fn a_new_config_is_for_new_requests_and_the_old_one_for_those_in_hand() {
    let (before, after) = (of("before"), of("after"));
    let (old, open) = holding(&before).await;
    let new = Chaos::start(&after, |_| Act::Answer(End::Keep)).await;
    let process = Process::start(&setup(&before), &old).await;
    let in_hand = tokio::spawn(process.get("/loans"));
    old.until(|counts| counts.requests() == 1).await;

    process
        .reloader
        .reload(&setup(&after).document(new.address))
        .unwrap();
    let answer = process.get("/loans").await;
    answer.assert_complete();
    assert_eq!(answer.ids(), ["carbon:after"]);
    open.send(true).unwrap();
    let answer = in_hand.await.unwrap();
    answer.assert_complete();
    assert_eq!(answer.ids(), ["carbon:before"]);
    // The old upstream's kept connections are given up with the last request.
    old.until(|counts| counts.open == 0).await;
}

#[tokio::test]
async fn what_the_old_credentials_fetched_is_not_given_to_the_new() {
    let (before, after) = (of("before"), of("after"));
    let old = Chaos::start(&before, |_| Act::Answer(End::Keep)).await;
    let new = Chaos::start(&after, |_| Act::Answer(End::Keep)).await;
    let cached = |world| setup(world).set("cache.max_age", "60s");
    let process = Process::start(&cached(&before), &old).await;
    process.get("/loans").await;
    assert_eq!(process.get("/loans").await.source("carbon")["cache"], "hit");
    process
        .reloader
        .reload(&cached(&after).document(new.address))
        .unwrap();
    let answer = process.get("/loans").await;
    assert_eq!(answer.source("carbon")["cache"], "miss");
    assert_eq!(answer.ids(), ["carbon:after"]);
}

#[tokio::test]
async fn a_bad_config_changes_nothing() {
    let world = of("one");
    let chaos = Chaos::start(&world, |_| Act::Answer(End::Keep)).await;
    let process = Process::start(&setup(&world), &chaos).await;
    let bad = [
        setup(&world).connection(PROVIDER, "timeout", "soon"),
        setup(&world).connection(PROVIDER, "base_url", "ftp://nowhere"),
        setup(&world).connection(PROVIDER, "nonsense", "1"),
        setup(&world).set("limits.upstream_in_flight", "1KiB"),
    ];
    for bad in bad {
        assert!(process.reloader.reload(&bad.document(chaos.address)).is_err());
        let answer = process.get("/loans").await;
        answer.assert_complete();
        assert_eq!(answer.ids(), ["carbon:one"]);
        assert_eq!(process.get("/readyz").await.status, 200);
    }
}

#[tokio::test]
async fn a_reload_does_not_open_what_listens_to_everyone() {
    const PERSONAL: &str = "/loans?include=personal";
    let world = of("one");
    let chaos = Chaos::start(&world, |_| Act::Answer(End::Keep)).await;
    let insecure = |listen: &str| {
        setup(&world)
            .set("server.listen", listen)
            .set("auth.allow_insecure", "true")
    };
    let process = Process::start(&insecure("0.0.0.0:8080"), &chaos).await;
    let before = process.get(PERSONAL).await.problem();
    let loopback = insecure("127.0.0.1:8080").document(chaos.address);
    process.reloader.reload(&loopback).unwrap();
    assert_eq!(process.get(PERSONAL).await.problem(), before);
    let problems = process.reloader.reload(&setup(&world).document(chaos.address));
    assert!(problems.unwrap_err().to_string().starts_with("auth.mode: "));
    process.get("/loans").await.assert_complete();
}

#[tokio::test]
async fn reloads_in_a_row_lose_no_request() {
    let world = of("one");
    let chaos = Chaos::start(&world, |_| Act::Answer(End::Keep)).await;
    let process = Process::start(&setup(&world), &chaos).await;
    let asking = async {
        for _ in 0..100 {
            process.get("/loans").await.assert_complete();
        }
    };
    let document = setup(&world).document(chaos.address);
    let reloading = async {
        for _ in 0..50 {
            process.reloader.reload(&document).unwrap();
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(asking, reloading);
}
