//! Refusals: one shape, an id each, and a page that explains.

use std::time::Duration;

use futures_util::future::join_all;
use loangate::api::problem::Code;
use loangate::sim::{Fault, Provider, World};
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::bsa;
use crate::support::{Running, Setup};

/// Method, path, headers, body, status and code.
type Case<'a> = (
    Method,
    &'a str,
    &'a [(&'a str, &'a str)],
    Option<&'a str>,
    u16,
    &'static str,
);

/// Asks for what cannot be served; gives the codes it heard.
async fn refused(gateway: &Running) -> Vec<&'static str> {
    let long = format!("/loans?ref=bsa:customer:{}", "1".repeat(9000));
    let heavy = format!(r#"{{"ref": "bsa:customer:{}"}}"#, "1".repeat(70_000));
    let json: &[(&str, &str)] = &[("content-type", "application/json")];
    // Only the probes pass whatever they carry; what ends like one does not.
    let like_a_probe = format!("/loans/livez?{}", "1".repeat(9000));
    let cases: [Case<'_>; 17] = [
        (Method::GET, &like_a_probe, &[], None, 414, "uri_too_long"),
        (Method::GET, "/", &[], None, 404, "not_found"),
        (Method::GET, "/loans/", &[], None, 404, "not_found"),
        (Method::GET, "/loan", &[], None, 404, "not_found"),
        (Method::GET, "/loans/bsa:501/raw", &[], None, 404, "not_found"),
        (Method::GET, "/loans/bsa:999999", &[], None, 404, "loan_not_found"),
        (Method::GET, "/loans/bsa", &[], None, 404, "loan_not_found"),
        (Method::GET, "/loans/nope:1", &[], None, 404, "loan_not_found"),
        (Method::GET, "/loans/%ff", &[], None, 404, "loan_not_found"),
        (
            Method::GET,
            "/connections/nope",
            &[],
            None,
            404,
            "connection_not_found",
        ),
        (
            Method::POST,
            "/loans",
            json,
            Some("{}"),
            405,
            "method_not_allowed",
        ),
        (
            Method::DELETE,
            "/loans/bsa:501",
            &[],
            None,
            405,
            "method_not_allowed",
        ),
        (
            Method::GET,
            "/loans",
            &[("accept", "text/html, application/json;q=0")],
            None,
            406,
            "not_acceptable",
        ),
        (
            Method::POST,
            "/loans/search",
            json,
            Some(&heavy),
            413,
            "payload_too_large",
        ),
        (Method::GET, &long, &[], None, 414, "uri_too_long"),
        (
            Method::POST,
            "/loans/search",
            &[("content-type", "text/plain")],
            Some("{}"),
            415,
            "unsupported_media_type",
        ),
        (Method::GET, "/loans?x=1", &[], None, 400, "invalid_request"),
    ];
    let mut codes = Vec::new();
    for (method, path, headers, body, status, code) in cases {
        let answer = gateway.send(method, path, headers, body).await;
        answer.assert_problem(status, code);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("allow").is_empty(), status != 405, "{answer:?}");
        codes.push(code);
    }
    codes
}

#[tokio::test]
async fn refusals_are_problem_documents() {
    let gateway = bsa().await;
    let codes = refused(&gateway).await;
    for code in codes
        .into_iter()
        .chain(Code::ALL.iter().map(|code| code.as_str()))
    {
        let explained = gateway.get(&format!("/problems/{code}")).await;
        assert_eq!(explained.status, 200, "{code}");
        let json = explained.json();
        assert_eq!(json["code"], code);
        assert!(!json["meaning"].as_str().unwrap().is_empty());
    }
    gateway
        .get("/problems/nonsense")
        .await
        .assert_problem(404, "not_found");
}

#[tokio::test]
async fn request_ids() {
    let gateway = bsa().await;
    let ask = async |id: &str, path: &str| {
        let answer = gateway
            .send(Method::GET, path, &[("x-request-id", id)], None)
            .await;
        assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
        answer.header("x-request-id").to_owned()
    };
    for path in ["/loans", "/loans/bsa:501", "/connections", "/nope", "/loans?x=1"] {
        assert_eq!(ask("checkout-7.a_B", path).await, "checkout-7.a_B");
        let long = "a".repeat(65);
        for hostile in ["", "a b", "a\"b", "<script>", "a;b", "ø", "%0a", &long] {
            let given = ask(hostile, path).await;
            assert_ne!(given, hostile);
            assert!(given.len() >= 16, "{given}");
        }
    }
    assert_ne!(ask("", "/loans").await, ask("", "/loans").await);
    assert_eq!(gateway.get("/livez").await.header("x-request-id").len(), 36);
}

#[tokio::test]
async fn overload_is_said_at_once() {
    let world = World::documents();
    let gateway = Setup::only(Provider::Bsa, &world)
        .set("server.max_in_flight", "1")
        .start()
        .await;
    world.set_fault(Provider::Bsa, Fault::Slow(Duration::from_millis(400)));
    let both = join_all([gateway.get("/loans"), gateway.get("/loans")]).await;
    let refused = both.iter().find(|answer| answer.status != 200).unwrap();
    refused.assert_problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), "1");
    assert!(both.iter().any(|answer| answer.status == 200));
    assert_eq!(gateway.get("/livez").await.status, 200);
    let metrics = gateway.get("/metrics").await.text;
    for (reason, count) in [("overloaded", 1), ("concurrency", 0), ("rate", 0)] {
        let line = format!("\nloangate_http_shed_total{{reason=\"{reason}\"}} {count}\n");
        assert!(metrics.contains(&line), "{metrics}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_arrive_takes_nobodys_place() {
    let gateway = Setup::only(Provider::Bsa, &World::documents())
        .set("server.max_in_flight", "1")
        .start()
        .await;
    let mut slow = TcpStream::connect(gateway.address).await.unwrap();
    let head = b"POST /loans/search HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    slow.write_all(head).await.unwrap();
    gateway.get("/loans").await.assert_complete();
    let mut answer = String::new();
    timeout(Duration::from_secs(20), slow.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("within 5 seconds"), "{answer}");
}

#[tokio::test]
async fn below_a_prefix() {
    let gateway = Setup::only(Provider::Bsa, &World::documents())
        .set("server.base_path", "/credit/v1")
        .start()
        .await;
    gateway.get("/credit/v1/loans").await.assert_complete();
    gateway.get("/loans").await.assert_problem(404, "not_found");
    gateway
        .get("/credit/v1/nope")
        .await
        .assert_problem(404, "not_found");
    gateway
        .send(Method::POST, "/credit/v1/loans", &[], None)
        .await
        .assert_problem(405, "method_not_allowed");
}

/// Whatever a provider says of an id that is none of its own: there is no such loan, and nobody of that name.
#[tokio::test]
async fn an_id_that_is_none_of_the_provider_s_is_not_found() {
    let gateway = Setup::all(&World::documents()).start().await;
    for id in [
        "bsa:nobody",
        "carbon:nobody",
        "goscore:nobody",
        "fineract:nobody",
        "belvo:nobody",
        "belvo:some~body",
    ] {
        let answer = gateway.get(&format!("/loans/{id}")).await;
        answer.assert_problem(404, "loan_not_found");
    }
    for reference in [
        "bsa:customer:nobody",
        "belvo:customer:0",
        "goscore:consent:nobody",
        "fineract:loan:nobody",
    ] {
        let answer = gateway.get(&format!("/loans?ref={reference}")).await;
        answer.assert_problem(404, "reference_not_found");
    }
    // A number that nobody has is a list of nothing.
    gateway
        .get("/loans?ref=bsa:customer:99999999")
        .await
        .assert_complete();
}
