//! One loan made of several records: an application, its offer, the customer's active loan. A part that fails is
//! reported, and the rest stands.

use loangate::sim::{CarbonEnvelope, Provider, World};
use serde_json::{Value, json};

use crate::support::chaos::{Act, Asked, Chaos, End};
use crate::support::keys::{assert_canonical, assert_says_no_less};
use crate::support::{Answer, Running, Setup, loan_path};

/// One customer: an older loan that is being repaid, a newer one in arrears, and an application.
fn world() -> World {
    let row = |application: &str, status: &str, loan: &str| {
        format!(
            r#"{{"application_id":"{application}","customer_id":"C","amount":3000000,"repayment_period":3,"status":"{status}",{loan},"created_at":"2025-01-15T10:10:00.000Z","updated_at":"2025-02-20T10:30:00.000Z"}}"#
        )
    };
    let world = World::documents();
    world.set_records(
        Provider::Carbon,
        vec![
            row(
                "older",
                "DISBURSED",
                r#""loan_id":"LOAN_1","loan_status":"ACTIVE""#,
            ),
            row(
                "newer",
                "DISBURSED",
                r#""loan_id":"LOAN_2","loan_status":"ACTIVE_IN_ARREARS""#,
            ),
            row("waiting", "PENDING", r#""loan_id":null,"loan_status":null"#),
            row("offered", "HAS_OFFER", r#""loan_id":null,"loan_status":null"#),
        ],
    );
    world
}

async fn over(world: &World) -> Running {
    Setup::only(Provider::Carbon, world).start().await
}

async fn got(gateway: &Running, application: &str) -> (Answer, Value) {
    let answer = gateway.get(&loan_path(&format!("carbon:{application}"))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let loan = answer.loans().remove(0);
    assert_canonical(&loan);
    (answer, loan)
}

/// What was asked for, without the prefix.
fn asked(gateway: &Running) -> Vec<String> {
    let mut paths: Vec<String> = gateway
        .asked(Provider::Carbon)
        .iter()
        .map(|request| request.path.replace("/carbon/baas/api/v1/loans/", ""))
        .collect();
    // The parts are asked for at the same time.
    paths.sort();
    paths
}

fn said(status: u16, body: &str) -> Act {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    Act::Bytes(text.into_bytes(), End::Keep)
}

/// A gateway whose upstream answers so where the target ends so.
async fn bent(world: &World, part: &'static str, status: u16, body: &'static str) -> Running {
    let chaos = Chaos::start(world, move |asked: &Asked| {
        if asked.target.contains(part) {
            said(status, body)
        } else {
            Act::Answer(End::Keep)
        }
    })
    .await;
    Setup::only(Provider::Carbon, world)
        .through(Provider::Carbon, &chaos)
        .start()
        .await
}

#[tokio::test]
async fn the_detail_knows_what_was_granted_and_what_is_owed() {
    let world = world();
    let gateway = over(&world).await;
    for envelope in [CarbonEnvelope::Pagination, CarbonEnvelope::TotalNumber] {
        world.set_carbon_envelope(envelope);
        world.clear_requests();

        let (answer, loan) = got(&gateway, "newer").await;

        answer.assert_complete();
        assert_eq!(asked(&gateway), ["active", "newer", "newer/offer"]);
        assert_eq!(answer.source("carbon")["upstream_requests"], 3);
        assert_eq!(loan["amounts"]["requested"], "30000.00");
        assert_eq!(loan["amounts"]["approved"], "30000.00");
        assert_eq!(loan["amounts"]["total_outstanding"], "32400.00");
        assert_eq!(
            loan["rate"],
            json!({"percent": "8", "basis": "unknown", "period": null})
        );
        assert_eq!(
            loan["next_payment"],
            json!({"due_on": "2025-02-14", "amount": "10800.00"})
        );
        assert_eq!(loan["payment_status"], "in_arrears");
        assert_eq!(loan["as_of_basis"], "fetched");
        assert_eq!(loan["extensions"]["updated_at"], "2025-02-20T10:30:00.000Z");
        assert_eq!(loan["extensions"]["offer"]["tenure"], "3");
    }
}

#[tokio::test]
async fn nothing_is_asked_for_that_cannot_be_there() {
    let world = world();
    let gateway = over(&world).await;
    for (application, paths) in [
        ("waiting", &["waiting"] as &[&str]),
        ("offered", &["offered", "offered/offer"]),
    ] {
        world.clear_requests();
        let (answer, loan) = got(&gateway, application).await;
        answer.assert_complete();
        assert_eq!(asked(&gateway), paths);
        assert!(loan["amounts"]["total_outstanding"].is_null());
    }
}

#[tokio::test]
async fn an_active_loan_that_is_another_one_is_left_out() {
    let world = world();
    let gateway = over(&world).await;

    let (answer, loan) = got(&gateway, "older").await;

    answer.assert_complete();
    assert!(loan["amounts"]["total_outstanding"].is_null(), "{loan}");
    assert!(loan["next_payment"]["due_on"].is_null(), "{loan}");
    assert_eq!(loan["payment_status"], "current");
    assert_eq!(loan["as_of"], "2025-02-20T10:30:00Z");
    assert_eq!(loan["amounts"]["approved"], "30000.00");
    assert!(!answer.text.contains("LOAN_2"));
}

/// On a connection that was used before, the first answer may have been meant for somebody else.
#[tokio::test]
async fn an_active_loan_that_may_be_anybodys_is_asked_for_again() {
    let world = world();
    let others = r#"{"data":{"loanId":"LOAN_9","outstandingBalance":700}}"#;
    let chaos = Chaos::start(&world, move |asked: &Asked| {
        if asked.target.contains("/active") && asked.attempt == 1 {
            said(200, others)
        } else {
            Act::Answer(End::Keep)
        }
    })
    .await;
    let gateway = Setup::only(Provider::Carbon, &world)
        .through(Provider::Carbon, &chaos)
        .start()
        .await;

    for _ in 0..2 {
        let (answer, loan) = got(&gateway, "newer").await;
        answer.assert_complete();
        assert_eq!(loan["amounts"]["total_outstanding"], "32400.00");
    }

    let active = |target: &&String| target.contains("/active");
    let targets = chaos.counts().targets;
    let times: usize = targets.keys().filter(active).map(|target| targets[target]).sum();
    assert_eq!(times, 3);
}

#[tokio::test]
async fn a_part_that_fails_leaves_the_loan_partial() {
    let world = world();
    for (part, status, body, code) in [
        ("/offer", 500, "{}", "upstream_unavailable"),
        ("/offer", 402, r#"{"message":"no"}"#, "upstream_rejected"),
        (
            "/offer",
            400,
            r#"{"message":"Application not found"}"#,
            "upstream_not_found",
        ),
        ("/offer", 200, "<html>", "upstream_bad_payload"),
        ("/offer", 200, r#"{"status":"failed"}"#, "upstream_rejected"),
        (
            "/offer",
            200,
            r#"{"data":{"offerAmount":"NaN"}}"#,
            "upstream_bad_payload",
        ),
        ("/offer", 200, r#"{"data":[1]}"#, "upstream_bad_payload"),
        ("/active", 503, "{}", "upstream_unavailable"),
        (
            "/active",
            400,
            r#"{"message":"Customer not enrolled for lending"}"#,
            "upstream_rejected",
        ),
        (
            "/active",
            200,
            r#"{"data":{"loanId":"LOAN_2","outstandingBalance":"1,0"}}"#,
            "upstream_bad_payload",
        ),
    ] {
        let gateway = bent(&world, part, status, body).await;

        let (answer, loan) = got(&gateway, "newer").await;

        let source = answer.source("carbon");
        assert_eq!(answer.json()["complete"], false, "{part} {status} {body}");
        assert_eq!(source["status"], "partial", "{part} {status} {body}: {source}");
        assert_eq!(source["error"]["code"], code, "{part} {status} {body}: {source}");
        assert_eq!(source["count"], 1);
        assert_eq!(loan["status"], "active");
        let (approved, owed) = (
            &loan["amounts"]["approved"],
            &loan["amounts"]["total_outstanding"],
        );
        assert_eq!(approved.is_null(), part == "/offer", "{loan}");
        let explained = gateway
            .get(&format!("{}/explain", loan_path("carbon:newer")))
            .await;
        if let Some((_, data)) = body
            .split_once(r#""data":"#)
            .filter(|_| code.ends_with("payload"))
        {
            let sent: Value = serde_json::from_str(data.strip_suffix('}').unwrap()).unwrap();
            let sent = match &sent {
                Value::Object(object) => object.values().next_back().unwrap().to_string(),
                sent => sent.to_string(),
            };
            assert!(
                explained.text.replace([' ', '\n'], "").contains(&sent),
                "{sent}: {explained:?}"
            );
        }
        assert_eq!(owed.is_null(), part == "/active", "{loan}");
    }
}

#[tokio::test]
async fn what_is_not_there_yet_is_no_failure() {
    let world = world();
    for (part, status, body) in [
        ("/offer", 422, r#"{"message":"Application has no loan ID"}"#),
        ("/offer", 200, r#"{"status":"success","data":null}"#),
        ("/offer", 200, r#"{"status":"success","data":{}}"#),
        ("/active", 422, r#"{"message":"No loan"}"#),
        ("/active", 404, r#"{"message":"No active loan"}"#),
        ("/active", 400, r#"{"message":"Active loan not found"}"#),
        ("/active", 200, r#"{"status":"success","data":null}"#),
        ("/active", 200, r#"{"status":"success","data":{}}"#),
        (
            "/active",
            200,
            r#"{"data":{"loanId":null,"outstandingBalance":5}}"#,
        ),
    ] {
        let gateway = bent(&world, part, status, body).await;
        let (answer, loan) = got(&gateway, "newer").await;
        answer.assert_complete();
        let (approved, owed) = (
            &loan["amounts"]["approved"],
            &loan["amounts"]["total_outstanding"],
        );
        assert_eq!(
            approved.is_null(),
            part == "/offer",
            "{part} {status} {body}: {loan}"
        );
        assert_eq!(
            owed.is_null(),
            part == "/active",
            "{part} {status} {body}: {loan}"
        );
    }
}

#[tokio::test]
async fn an_application_that_fails_is_no_loan() {
    let world = world();
    let gateway = bent(&world, "/loans/newer", 503, "{}").await;
    let answer = gateway.get(&loan_path("carbon:newer")).await;
    answer.assert_problem(502, "upstream_failed");

    let gateway = over(&world).await;
    let answer = gateway.get(&loan_path("carbon:nobody")).await;
    answer.assert_problem(404, "loan_not_found");
    assert_eq!(asked(&gateway), ["nobody"]);
}

#[tokio::test]
async fn whatever_the_list_says_the_detail_says_too() {
    let mut rows: Vec<String> = Vec::new();
    for fixture in [
        include_str!("../../src/providers/carbon/fixtures/lifecycle.json"),
        include_str!("../../src/providers/carbon/fixtures/edges.json"),
        include_str!("../../src/providers/carbon/fixtures/detail.json"),
    ] {
        let list: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(fixture).unwrap();
        rows.extend(list.iter().map(|row| row.get().to_owned()));
    }
    let fixtures = World::documents();
    fixtures.set_records(Provider::Carbon, rows);
    for world in [fixtures, World::generated(11, 120), World::documents()] {
        let gateway = over(&world).await;
        let list = gateway.get("/loans?limit=200").await;
        assert!(!list.loans().is_empty());
        for listed in list.loans() {
            let answer = gateway.get(&loan_path(listed["id"].as_str().unwrap())).await;
            // Ids that no address can carry.
            if answer.status == 404 {
                continue;
            }
            assert_eq!(answer.status, 200, "{listed}: {answer:?}");
            assert_says_no_less(&answer.loans()[0], &listed);
        }
    }
}

#[tokio::test]
async fn the_plan_of_a_loan_comes_by_the_id_of_the_loan() {
    let world = world();
    let gateway = over(&world).await;

    let answer = gateway
        .get(&format!("{}/schedule", loan_path("carbon:older")))
        .await;

    answer.assert_complete();
    assert!(asked(&gateway).contains(&"LOAN_1/repayments".to_owned()));
    let rows = answer.json()["data"].as_array().unwrap().clone();
    let statuses: Vec<&str> = rows.iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["paid", "overdue", "overdue"]);
    assert_eq!(rows[0]["total_paid"], "10800.00");
    assert!(rows[0]["number"].is_null());

    for application in ["waiting", "offered"] {
        let path = format!("{}/schedule", loan_path(&format!("carbon:{application}")));
        let answer = gateway.get(&path).await;
        assert_eq!(answer.json()["complete"], false, "{answer:?}");
        assert_eq!(
            answer.source_error(Provider::Carbon),
            "upstream_pending",
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn what_never_becomes_a_loan_has_a_plan_without_instalments() {
    let words = ["DECLINED", "OFFER_DECLINED", "OFFER_EXPIRED"];
    let world = World::documents();
    let row = |word: &&str| {
        format!(
            r#"{{"application_id":"{word}","customer_id":"C","amount":300,"status":"{word}","loan_id":null}}"#
        )
    };
    world.set_records(Provider::Carbon, words.iter().map(row).collect());
    let gateway = over(&world).await;
    for word in words {
        let path = format!("{}/schedule", loan_path(&format!("carbon:{word}")));
        let answer = gateway.get(&path).await;
        answer.assert_complete();
        assert_eq!(answer.json()["data"], json!([]), "{word}");
    }
}
