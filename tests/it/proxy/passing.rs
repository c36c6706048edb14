//! What nginx hands on, and what it keeps.

use std::net::Ipv4Addr;
use std::time::Duration;

use loangate::sim::{Provider, World};
use reqwest::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Nginx, SOON, answered, caller};
use crate::support::chaos::{Act, Chaos, End};
use crate::support::log::Capturing;
use crate::support::{Running, Setup};

const NDJSON: &str = "application/x-ndjson";

fn mounted(world: &World, providers: &[Provider]) -> Setup {
    let setup = Setup::of(world, providers).set("server.base_path", "/lending");
    providers.iter().fold(setup, |setup, provider| {
        setup.connection(*provider, "page_size", "10")
    })
}

/// A book of plain rows.
fn rows(count: usize) -> Vec<String> {
    (1000..1000 + count)
        .map(|id| format!(r#"{{"id":"{id}","currencyCode":"TZS","totalOutstanding":{id}.5}}"#))
        .collect()
}

async fn gateway(count: usize) -> Running {
    let world = World::documents();
    world.set_records(Provider::Bsa, rows(count));
    mounted(&world, &[Provider::Bsa]).start().await
}

async fn accepting(nginx: &Nginx, accept: &str, path: &str) -> reqwest::Response {
    let request = caller(Ipv4Addr::LOCALHOST).get(nginx.url(path));
    request.header("accept", accept).send().await.unwrap()
}

#[tokio::test]
async fn a_list_is_walked_below_the_prefix() {
    let gateway = gateway(35).await;
    let Some(nginx) = Nginx::before(&[gateway.address]).await else {
        return;
    };
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = nginx.get(&format!("/loans?limit=10{cursor}")).await;
        page.assert_complete();
        ids.extend(page.ids());
        match page.json()["page"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(ids.len(), 35);
    // A cursor that nginx handed on is one that the gateway knows by itself, too.
    let first = nginx.get("/loans?limit=10").await.json();
    let next = first["page"]["next_cursor"].as_str().unwrap();
    let path = format!("/lending/loans?limit=10&cursor={next}");
    gateway.get(&path).await.assert_complete();
    let search = caller(Ipv4Addr::LOCALHOST).post(nginx.url("/loans/search"));
    let search = search
        .header("content-type", "application/json")
        .body(r#"{"connection": ["bsa"]}"#);
    answered(search).await.assert_complete();
    let log = nginx.written("loangate.log").await;
    assert!(log.contains(" GET 200 ") && log.contains(" POST 200 "), "{log}");
    assert!(!log.contains("cursor"), "{log}");
}

#[tokio::test]
async fn problems_probes_and_ids_are_below_the_prefix() {
    let gateway = gateway(1).await;
    let Some(nginx) = Nginx::before(&[gateway.address]).await else {
        return;
    };
    nginx.get("/nope").await.assert_problem(404, "not_found");
    nginx
        .get("/loans?limit=0")
        .await
        .assert_problem(400, "invalid_request");
    // An address goes on as it was sent: decoded, the slash would make it another route.
    for id in ["none%3Ano%2Fsuch", "none:no%2fsuch", "none%3A..%2F..%2Fno"] {
        let answer = nginx.get(&format!("/loans/{id}")).await;
        answer.assert_problem(404, "loan_not_found");
    }
    assert_eq!(nginx.get("/loans/bsa%3A1000").await.ids(), ["bsa:1000"]);
    let meaning = nginx.get("/problems/not_found").await;
    assert_eq!(meaning.json()["code"], "not_found");
    assert_eq!(nginx.get("/readyz").await.json()["status"], "ready");
    let answer = nginx.get("/connections").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    // What is not below the prefix is not the gateway's.
    let outside = caller(Ipv4Addr::LOCALHOST).get(format!("http://{}/loans", nginx.address));
    let outside = answered(outside).await;
    assert_eq!(outside.status, 404);
    assert_eq!(outside.header("x-request-id"), "");
}

/// The page and what it loads are named relative to it, and the document names the prefix.
#[tokio::test]
async fn the_document_and_its_page_are_below_the_prefix() {
    let gateway = gateway(1).await;
    let Some(nginx) = Nginx::before(&[gateway.address]).await else {
        return;
    };
    let document = nginx.get("/openapi.json").await.json();
    assert_eq!(
        document["servers"][0]["url"], "/lending",
        "{}",
        document["servers"]
    );
    let page = nginx.get("/docs").await;
    assert_eq!(page.status, 200);
    let base = reqwest::Url::parse(&nginx.url("/docs")).unwrap();
    let mut loaded = 0;
    for link in page
        .text
        .split(" href=\"")
        .chain(page.text.split(" src=\""))
        .filter(|part| !part.starts_with('<'))
    {
        let link = base.join(link.split('"').next().unwrap()).unwrap();
        assert_eq!(
            answered(caller(Ipv4Addr::LOCALHOST).get(link.clone()))
                .await
                .status,
            200,
            "{link}"
        );
        loaded += 1;
    }
    assert!(loaded > 2, "{}", page.text);
}

#[tokio::test]
async fn a_request_keeps_its_id_or_gets_one() {
    let gateway = gateway(1).await;
    let Some(nginx) = Nginx::before(&[gateway.address]).await else {
        return;
    };
    let request = caller(Ipv4Addr::LOCALHOST).get(nginx.url("/loans"));
    let answer = answered(request.header("x-request-id", "order-4711")).await;
    assert_eq!(answer.header("x-request-id"), "order-4711");
    let made = nginx.get("/loans").await.header("x-request-id").to_owned();
    assert_eq!(made.len(), 32, "{made}");
    let log = nginx.written("loangate.log").await;
    assert!(log.contains(" order-4711\n") && log.contains(&made), "{log}");
}

/// Reads a body until this is in it, or to its end; and whether it came to its end.
async fn until(response: &mut reqwest::Response, text: &mut String, mark: &str) -> bool {
    while !text.contains(mark) {
        match timeout(SOON, response.chunk()).await.unwrap() {
            Ok(Some(chunk)) => text.push_str(std::str::from_utf8(&chunk).unwrap()),
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
    true
}

#[tokio::test]
async fn lines_come_while_the_next_page_is_waited_for() {
    let world = World::documents();
    world.set_records(Provider::Bsa, rows(30));
    let (open, gate) = watch::channel(false);
    let chaos = Chaos::start(&world, move |asked| {
        if asked.target.contains("page=2") || asked.target.contains("page=3") {
            Act::Held(gate.clone())
        } else {
            Act::Answer(End::Keep)
        }
    })
    .await;
    let gateway = mounted(&world, &[Provider::Bsa])
        .through(Provider::Bsa, &chaos)
        .start()
        .await;
    let Some(nginx) = Nginx::before(&[gateway.address]).await else {
        return;
    };
    let mut export = accepting(&nginx, NDJSON, "/loans").await;
    assert_eq!(export.status(), 200);
    assert!(!export.headers().contains_key("x-accel-buffering"));
    let mut text = String::new();
    assert!(until(&mut export, &mut text, "\"bsa:1009\"").await, "{text}");
    assert!(!text.contains("bsa:1010"), "the gate was shut");
    open.send(true).unwrap();
    assert!(until(&mut export, &mut text, "no such text").await, "{text}");
    let end: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((&end["end"], &end["count"]), (&true.into(), &30.into()), "{end}");
}

#[tokio::test]
async fn a_stream_that_was_cut_looks_cut() {
    let world = World::documents();
    world.set_records(Provider::Bsa, rows(50));
    let gateway = mounted(&world, &[Provider::Bsa])
        .set("limits.max_pages_per_source", "2")
        .start()
        .await;
    let Some(nginx) = Nginx::before(&[gateway.address]).await else {
        return;
    };
    for (accept, path) in [("text/csv", "/loans"), (NDJSON, "/loans?require=bsa")] {
        let mut export = accepting(&nginx, accept, path).await;
        assert_eq!(export.status(), 200, "{accept}");
        let mut text = String::new();
        let whole = until(&mut export, &mut text, "\"end\":true").await;
        assert!(!whole && text.contains("bsa:1000"), "{accept}: {text}");
    }
    // nginx would write the whole address next to what went wrong, and addresses name people.
    assert_eq!(nginx.written("loangate-error.log").await, "");
}

#[tokio::test]
async fn the_gateway_says_what_is_too_long_and_nginx_what_is_far_too_long() {
    let gateway = gateway(1).await;
    let Some(nginx) = Nginx::before(&[gateway.address]).await else {
        return;
    };
    let long = |size: usize| format!("/loans?ref={}", "x".repeat(size));
    nginx
        .get(&long(9 * 1024))
        .await
        .assert_problem(414, "uri_too_long");
    let beyond = caller(Ipv4Addr::LOCALHOST).get(nginx.url(&long(20 * 1024)));
    let beyond = answered(beyond).await;
    assert_eq!((beyond.status, beyond.header("content-type")), (414, "text/html"));
    let headers = |request: reqwest::RequestBuilder| {
        (0..4).fold(request, |request, nth| {
            request.header(format!("x-filler-{nth}"), "x".repeat(9 * 1024))
        })
    };
    let caller = caller(Ipv4Addr::LOCALHOST);
    let answer = answered(headers(caller.get(nginx.url("/loans")))).await;
    answer.assert_problem(431, "headers_too_large");
    let body = |size: usize| {
        let request = caller.post(nginx.url("/loans/search"));
        request
            .header("content-type", "application/json")
            .body(" ".repeat(size))
    };
    answered(body(100 * 1024))
        .await
        .assert_problem(413, "payload_too_large");
    assert_eq!(answered(body(200 * 1024)).await.status, 413);
}

/// The value of a field in the one line about a request.
async fn remote(proxies: &str, header: Option<(&str, &str)>) -> Option<String> {
    let world = World::documents();
    let gateway = mounted(&world, &[Provider::Bsa])
        .set("server.trusted_proxies", proxies)
        .start()
        .await;
    let nginx = Nginx::before(&[gateway.address]).await?;
    let log = Capturing::start();
    let mut request = caller(Ipv4Addr::new(127, 0, 0, 2)).get(nginx.url("/readyz"));
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    assert_eq!(request.send().await.unwrap().status(), 200);
    let lines = log.end();
    let about = lines.iter().find(|line| line.contains("/readyz "));
    let field = about.unwrap().split(" remote=").nth(1).unwrap();
    Some(field.split(' ').next().unwrap().to_owned())
}

#[tokio::test]
async fn the_log_has_the_address_of_the_caller_where_nginx_is_trusted() {
    let forged = Some(("x-forwarded-for", "203.0.113.66"));
    let otherwise = Some(("forwarded", "for=203.0.113.66"));
    for (proxies, header, expected) in [
        ("127.0.0.1", None, "127.0.0.2"),
        ("127.0.0.1", forged, "127.0.0.2"),
        ("127.0.0.1", otherwise, "127.0.0.2"),
        ("127.0.0.1", Some(("x-forwarded-for", "\u{e9},\"")), "127.0.0.2"),
        ("", None, "127.0.0.1"),
        ("", forged, "127.0.0.1"),
        ("10.0.0.0/8", forged, "127.0.0.1"),
    ] {
        match remote(proxies, header).await {
            Some(remote) => assert_eq!(remote, expected, "{proxies} {header:?}"),
            None => return,
        }
    }
}

/// The same without nginx, with a caller that does what a proxy does.
#[tokio::test]
async fn only_a_trusted_peer_says_who_asks() {
    for (proxies, expected) in [
        ("127.0.0.0/8", "203.0.113.66"),
        ("127.0.0.9", "127.0.0.1"),
        ("", "127.0.0.1"),
    ] {
        let gateway = Setup::only(Provider::Bsa, &World::documents())
            .set("server.trusted_proxies", proxies)
            .start()
            .await;
        let log = Capturing::start();
        let says = [("x-forwarded-for", "198.51.100.7, 203.0.113.66, 127.0.0.3")];
        gateway.send(Method::GET, "/readyz", &says, None).await;
        let lines = log.end();
        let field = format!(" remote={expected} ");
        assert!(
            lines.iter().any(|line| line.contains(&field)),
            "{proxies}: {lines:?}"
        );
    }
}

/// nginx gives what it has to the gateway within the time that the gateway gives.
#[tokio::test]
async fn a_slow_body_is_nginx_s_to_wait_for() {
    let gateway = gateway(1).await;
    let Some(nginx) = Nginx::before(&[gateway.address]).await else {
        return;
    };
    let log = Capturing::start();
    let mut slow = tokio::net::TcpStream::connect(nginx.address).await.unwrap();
    slow.write_all(b"POST /lending/loans/search HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{")
        .await
        .unwrap();
    nginx.get("/readyz").await;
    // The gateway has heard of the one behind it, and of this one nothing.
    slow.write_all(b"}").await.unwrap();
    let mut answer = String::new();
    timeout(Duration::from_secs(10), slow.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let lines = log.end();
    let at = |route: &str| lines.iter().position(|line| line.contains(route)).unwrap();
    assert!(at("/readyz ") < at("/loans/search "), "{lines:?}");
}
