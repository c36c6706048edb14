//! One line for every request: who, what, how it ended. Nothing of a key.

use loangate::sim::{Fault, Provider, World};
use reqwest::Method;

use super::{COLLECTIONS, UNDERWRITING, bearer, both};
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

#[tokio::test]
async fn nothing_of_a_key_is_in_what_the_gateway_shows_of_itself() {
    let gateway = both(&World::documents()).start().await;
    let hash = loangate::config::KeyHash::of(COLLECTIONS).to_string();
    for mark in ["SECRET-mark", &hash, &hash[7..]] {
        assert!(!gateway.debug.contains(mark), "{}", gateway.debug);
    }
    assert!(gateway.debug.contains("collections"));
}
