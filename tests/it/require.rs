//! `require`: callers that would rather have an error than a gap, and which error that is.

use loangate::sim::{Fault, Provider, World};

use crate::support::{Running, Setup};

const WELL: Provider = Provider::Belvo;
const ILL: Provider = Provider::Carbon;

async fn start(world: &World) -> Running {
    Setup::all(world)
        .impatient(ILL)
        .impatient(Provider::Bsa)
        .start()
        .await
}

fn failing(status: u16) -> Fault {
    Fault::Status {
        status,
        times: u32::MAX,
    }
}

const LIMITED: Fault = Fault::RateLimited {
    retry_after_secs: 40,
    times: u32::MAX,
};

#[tokio::test]
async fn nothing_is_missing_and_nothing_is_said() {
    let gateway = start(&World::documents()).await;
    for question in [
        "require=all",
        "require=carbon",
        "require=carbon,bsa",
        "require=carbon&require=bsa",
    ] {
        gateway.get(&format!("/loans?{question}")).await.assert_complete();
    }
}

#[tokio::test]
async fn the_error_is_by_what_the_required_ones_had() {
    let cases = [
        (failing(500), 502, "upstream_failed"),
        (failing(401), 502, "upstream_failed"),
        (failing(404), 502, "upstream_failed"),
        (Fault::Html200, 502, "upstream_failed"),
        (Fault::NoAnswer, 504, "upstream_timeout"),
        (LIMITED, 503, "upstream_unavailable"),
    ];
    for (fault, status, code) in cases {
        let world = World::documents();
        let gateway = start(&world).await;
        world.set_fault(ILL, fault.clone());
        for question in ["require=all", "require=carbon", "require=belvo,carbon"] {
            let answer = gateway.get(&format!("/loans?{question}")).await;
            answer.assert_problem(status, code);
            let json = answer.json();
            // Everybody reports, those that were well too; no loans are among it.
            assert_eq!(json["sources"].as_array().unwrap().len(), 5, "{fault:?}");
            assert_eq!(answer.source(WELL.as_str())["status"], "ok");
            assert!(json.get("data").is_none());
            assert_eq!(answer.header("retry-after").is_empty(), status != 503);
        }
        // A gap in another one is none.
        for question in ["require=belvo", "require=belvo,bsa", "limit=10"] {
            let answer = gateway.get(&format!("/loans?{question}")).await;
            assert_eq!(answer.status, 200, "{fault:?} {answer:?}");
            assert_eq!(answer.json()["complete"], false);
        }
    }
}

#[tokio::test]
async fn gaps_of_two_kinds_are_a_plain_failure() {
    let world = World::documents();
    let gateway = start(&world).await;
    world.set_fault(ILL, LIMITED);
    world.set_fault(Provider::Bsa, Fault::NoAnswer);
    let both = gateway.get("/loans?require=carbon,bsa").await;
    both.assert_problem(502, "upstream_failed");
    let limited = gateway.get("/loans?require=carbon").await;
    limited.assert_problem(503, "upstream_unavailable");
    let wait: u64 = limited.header("retry-after").parse().unwrap();
    assert!((30..=40).contains(&wait), "{wait}");
    gateway
        .get("/loans?require=bsa")
        .await
        .assert_problem(504, "upstream_timeout");
}

#[tokio::test]
async fn a_partial_source_is_a_gap_and_one_without_a_reference_is_not() {
    let gateway = start(&World::documents()).await;
    let half = "ref=fineract:loan:123&ref=fineract:loan:555555";
    assert_eq!(gateway.get(&format!("/loans?{half}")).await.status, 200);
    for required in ["all", "fineract"] {
        let answer = gateway.get(&format!("/loans?{half}&require={required}")).await;
        assert_ne!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.source("fineract")["status"], "partial");
    }
    let answer = gateway.get("/loans?ref=fineract:loan:123&require=all").await;
    answer.assert_complete();
    assert_eq!(answer.source("carbon")["status"], "skipped");
}

#[tokio::test]
async fn one_that_is_still_collecting_is_a_gap() {
    let gateway = start(&World::documents()).await;
    let answer = gateway
        .get("/loans?ref=goscore:consent:consent-in-progress&ref=bsa:customer:42&require=goscore")
        .await;
    answer.assert_problem(503, "upstream_unavailable");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn names_that_cannot_be_required_are_refused() {
    let gateway = start(&World::documents()).await;
    for question in [
        "require=nope",
        "require=",
        "require=all,bsa",
        "require=bsa,,carbon",
        "require=ALL",
        "connection=bsa&require=carbon",
        "provider=bsa&require=carbon",
    ] {
        let answer = gateway.get(&format!("/loans?{question}")).await;
        answer.assert_problem(400, "invalid_request");
        assert_eq!(answer.json()["errors"][0]["parameter"], "require", "{question}");
    }
    for provider in Provider::ALL {
        assert!(gateway.asked(provider).is_empty());
    }
}
