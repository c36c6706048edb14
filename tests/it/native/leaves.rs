//! Nothing of a loan of Apache Fineract is lost.

use std::collections::BTreeSet;

use super::*;

/// Every text, number and date of a value.
fn leaves(value: &serde_json::Value, into: &mut BTreeSet<String>) {
    use serde_json::Value;
    match value {
        Value::Array(items) => match items.as_slice() {
            [year, month, day] if number(year).is_some_and(|year| year > 1900) => {
                let (month, day) = (number(month).unwrap(), number(day).unwrap());
                into.insert(format!("{}-{month:02}-{day:02}", number(year).unwrap()));
            }
            items => items.iter().for_each(|item| leaves(item, into)),
        },
        Value::Object(members) => members.values().for_each(|member| leaves(member, into)),
        Value::String(text)
            if text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') =>
        {
            into.insert(text.trim_end_matches('0').trim_end_matches('.').to_owned());
        }
        Value::String(text) => drop(into.insert(text.clone())),
        Value::Number(number) => {
            into.insert(number.to_string().trim_end_matches(".0").to_owned());
        }
        Value::Bool(word) => drop(into.insert(word.to_string())),
        Value::Null => {}
    }
}

fn number(value: &serde_json::Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

#[tokio::test]
async fn every_leaf_of_a_loan_is_in_the_answer() {
    let gateway = Setup::native_fineract(&World::documents()).start().await;
    let answer = gateway
        .get("/loans/core:123?include=raw,personal,schedule,transactions")
        .await;
    let mut loan = answer.json()["data"].clone();
    let raw = loan["raw"].take();
    let (mut sent, mut given) = (BTreeSet::new(), BTreeSet::new());
    leaves(&raw, &mut sent);
    leaves(&loan, &mut given);
    let lost: Vec<&String> = sent.difference(&given).collect();
    assert!(sent.len() > 100 && lost.is_empty(), "{lost:?}");
    assert_eq!(
        loan["extensions"]["repaymentSchedule"]["periods"][0]["principalDisbursed"],
        "10000.000000"
    );
}
