//! What nginx writes down, where its own logs are open as Debian has them: nothing that names a person.

use std::net::Ipv4Addr;

use loangate::sim::{Provider, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Nginx, SHIPPED, SOON, answered, caller};
use crate::support::{Running, Setup};

/// In every address that is asked here, and so in no log.
const MARK: &str = "PERSON-4711";

async fn gateway() -> Running {
    Setup::of(&World::documents(), &[Provider::Bsa])
        .set("server.base_path", "/lending")
        .start()
        .await
}

/// Sends these bytes; the status of what came, 0 if nginx closed without a word.
async fn sent(nginx: &Nginx, bytes: &str) -> u16 {
    let mut stream = TcpStream::connect(nginx.address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Not to the end: nginx waits for more of a request that it refused before it closes.
    while !answer.ends_with(b"\r\n\r\n") {
        match timeout(SOON, stream.read_u8()).await.unwrap() {
            Ok(byte) => answer.push(byte),
            Err(_) => return 0,
        }
    }
    let answer = String::from_utf8(answer).unwrap();
    answer.strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap()
}

/// All logs, once the access log has a line for each of these statuses.
async fn logs_with(nginx: &Nginx, statuses: &[u16]) -> String {
    let lines = |log: &str, status: u16| {
        let status = format!(" {status} ");
        log.lines().filter(|line| line.contains(&status)).count()
    };
    let written = async {
        loop {
            let log = nginx.written("loangate.log").await;
            let all = |status: &u16| {
                lines(&log, *status) == statuses.iter().filter(|other| *other == status).count()
            };
            if statuses.iter().all(all) {
                return;
            }
        }
    };
    // nginx writes the line when it is done with the connection, which is a moment after the caller.
    timeout(SOON, written).await.unwrap();
    nginx.everything_written().await
}

#[tokio::test]
async fn a_request_that_nginx_refuses_leaves_nothing_of_its_address() {
    let gateway = gateway().await;
    let Some(nginx) = Nginx::before(&[gateway.address]).await else {
        return;
    };
    let line = format!("GET /lending/loans/{MARK}?ref={MARK} HTTP/1.1\r\n");
    let long = "x".repeat(17 * 1024);
    let refused = [
        (400, format!("{line}host: a\r\nx-filler: {long}\r\n\r\n")),
        (400, format!("{line}connection: close\r\n\r\n")),
        (400, format!("{line}host: a\r\nhost: {MARK}\r\n\r\n")),
        (400, format!("{line}host: a/{MARK}\r\n\r\n")),
        (400, format!("{line}host: a\r\ncontent-length: x\r\n\r\n")),
        (
            400,
            format!("GET /lending/../../{MARK} HTTP/1.1\r\nhost: a\r\n\r\n"),
        ),
        (400, format!("GET {MARK} HTTP/1.1\r\nhost: a\r\n\r\n")),
        (
            414,
            format!("GET /lending/loans/{MARK}{long} HTTP/1.1\r\nhost: a\r\n\r\n"),
        ),
        (413, format!("{line}host: a\r\ncontent-length: 999999\r\n\r\n")),
        (
            404,
            format!("GET /{MARK} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"),
        ),
        (
            405,
            format!("TRACE /lending/{MARK} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"),
        ),
    ];
    for (status, request) in &refused {
        assert_eq!(sent(&nginx, request).await, *status, "{request:.99}");
    }
    let logs = logs_with(&nginx, &refused.map(|(status, _)| status)).await;
    assert!(!logs.contains(MARK), "{logs}");
}

#[tokio::test]
async fn a_request_that_does_not_arrive_leaves_nothing_of_its_address() {
    let gateway = gateway().await;
    let hasty = SHIPPED.replace("client_header_timeout 5s;", "client_header_timeout 100ms;");
    assert_ne!(hasty, SHIPPED);
    let Some(nginx) = Nginx::of(&hasty, &[gateway.address]).await else {
        return;
    };
    let request = format!("GET /lending/loans/{MARK} HTTP/1.1\r\nhost: a\r\n");
    assert_eq!(sent(&nginx, &request).await, 0);
    let logs = logs_with(&nginx, &[408]).await;
    assert!(!logs.contains(MARK), "{logs}");
}

#[tokio::test]
async fn an_id_of_a_request_that_is_not_sane_is_neither_kept_nor_written() {
    let gateway = gateway().await;
    let Some(nginx) = Nginx::before(&[gateway.address]).await else {
        return;
    };
    let sane = "Order_47.11-".repeat(5) + "sane";
    assert_eq!(sane.len(), 64);
    let long = format!("{sane}x");
    let insane = [
        "PERSON jane doe",
        "jane@example.com",
        "jane,doe",
        "jane\"doe",
        &long,
    ];
    let asked = |id: &str| {
        let request = caller(Ipv4Addr::LOCALHOST).get(nginx.url("/loans"));
        answered(request.header("x-request-id", id))
    };
    for id in insane {
        let answer = asked(id).await;
        let made = answer.header("x-request-id");
        assert!(
            made.len() == 32 && made.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{made}"
        );
        let logs = nginx.everything_written().await;
        assert!(
            logs.contains(made) && !logs.contains(id) && !logs.contains("jane"),
            "{logs}"
        );
    }
    assert_eq!(asked(&sane).await.header("x-request-id"), sane);
    assert!(nginx.everything_written().await.contains(&sane));
}
