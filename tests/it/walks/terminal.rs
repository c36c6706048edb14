//! `loangate loans`: the real program, against a gateway and straight from a config.

use std::future::pending;
use std::net::SocketAddr;
use std::process::{Command, Output};

use loangate::sim::{self, Fault, Provider, World};
use serde_json::Value;
use tokio::net::TcpListener;

use super::{Walk, each_once, ids, plain, small_pages};
use crate::support::{EXAMPLE, Running, Setup};

/// Runs it with these arguments.
async fn loans(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loangate"));
    command.arg("loans").args(arguments);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LOANGATE__")) {
        command.env_remove(name);
    }
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

async fn from(gateway: &Running, arguments: &[&str]) -> Output {
    let url = format!("http://{}", gateway.address);
    loans(&[&["--url", &url], arguments].concat()).await
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

async fn simulators(world: &World) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(sim::serve(listener, world.clone(), pending()));
    address
}

/// The ids that a format shows.
fn shown(format: &str, text: &str) -> Vec<String> {
    match format {
        "table" => text
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().last().unwrap().to_owned())
            .collect(),
        "json" => {
            let document: Value = serde_json::from_str(text).unwrap();
            assert!(document["complete"].is_boolean());
            assert!(document["sources"].is_array());
            let loans = document["data"].as_array().unwrap();
            assert_eq!(document["count"], loans.len());
            ids(loans)
        }
        "ndjson" => {
            let mut lines: Vec<Value> = text
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            assert_eq!(lines.pop().unwrap()["end"], true);
            ids(&lines)
        }
        "csv" => text
            .lines()
            .skip(1)
            .map(|line| line.split(',').next().unwrap().to_owned())
            .collect(),
        _ => unreachable!(),
    }
}

const FORMATS: [&str; 4] = ["table", "json", "ndjson", "csv"];

#[tokio::test]
async fn every_format_shows_every_loan_of_a_running_gateway() {
    let gateway = super::gateway(61, 30).await;
    let list = each_once(&Walk::of(&gateway, "").await.ids());
    for format in FORMATS {
        let output = from(&gateway, &["--format", format]).await;
        assert_eq!(code(&output), 0, "{output:?}");
        assert_eq!(error(&output), "", "{format}");
        assert_eq!(each_once(&shown(format, &out(&output))), list, "{format}");
    }
    let table = out(&from(&gateway, &[]).await);
    assert!(table.starts_with("STATUS "), "{table}");
}

#[tokio::test]
async fn straight_from_a_config() {
    let world = World::generated(62, 12);
    let address = simulators(&world).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("loangate.toml");
    std::fs::write(&path, EXAMPLE.replace("127.0.0.1:9090", &address.to_string())).unwrap();
    let gateway = Setup::all(&world).start().await;
    let list = each_once(&Walk::of(&gateway, "").await.ids());
    for format in FORMATS {
        let arguments = ["--config", path.to_str().unwrap(), "--format", format];
        let output = loans(&arguments).await;
        assert_eq!(code(&output), 0, "{output:?}");
        assert_eq!(each_once(&shown(format, &out(&output))), list, "{format}");
    }
}

#[tokio::test]
async fn filters_and_sort_are_those_of_the_api() {
    let gateway = super::gateway(63, 40).await;
    let query = "currency=TZS&outstanding_min=100&sort=-outstanding";
    let list = Walk::of(&gateway, query).await.ids();
    let arguments = [
        "--currency",
        "TZS",
        "--outstanding-min",
        "100",
        "--sort",
        "-outstanding",
    ];
    for format in FORMATS {
        let output = from(&gateway, &[&arguments[..], &["--format", format]].concat()).await;
        assert_eq!(shown(format, &out(&output)), list, "{output:?}");
    }
    let reference = ["--ref", "bsa:customer:42", "--format", "json"];
    let output = from(&gateway, &reference).await;
    assert_eq!(
        shown("json", &out(&output)),
        gateway.get("/loans?ref=bsa:customer:42").await.ids()
    );
}

#[tokio::test]
async fn an_empty_list_is_a_document_too() {
    let gateway = super::gateway(64, 5).await;
    for format in FORMATS {
        let output = from(&gateway, &["--kind", "mortgage", "--format", format]).await;
        assert_eq!(code(&output), 0, "{output:?}");
        assert!(shown(format, &out(&output)).is_empty(), "{format}");
    }
}

#[tokio::test]
async fn a_failed_source_is_named_and_ends_with_three() {
    let world = World::generated(65, 10);
    let gateway = Setup::all(&world).start().await;
    world.set_fault(Provider::Carbon, Fault::HtmlBadGateway);
    for format in FORMATS {
        let output = from(&gateway, &["--format", format]).await;
        assert_eq!(code(&output), 3, "{format}: {output:?}");
        let named = "carbon: failed upstream_unavailable";
        assert!(error(&output).contains(named), "{format}: {}", error(&output));
        // A table for programs is whole or not there.
        assert_eq!(out(&output).is_empty(), format == "csv", "{output:?}");
    }
    let json: Value = serde_json::from_slice(&from(&gateway, &["--format", "json"]).await.stdout).unwrap();
    assert_eq!(json["complete"], false);
    assert!(!json["data"].as_array().unwrap().is_empty());
    for provider in Provider::ALL {
        world.set_fault(provider, Fault::HtmlBadGateway);
    }
    let output = from(&gateway, &[]).await;
    assert_eq!(code(&output), 3, "{output:?}");
    for provider in Provider::ALL {
        assert!(
            error(&output).contains(&format!("{provider}: failed")),
            "{output:?}"
        );
    }
}

#[tokio::test]
async fn a_table_that_breaks_off_ends_with_three() {
    let world = World::documents();
    world.set_records(Provider::Bsa, plain(1000..1050));
    let gateway = small_pages(&world, &[Provider::Bsa])
        .set("limits.max_pages_per_source", "2")
        .start()
        .await;
    let output = from(&gateway, &["--format", "csv"]).await;
    assert_eq!(code(&output), 3, "{output:?}");
    assert!(error(&output).contains("broke off"), "{output:?}");
    let output = from(&gateway, &["--format", "json"]).await;
    assert_eq!(code(&output), 3);
    assert_eq!(shown("json", &out(&output)).len(), 20);
    assert!(
        error(&output).contains("bsa: partial upstream_bad_payload"),
        "{output:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_asked_ends_with_two_and_says_why() {
    let gateway = super::gateway(66, 3).await;
    let cases: [(&[&str], &str); 6] = [
        (&["--currency", "shillings"], "currency"),
        (&["--outstanding-min", "5"], "outstanding_min"),
        (&["--connection", "acme"], "connection"),
        (&["--overdue", "maybe"], "overdue"),
        (&["--format", "csv", "--include", "raw"], "include"),
        (&["--colour", "red"], "--colour"),
    ];
    for (arguments, named) in cases {
        let output = from(&gateway, arguments).await;
        assert_eq!(code(&output), 2, "{output:?}");
        assert!(error(&output).contains(named), "{output:?}");
        assert_eq!(out(&output), "");
    }
    let nobody = loans(&["--url", "http://127.0.0.1:1"]).await;
    assert_eq!(code(&nobody), 2);
    let nothing = loans(&["--config", "/nonexistent/loangate.toml"]).await;
    assert_eq!(code(&nothing), 2);
    assert!(error(&nothing).contains("/nonexistent/loangate.toml"));
}

#[tokio::test]
async fn no_loan_moves_the_cursor_of_the_terminal() {
    let world = World::documents();
    let row = serde_json::json!({"id": "1\u{1b}[2J", "currencyCode": "TZS"});
    world.set_records(Provider::Bsa, vec![row.to_string()]);
    let gateway = Setup::only(Provider::Bsa, &world).start().await;
    let table = out(&from(&gateway, &[]).await);
    assert!(
        table.lines().count() == 2 && !table.contains('\u{1b}'),
        "{table:?}"
    );
}
