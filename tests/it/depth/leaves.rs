//! Nothing is lost: every leaf of every sample of the providers' pages is in the answer, as a canonical value, an
//! extension, a personal field, or a row.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{capabilities, documents, segment};

/// The leaves of a value, each as its text; numbers without trailing zeros, `[2026, 5, 2]` as the date it is.
fn leaves(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => {
            if let Some(date) = date(items) {
                into.insert(date);
                return;
            }
            for item in items {
                leaves(item, into);
            }
        }
        Value::Object(members) => members.values().for_each(|value| leaves(value, into)),
        Value::String(text) => {
            into.insert(plain(text));
        }
        Value::Number(number) => {
            into.insert(plain(&number.to_string()));
        }
        Value::Bool(value) => {
            into.insert(value.to_string());
        }
        Value::Null => {}
    }
}

fn date(items: &[Value]) -> Option<String> {
    let parts: Vec<u64> = items.iter().map(Value::as_u64).collect::<Option<_>>()?;
    match parts.as_slice() {
        [year, month, day] if *year > 1900 => Some(format!("{year:04}-{month:02}-{day:02}")),
        _ => None,
    }
}

/// A number without trailing zeros, anything else as it is.
fn plain(text: &str) -> String {
    if text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text.to_owned()
    }
}

/// Fields of ours that came from this name of the provider, in the record the loan is made from.
fn made_from<'a>(loan: &'a Value, key: &str) -> Vec<&'a str> {
    let provenance = loan["provenance"].as_object().unwrap();
    let from = |known: &&String| {
        let source = provenance[*known]["source"].as_str().unwrap_or_default();
        source == key || source.starts_with(&format!("{key}."))
    };
    provenance.keys().filter(from).map(String::as_str).collect()
}

#[tokio::test]
async fn every_leaf_of_every_sample_is_in_the_answer() {
    let gateway = documents().await;
    let mut looked_at = 0;
    for loan in gateway.get("/loans?limit=200").await.loans() {
        let connection = loan["connection"].as_str().unwrap();
        let can = capabilities(&gateway, connection).await;
        let mut include = "raw,provenance,personal".to_owned();
        for rows in ["schedule", "transactions"] {
            // Only where the loan's own record holds them: another call brings other leaves.
            let embedded = gateway
                .get(&format!("/loans?connection={connection}&include={rows}"))
                .await;
            if can.iter().any(|word| word == rows) && embedded.status == 200 {
                include = format!("{include},{rows}");
            }
        }
        let path = format!(
            "/loans/{}?include={include}",
            segment(loan["id"].as_str().unwrap())
        );
        let answer = gateway.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        let loan = answer.json()["data"].clone();
        let mut all = BTreeSet::new();
        for (key, value) in loan.as_object().unwrap() {
            if !matches!(key.as_str(), "raw" | "provenance") {
                leaves(value, &mut all);
            }
        }
        match &loan["raw"] {
            Value::Object(record) => {
                for (key, value) in record {
                    looked_at += 1;
                    found(&loan, &all, key, value);
                }
            }
            Value::Array(rows) => {
                for row in rows {
                    let mut lost = BTreeSet::new();
                    leaves(row, &mut lost);
                    looked_at += lost.len();
                    lost.retain(|leaf| !all.contains(leaf));
                    assert!(lost.is_empty(), "{lost:?} of {row} are not in {loan}");
                }
            }
            raw => panic!("{raw}"),
        }
    }
    assert!(looked_at > 60, "{looked_at} leaves");
}

/// Whether canonical fields came from this scalar, and those that only repeat it hold the same value.
fn made_of(loan: &Value, key: &str, value: &Value) -> bool {
    let fields = made_from(loan, key);
    let mut reported = fields
        .iter()
        .filter(|path| {
            loan["provenance"][**path]["origin"] == "reported" && loan["provenance"][**path]["source"] == key
        })
        .map(|path| (*path, path.split('.').fold(loan, |object, name| &object[name])))
        .peekable();
    if reported.peek().is_none() {
        return !fields.is_empty();
    }
    let mut repeated = false;
    for (path, ours) in reported {
        let same = same(ours, value, loan["provider"] == "carbon" && is_money(path));
        assert!(
            same || !is_money(path),
            "{path} is {ours}, and `{key}` {value}: {loan}"
        );
        repeated |= same;
    }
    repeated
}

fn is_money(path: &str) -> bool {
    path.starts_with("amounts.") || path.ends_with("_payment.amount")
}

/// Whether a canonical value is the one that was sent, whole or in hundredths; of an instant the date is enough.
fn same(ours: &Value, sent: &Value, hundredths: bool) -> bool {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (ours, sent) = (text(ours), text(sent));
    match (ours.parse::<Decimal>(), sent.parse::<Decimal>()) {
        (Ok(ours), Ok(sent)) if hundredths => ours * Decimal::ONE_HUNDRED == sent,
        (Ok(ours), Ok(sent)) => ours == sent,
        _ => ours == sent || (ours.len() >= 10 && sent.get(..10) == ours.get(..10)),
    }
}

#[test]
fn an_amount_that_is_a_hundred_times_off_is_not_the_same() {
    assert!(same(&json!("20000.00"), &json!(2_000_000), true));
    assert!(!same(&json!("20000.00"), &json!(2_000_000), false));
    assert!(!same(&json!("2000000.00"), &json!(2_000_000), true));
    assert!(same(&json!("5.50"), &json!("5.5"), false));
}

/// A field of the record is in `extensions` or `personal` whole, or a canonical field came from it, or every leaf of it
/// is somewhere.
fn found(loan: &Value, all: &BTreeSet<String>, key: &str, value: &Value) {
    let beside = [&loan["extensions"][key], &loan["personal"][key]];
    let mut lost = BTreeSet::new();
    leaves(value, &mut lost);
    for kept in beside {
        let mut there = BTreeSet::new();
        leaves(kept, &mut there);
        if !lost.is_empty() && lost.is_subset(&there) {
            return;
        }
    }
    let scalar = !value.is_object() && !value.is_array();
    if value.is_null() || (scalar && made_of(loan, key, value)) {
        return;
    }
    lost.retain(|leaf| !all.contains(leaf));
    assert!(lost.is_empty(), "{lost:?} of `{key}` are not in {loan}");
}
