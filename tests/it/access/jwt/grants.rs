//! What tokens grant, and that everything else is as it is with keys.

use loangate::sim::{Provider, World};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::super::{bearer, calls};
use super::{small, trusting};
use crate::support::chaos::{Act, Chaos};
use crate::support::identity::{IdentityProvider, Key, Says, claims, ec};
use crate::support::log::Capturing;
use crate::support::{Running, Setup};

/// A token with these scopes for these connections; null leaves a claim out.
fn granting(key: &Key, client: &str, scopes: Value, connections: Value) -> String {
    let mut claims = claims(client);
    claims["scope"] = scopes;
    claims["loangate_connections"] = connections;
    key.token(&claims)
}

async fn all(more: impl FnOnce(Setup) -> Setup) -> (Key, Running) {
    let key = ec("one");
    let provider = IdentityProvider::start(Says::keys(&[&key])).await;
    let setup = trusting(Setup::all(&World::documents()), &provider);
    (key, more(setup).start().await)
}

#[tokio::test]
async fn each_scope_opens_its_own() {
    let (key, gateway) = all(|setup| setup).await;
    let put = Method::PUT;
    for (scopes, path, method, status) in [
        (json!("loans:read"), "/loans", Method::GET, 200),
        (json!(["loans:read"]), "/loans/bsa:501", Method::GET, 200),
        (
            json!("openid loans:read x"),
            "/loans?include=personal",
            Method::GET,
            403,
        ),
        (
            json!("loans:read personal:read"),
            "/loans?include=personal",
            Method::GET,
            200,
        ),
        (json!("customers:write"), "/customers/1", put.clone(), 404),
        (json!("loans:read"), "/customers/1", put, 403),
        (json!("metrics:read"), "/metrics", Method::GET, 200),
        (json!("metrics:read"), "/loans", Method::GET, 403),
        (Value::Null, "/loans", Method::GET, 403),
        (json!("LOANS:READ loans loans:* *"), "/loans", Method::GET, 403),
        (json!({"loans:read": true}), "/loans", Method::GET, 403),
        (json!(["loans:read", 1]), "/loans", Method::GET, 403),
        (Value::Null, "/no/such/route", Method::GET, 404),
    ] {
        let token = granting(&key, "one", scopes.clone(), json!("*"));
        let header = format!("Bearer {token}");
        let answer = gateway
            .send(method, path, &[("authorization", &header)], None)
            .await;
        assert_eq!(answer.status, status, "{scopes} {path}: {answer:?}");
    }
    let none = granting(&key, "one", json!(""), json!("*"));
    let loans = granting(&key, "one", json!("loans:read"), json!("*"));
    for (token, path, scope) in [
        (&none, "/loans", "loans:read"),
        (&none, "/metrics", "metrics:read"),
        (&loans, "/loans?include=personal", "personal:read"),
    ] {
        let answer = bearer(&gateway, token, path).await;
        answer.assert_problem(403, "forbidden");
        assert_eq!(
            answer.header("www-authenticate"),
            format!(r#"Bearer realm="loangate", error="insufficient_scope", scope="{scope}""#)
        );
    }
}

#[tokio::test]
async fn a_token_sees_the_connections_it_names_and_none_when_it_names_none() {
    let (key, gateway) = all(|setup| setup).await;
    let seen = async |connections: Value| {
        let token = granting(&key, "one", json!("loans:read"), connections);
        let answer = bearer(&gateway, &token, "/connections").await;
        let ids: Vec<String> = answer.ids();
        (token, ids)
    };
    for (connections, ids) in [
        (json!(["carbon", "bsa"]), &["bsa", "carbon"] as &[_]),
        (json!("bsa carbon"), &["bsa", "carbon"]),
        (json!(["bsa", "ghost", "BSA", "../belvo"]), &["bsa"]),
        (json!(["*"]), &["belvo", "bsa", "carbon", "fineract", "goscore"]),
        (json!("*"), &["belvo", "bsa", "carbon", "fineract", "goscore"]),
        (json!(["**", "bsa,carbon", "b*"]), &[]),
        (json!([]), &[]),
        (json!(["bsa", null]), &[]),
        (json!(true), &[]),
        (Value::Null, &[]),
    ] {
        assert_eq!(seen(connections.clone()).await.1, ids, "{connections}");
    }
    let mut absent = claims("one");
    absent.as_object_mut().unwrap().remove("loangate_connections");
    let answer = bearer(&gateway, &key.token(&absent), "/loans").await;
    assert_eq!((answer.status, answer.loans().len()), (200, 0), "{answer:?}");
    assert_eq!(calls(&gateway), 0);

    let (token, _) = seen(json!(["bsa", "ghost"])).await;
    let own = bearer(&gateway, &token, "/loans").await;
    own.assert_complete();
    assert_eq!(
        (own.loans().len(), calls(&gateway)),
        (
            1,
            gateway.asked(Provider::Bsa).len() + gateway.token_calls(Provider::Bsa)
        )
    );
    let before = calls(&gateway);
    let mut heard = Vec::new();
    // One it may not see, one that it names and that does not exist, one that nobody names.
    for name in ["carbon", "ghost", "nobody"] {
        for path in [
            format!("/loans?connection={name}"),
            format!("/loans?require={name}"),
            format!("/loans/{name}:1"),
            format!("/loans?ref={name}:customer:1"),
            format!("/connections/{name}"),
        ] {
            let answer = bearer(&gateway, &token, &path).await;
            answer.assert_problem(403, "forbidden");
            let mut json = answer.json();
            json["request_id"].take();
            heard.push(json);
        }
    }
    heard.dedup();
    assert_eq!((heard.len(), calls(&gateway)), (1, before), "{heard:?}");
}

#[tokio::test]
async fn the_claims_have_the_names_that_the_config_gives_them() {
    let (key, gateway) = all(|setup| {
        setup
            .set("auth.jwt.client_claim", "azp")
            .set("auth.jwt.scope_claim", "scp")
            .set("auth.jwt.connections_claim", "https://loans.example.com/sees")
    })
    .await;
    let mut own = claims("one");
    own["azp"] = json!("two");
    own["scp"] = json!(["loans:read"]);
    own["https://loans.example.com/sees"] = json!(["bsa"]);
    let log = Capturing::start();
    let answer = bearer(&gateway, &key.token(&own), "/connections").await;
    assert_eq!(answer.ids(), ["bsa"]);
    let lines = log.end();
    assert!(
        lines.iter().any(|line| line.contains(" client=two ")),
        "{lines:#?}"
    );
    let metrics = bearer(&gateway, &key.token(&own), "/metrics").await;
    metrics.assert_problem(403, "forbidden");
    own.as_object_mut().unwrap().remove("azp");
    let answer = bearer(&gateway, &key.token(&own), "/connections").await;
    answer.assert_problem(401, "unauthorized");
}

#[tokio::test]
async fn cursors_and_kept_answers_belong_to_a_client_and_to_what_it_sees() {
    let (key, gateway) = all(|setup| setup.set("cache.max_age", "5m")).await;
    let token = |client, connections| granting(&key, client, json!("loans:read"), connections);
    let path = "/loans?connection=bsa,carbon&limit=1";
    let first = bearer(&gateway, &token("one", json!("*")), path).await;
    let cursor = first.json()["page"]["next_cursor"].as_str().unwrap().to_owned();
    let next = format!("{path}&cursor={cursor}");
    // A new token of the same client goes on where the old one stopped.
    let mut later = claims("one");
    later["exp"] = json!(crate::support::identity::seconds(900));
    let again = bearer(&gateway, &key.token(&later), &next).await;
    assert_eq!(again.status, 200, "{again:?}");
    for other in [token("two", json!("*")), token("one", json!(["bsa", "carbon"]))] {
        bearer(&gateway, &other, &next)
            .await
            .assert_problem(400, "invalid_cursor");
    }
    let cache = async |token: String| {
        let answer = bearer(&gateway, &token, "/loans?ref=bsa:customer:42").await;
        answer.source("bsa")["cache"].as_str().unwrap().to_owned()
    };
    assert_eq!(cache(token("one", json!("*"))).await, "miss");
    assert_eq!(cache(token("one", json!("bsa"))).await, "hit");
    assert_eq!(cache(token("two", json!("*"))).await, "miss");
}

#[tokio::test]
async fn each_client_has_a_rate_of_its_own_whatever_its_tokens() {
    let (_, key, setup) = small().await;
    let limited = setup
        .set("auth.jwt.rate_limit.per_second", "1")
        .set("auth.jwt.rate_limit.burst", "20");
    let gateway = limited.start().await;
    let mut passed = 0;
    loop {
        let token = key.token(&claims("one"));
        let answer = bearer(&gateway, &token, "/connections").await;
        assert_eq!(answer.header("ratelimit-policy"), r#""client";q=20;w=20"#);
        if answer.status == 429 {
            answer.assert_problem(429, "rate_limited");
            assert_ne!(answer.header("retry-after"), "");
            break;
        }
        assert_eq!(answer.status, 200, "{answer:?}");
        passed += 1;
        assert!(passed < 10_000, "there is no limit");
    }
    assert!(passed >= 20, "{passed}");
    let other = bearer(&gateway, &key.token(&claims("two")), "/connections").await;
    assert_eq!(
        (other.status, other.header("ratelimit")),
        (200, r#""client";r=19;t=1"#)
    );
    // A forged token is no way to use up somebody's rate.
    let forged = ec("one").token(&claims("two"));
    let stranger = bearer(&gateway, &forged, "/connections").await;
    assert_eq!((stranger.status, stranger.header("ratelimit")), (401, ""));
}

#[tokio::test]
async fn each_client_has_no_more_in_hand_than_it_may() {
    let world = World::documents();
    let (open, held) = watch::channel(false);
    let chaos = Chaos::start(&world, move |_| Act::Held(held.clone())).await;
    let key = ec("one");
    let provider = IdentityProvider::start(Says::keys(&[&key])).await;
    let gateway = trusting(Setup::only(Provider::Carbon, &world), &provider)
        .through(Provider::Carbon, &chaos)
        .set("auth.jwt.max_concurrency", "1")
        .start()
        .await;
    let (one, two) = (key.token(&claims("one")), key.token(&claims("two")));
    let asking = async {
        let ask = |token| bearer(&gateway, token, "/loans?max_age=0");
        tokio::join!(ask(&one), ask(&two))
    };
    let refused = async {
        chaos.until(|counts| counts.requests() == 2).await;
        let answer = bearer(&gateway, &one, "/connections").await;
        answer.assert_problem(429, "rate_limited");
        open.send(true).unwrap();
    };
    let ((one, two), ()) = tokio::join!(asking, refused);
    one.assert_complete();
    two.assert_complete();
}

#[tokio::test]
async fn the_line_about_a_request_names_the_client_and_nothing_of_the_token() {
    let (provider, key, setup) = small().await;
    let gateway = setup.start().await;
    let log = Capturing::start();
    let hostile = "x\n2026 INFO client=admin \u{1b}[31m\u{202e}";
    let shown = "x%0A2026+INFO+client%3Dadmin+%1B%5B31m%E2%80%AE";
    let tokens = [
        key.token(&claims("underwriting")),
        key.token(&claims(hostile)),
        ec("one").token(&claims("forged-SECRET-mark")),
        ec("SECRET-mark-kid").token(&claims("one")),
        "SECRET-mark.SECRET-mark.SECRET-mark".to_owned(),
    ];
    for token in &tokens {
        bearer(&gateway, token, "/loans").await;
    }
    provider.say(Says::document("SECRET-mark"));
    gateway.reload(&small().await.2).unwrap();
    bearer(&gateway, &tokens[0], "/loans").await;
    let lines = log.end();
    for line in &lines {
        assert!(!line.contains("SECRET-mark") && !line.contains(hostile), "{line}");
        for token in &tokens {
            let longest = token.split('.').map(str::len).max().unwrap();
            let part = token.split('.').find(|part| part.len() == longest).unwrap();
            assert!(!line.contains(part), "{line}");
        }
    }
    let requests: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains("message=request "))
        .collect();
    let found = |at: usize, words: &[&str]| {
        for word in words {
            let line = requests[at];
            assert!(line.split(' ').any(|given| given == *word), "{word}: {line}");
        }
    };
    assert_eq!(requests.len(), 6, "{requests:#?}");
    found(
        0,
        &["client=underwriting", "outcome=complete", "connections=carbon"],
    );
    found(1, &[&format!("client={shown}"), "outcome=complete"]);
    for (at, line) in requests.iter().enumerate().skip(2) {
        found(at, &["status=401", "outcome=unauthorized"]);
        assert!(!line.contains("client="), "{line}");
    }
    let refusals = lines.iter().filter(|line| line.contains("a token was not taken"));
    let reasons: Vec<&str> = refusals
        .map(|line| line.split("reason=").nth(1).unwrap())
        .collect();
    assert_eq!(reasons, ["signature", "key", "form or algorithm", "signature"]);
}

/// What the provider of keys is asked is counted like what any upstream is; nothing of a token is.
#[tokio::test]
async fn fetches_of_keys_are_counted() {
    let (key, gateway) = all(|setup| setup).await;
    let header = format!(
        "Bearer {}",
        granting(&key, "one-mark", json!("metrics:read"), json!("*"))
    );
    let headers = [("authorization", header.as_str())];
    let metrics = gateway.send(Method::GET, "/metrics", &headers, None).await;
    let counted =
        "loangate_upstream_requests_total{connection=\"auth.jwt\",operation=\"key_set\",outcome=\"ok\"} 1\n";
    assert!(metrics.text.contains(counted), "{metrics:?}");
    assert!(!metrics.text.contains("mark"), "{metrics:?}");
}
