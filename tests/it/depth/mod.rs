//! What is known of one loan: its rows, where every value came from, and what its upstream sent.

mod checks;
mod leaves;
mod origins;
mod rows;

use loangate::sim::World;
use serde_json::Value;

use crate::support::{Running, Setup};

async fn documents() -> Running {
    Setup::all(&World::documents()).start().await
}

/// A loan id as a path segment.
fn segment(id: &str) -> String {
    id.replace('~', "%7E")
}

/// What a connection says it can do.
async fn capabilities(gateway: &Running, connection: &str) -> Vec<String> {
    let answer = gateway.get(&format!("/connections/{connection}")).await;
    let words = answer.json()["data"]["capabilities"].as_array().unwrap().clone();
    words
        .iter()
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

/// The leaves of the canonical loan: path and value. Flags and extensions are about them, and `include=` adds beside
/// them.
fn canonical(loan: &Value) -> Vec<(String, Value)> {
    let beside = [
        "flags",
        "extensions",
        "personal",
        "raw",
        "provenance",
        "schedule",
        "transactions",
    ];
    let mut list = Vec::new();
    for (key, value) in loan.as_object().unwrap() {
        if beside.contains(&key.as_str()) {
            continue;
        }
        match value {
            Value::Object(members) => {
                list.extend(
                    members
                        .iter()
                        .map(|(name, value)| (format!("{key}.{name}"), value.clone())),
                );
            }
            _ => list.push((key.clone(), value.clone())),
        }
    }
    list
}
