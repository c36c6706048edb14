//! The documents say what the program does.

use std::process::Command;

use loangate::sim::{Provider, World};

use crate::support::Setup;

const EXPORT: &str = include_str!("../../../docs/export.md");

/// The first cells of the table of columns.
fn documented() -> Vec<String> {
    let (_, after) = EXPORT.split_once("\n## Columns\n").unwrap();
    after
        .lines()
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn the_columns_of_the_document_are_those_of_the_table() {
    let gateway = Setup::only(Provider::Bsa, &World::documents()).start().await;
    let url = format!("http://{}", gateway.address);
    let output = tokio::task::spawn_blocking(move || {
        Command::new(env!("CARGO_BIN_EXE_loangate"))
            .args(["loans", "--format", "csv", "--url", &url])
            .output()
            .unwrap()
    });
    let text = String::from_utf8(output.await.unwrap().stdout).unwrap();
    let head: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    assert_eq!(documented(), head);
}
