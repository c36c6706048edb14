//! Requests of callers: counted when they are over, by route template, known method and status.

use loangate::sim::{Provider, World};
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::Scrape;
use crate::support::chaos::{Act, Chaos, End};
use crate::support::{Setup, encoded};

const REQUESTS: &str = "loangate_http_requests_total";
const DURATIONS: &str = "loangate_http_request_duration_seconds_count";

#[tokio::test]
async fn every_request_counts_once_by_its_template() {
    let gateway = Setup::only(Provider::Bsa, &World::documents()).start().await;
    gateway.get("/loans").await;
    gateway.get("/loans").await;
    gateway.get("/loans?limit=x").await;
    gateway.get("/loans/bsa:501").await;
    gateway.get("/loans/bsa:502").await;
    gateway.search("{}").await;
    gateway.send(Method::HEAD, "/loans", &[], None).await;
    gateway.send(Method::DELETE, "/loans", &[], None).await;
    gateway.get("/no/such/address").await;
    gateway.get("/livez").await;
    let scrape = Scrape::of(&gateway).await;
    scrape.assert(&[
        (
            "loangate_http_requests_total{route=\"/loans\",method=\"GET\",status=\"200\"}",
            2,
        ),
        (
            "loangate_http_requests_total{route=\"/loans\",method=\"GET\",status=\"400\"}",
            1,
        ),
        (
            "loangate_http_requests_total{route=\"/loans\",method=\"HEAD\",status=\"200\"}",
            1,
        ),
        (
            "loangate_http_requests_total{route=\"/loans\",method=\"DELETE\",status=\"405\"}",
            1,
        ),
        (
            "loangate_http_requests_total{route=\"/loans/{id}\",method=\"GET\",status=\"200\"}",
            1,
        ),
        (
            "loangate_http_requests_total{route=\"/loans/{id}\",method=\"GET\",status=\"404\"}",
            1,
        ),
        (
            "loangate_http_requests_total{route=\"/loans/search\",method=\"POST\",status=\"200\"}",
            1,
        ),
        (
            "loangate_http_requests_total{route=\"(none)\",method=\"GET\",status=\"404\"}",
            1,
        ),
        (
            "loangate_http_requests_total{route=\"/livez\",method=\"GET\",status=\"200\"}",
            1,
        ),
        (
            "loangate_http_request_duration_seconds_count{route=\"/loans\"}",
            5,
        ),
        // The scrape itself.
        ("loangate_http_in_flight", 1),
    ]);
    assert_eq!(scrape.sum(REQUESTS, &[]), 10, "{}", scrape.0);
    let scrape = Scrape::of(&gateway).await;
    assert_eq!(scrape.sum(REQUESTS, &["route=\"/metrics\""]), 1, "{}", scrape.0);
}

/// Whatever callers make up, there are no more series than templates, methods and statuses.
#[tokio::test]
async fn no_caller_adds_a_label() {
    let gateway = Setup::only(Provider::Bsa, &World::documents())
        .set("server.base_path", "/lending")
        .start()
        .await;
    for nth in 0..20 {
        let mark = format!("person-{nth}");
        for path in [
            format!("/{mark}"),
            format!("/lending/{mark}"),
            format!("/lending/loans/bsa:{mark}"),
            format!("/lending/loans/{mark}"),
            format!(
                "/lending/loans/bsa:{}/transactions",
                encoded(&format!("{mark}\"}} 1\n"))
            ),
            format!("/lending/customers/{mark}"),
            format!("/lending/problems/{mark}"),
            format!("/lending/loans?ref=bsa:customer:{mark}"),
            format!("/lending/connections/{mark}"),
            format!("/lending/loans/%FF{mark}"),
        ] {
            gateway.get(&path).await;
        }
        let method = Method::from_bytes(format!("METHOD{nth}").as_bytes()).unwrap();
        gateway.send(method, "/lending/loans", &[], None).await;
    }
    let text = gateway.get("/lending/metrics").await.text;
    assert!(!text.contains("person-") && !text.contains("METHOD"), "{text}");
    let scrape = Scrape(text);
    for sample in [
        "loangate_http_requests_total{route=\"(none)\",method=\"GET\",status=\"404\"}",
        "loangate_http_requests_total{route=\"/problems/{code}\",method=\"GET\",status=\"404\"}",
        "loangate_http_requests_total{route=\"/loans\",method=\"(other)\",status=\"405\"}",
    ] {
        assert!(scrape.value(sample) >= 20, "{sample}\n{}", scrape.0);
    }
    let series = scrape.samples().filter(|(name, _)| name.starts_with(REQUESTS));
    assert!(series.count() < 20, "{}", scrape.0);
}

/// A stream is being served, and not counted, until its last line.
#[tokio::test]
async fn a_stream_counts_when_it_ends() {
    let world = World::generated(5, 40);
    let (open, held) = watch::channel(false);
    let chaos = Chaos::start(&world, move |asked| {
        if asked.target.contains("page=4&") {
            Act::Held(held.clone())
        } else {
            Act::Answer(End::Keep)
        }
    })
    .await;
    let gateway = Setup::only(Provider::Carbon, &world)
        .through(Provider::Carbon, &chaos)
        .connection(Provider::Carbon, "page_size", "10")
        .start()
        .await;
    let mut export = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .get(format!("http://{}/loans", gateway.address))
        .header("accept", "application/x-ndjson")
        .send()
        .await
        .unwrap();
    assert!(export.chunk().await.unwrap().is_some());
    chaos
        .until(|counts| counts.targets.keys().any(|target| target.contains("page=4&")))
        .await;
    let during = Scrape::of(&gateway).await;
    during.assert(&[("loangate_http_in_flight", 2)]);
    assert_eq!(during.sum(REQUESTS, &["\"/loans\""]), 0, "{}", during.0);
    assert_eq!(during.sum(DURATIONS, &["\"/loans\""]), 0, "{}", during.0);
    open.send(true).unwrap();
    while export.chunk().await.unwrap().is_some() {}
    let after = Scrape::of(&gateway).await;
    after.assert(&[
        ("loangate_http_in_flight", 1),
        (
            "loangate_http_requests_total{route=\"/loans\",method=\"GET\",status=\"200\"}",
            1,
        ),
        (
            "loangate_http_request_duration_seconds_count{route=\"/loans\"}",
            1,
        ),
        // Once for the whole stream, however many pages it took.
        (
            "loangate_source_status_total{connection=\"carbon\",status=\"ok\"}",
            1,
        ),
        (
            "loangate_upstream_requests_total{connection=\"carbon\",operation=\"list_loans\",outcome=\"ok\"}",
            4,
        ),
    ]);
}

/// No caller sees status 499: it is that of those who did not wait for one.
#[tokio::test]
async fn a_caller_who_leaves_counts_as_499_and_the_upstream_request_as_abandoned() {
    let world = World::documents();
    let (_open, held) = watch::channel(false);
    let chaos = Chaos::start(&world, move |_| Act::Held(held.clone())).await;
    let gateway = Setup::only(Provider::Carbon, &world)
        .through(Provider::Carbon, &chaos)
        .start()
        .await;
    let mut caller = TcpStream::connect(gateway.address).await.unwrap();
    caller
        .write_all(b"GET /loans HTTP/1.1\r\nhost: gateway\r\n\r\n")
        .await
        .unwrap();
    chaos.until(|counts| counts.requests() == 1).await;
    drop(caller);
    chaos.until(|counts| counts.open == 0).await;
    let scrape = Scrape::of(&gateway).await;
    scrape.assert(&[
        ("loangate_http_in_flight", 1),
        (
            "loangate_http_requests_total{route=\"/loans\",method=\"GET\",status=\"499\"}",
            1,
        ),
    ]);
    let abandoned = ["connection=\"carbon\"", "outcome=\"abandoned\""];
    let count = scrape.sum("loangate_upstream_requests_total", &abandoned);
    assert_eq!(count, 1, "{}", scrape.0);
    // How long it would have taken, nobody knows.
    let timed = "loangate_upstream_request_duration_seconds_count";
    assert_eq!(scrape.sum(timed, &[]), 0, "{}", scrape.0);
}

/// The log line, the count and the duration are all of the whole answer, to its last byte.
#[tokio::test]
async fn an_answer_that_nobody_reads_is_still_being_served() {
    let world = World::generated(3, 5000);
    let gateway = Setup::only(Provider::Carbon, &world).start().await;
    let mut caller = TcpStream::connect(gateway.address).await.unwrap();
    let request = b"GET /loans HTTP/1.1\r\nhost: gateway\r\naccept: application/x-ndjson\r\n\r\n";
    caller.write_all(request).await.unwrap();
    let mut some = [0; 1024];
    caller.read_exact(&mut some).await.unwrap();
    let during = Scrape::of(&gateway).await;
    during.assert(&[("loangate_http_in_flight", 2)]);
    assert_eq!(during.sum(REQUESTS, &["\"/loans\""]), 0, "{}", during.0);
}
