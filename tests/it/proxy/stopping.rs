//! What nginx makes of a gateway that stops, and of one that breaks off.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use loangate::app::App;
use loangate::sim::{Provider, World};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Nginx, SHIPPED, SOON, caller};
use crate::support::Setup;
use crate::support::chaos::{Act, Chaos, End};

struct Gateway {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    stopped: JoinHandle<()>,
}

async fn gateway(upstream: &Chaos) -> Gateway {
    let setup = Setup::only(Provider::Carbon, &World::documents())
        .set("server.base_path", "/lending")
        .set("server.drain_delay", "300ms");
    let app = App::build(&setup.document(upstream.address)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, told) = oneshot::channel();
    let stopped = tokio::spawn(app.serve(listener, async {
        // Not told to stop, it serves until the test is over.
        if told.await.is_err() {
            std::future::pending::<()>().await;
        }
    }));
    Gateway {
        address,
        stop,
        stopped,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_stops_under_traffic_and_no_caller_hears_of_it() {
    let upstream = Chaos::start(&World::documents(), |_| Act::Answer(End::Keep)).await;
    let (leaving, staying) = (gateway(&upstream).await, gateway(&upstream).await);
    let Some(nginx) = Nginx::before(&[leaving.address, staying.address]).await else {
        return;
    };
    let over = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (url, over) = (nginx.url("/loans"), Arc::clone(&over));
            tokio::spawn(async move {
                let caller = reqwest::Client::builder().no_proxy().build().unwrap();
                let mut answered = 0_usize;
                while !over.load(Ordering::Relaxed) {
                    let answer = caller.get(&url).send().await.unwrap();
                    assert_eq!(answer.status(), 200, "after {answered}");
                    assert!(answer.text().await.unwrap().contains("\"complete\":true"));
                    answered += 1;
                }
                answered
            })
        })
        .collect();
    upstream.until(|counts| counts.requests() > 50).await;
    leaving.stop.send(()).unwrap();
    timeout(SOON, leaving.stopped).await.unwrap().unwrap();
    let so_far = upstream.counts().requests();
    upstream.until(|counts| counts.requests() > so_far + 50).await;
    over.store(true, Ordering::Relaxed);
    for caller in callers {
        assert!(caller.await.unwrap() > 0);
    }
}

/// Reads a request and closes without a word; how many it read.
async fn breaking() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let read = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&read);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    (address, read)
}

#[tokio::test]
async fn a_question_is_asked_of_the_next_gateway_and_another_post_of_nobody_else() {
    let upstream = Chaos::start(&World::documents(), |_| Act::Answer(End::Keep)).await;
    let well = gateway(&upstream).await;
    let json =
        |request: reqwest::RequestBuilder| request.header("content-type", "application/json").body("{}");
    for (what, expected, asked) in [("get", 200, 1), ("search", 200, 1), ("post", 502, 0)] {
        let (broken, read) = breaking().await;
        let Some(nginx) = Nginx::before(&[broken, well.address]).await else {
            return;
        };
        let caller = caller(Ipv4Addr::LOCALHOST);
        let before = upstream.counts().requests();
        let request = match what {
            "get" => caller.get(nginx.url("/loans")),
            "search" => json(caller.post(nginx.url("/loans/search"))),
            // There is none yet; what it would change, it would change twice.
            _ => json(caller.post(nginx.url("/loans"))),
        };
        assert_eq!(request.send().await.unwrap().status(), expected, "{what}");
        assert_eq!(read.load(Ordering::Relaxed), 1, "{what}");
        assert_eq!(upstream.counts().requests() - before, asked, "{what}");
    }
}

/// What the shipped file says about several gateways.
#[tokio::test]
async fn a_walk_stays_with_the_gateway_that_it_began_with() {
    let upstream = Chaos::start(&World::generated(1, 40), |_| Act::Answer(End::Keep)).await;
    let gateways = [gateway(&upstream).await.address, gateway(&upstream).await.address];
    let sticky = SHIPPED.replace("#hash ", "hash ");
    assert_ne!(sticky, SHIPPED);
    let Some(nginx) = Nginx::of(&sticky, &gateways).await else {
        return;
    };
    let mut cursor = String::new();
    for _ in 0..8 {
        let page = nginx.get(&format!("/loans?limit=2{cursor}")).await;
        page.assert_complete();
        let next = page.json()["page"]["next_cursor"].as_str().unwrap().to_owned();
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn without_a_gateway_there_is_502() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let Some(nginx) = Nginx::before(&[nobody]).await else {
        return;
    };
    let request = caller(Ipv4Addr::LOCALHOST).get(nginx.url("/loans"));
    assert_eq!(request.send().await.unwrap().status(), 502);
    assert_eq!(nginx.written("loangate-error.log").await, "");
}
