//! What was acknowledged is there after the process was killed in the middle of its work.

use reqwest::Client;
use serde_json::json;
use tokio::sync::mpsc;

use super::{Place, on_both};
use crate::cli::{Running, example, loangate, ready};
use crate::support::fetch;

/// Writers at once, and how many of their writes are acknowledged before the end.
const WRITERS: usize = 16;
const ENOUGH: usize = 300;

fn serve(place: &Place, config: &std::path::Path) -> Running {
    let mut command = loangate(&["serve", "--config", config.to_str().unwrap()]);
    command.env("LOANGATE__STORE__URL", &place.url);
    // However busy the machine is.
    command.env("LOANGATE__STORE__TIMEOUT", "1m");
    Running::start(command, true)
}

on_both! {
    a_killed_gateway_loses_no_write_that_was_acknowledged(place) {
        let directory = tempfile::tempdir().unwrap();
        let config = example(&directory);
        let running = serve(&place, &config);
        let address = ready(&running);
        let (done, mut acknowledged) = mpsc::unbounded_channel();
        for writer in 0..WRITERS {
            let done = done.clone();
            tokio::spawn(async move {
                let client = Client::builder().no_proxy().build().unwrap();
                for number in 0.. {
                    let id = format!("{writer}-{number}");
                    let body = json!({"references": [format!("bsa:customer:{id}")]}).to_string();
                    let request = client.put(format!("http://{address}/customers/{id}"));
                    let sent = request.header("content-type", "application/json").body(body).send().await;
                    // Whoever hears nothing knows nothing: it may be there or not.
                    let Ok(answer) = sent else { return };
                    assert_eq!(answer.status(), 201);
                    done.send(id).unwrap();
                }
            });
        }
        drop(done);
        let mut there = Vec::new();
        while there.len() < ENOUGH {
            there.push(acknowledged.recv().await.expect("a write failed before the end"));
        }
        running.signal("KILL");
        while let Some(id) = acknowledged.recv().await {
            there.push(id);
        }
        drop(running);

        let again = serve(&place, &config);
        let address = ready(&again);
        for id in there {
            let answer = fetch(&format!("http://{address}/customers/{id}")).await;
            assert_eq!(answer.status, 200, "{id} is lost: {answer:?}");
            assert_eq!(answer.json()["references"][0]["ref"], format!("bsa:customer:{id}"));
        }
    }
}

/// Its log says which key is wrong, and it goes on with the store it has.
#[tokio::test]
async fn a_reload_whose_store_cannot_be_opened_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let config = example(&directory);
    let before = std::fs::read_to_string(&config).unwrap();
    let store = format!(
        "\n[store]\nurl = \"sqlite://{}/loangate.db\"\n",
        directory.path().display()
    );
    std::fs::write(&config, format!("{before}{store}")).unwrap();
    let running = Running::start(loangate(&["serve", "--config", config.to_str().unwrap()]), true);
    let address = ready(&running);
    let put = async |id: &str| {
        let request = Client::builder().no_proxy().build().unwrap();
        let request = request.put(format!("http://{address}/customers/{id}"));
        let request = request.header("content-type", "application/json");
        request.body("{\"references\":[]}").send().await.unwrap().status()
    };
    assert_eq!(put("one").await, 201);
    let missing = format!(
        "\n[store]\nurl = \"sqlite://{}/missing/x.db\"\n",
        directory.path().display()
    );
    std::fs::write(&config, format!("{before}{missing}")).unwrap();
    running.signal("HUP");
    loop {
        let line = running.line().expect("it ended");
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        if event["message"] == "config not reloaded" {
            assert_eq!(event["key"], "store.url");
            break;
        }
    }
    assert_eq!(put("one").await, 200);
    let answer = fetch(&format!("http://{address}/customers/one")).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_gateway_whose_store_cannot_be_opened_does_not_start() {
    let directory = tempfile::tempdir().unwrap();
    let config = example(&directory);
    for command in [&["serve", "--config"][..], &["check", "--probe", "--config"]] {
        let mut command = loangate(&[command, &[config.to_str().unwrap()]].concat());
        command.env(
            "LOANGATE__STORE__URL",
            "postgres://user:SECRET-mark@127.0.0.1:1/loangate",
        );
        let output = command.output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_ne!(output.status.code(), Some(0), "{said}");
        assert!(
            said.contains("store") && said.contains("cannot be reached"),
            "{said}"
        );
        assert!(!said.contains("SECRET"), "{said}");
    }
}
