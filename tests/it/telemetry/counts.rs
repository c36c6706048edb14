//! What is counted of connections and of the cache, and how long it lasts.

use loangate::sim::{Fault, Provider, World};

use super::Scrape;
use crate::support::log::Capturing;
use crate::support::rows::{both, put_beside_a_good_one};
use crate::support::{Running, Setup, loan_path};

const REQUESTS: &str = "loangate_upstream_requests_total";
const DURATIONS: &str = "loangate_upstream_request_duration_seconds_count";

/// Requests that were sent to a connection with this outcome.
async fn sent(gateway: &Running, connection: &str, outcome: &str) -> u64 {
    let labels = [
        format!("connection=\"{connection}\""),
        format!("outcome=\"{outcome}\""),
    ];
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    Scrape::of(gateway).await.sum(REQUESTS, &labels)
}

/// The outcome of a request is that of the attempt: `ok`, or the code that callers see.
#[tokio::test]
async fn every_request_sent_counts_by_its_outcome() {
    for (fault, outcome, attempts) in [
        ("healthy", "ok", 1),
        ("5xx", "upstream_unavailable", 3),
        ("html-502", "upstream_unavailable", 3),
        ("html-200", "upstream_bad_payload", 1),
        ("truncated", "upstream_unavailable", 3),
        ("no-answer", "upstream_timeout", 2),
        ("oversized", "upstream_too_large", 1),
        ("unauthorized", "upstream_unauthorized", 1),
        ("429", "upstream_rate_limited", 3),
    ] {
        let world = World::documents();
        world.set_fault(Provider::Carbon, Fault::parse(fault).unwrap());
        let setup = Setup::only(Provider::Carbon, &world);
        let setup = if fault == "no-answer" {
            setup.impatient(Provider::Carbon)
        } else {
            setup
        };
        let gateway = setup.start().await;
        gateway.get("/loans").await;
        let scrape = Scrape::of(&gateway).await;
        let asked = u64::try_from(gateway.asked(Provider::Carbon).len()).unwrap();
        let of = [format!("outcome=\"{outcome}\"")];
        assert_eq!(scrape.sum(REQUESTS, &[&of[0]]), asked, "{fault}\n{}", scrape.0);
        assert_eq!(scrape.sum(REQUESTS, &[]), asked, "{fault}\n{}", scrape.0);
        assert_eq!(scrape.sum(DURATIONS, &[]), asked, "{fault}\n{}", scrape.0);
        let retries = scrape.value("loangate_upstream_retries_total{connection=\"carbon\"}");
        if fault != "429" {
            assert_eq!(asked, attempts, "{fault}");
            assert_eq!(retries, attempts - 1, "{fault}\n{}", scrape.0);
        }
        let status = if fault == "healthy" { "ok" } else { "failed" };
        let reported = format!("loangate_source_status_total{{connection=\"carbon\",status=\"{status}\"}}");
        scrape.assert(&[(&reported, 1)]);
    }
}

#[tokio::test]
async fn token_calls_are_requests_too() {
    let gateway = Setup::only(Provider::Bsa, &World::documents()).start().await;
    gateway.get("/loans").await.assert_complete();
    gateway.get("/loans").await.assert_complete();
    Scrape::of(&gateway).await.assert(&[
        (
            "loangate_upstream_requests_total{connection=\"bsa\",operation=\"token\",outcome=\"ok\"}",
            1,
        ),
        (
            "loangate_upstream_requests_total{connection=\"bsa\",operation=\"list_loans\",outcome=\"ok\"}",
            2,
        ),
        (
            "loangate_upstream_request_duration_seconds_count{connection=\"bsa\",operation=\"token\"}",
            1,
        ),
    ]);
}

#[tokio::test]
async fn a_refused_token_is_a_refused_request() {
    let world = World::documents();
    let gateway = Setup::only(Provider::Bsa, &world).start().await;
    gateway.get("/loans").await.assert_complete();
    world.set_fault(Provider::Bsa, Fault::parse("expired-token").unwrap());
    gateway.get("/loans").await.assert_complete();
    assert_eq!(sent(&gateway, "bsa", "upstream_unauthorized").await, 1);
    // Twice the loans, twice a token.
    assert_eq!(sent(&gateway, "bsa", "ok").await, 4);
}

#[tokio::test]
async fn the_cache_counts_what_a_look_into_it_led_to() {
    let world = World::documents();
    let gateway = Setup::only(Provider::Carbon, &world)
        .set("cache.max_age", "1h")
        .set("cache.stale_if_error", "1h")
        .connection(Provider::Carbon, "retry.attempts", "1")
        .start()
        .await;
    gateway.get("/loans").await.assert_complete();
    gateway.get("/loans").await.assert_complete();
    gateway.get("/loans").await.assert_complete();
    world.set_fault(Provider::Carbon, Fault::parse("5xx").unwrap());
    assert_eq!(
        gateway.get("/loans?max_age=0").await.source("carbon")["cache"],
        "stale"
    );
    Scrape::of(&gateway).await.assert(&[
        ("loangate_cache_requests_total{result=\"miss\"}", 1),
        ("loangate_cache_requests_total{result=\"hit\"}", 2),
        ("loangate_cache_requests_total{result=\"stale\"}", 1),
        (
            "loangate_source_status_total{connection=\"carbon\",status=\"ok\"}",
            3,
        ),
        (
            "loangate_source_status_total{connection=\"carbon\",status=\"stale\"}",
            1,
        ),
    ]);
}

#[tokio::test]
async fn a_cache_that_is_off_is_not_looked_into() {
    let gateway = Setup::only(Provider::Carbon, &World::documents()).start().await;
    gateway.get("/loans").await.assert_complete();
    let scrape = Scrape::of(&gateway).await;
    assert_eq!(
        scrape.sum("loangate_cache_requests_total", &[]),
        0,
        "{}",
        scrape.0
    );
}

/// A problem reports its sources as well as an answer does, and every kind of answer reports them once.
#[tokio::test]
async fn each_answer_reports_each_source_once() {
    let world = World::documents();
    let gateway = Setup::all(&world)
        .connection(Provider::Carbon, "retry.attempts", "1")
        .start()
        .await;
    let reported = async |status: &str, connection: &str| {
        let sample =
            format!("loangate_source_status_total{{connection=\"{connection}\",status=\"{status}\"}}");
        Scrape::of(&gateway).await.value(&sample)
    };
    for path in [
        "/loans",
        "/loans/summary",
        &loan_path("bsa:501"),
        "/loans/bsa:501/schedule",
        "/loans/bsa:501/explain",
    ] {
        assert_eq!(gateway.get(path).await.status, 200, "{path}");
    }
    assert_eq!(reported("ok", "bsa").await, 5);
    assert_eq!(reported("ok", "carbon").await, 2);
    gateway.get("/loans?ref=bsa:customer:42").await;
    assert_eq!(reported("skipped", "carbon").await, 1);
    world.set_fault(Provider::Carbon, Fault::parse("5xx").unwrap());
    gateway
        .get("/loans?connection=carbon")
        .await
        .assert_problem(502, "upstream_failed");
    gateway.get("/loans/carbon:nobody").await;
    assert_eq!(reported("failed", "carbon").await, 2);
    // Nobody was asked, so nobody did well or badly.
    gateway
        .get("/loans?limit=x")
        .await
        .assert_problem(400, "invalid_request");
    assert_eq!(
        reported("failed", "carbon").await + reported("ok", "carbon").await,
        4
    );
}

#[tokio::test]
async fn records_that_are_left_out_are_counted() {
    for provider in Provider::ALL {
        let world = World::documents();
        let suspect = match provider {
            Provider::Fineract => r#"{"id":1,"type":{"id":2},"currency":{"code":"NGN"},"amount":"1e40"}"#,
            _ => r#"{"of":"nobody"}"#,
        };
        put_beside_a_good_one(&world, provider, suspect.to_owned());
        let gateway = Setup::only(provider, &world).start().await;
        let source = gateway.get(&both(provider)).await.source(provider.as_str());
        let rejected = source["rejected"].as_u64().unwrap();
        assert!(rejected > 0, "{provider}: {source}");
        let sample = format!("loangate_rejected_records_total{{connection=\"{provider}\"}}");
        Scrape::of(&gateway).await.assert(&[(&sample, rejected)]);
    }
}

/// A reload begins no count anew, and what it leaves out of the config is not shown any more.
#[tokio::test]
async fn counts_outlive_a_reload_and_end_with_their_connection() {
    let world = World::documents();
    let setup = Setup::of(&world, &[Provider::Bsa, Provider::Carbon]);
    let gateway = setup.start().await;
    gateway.get("/loans").await.assert_complete();
    let bsa = "loangate_upstream_requests_total{connection=\"bsa\",operation=\"list_loans\",outcome=\"ok\"}";
    let loans = "loangate_http_requests_total{route=\"/loans\",method=\"GET\",status=\"200\"}";
    Scrape::of(&gateway).await.assert(&[(bsa, 1), (loans, 1)]);
    gateway.reload(&Setup::only(Provider::Bsa, &world)).unwrap();
    gateway.get("/loans").await.assert_complete();
    let scrape = Scrape::of(&gateway).await;
    scrape.assert(&[(bsa, 2), (loans, 2)]);
    assert!(!scrape.0.contains("carbon"), "{}", scrape.0);
    // A config that is refused changes nothing.
    let refused = Setup::of(&world, &[Provider::Bsa, Provider::Belvo]).set("server.deadline", "never");
    gateway.reload(&refused).unwrap_err();
    let scrape = Scrape::of(&gateway).await;
    scrape.assert(&[(bsa, 2), (loans, 2)]);
    assert!(!scrape.0.contains("belvo"), "{}", scrape.0);
}

/// Labels are what the config and the program say, whatever people, loans and consents are called.
#[tokio::test]
async fn no_id_is_ever_a_label() {
    let world = World::documents();
    let gateway = Setup::all(&world).start().await;
    let answer = gateway.get("/loans?include=raw&include=personal").await;
    for id in answer.ids() {
        gateway.get(&loan_path(&id)).await;
        for rows in ["transactions", "schedule", "snapshots", "explain"] {
            gateway.get(&format!("{}/{rows}", loan_path(&id))).await;
        }
    }
    for reference in [
        "goscore:consent:6915ab99857fec1e6f2f6c078",
        "carbon:customer:CUST-mark",
        "bsa:customer:42",
        "fineract:loan:123",
        "belvo:merchant_customer:M-mark",
    ] {
        gateway.get(&format!("/loans?ref={reference}")).await;
    }
    let scrape = Scrape::of(&gateway).await;
    let known = [
        "connection",
        "operation",
        "outcome",
        "status",
        "kind",
        "result",
        "reason",
        "route",
        "method",
        "le",
        "version",
    ];
    for (sample, _) in scrape.samples() {
        let Some((_, labels)) = sample.split_once('{') else {
            continue;
        };
        for label in labels.trim_end_matches('}').split("\",") {
            let (name, value) = label.split_once("=\"").unwrap();
            let value = value.trim_end_matches('"');
            assert!(known.contains(&name), "{sample}");
            let plain = value
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            let fine = match name {
                "connection" => Provider::ALL.iter().any(|provider| provider.as_str() == value),
                "operation" | "outcome" | "kind" | "result" | "reason" => plain,
                "status" => plain || value.parse::<u16>().is_ok(),
                "route" => value == "(none)" || value.starts_with('/'),
                _ => true,
            };
            assert!(fine, "{sample}");
        }
    }
    for id in ["6915ab99857fec1e6f2f6c078", "mark", "501", "123", "42\""] {
        let named = scrape.samples().any(|(sample, _)| sample.contains(id));
        assert!(!named, "{id}: {}", scrape.0);
    }
}

/// What only the body shows is no less a failure: it is in the log, and in the health of its connection.
#[tokio::test]
async fn a_good_status_with_a_bad_body_is_a_failure_everywhere() {
    for (fault, code) in [
        ("html-200", "upstream_bad_payload"),
        ("empty", "upstream_bad_payload"),
        ("error-envelope", "upstream_rejected"),
    ] {
        let world = World::documents();
        world.set_fault(Provider::Carbon, Fault::parse(fault).unwrap());
        let log = Capturing::start();
        let gateway = Setup::only(Provider::Carbon, &world).start().await;
        let answer = gateway.get("/loans").await;
        assert_eq!(answer.status, 502, "{fault}: {answer:?}");
        let health = gateway.get("/connections/carbon").await.json()["data"]["health"].take();
        assert_eq!(health["last_failure_code"], code, "{fault}: {health}");
        assert!(health["failed"].as_u64().unwrap() > 0, "{fault}: {health}");
        assert_eq!(health["succeeded"], 0, "{fault}: {health}");
        let lines = log.end();
        let said = |line: &String| line.contains("upstream call failed") && line.contains(code);
        assert!(lines.iter().any(said), "{fault}: {lines:#?}");
    }
}

/// An answer that is good as a whole, with records in it that are not.
#[tokio::test]
async fn a_source_that_does_not_add_up_is_in_the_log() {
    let world = World::documents();
    world.set_records(Provider::Bsa, vec!["{}".to_owned()]);
    let log = Capturing::start();
    let gateway = Setup::only(Provider::Bsa, &world).start().await;
    let answer = gateway.get("/loans/summary").await;
    assert_eq!(answer.source("bsa")["status"], "partial", "{answer:?}");
    let lines = log.end();
    let said = |line: &String| line.contains("a source is not whole") && line.contains("cannot be used");
    assert!(lines.iter().any(said), "{lines:#?}");
}
