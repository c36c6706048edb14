//! Apache Fineract itself: a whole book, one client, one loan, and what it refuses.

mod leaves;

use std::collections::BTreeSet;

use loangate::config::Document;
use loangate::sim::{Fault, Provider, World};

use crate::support::{Answer, Running, Setup, loan_path};

const CLIENT: &str = "/loans?ref=core:client:10001&limit=200";

async fn walk(gateway: &Running, first: &str) -> (Vec<String>, Answer) {
    let mut ids = Vec::new();
    let mut answer = gateway.get(first).await;
    loop {
        assert_eq!(answer.status, 200, "{answer:?}");
        ids.extend(answer.ids());
        let json = answer.json();
        let Some(cursor) = json["page"]["next_cursor"].as_str() else {
            return (ids, answer);
        };
        let between = if first.contains('?') { '&' } else { '?' };
        answer = gateway.get(&format!("{first}{between}cursor={cursor}")).await;
    }
}

#[tokio::test]
async fn the_whole_book_is_listed_in_pages_of_limit_and_offset() {
    let world = World::generated(3, 230);
    let gateway = Setup::native_fineract(&world).start().await;
    let (ids, last) = walk(&gateway, "/loans?limit=70").await;
    last.assert_complete();
    assert_eq!(ids.len(), 231);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 231);
    assert_eq!(ids[0], "core:123");
    let source = last.source("core");
    assert_eq!(
        (
            &source["provider"],
            &source["total"],
            &source["upstream_requests"]
        ),
        (&"fineract".into(), &231.into(), &3.into())
    );
    for (page, request) in gateway.asked(Provider::Fineract).iter().enumerate() {
        let offset = page * 100;
        assert_eq!(
            request.query,
            format!("limit=100&offset={offset}&orderBy=id&sortOrder=ASC")
        );
        assert_eq!(request.header("fineract-platform-tenantid"), Some("demo"));
    }
}

#[tokio::test]
async fn page_size_is_the_limit_and_page_loops_are_noticed() {
    let world = World::generated(3, 30);
    let gateway = Setup::native_fineract(&world)
        .set("connections.core.page_size", "10")
        .start()
        .await;
    let (ids, last) = walk(&gateway, "/loans").await;
    last.assert_complete();
    assert_eq!((ids.len(), gateway.asked(Provider::Fineract).len()), (31, 4));

    world.set_fault(Provider::Fineract, Fault::PageLoop);
    let (ids, last) = walk(&gateway, "/loans").await;
    assert_eq!(
        (ids.len(), &last.source("core")["status"]),
        (10, &"partial".into())
    );
    assert_eq!(last.source("core")["error"]["code"], "upstream_bad_payload");
    // A client with no loan on the page that comes again and again.
    world.set_ignores_client(true);
    let (ids, last) = walk(&gateway, "/loans?ref=core:client:99").await;
    assert_eq!(
        (ids.len(), &last.source("core")["status"]),
        (0, &"partial".into())
    );
}

#[tokio::test]
async fn a_client_gets_no_loan_of_another_even_where_the_filter_is_ignored() {
    let world = World::generated(3, 230);
    let gateway = Setup::native_fineract(&world).start().await;
    let expected = ["core:1003", "core:1004", "core:1005"];
    let kept = gateway.get(CLIENT).await;
    kept.assert_complete();
    assert_eq!(kept.ids(), expected);
    assert_eq!(kept.source("core")["upstream_requests"], 1);
    assert_eq!(kept.source("core")["total"], 3);

    world.set_ignores_client(true);
    let ignored = gateway.get(CLIENT).await;
    ignored.assert_complete();
    assert_eq!(ignored.ids(), expected);
    assert_eq!(ignored.source("core")["upstream_requests"], 3);
    assert_eq!(ignored.source("core")["total"], serde_json::Value::Null);
    for loan in ignored.loans() {
        assert_eq!(loan["borrower"]["customer_id"], "10001");
    }
    // Nobody's loans are nobody's.
    let nobody = gateway.get("/loans?ref=core:client:99").await;
    nobody.assert_complete();
    assert!(nobody.ids().is_empty());
    // A row that does not say whose it is.
    world.set_native_loans(vec![
        r#"{"id":1,"currency":{"code":"NGN"}}"#.to_owned(),
        r#"{"id":2,"clientId":null,"currency":{"code":"NGN"}}"#.to_owned(),
        r#"{"id":3,"clientId":"10001","currency":{"code":"NGN"}}"#.to_owned(),
        r#"{"id":4,"clientId":100010,"currency":{"code":"NGN"}}"#.to_owned(),
        "7".to_owned(),
    ]);
    let named = gateway.get(CLIENT).await;
    named.assert_complete();
    assert_eq!(named.ids(), ["core:3"]);
}

#[tokio::test]
async fn one_loan_is_asked_for_with_its_schedule_and_its_transactions() {
    let world = World::documents();
    let gateway = Setup::native_fineract(&world).start().await;
    for path in [loan_path("core:123"), "/loans?ref=core:loan:123".to_owned()] {
        world.clear_requests();
        let answer = gateway.get(&path).await;
        answer.assert_complete();
        let loan = &answer.loans()[0];
        assert_eq!(
            (
                &loan["id"],
                &loan["status"],
                &loan["amounts"]["total_outstanding"]
            ),
            (&"core:123".into(), &"active".into(), &"9861.34".into())
        );
        assert_eq!(loan["term"]["instalments_paid"], 2);
        assert_eq!(loan["flags"].as_array().unwrap().len(), 0, "{loan}");
        let asked = gateway.asked(Provider::Fineract);
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].query, "associations=repaymentSchedule%2Ctransactions");
    }
}

#[tokio::test]
async fn what_is_no_id_is_never_sent() {
    let world = World::documents();
    let gateway = Setup::native_fineract(&world).start().await;
    for key in ["template", "0", "-1", "0123", "1e2", "9223372036854775808"] {
        let answer = gateway.get(&loan_path(&format!("core:{key}"))).await;
        answer.assert_problem(404, "loan_not_found");
        let answer = gateway.get(&format!("/loans?ref=core:client:{key}")).await;
        answer.assert_problem(404, "reference_not_found");
    }
    assert!(gateway.asked(Provider::Fineract).is_empty());
}

#[tokio::test]
async fn a_loan_that_does_not_exist_is_not_found() {
    let gateway = Setup::native_fineract(&World::documents()).start().await;
    let answer = gateway.get(&loan_path("core:9")).await;
    answer.assert_problem(404, "loan_not_found");
    let answer = gateway.get("/loans?ref=core:loan:9").await;
    answer.assert_problem(404, "reference_not_found");
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_tenant_are_credentials_that_are_refused() {
    for (key, status) in [("username", 401), ("password", 401), ("tenant", 400)] {
        let gateway = Setup::native_fineract(&World::documents())
            .set(&format!("connections.core.{key}"), "wrong")
            .start()
            .await;
        let answer = gateway.get("/loans").await;
        answer.assert_problem(502, "upstream_failed");
        let error = &answer.source("core")["error"];
        assert_eq!(
            (&error["code"], &error["upstream_status"]),
            (&"upstream_unauthorized".into(), &status.into()),
            "{key}"
        );
        assert!(!gateway.debug.contains("demo-password"));
    }
}

#[tokio::test]
async fn refusals_in_its_own_shape() {
    let body = |code: &str| {
        format!(
            r#"{{"developerMessage":"SECRET","httpStatusCode":"403","userMessageGlobalisationCode":"{code}"}}"#
        )
    };
    let world = World::documents();
    let gateway = Setup::native_fineract(&world).start().await;
    for (status, code, expected) in [
        (403, "error.msg.not.authorized", "upstream_forbidden"),
        (403, "validation.msg.domain.rule.violation", "upstream_rejected"),
        (400, "error.msg.found.sql.injection", "upstream_rejected"),
        (
            500,
            "error.msg.platform.server.side.error",
            "upstream_unavailable",
        ),
    ] {
        world.set_fault(
            Provider::Fineract,
            Fault::Raw {
                status,
                content_type: "application/json",
                body: body(code).into(),
            },
        );
        let answer = gateway.get("/loans").await;
        assert_eq!(answer.source("core")["error"]["code"], expected, "{code}");
        assert!(!answer.text.contains("SECRET"));
    }
}

#[test]
fn every_problem_of_the_settings_is_named_at_once() {
    let text = "[auth]\nmode = \"none\"\n[connections.core]\nprovider = \"fineract\"\nflavour = \"native\"\n\
        username = \"a:b\"\ntenant = \"\"\ntoken = \"x\"\n";
    let document = Document::parse(text, Vec::<(String, String)>::new()).unwrap();
    let problems = loangate::app::App::build(&document).unwrap_err().to_string();
    for key in ["base_url", "username", "password", "tenant", "token"] {
        assert!(
            problems.contains(&format!("connections.core.{key}")),
            "{key}: {problems}"
        );
    }
    let text =
        "[auth]\nmode = \"none\"\n[connections.core]\nprovider = \"fineract\"\nflavour = \"vanilla\"\n";
    let document = Document::parse(text, Vec::<(String, String)>::new()).unwrap();
    let problems = loangate::app::App::build(&document).unwrap_err().to_string();
    assert!(problems.contains("connections.core.flavour"), "{problems}");
}

#[tokio::test]
async fn the_ledger_and_the_plan_come_with_the_one_loan() {
    let world = World::generated(3, 40);
    let gateway = Setup::native_fineract(&world).start().await;
    let ledger = gateway.get("/loans/core:123/transactions").await;
    ledger.assert_complete();
    let rows = ledger.json()["data"].as_array().unwrap().clone();
    let types: Vec<&str> = rows.iter().map(|row| row["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        [
            "disbursement",
            "interest_accrual",
            "repayment",
            "repayment",
            "repayment",
            "interest_waiver"
        ]
    );
    assert_eq!(rows[3]["reversed"], true);
    assert_eq!(rows[5]["balance_after"], "8319.45");
    let plan = gateway.get("/loans/core:123/schedule").await;
    plan.assert_complete();
    let rows = plan.json()["data"].as_array().unwrap().clone();
    let numbers: Vec<u64> = rows.iter().map(|row| row["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=12).collect::<Vec<u64>>());
    assert_eq!(
        (&rows[0]["status"], &rows[11]["status"]),
        (&"paid".into(), &"overdue".into())
    );
    // One call each: the loan's own record holds them.
    assert_eq!(gateway.asked(Provider::Fineract).len(), 2);

    let both = gateway
        .get("/loans/core:123?include=schedule,transactions,provenance")
        .await
        .json();
    assert_eq!(both["data"]["schedule"].as_array().unwrap().len(), 12);
    assert_eq!(both["data"]["transactions"].as_array().unwrap().len(), 6);
    assert_eq!(
        both["data"]["provenance"]["amounts.total_outstanding"],
        serde_json::json!({"origin": "reported", "source": "summary.totalOutstanding"})
    );
    // A list holds neither, and the gateway does not ask loan by loan.
    let listed = gateway.get("/loans?include=transactions").await;
    listed.assert_problem(400, "invalid_request");
    // An application has no ledger yet.
    let pending = gateway.get("/loans/core:1007/transactions").await;
    pending.assert_complete();
    assert_eq!(pending.json()["data"], serde_json::json!([]));
}

/// Of every generated loan: what is said of it, and nothing of anybody's name without the word for it.
#[tokio::test]
async fn generated_loans_agree_with_themselves_and_name_nobody() {
    let world = World::generated(7, 60);
    let gateway = Setup::native_fineract(&world).start().await;
    let list = gateway.get("/loans?limit=200&include=raw,provenance").await;
    list.assert_complete();
    assert!(!list.text.contains("Lovelace") && !list.text.contains("Administrator"));
    for loan in list.loans() {
        let path = format!("/loans/{}", loan["id"].as_str().unwrap());
        let one = gateway.get(&format!("{path}?include=raw")).await;
        assert_eq!(one.loans()[0]["flags"], serde_json::json!([]), "{}", one.text);
        assert!(!one.text.contains("Administrator"));
        // What the list says, the detail says too.
        for (key, value) in loan["amounts"].as_object().unwrap() {
            assert!(
                value.is_null() || one.loans()[0]["amounts"][key] == *value,
                "{path} {key}"
            );
        }
    }
    let explained = gateway.get("/loans/core:123/explain").await;
    assert_eq!(explained.status, 200);
    assert!(explained.text.contains("[redacted]") && !explained.text.contains("Lovelace"));
}

#[tokio::test]
async fn words_of_a_later_release_are_unknown_and_counted() {
    let world = World::generated(7, 20);
    let gateway = Setup::native_fineract(&world).start().await;
    world.set_fault(Provider::Fineract, Fault::NewEnum);
    let list = gateway.get("/loans").await;
    list.assert_complete();
    for loan in list.loans() {
        assert_eq!(
            (&loan["status"], &loan["native_status"]),
            (&"unknown".into(), &"SOMETHING_NEW".into())
        );
    }
    let ledger = gateway.get("/loans/core:123/transactions").await;
    ledger.assert_complete();
    for row in ledger.json()["data"].as_array().unwrap() {
        assert_eq!(
            (&row["type"], &row["monetary"]),
            (&"unknown".into(), &false.into())
        );
    }
    let connection = gateway.get("/connections/core").await;
    assert!(
        connection.text.contains("status.id") && connection.text.contains("type.id"),
        "{}",
        connection.text
    );
}

#[tokio::test]
async fn a_server_with_smaller_pages_than_asked_for_is_partial() {
    let world = World::generated(3, 230);
    world.set_max_per_page(Provider::Fineract, 2);
    let gateway = Setup::native_fineract(&world).start().await;
    for path in [CLIENT, "/loans?limit=200"] {
        let answer = gateway.get(path).await;
        assert_eq!(answer.json()["complete"], false, "{path}");
        let source = answer.source("core");
        assert_eq!(
            (&source["status"], &source["error"]["code"]),
            (&"partial".into(), &"upstream_bad_payload".into())
        );
    }
}

#[tokio::test]
async fn a_loan_without_lists_has_no_rows() {
    let world = World::documents();
    world.set_native_loans(vec![r#"{"id":900,"currency":{"code":"NGN"}}"#.to_owned()]);
    let gateway = Setup::native_fineract(&world).start().await;
    for part in ["transactions", "schedule"] {
        let answer = gateway.get(&format!("/loans/core:900/{part}")).await;
        answer.assert_complete();
        assert_eq!(answer.json()["data"], serde_json::json!([]));
    }
}

#[tokio::test]
async fn the_wrapper_is_never_sent_what_is_no_id() {
    let gateway = Setup::all(&World::documents()).start().await;
    for key in ["abc", "0", "-1"] {
        let answer = gateway.get(&loan_path(&format!("fineract:{key}"))).await;
        answer.assert_problem(404, "loan_not_found");
        let answer = gateway.get(&format!("/loans?ref=fineract:loan:{key}")).await;
        answer.assert_problem(404, "reference_not_found");
    }
    assert!(gateway.asked(Provider::Fineract).is_empty());
}
