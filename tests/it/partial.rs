//! One source's trouble is its own: the others' loans are there, byte for byte, and the gap is said.

use std::time::Duration;

use loangate::sim::{Fault, Provider, World};
use tokio::time::Instant;

use crate::support::rows::scripted;
use crate::support::{Answer, Setup};

const NEVER_ENDING: u32 = u32::MAX;

fn failing(status: u16) -> Fault {
    Fault::Status {
        status,
        times: NEVER_ENDING,
    }
}

fn all_fail(world: &World, fault: &Fault) {
    for provider in Provider::ALL {
        world.set_fault(provider, fault.clone());
    }
}

/// Ways of failing, and what the source then says.
fn troubles() -> [(Fault, &'static str); 6] {
    let deep = "[".repeat(60_000);
    [
        (Fault::NoAnswer, "upstream_timeout"),
        (Fault::Stalled, "upstream_timeout"),
        (failing(503), "upstream_unavailable"),
        (Fault::Html200, "upstream_bad_payload"),
        (scripted(200, "application/json", deep), "upstream_bad_payload"),
        (Fault::Unauthorized, "upstream_unauthorized"),
    ]
}

async fn costs_the_others_nothing(broken: Provider) {
    let world = World::generated(5, 12);
    let patient = Setup::all(&world).start().await;
    let impatient = Setup::all(&world)
        .connection(broken, "timeout", "150ms")
        .connection(broken, "retry.attempts", "1")
        .start()
        .await;
    let healthy = patient.get("/loans?limit=200").await;
    healthy.assert_complete();
    for (fault, code) in troubles() {
        let silent = matches!(fault, Fault::NoAnswer | Fault::Stalled);
        world.set_fault(broken, fault);
        let started = Instant::now();

        let asked = if silent { &impatient } else { &patient };
        let answer = asked.get("/loans?limit=200").await;

        assert!(
            started.elapsed() < Duration::from_secs(5),
            "{:?}",
            started.elapsed()
        );
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["complete"], false);
        assert_eq!(answer.header("loangate-complete"), "false");
        assert_ne!(answer.header("etag"), healthy.header("etag"));
        assert_conserved(&answer);
        for provider in Provider::ALL {
            let source = answer.source(provider.as_str());
            let loans = answer.bytes_of(provider.as_str());
            assert_eq!(source["count"], loans.len(), "{source}");
            if provider == broken {
                assert_eq!(source["status"], "failed", "{source}");
                assert_eq!(source["error"]["code"], code, "{source}");
                assert!(loans.is_empty());
            } else {
                assert_eq!(source["status"], "ok", "{source}");
                assert!(source["error"].is_null());
                assert_eq!(loans, healthy.bytes_of(provider.as_str()));
            }
        }
    }
    world.set_fault(broken, Fault::None);
    let again = patient.get("/loans?limit=200").await;
    again.assert_complete();
    assert_eq!(again.header("etag"), healthy.header("etag"));
}

/// What the sources say they gave is what is there.
fn assert_conserved(answer: &Answer) {
    let json = answer.json();
    let counts = json["sources"].as_array().unwrap().iter();
    let given: u64 = counts.map(|source| source["count"].as_u64().unwrap()).sum();
    assert_eq!(json["page"]["count"], given);
    assert_eq!(
        json["data"].as_array().unwrap().len(),
        usize::try_from(given).unwrap()
    );
}

#[tokio::test]
async fn trouble_at_belvo_costs_the_others_nothing() {
    costs_the_others_nothing(Provider::Belvo).await;
}

#[tokio::test]
async fn trouble_at_bsa_costs_the_others_nothing() {
    costs_the_others_nothing(Provider::Bsa).await;
}

#[tokio::test]
async fn trouble_at_carbon_costs_the_others_nothing() {
    costs_the_others_nothing(Provider::Carbon).await;
}

#[tokio::test]
async fn trouble_at_fineract_costs_the_others_nothing() {
    costs_the_others_nothing(Provider::Fineract).await;
}

#[tokio::test]
async fn trouble_at_goscore_costs_the_others_nothing() {
    costs_the_others_nothing(Provider::Goscore).await;
}

#[tokio::test]
async fn all_failed() {
    let world = World::documents();
    let gateway = Setup::all(&world).start().await;
    let cases = [
        (failing(503), 502, "upstream_failed"),
        (Fault::Unauthorized, 502, "upstream_failed"),
        (failing(404), 404, "reference_not_found"),
    ];
    for (fault, status, code) in cases {
        all_fail(&world, &fault);
        let answer = gateway.get("/loans").await;
        answer.assert_problem(status, code);
        assert_eq!(answer.header("retry-after"), "", "{fault:?}");
        let json = answer.json();
        assert_eq!(json["sources"].as_array().unwrap().len(), 5);
        assert!(json.get("data").is_none());
    }
    // One that failed in another way is enough for the general code.
    world.set_fault(Provider::Bsa, failing(503));
    gateway.get("/loans").await.assert_problem(502, "upstream_failed");
}

#[tokio::test]
async fn all_silent() {
    let world = World::documents();
    let setup = Setup::all(&world);
    let gateway = Provider::ALL
        .into_iter()
        .fold(setup, Setup::impatient)
        .start()
        .await;
    all_fail(&world, &Fault::NoAnswer);
    let answer = gateway.get("/loans").await;
    answer.assert_problem(504, "upstream_timeout");
    assert_eq!(answer.json()["sources"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn all_told_to_wait() {
    let world = World::documents();
    let gateway = Setup::all(&world).set("server.deadline", "2s").start().await;
    for (at, provider) in Provider::ALL.into_iter().enumerate() {
        world.set_fault(
            provider,
            Fault::RateLimited {
                retry_after_secs: 30 + u64::try_from(at).unwrap(),
                times: NEVER_ENDING,
            },
        );
    }
    let answer = gateway.get("/loans").await;
    answer.assert_problem(503, "upstream_unavailable");
    // The first of them that may be asked again.
    assert_eq!(answer.header("retry-after"), "30");
}

#[tokio::test]
async fn pending_only() {
    let gateway = Setup::all(&World::documents()).start().await;
    let answer = gateway
        .get("/loans?ref=goscore:consent:consent-in-progress")
        .await;
    answer.assert_problem(503, "upstream_unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    let source = answer.source("goscore");
    assert_eq!(source["status"], "pending");
    assert_eq!(source["error"]["code"], "upstream_pending");
    assert_eq!(source["error"]["retryable"], true);
    assert_eq!(source["error"]["retry_after_ms"], 1000);
    assert_eq!(answer.source("bsa")["status"], "skipped");
    assert_eq!(answer.source("bsa")["reason"], "no_reference");
}

#[tokio::test]
async fn pending_beside_an_answer() {
    let gateway = Setup::all(&World::documents()).start().await;
    let answer = gateway
        .get("/loans?ref=goscore:consent:consent-in-progress&ref=bsa:customer:42")
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["complete"], false);
    assert_eq!(answer.source("goscore")["status"], "pending");
    assert_eq!(answer.ids(), ["bsa:501"]);
}

#[tokio::test]
async fn one_reference_of_several_fails() {
    let gateway = Setup::all(&World::documents()).start().await;
    let answer = gateway
        .get("/loans?ref=fineract:loan:123&ref=fineract:loan:555555")
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["complete"], false);
    assert_eq!(answer.ids(), ["fineract:123"]);
    let source = answer.source("fineract");
    assert_eq!(source["status"], "partial");
    assert_eq!(source["error"]["code"], "upstream_not_found");
}

#[tokio::test]
async fn references_name_who_is_asked() {
    let gateway = Setup::all(&World::documents()).start().await;
    let answer = gateway.get("/loans?ref=bsa:customer:42").await;
    answer.assert_complete();
    assert_eq!(answer.json()["page"]["consistency"], "snapshot");
    assert_eq!(answer.json()["page"]["total"], 1);
    for provider in Provider::ALL {
        let source = answer.source(provider.as_str());
        let expected = if provider == Provider::Bsa {
            "ok"
        } else {
            "skipped"
        };
        assert_eq!(source["status"], expected, "{source}");
        assert_eq!(source["reason"].is_null(), provider == Provider::Bsa);
        assert_eq!(gateway.asked(provider).is_empty(), provider != Provider::Bsa);
    }
}

#[tokio::test]
async fn nobody_to_ask() {
    let gateway = Setup::only(Provider::Goscore, &World::documents())
        .connection(Provider::Goscore, "references", "")
        .start()
        .await;
    let answer = gateway.get("/loans").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["data"], serde_json::json!([]));
    assert_eq!(answer.json()["complete"], false);
    assert_eq!(answer.header("loangate-complete"), "false");
    assert_eq!(answer.source("goscore")["status"], "skipped");
    assert!(gateway.world.requests().is_empty());
}

#[tokio::test]
async fn a_list_longer_than_the_limit_goes_on_with_a_cursor() {
    let gateway = Setup::all(&World::generated(7, 30)).start().await;
    let answer = gateway.get("/loans?limit=10").await;
    assert_eq!(answer.status, 200);
    let json = answer.json();
    // Nothing is lost so far.
    assert_eq!(json["complete"], true);
    assert_eq!(json["page"]["limit"], 10);
    assert_eq!(json["page"]["count"], 10);
    assert!(json["page"]["next_cursor"].is_string());
    for provider in Provider::ALL {
        let source = answer.source(provider.as_str());
        assert_eq!(source["status"], "ok", "{source}");
        assert!(source["error"].is_null());
        let one = provider == Provider::Fineract;
        assert_eq!(source["exhausted"], one, "{source}");
        // Nobody is crowded out.
        assert!(one || source["count"].as_u64().unwrap() >= 2, "{source}");
    }
}

#[tokio::test]
async fn a_list_of_exactly_the_limit_has_no_cursor() {
    let gateway = Setup::only(Provider::Bsa, &World::generated(7, 10)).start().await;
    let whole = gateway.get("/loans?limit=10").await;
    whole.assert_complete();
    assert!(whole.json()["page"]["next_cursor"].is_null());
    let cut = gateway.get("/loans?limit=9").await;
    assert!(cut.json()["page"]["next_cursor"].is_string());
    assert_eq!(cut.loans().len(), 9);
}

#[tokio::test]
async fn a_gather_cut_by_the_deadline_says_so_and_a_walk_goes_on_later() {
    let world = World::generated(7, 40);
    let gateway = Setup::all(&world)
        .connection(Provider::Carbon, "page_size", "1")
        .set("server.deadline", "1s")
        .start()
        .await;
    gateway.get("/loans?limit=200").await;
    world.set_fault(Provider::Carbon, Fault::Slow(Duration::from_millis(100)));
    let started = Instant::now();
    let sorted = gateway.get("/loans?limit=200&sort=id").await;
    let walked = gateway.get("/loans?limit=200").await;
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );

    assert_eq!(sorted.status, 200, "{sorted:?}");
    let source = sorted.source("carbon");
    assert_eq!(source["status"], "partial", "{source}");
    assert_eq!(source["error"]["code"], "deadline_exceeded");
    assert_eq!(source["exhausted"], false);
    assert!(source["count"].as_u64().unwrap() > 0);
    assert_eq!(sorted.json()["complete"], false);
    assert_eq!(sorted.source("bsa")["status"], "ok");

    assert_eq!(walked.status, 200, "{walked:?}");
    assert!(walked.json()["page"]["next_cursor"].is_string());
    let source = walked.source("carbon");
    assert_eq!(source["status"], "ok", "{source}");
    assert_eq!(source["exhausted"], false);
}

#[tokio::test]
async fn more_references_than_are_gathered() {
    let gateway = Setup::all(&World::documents())
        .set("limits.max_gathered", "3")
        .start()
        .await;
    let answer = gateway
        .get("/loans?ref=goscore:consent:6915ab99857fec1e6f2f6c078")
        .await;
    answer.assert_problem(422, "selection_too_large");
}

#[tokio::test]
async fn a_loan_beyond_what_is_gathered_is_not_called_unknown() {
    let world = World::documents();
    let rows = (0..30).map(|loan| {
        format!(
            r#"{{"merchantCustomerId":"M","loanId":"L{loan}","createdDate":"2026-01-01T00:00:{:02}.000Z"}}"#,
            59 - loan
        )
    });
    world.set_records(Provider::Belvo, rows.collect());
    let gateway = Setup::only(Provider::Belvo, &world)
        .connection(Provider::Belvo, "page_size", "10")
        .set("limits.max_gathered", "5")
        .start()
        .await;
    let found = gateway.get("/loans/belvo:M~L3").await;
    assert_eq!(found.status, 200, "{found:?}");
    gateway
        .get("/loans/belvo:M~L29")
        .await
        .assert_problem(502, "upstream_failed");
}

#[tokio::test]
async fn more_pages_than_are_read() {
    let gateway = Setup::only(Provider::Bsa, &World::generated(7, 20))
        .connection(Provider::Bsa, "page_size", "5")
        .set("limits.max_pages_per_source", "2")
        .start()
        .await;
    let answer = gateway.get("/loans").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.loans().len(), 10);
    assert_eq!(answer.json()["complete"], false);
    assert_eq!(answer.source("bsa")["status"], "partial");
    assert_eq!(gateway.asked(Provider::Bsa).len(), 2);
}
