//! Everything in one stream: NDJSON and CSV.

use std::collections::BTreeSet;
use std::time::Duration;

use loangate::sim::{Fault, Provider, World};
use reqwest::{Client, Method};
use serde_json::Value;
use tokio::time::Instant;

use super::{Walk, applications, each_once, exported, gateway, ids, plain, small_pages};
use crate::support::{Answer, Running, Setup};

const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv";

async fn accepting(gateway: &Running, accept: &str, query: &str) -> Answer {
    let headers = [("accept", accept)];
    gateway
        .send(Method::GET, &format!("/loans?{query}"), &headers, None)
        .await
}

/// Begins an export and leaves its body unread.
async fn begun(gateway: &Running, accept: &str, query: &str) -> reqwest::Response {
    Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .get(format!("http://{}/loans?{query}", gateway.address))
        .header("accept", accept)
        .send()
        .await
        .unwrap()
}

/// What came of a body, and whether it came to its end.
async fn read(mut response: reqwest::Response) -> (String, bool) {
    let mut text = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => text.extend(chunk),
            Ok(None) => return (String::from_utf8(text).unwrap(), true),
            Err(_) => return (String::from_utf8(text).unwrap(), false),
        }
    }
}

/// A cell of each record, read as spreadsheets do.
fn cells(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

#[tokio::test]
async fn the_lines_are_the_loans_of_the_list() {
    let gateway = gateway(51, 130).await;
    let list = Walk::of(&gateway, "").await;
    let (lines, end) = exported(&gateway, "").await;
    let timeless = |loans: &[Value]| -> BTreeSet<String> {
        let mut loans = loans.to_vec();
        for loan in &mut loans {
            loan["as_of"].take();
        }
        loans.iter().map(Value::to_string).collect()
    };
    assert_eq!(timeless(&lines), timeless(&list.loans));
    assert_eq!(each_once(&ids(&lines)).len(), list.loans.len());
    assert_eq!(end["complete"], true);
    let keys: Vec<&str> = end.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["complete", "count", "end", "sources"]);
    for source in end["sources"].as_array().unwrap() {
        assert_eq!(source["status"], "ok");
        assert_eq!(source["exhausted"], true);
    }
    let raw = accepting(&gateway, NDJSON, "").await;
    assert!(raw.text.lines().last().unwrap().starts_with("{\"end\":true,"));
}

#[tokio::test]
async fn a_sorted_export_is_in_order_and_may_be_too_large() {
    let world = World::documents();
    world.set_records(Provider::Bsa, plain(1000..1050));
    let start = |most: &str| {
        small_pages(&world, &[Provider::Bsa])
            .set("limits.max_gathered", most)
            .start()
    };
    let (lines, _) = exported(&start("50").await, "sort=-id").await;
    let mut expected = ids(&lines);
    expected.sort_by(|left, right| right.cmp(left));
    assert_eq!(ids(&lines), expected);
    assert_eq!(lines.len(), 50);
    let small = start("49").await;
    accepting(&small, NDJSON, "sort=id")
        .await
        .assert_problem(422, "selection_too_large");
    // Only a sort makes it gather.
    assert_eq!(exported(&small, "").await.0.len(), 50);
}

#[tokio::test]
async fn raw_and_personal_are_in_lines_and_refused_in_tables() {
    let gateway = gateway(52, 5).await;
    let (lines, _) = exported(&gateway, "include=raw,personal").await;
    assert!(
        lines
            .iter()
            .all(|loan| !loan["raw"].is_null() && loan.get("personal").is_some())
    );
    for include in ["raw", "personal"] {
        accepting(&gateway, CSV, &format!("include={include}"))
            .await
            .assert_problem(400, "invalid_request");
    }
}

#[tokio::test]
async fn an_export_has_no_pages() {
    let gateway = gateway(53, 5).await;
    for accept in [NDJSON, CSV] {
        for query in ["limit=5", "cursor=x"] {
            accepting(&gateway, accept, query)
                .await
                .assert_problem(400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn what_is_accepted_most_is_answered() {
    let gateway = Setup::only(Provider::Bsa, &World::documents()).start().await;
    let json = "application/json";
    let cases = [
        ("*/*", json),
        ("application/*", json),
        ("text/*", CSV),
        ("text/html, */*;q=0.1", json),
        ("application/x-ndjson;q=0.5, application/json;q=0.4", NDJSON),
        ("application/json;q=0.5, text/csv", CSV),
        ("TEXT/CSV", CSV),
        ("application/json;q=0, */*", NDJSON),
        ("text/csv;q=0.9, application/x-ndjson;q=0.901", NDJSON),
        ("application/json, application/x-ndjson", json),
        ("text/csv; header=present; q=1.0, application/json;q=0.9", CSV),
    ];
    for (accept, expected) in cases {
        let answer = accepting(&gateway, accept, "").await;
        assert_eq!(answer.status, 200, "{accept}: {answer:?}");
        assert_eq!(answer.header("content-type"), expected, "{accept}");
    }
    for accept in [
        "text/html",
        "application/xml",
        "text/csv;q=0",
        "*/*;q=0",
        "image/*",
    ] {
        accepting(&gateway, accept, "")
            .await
            .assert_problem(406, "not_acceptable");
    }
}

#[tokio::test]
async fn a_source_that_fails_in_the_middle_is_in_the_last_line() {
    let world = World::documents();
    world.set_records(Provider::Bsa, plain(1000..1050));
    world.set_records(Provider::Carbon, applications(1000..1050));
    let gateway = small_pages(&world, &[Provider::Bsa, Provider::Carbon])
        .connection(Provider::Bsa, "retry.attempts", "1")
        .set("limits.max_pages_per_source", "2")
        .start()
        .await;
    let (lines, end) = exported(&gateway, "").await;
    assert_eq!(end["complete"], false);
    assert_eq!(each_once(&ids(&lines)).len(), 40);
    for source in end["sources"].as_array().unwrap() {
        assert_eq!(source["status"], "partial", "{source}");
        assert_eq!(source["count"], 20);
    }
    let table = begun(&gateway, CSV, "").await;
    assert_eq!(table.status(), 200);
    let (text, whole) = read(table).await;
    assert!(!whole, "a table without all of its rows must not look whole");
    assert!(text.starts_with("id,"));
    let lines = begun(&gateway, NDJSON, "require=carbon").await;
    assert_eq!(lines.status(), 200);
    let (text, whole) = read(lines).await;
    assert!(
        !whole && !text.contains("\"end\":true"),
        "a required source has a gap"
    );
}

#[tokio::test]
async fn a_table_with_a_source_that_fails_at_once_is_a_problem() {
    let world = World::generated(54, 20);
    let gateway = Setup::all(&world).impatient(Provider::Bsa).start().await;
    let limited = Fault::RateLimited {
        retry_after_secs: 30,
        times: u32::MAX,
    };
    for (fault, status, code) in [
        (Fault::HtmlBadGateway, 502, "upstream_failed"),
        (Fault::NoAnswer, 504, "upstream_timeout"),
        // The last: it is left alone from then on.
        (limited, 503, "upstream_unavailable"),
    ] {
        world.set_fault(Provider::Bsa, fault);
        let table = accepting(&gateway, CSV, "").await;
        table.assert_problem(status, code);
        assert_eq!(table.source("bsa")["status"], "failed");
        // Lines have a place to say it.
        let (lines, end) = exported(&gateway, "").await;
        assert_eq!(end["complete"], false);
        assert!(!lines.is_empty());
    }
}

#[tokio::test]
async fn nobody_is_asked_for_more_once_the_reader_is_gone() {
    let world = World::generated(55, 30_000);
    let gateway = small_pages(&world, &[Provider::Bsa, Provider::Carbon, Provider::Belvo])
        .start()
        .await;
    for accept in [NDJSON, CSV] {
        world.clear_requests();
        let mut response = begun(&gateway, accept, "").await;
        response.chunk().await.unwrap().unwrap();
        drop(response);
        // Quiet is reached when two looks some time apart see the same.
        let deadline = Instant::now() + Duration::from_secs(5);
        let mut seen = world.requests().len();
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = world.requests().len();
            if now == seen {
                break;
            }
            seen = now;
            assert!(
                Instant::now() < deadline,
                "{accept}: still asking, {now} requests"
            );
        }
        assert!(seen < 3000, "{accept}: {seen} requests");
    }
}

#[tokio::test]
async fn a_reader_that_does_not_read_holds_the_upstreams_back() {
    let world = World::generated(56, 30_000);
    let gateway = small_pages(&world, &[Provider::Bsa]).start().await;
    let response = begun(&gateway, NDJSON, "").await;
    let mut seen = 0;
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let now = world.requests().len();
        if now == seen {
            break;
        }
        seen = now;
        assert!(Instant::now() < deadline, "nothing holds it back");
    }
    // Of 3,000 pages; the rest of what was asked for is in the sockets.
    assert!(seen < 2900, "{seen}");
    drop(response);
}

#[tokio::test]
async fn cells_survive_commas_quotes_and_newlines() {
    let nasty = "a,\"b\"\nc\r\n=1+1; 'd'";
    let world = World::documents();
    let row = serde_json::json!({
        "id": "1", "currencyCode": "TZS", "status": nasty, "productName": nasty, "totalOutstanding": 5
    });
    world.set_records(Provider::Bsa, vec![row.to_string(), plain([2]).remove(0)]);
    let gateway = Setup::only(Provider::Bsa, &world).start().await;
    let table = accepting(&gateway, CSV, "").await;
    assert_eq!(table.header("cache-control"), "private, no-cache");
    let list = gateway.get("/loans").await.loans();
    let cells = cells(&table.text);
    assert_eq!(cells.len(), 3, "{}", table.text);
    assert!(cells.iter().all(|record| record.len() == cells[0].len()));
    let column = |name: &str| cells[0].iter().position(|column| column == name).unwrap();
    for (record, loan) in cells[1..].iter().zip(&list) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        assert_eq!(record[column("id")], text(&loan["id"]));
        assert_eq!(record[column("native_status")], text(&loan["native_status"]));
        assert_eq!(
            record[column("lender_product_name")],
            text(&loan["lender"]["product_name"])
        );
        assert_eq!(
            record[column("total_outstanding")],
            text(&loan["amounts"]["total_outstanding"])
        );
    }
    assert!(list[0].to_string().contains("=1+1"));
}

#[tokio::test]
async fn the_table_says_what_the_list_says() {
    let gateway = gateway(57, 60).await;
    let list = Walk::of(&gateway, "sort=id").await.loans;
    let cells = cells(&accepting(&gateway, CSV, "sort=id").await.text);
    assert_eq!(cells.len(), list.len() + 1);
    let paths = [
        ("id", "/id"),
        ("kind", "/kind"),
        ("currency", "/currency"),
        ("requested", "/amounts/requested"),
        ("past_due", "/amounts/past_due"),
        ("rate_percent", "/rate/percent"),
        ("term_count", "/term/count"),
        ("opened_on", "/dates/opened_on"),
        ("next_payment_due_on", "/next_payment/due_on"),
        ("overdue", "/delinquency/overdue"),
        ("days_past_due", "/delinquency/days_past_due"),
        ("stale", "/stale"),
    ];
    for (name, path) in paths {
        let at = cells[0].iter().position(|column| column == name).unwrap();
        for (record, loan) in cells[1..].iter().zip(&list) {
            let expected = match loan.pointer(path).unwrap() {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(record[at], expected, "{name} of {}", loan["id"]);
        }
    }
    let flags = cells[0].iter().position(|column| column == "flags").unwrap();
    for (record, loan) in cells[1..].iter().zip(&list) {
        let flag = |flag: &Value| {
            format!(
                "{}:{}",
                flag["code"].as_str().unwrap(),
                flag["field"].as_str().unwrap()
            )
        };
        let expected: Vec<String> = loan["flags"].as_array().unwrap().iter().map(flag).collect();
        assert_eq!(record[flags], expected.join(" "));
    }
}
