//! What lies about in Redis: nothing that says anything about anybody, and nothing for ever.

use loangate::sim::{Provider, World};
use serde_json::Value;

use super::{CACHE_KEY, CURSOR_KEY, Redis, fleet, sharing};
use crate::access::{COLLECTIONS, UNDERWRITING, bearer, both};
use crate::support::{Running, encoded};

/// Everything that Redis holds: keys with their values, and how long they live, in milliseconds.
async fn everything(redis: &Redis) -> Vec<(Vec<u8>, Vec<u8>, i64)> {
    let mut connection = redis.connection().await;
    let keys: Vec<Vec<u8>> = redis.tell(&["KEYS", "*"]).await;
    let mut all = Vec::new();
    for key in keys {
        let (value, life): (Option<Vec<u8>>, i64) = redis::pipe()
            .cmd("GET")
            .arg(&key)
            .cmd("PTTL")
            .arg(&key)
            .query_async(&mut connection)
            .await
            .unwrap();
        // A lease may have been given back meanwhile.
        all.extend(value.map(|value| (key, value, life)));
    }
    all
}

/// Every text in an answer that is longer than a word, and is no word of ours.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.len() > 5 => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        _ => {}
    }
}

#[tokio::test]
async fn nobody_is_in_redis_and_nothing_stays() {
    let Some(redis) = Redis::start().await else { return };
    let world = World::generated(41, 20);
    let setup = sharing(both(&world), redis.address)
        .set("auth.clients.0.rate_limit.per_second", "1000")
        .set("cursor.ttl", "60s");
    let [one, two] = fleet(setup).await;
    let mut known: Vec<String> = Vec::new();
    let ask = async |gateway: &Running, path: &str| bearer(gateway, UNDERWRITING, path).await.json();
    // Entries, walks, sets and rates.
    for path in [
        "/loans?limit=200",
        "/loans?limit=20&include=raw,personal",
        "/loans?limit=20&sort=id",
        "/loans/summary",
    ] {
        for gateway in [&one, &two] {
            let answer = ask(gateway, path).await;
            texts(&answer["data"], &mut known);
            if let Some(cursor) = answer["page"]["next_cursor"].as_str() {
                known.push(cursor.to_owned());
                ask(gateway, &format!("{path}&cursor={cursor}")).await;
            }
        }
    }
    // Some of all that was said of anybody.
    known.sort();
    known.dedup();
    known = known.into_iter().step_by(5).collect();
    let consent = world
        .requests()
        .into_iter()
        .find(|asked| asked.provider == Provider::Goscore);
    known.extend(consent.map(|asked| asked.path.rsplit('/').next().unwrap().to_owned()));
    for reference in [
        "bsa:customer:customer-4711",
        "goscore:consent:consent-of-somebody-4711",
    ] {
        ask(&one, &format!("/loans?ref={}", encoded(reference))).await;
        known.push(reference.rsplit(':').next().unwrap().to_owned());
    }
    bearer(&one, COLLECTIONS, "/loans").await;
    known.extend([UNDERWRITING, COLLECTIONS, CACHE_KEY, CURSOR_KEY].map(str::to_owned));
    known.extend(["underwriting", "collections", "carbon", "belvo"].map(str::to_owned));
    assert!(known.len() > 100, "{}", known.len());

    let all = everything(&redis).await;
    assert!(all.len() > 10, "{}", all.len());
    for (key, value, life) in &all {
        let key_text = String::from_utf8(key.clone()).unwrap();
        assert!(key_text.starts_with("loangate:1:"), "{key_text}");
        assert!((1..=70_000).contains(life), "{key_text} lives for {life} ms");
        let value = String::from_utf8_lossy(value);
        for text in &known {
            assert!(
                !key_text.contains(text) && !value.contains(text),
                "{key_text} says {text}"
            );
        }
    }
}

/// What is moved to another name is nothing there, and what is made up is nothing anywhere.
#[tokio::test]
async fn what_somebody_else_wrote_is_not_believed() {
    let Some(redis) = Redis::start().await else { return };
    let world = World::documents();
    let setup = sharing(both(&world), redis.address);
    let [one, two] = fleet(setup).await;
    for key in [UNDERWRITING, COLLECTIONS] {
        bearer(&one, key, "/loans?connection=bsa").await;
        bearer(&one, key, "/loans?connection=carbon").await;
    }
    let entries = loop {
        let mut all = everything(&redis).await;
        all.retain(|(key, ..)| key.starts_with(b"loangate:1:entry"));
        if all.len() == 4 {
            break all;
        }
    };
    // Round by one, and one that is noise.
    let mut connection = redis.connection().await;
    for (at, (key, ..)) in entries.iter().enumerate() {
        let other = &entries[(at + 1) % entries.len()].1;
        let () = redis::cmd("SET")
            .arg(key)
            .arg(other)
            .query_async(&mut connection)
            .await
            .unwrap();
    }
    for key in [UNDERWRITING, COLLECTIONS] {
        for connection in ["bsa", "carbon"] {
            let answer = bearer(&two, key, &format!("/loans?connection={connection}")).await;
            answer.assert_complete();
            assert_eq!(answer.source(connection)["cache"], "miss");
            assert!(answer.ids().iter().all(|id| id.starts_with(connection)));
        }
    }
}
