//! One line for every request: who, what, how it ended. Nothing of a key.

use loangate::sim::{Fault, Provider, World};
use reqwest::Method;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::{COLLECTIONS, UNDERWRITING, bearer, both, clients, underwriting};
use crate::support::Setup;
use crate::support::chaos::{Act, Chaos};
use crate::support::log::Capturing;

/// The line about each request, in order.
fn lines(log: Capturing) -> Vec<String> {
    let lines = log.end();
    for line in &lines {
        assert!(!line.contains("SECRET-mark"), "{line}");
        assert!(!line.contains("6915ab99857fec1e6f2f6c078"), "{line}");
    }
    let request = |line: &String| line.contains("message=request ") || line.ends_with("message=request");
    lines
        .into_iter()
        .filter(|line| line.starts_with("INFO loangate::api") && request(line))
        .collect()
}

#[tokio::test]
async fn every_request_leaves_one_line_that_says_who_and_how_it_ended() {
    let world = World::documents();
    let gateway = both(&world)
        .connection(Provider::Carbon, "retry.attempts", "1")
        .set("auth.clients.1.rate_limit.per_second", "1")
        .set("auth.clients.1.rate_limit.burst", "100")
        .start()
        .await;
    let log = Capturing::start();
    let ndjson = [("x-api-key", UNDERWRITING), ("accept", "application/x-ndjson")];

    bearer(&gateway, COLLECTIONS, "/loans").await;
    bearer(
        &gateway,
        UNDERWRITING,
        "/loans?ref=goscore:consent:6915ab99857fec1e6f2f6c078&include=personal",
    )
    .await;
    bearer(&gateway, COLLECTIONS, "/loans/bsa:501").await;
    bearer(&gateway, COLLECTIONS, "/loans?connection=goscore").await;
    bearer(&gateway, COLLECTIONS, "/metrics").await;
    gateway.get("/loans/bsa:501?include=raw").await;
    bearer(&gateway, "lgk_SECRET-mark-of-nobody-at-all-1234", "/loans").await;
    gateway
        .send(Method::GET, "/loans?connection=bsa", &ndjson, None)
        .await;
    world.set_fault(Provider::Carbon, Fault::parse("5xx").unwrap());
    bearer(&gateway, COLLECTIONS, "/loans").await;
    bearer(&gateway, COLLECTIONS, "/loans?connection=carbon").await;
    gateway.get("/livez").await;

    let expected: [&[&str]; 11] = [
        &[
            "client=collections",
            "route=/loans",
            "status=200",
            "outcome=complete",
            "connections=bsa,carbon",
            "count=3",
        ],
        &[
            "client=underwriting",
            "outcome=complete",
            "connections=goscore",
            "personal=true",
        ],
        &[
            "client=collections",
            "route=/loans/{id}",
            "outcome=complete",
            "connections=bsa",
            "count=1",
        ],
        &["client=collections", "status=403", "outcome=forbidden"],
        &[
            "client=collections",
            "route=/metrics",
            "status=403",
            "outcome=forbidden",
        ],
        &["route=/loans/{id}", "status=401", "outcome=unauthorized"],
        &["route=/loans", "status=401", "outcome=unauthorized"],
        &[
            "client=underwriting",
            "status=200",
            "outcome=complete",
            "connections=bsa",
            "count=1",
        ],
        &[
            "client=collections",
            "status=200",
            "outcome=incomplete",
            "connections=bsa,carbon",
            "count=1",
        ],
        &[
            "client=collections",
            "status=502",
            "outcome=upstream_failed",
            "connections=carbon",
        ],
        &["route=/livez", "status=200", "outcome=ok"],
    ];
    let lines = lines(log);
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, words) in lines.iter().zip(expected) {
        for word in words {
            assert!(line.split(' ').any(|given| given == *word), "{word}: {line}");
        }
        assert!(
            line.contains("request_id=") && line.contains("duration_ms="),
            "{line}"
        );
        let unknown = line.contains("status=401") || line.contains("/livez");
        assert_eq!(line.contains("client="), !unknown, "{line}");
        assert_eq!(
            line.contains("personal="),
            words.contains(&"personal=true"),
            "{line}"
        );
    }
}

/// A table of which only a part can come; what is written about it is written when it ends.
#[tokio::test]
async fn an_export_without_its_end_is_said_to_be_broken_off() {
    let gateway = clients(
        Setup::only(Provider::Carbon, &World::generated(7, 50)),
        &[underwriting()],
    )
    .connection(Provider::Carbon, "page_size", "10")
    .set("limits.max_pages_per_source", "2")
    .start()
    .await;
    let log = Capturing::start();
    let mut export = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .get(format!("http://{}/loans", gateway.address))
        .header("accept", "text/csv")
        .bearer_auth(UNDERWRITING)
        .send()
        .await
        .unwrap();
    assert_eq!(export.status(), 200);
    while let Ok(chunk) = export.chunk().await {
        assert!(chunk.is_some(), "it must not look whole");
    }
    let lines = lines(log);
    let [line] = lines.as_slice() else {
        panic!("{lines:#?}");
    };
    for word in [
        "status=200",
        "outcome=broken_off",
        "connections=carbon",
        "count=10",
    ] {
        assert!(line.split(' ').any(|given| given == word), "{word}: {line}");
    }
}

#[tokio::test]
async fn a_caller_who_leaves_is_written_down_too() {
    let world = World::documents();
    let (_open, held) = watch::channel(false);
    let chaos = Chaos::start(&world, move |_| Act::Held(held.clone())).await;
    let gateway = clients(Setup::only(Provider::Carbon, &world), &[underwriting()])
        .through(Provider::Carbon, &chaos)
        .start()
        .await;
    let log = Capturing::start();
    let mut caller = TcpStream::connect(gateway.address).await.unwrap();
    let request = format!("GET /loans HTTP/1.1\r\nhost: gateway\r\nx-api-key: {UNDERWRITING}\r\n\r\n");
    caller.write_all(request.as_bytes()).await.unwrap();
    chaos.until(|counts| counts.requests() == 1).await;
    drop(caller);
    // The upstream is given up with the request.
    chaos.until(|counts| counts.open == 0).await;
    let lines = lines(log);
    let [line] = lines.as_slice() else {
        panic!("{lines:#?}");
    };
    for word in ["client=underwriting", "outcome=abandoned", "connections=carbon"] {
        assert!(line.split(' ').any(|given| given == word), "{word}: {line}");
    }
    assert!(!line.contains("status="), "{line}");
}

#[tokio::test]
async fn nothing_of_a_key_is_in_what_the_gateway_shows_of_itself() {
    let gateway = both(&World::documents()).start().await;
    let hash = loangate::config::KeyHash::of(COLLECTIONS).to_string();
    for mark in ["SECRET-mark", &hash, &hash[7..]] {
        assert!(!gateway.debug.contains(mark), "{}", gateway.debug);
    }
    assert!(gateway.debug.contains("collections"));
}
