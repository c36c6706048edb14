//! Log lines of the real program: one for each event, whatever callers and configs write.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use loangate::sim::{Fault, Provider, World, serve};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::collector::{Collector, Told};
use crate::cli::{Running, example, loangate};
use crate::support::Setup;
use crate::support::log::Capturing;

const OPERATIONS: &str = include_str!("../../../docs/operations.md");

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// Requests in which everything that a caller can choose is hostile to a reader of logs.
fn hostile() -> Vec<Vec<u8>> {
    let line = "%0a%7b%22level%22:%22INFO%22%7d%0d%1b%5b31m%c2%9b31m";
    let request = |first: &str, headers: &[u8]| {
        [
            first.as_bytes(),
            b" HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n",
            headers,
            b"\r\n",
        ]
        .concat()
    };
    vec![
        request(&format!("GET /loans/bsa:{line}"), b""),
        request(&format!("GET /{line}"), b""),
        request(&format!("GET /loans?{line}={line}"), b""),
        request(&format!("GET /connections/{line}"), b""),
        request("{\"A!#$%&'*+-.^_`|~\" /loans", b""),
        request("A!#$%&'*+-.^_`|~ /loans", b""),
        request("GET /loans", b"x-request-id: \x9b31m\xc2\x9b\r\n"),
        request("GET /loans", b"x-request-id: \x1b[31m\r\n"),
        request("GET /loans", "x-request-id: a\tb\u{2028}c\u{202e}\r\n".as_bytes()),
        request(
            "GET /loans",
            b"user-agent: \x9b31m\r\nreferer: \x9b31m\r\ntraceparent: \x9b\r\n",
        ),
        request(
            "GET /loans",
            b"x-api-key: \x9b31m\r\nauthorization: Bearer \x9b31m\r\n",
        ),
        b"\x1b[31m\r\n\x9b\r\n\r\n".to_vec(),
        b"GET /loans HTTP/1.1\r\nhost: \x9b31m\r\nconnection: close\r\n\r\n".to_vec(),
    ]
}

async fn say(address: SocketAddr, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    // Whatever it answers, it ends.
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

/// What the program writes in this format while all of that happens to it.
async fn written(format: &str) -> Vec<String> {
    let world = World::documents();
    world.set_fault(Provider::Carbon, Fault::parse("5xx").unwrap());
    world.set_records(Provider::Bsa, vec![r#"{"\u001b[31m\n": "\u009b\n"}"#.to_owned()]);
    let simulators = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let simulated_at = simulators.local_addr().unwrap().to_string();
    tokio::spawn(serve(simulators, world, std::future::pending()));
    let directory = tempfile::tempdir().unwrap();
    let path = example(&directory);
    let config = fs::read_to_string(&path)
        .unwrap()
        .replace("127.0.0.1:9090", &simulated_at);
    let config = format!("{config}\n[log]\nformat = \"{format}\"\n");
    fs::write(&path, &config).unwrap();
    let mut running = Running::start(loangate(&["serve", "--config", path.to_str().unwrap()]), true);
    let mut lines = vec![running.line().unwrap()];
    // The first line says where it listens: "listen":"…" or listen=….
    let (_, after) = lines[0].split_once("listen").unwrap();
    let address = after
        .trim_start_matches(['"', ':', '='])
        .split(['"', ' '])
        .next()
        .unwrap();
    let address: SocketAddr = address.parse().unwrap();
    for bytes in hostile() {
        say(address, &bytes).await;
    }
    let keys = r#""a\u001b[31m\n{\"level\":\"INFO\"}" = 1"#;
    fs::write(&path, format!("{keys}\n{config}")).unwrap();
    running.signal("HUP");
    while !lines.last().unwrap().contains("config not reloaded") {
        lines.push(running.line().unwrap());
    }
    running.signal("TERM");
    while let Some(line) = running.line() {
        lines.push(line);
    }
    assert_eq!(running.exit_code(), Some(0));
    lines
}

fn assert_plain(line: &str) {
    let acts = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202e}');
    assert!(!line.contains(acts), "{line:?}");
    assert!(!line.contains("31m"), "{line:?}");
}

/// The texts of all events in the source, but those that only show another text.
fn messages() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut left = vec![root];
    let mut messages = BTreeSet::new();
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            let code = text.split("\n#[cfg(test)]").next().unwrap();
            for event in code.split("tracing::").skip(1) {
                let leveled = ["error!(", "warn!(", "info!(", "debug!(", "trace!("];
                let Some(event) = leveled.iter().find_map(|level| event.strip_prefix(level)) else {
                    continue;
                };
                let event = event.split(");").next().unwrap().trim_end();
                let message = event.trim_end_matches('"').rsplit('"').next().unwrap();
                if !message.starts_with('{') && event.ends_with('"') {
                    messages.insert(message.to_owned());
                }
            }
        }
    }
    messages
}

#[test]
fn every_message_is_in_the_operating_guide() {
    let messages = messages();
    assert!(messages.len() > 15, "{messages:?}");
    for message in messages {
        assert!(
            OPERATIONS.contains(&format!("`{message}`")),
            "{message:?} is not explained"
        );
    }
}

#[tokio::test]
async fn every_line_of_json_is_one_object_with_fields_that_are_explained() {
    let mut seen = BTreeSet::new();
    for line in written("json").await {
        // The key of a config is shown, because somebody has to find it; nothing else is anybody's but ours.
        if !line.contains("config not reloaded") {
            assert_plain(&line);
        }
        let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        for field in ["timestamp", "level", "target", "message"] {
            assert!(event[field].is_string(), "{field}: {line}");
        }
        seen.extend(event.as_object().unwrap().keys().cloned());
    }
    let (_, logs) = OPERATIONS.split_once("\n## Logs\n").unwrap();
    let logs = logs.split("\n## ").next().unwrap();
    for field in &seen {
        assert!(logs.contains(&format!("`{field}`")), "{field} is not explained");
    }
    for field in [
        "request_id",
        "route",
        "outcome",
        "duration_ms",
        "connection",
        "operation",
        "code",
        "attempts",
        "why",
    ] {
        assert!(seen.contains(field), "{field}: {seen:?}");
    }
}

#[tokio::test]
async fn every_line_for_people_is_one_line() {
    for line in written("pretty").await {
        if !line.contains("config not reloaded") {
            assert_plain(&line);
        }
        assert!(
            !line.contains('\u{1b}') && line.starts_with("20") && line.contains(" loangate"),
            "{line:?}"
        );
    }
}

/// The line leads to the trace, whoever records it.
#[tokio::test]
async fn the_line_of_a_request_names_its_trace() {
    let collector = Collector::start().await;
    let gateway = Setup::only(Provider::Bsa, &World::documents())
        .set("telemetry.otlp_endpoint", &collector.url())
        .start()
        .await;
    let passing = Setup::only(Provider::Bsa, &World::documents()).start().await;
    let log = Capturing::start();
    let header = format!("00-{TRACE}-b7ad6b7169203331-01");
    let headers = [("traceparent", header.as_str())];
    gateway.send(reqwest::Method::GET, "/loans", &headers, None).await;
    gateway.get("/loans").await;
    passing.send(reqwest::Method::GET, "/loans", &headers, None).await;
    passing.get("/loans").await;
    let lines: Vec<String> = log
        .end()
        .into_iter()
        .filter(|line| line.contains("message=request"))
        .collect();
    gateway.stop().await;
    let ids: Vec<Option<&str>> = lines
        .iter()
        .map(|line| line.split(' ').find_map(|word| word.strip_prefix("trace_id=")))
        .collect();
    assert_eq!(
        (ids.len(), ids[0], ids[2], ids[3]),
        (4, Some(TRACE), Some(TRACE), None),
        "{lines:#?}"
    );
    let traces: Vec<String> = collector.spans().iter().map(Told::trace).collect();
    assert!(traces.contains(&ids[1].unwrap().to_owned()), "{traces:?}");
}
