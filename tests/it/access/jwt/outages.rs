//! A provider that is down, slow, or speaks nonsense.

use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use loangate::sim::{Provider, World};

use super::super::{bearer, calls};
use super::keys::until;
use super::{assert_unavailable, small, soon_old, trusting};
use crate::support::Setup;
use crate::support::identity::{IdentityProvider, Says, claims, ec, published};
use crate::support::log::Capturing;

/// A provider that says this, and a gateway that asks it again soon.
async fn saying(says: Says) -> (IdentityProvider, Setup) {
    let provider = IdentityProvider::start(says).await;
    let world = World::documents();
    let setup =
        trusting(Setup::only(Provider::Carbon, &world), &provider).set("auth.jwt.jwks_min_pause", "100ms");
    (provider, setup)
}

#[tokio::test]
async fn down_at_the_start_nobody_gets_in_until_it_is_up() {
    let (provider, setup) = saying(Says::Gone).await;
    let gateway = setup.start().await;
    let key = ec("one");
    let token = key.token(&claims("one"));
    for path in ["/loans", "/metrics", "/no/such/route"] {
        assert_unavailable(&bearer(&gateway, &token, path).await);
    }
    // What needs no keys is said without them, and the gateway is as ready as ever.
    gateway.get("/loans").await.assert_problem(401, "unauthorized");
    bearer(&gateway, "nonsense", "/loans")
        .await
        .assert_problem(401, "unauthorized");
    for path in ["/livez", "/readyz"] {
        assert_eq!(gateway.get(path).await.status, 200);
    }
    assert_eq!(calls(&gateway), 0);
    provider.say(Says::keys(&[&key]));
    until(&gateway, &key, 200).await;
}

#[tokio::test]
async fn down_later_its_keys_stay_good_for_a_while() {
    let (provider, key, setup) = small().await;
    let gateway = soon_old(setup).start().await;
    until(&gateway, &key, 200).await;
    provider.say(Says::Gone);
    let began = Instant::now();
    // Past the second for which they are good.
    while began.elapsed() < Duration::from_millis(1200) || provider.asked() < 3 {
        let answer = bearer(&gateway, &key.token(&claims("one")), "/connections").await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    // It was asked again meanwhile, but not for every token.
    let most = began.elapsed().as_millis() / 100 + 3;
    assert!(provider.asked() as u128 <= most, "{}", provider.asked());
    // Whether a name it does not know is a new key, nobody can say now.
    let new = ec("two");
    let answer = bearer(&gateway, &new.token(&claims("one")), "/connections").await;
    assert_unavailable(&answer);
    provider.say(Says::keys(&[&new]));
    until(&gateway, &new, 200).await;
    until(&gateway, &key, 401).await;
}

#[tokio::test]
async fn down_for_too_long_its_keys_are_not_good_any_more() {
    let (provider, key, setup) = small().await;
    let gateway = soon_old(setup)
        .set("auth.jwt.jwks_stale_if_error", "0s")
        .start()
        .await;
    until(&gateway, &key, 200).await;
    provider.say(Says::Gone);
    until(&gateway, &key, 503).await;
    let answer = bearer(&gateway, &key.token(&claims("one")), "/loans").await;
    assert_unavailable(&answer);
    provider.say(Says::keys(&[&key]));
    until(&gateway, &key, 200).await;
}

#[tokio::test]
async fn nobody_waits_longer_for_it_than_is_said() {
    let (provider, setup) = saying(Says::Silence).await;
    let gateway = setup.set("auth.jwt.jwks_timeout", "100ms").start().await;
    let key = ec("one");
    let began = Instant::now();
    let answer = bearer(&gateway, &key.token(&claims("one")), "/loans").await;
    assert_unavailable(&answer);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(provider.asked() >= 1);
}

fn gzipped(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn nonsense_is_no_key_set_and_takes_none_away() {
    let good = ec("one");
    let elsewhere = IdentityProvider::start(Says::keys(&[&good])).await;
    let set = published(&[&good]);
    let mut encrypts = good.public();
    encrypts["use"] = serde_json::json!("enc");
    let bomb = gzipped(&vec![b' '; 4 << 20]);
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        bomb.len()
    );
    let ok = |body: &str| Says::document(body);
    let nonsense = [
        ok(""),
        ok("<html>SECRET-mark</html>"),
        ok("null"),
        ok("[]"),
        ok("{}"),
        ok(r#"{"keys":[]}"#),
        ok(r#"{"keys":[{"kty":"oct","k":"AAAA","kid":"one"}]}"#),
        ok(&format!(r#"{{"keys":[{encrypts}]}}"#)),
        ok(&set[..set.len() - 3]),
        ok(&format!("{}{set}", " ".repeat(300 * 1024))),
        Says::Endless,
        Says::Bytes([head.into_bytes(), bomb].concat()),
        Says::Bytes(b"SECRET-mark\r\n\r\n".to_vec()),
        Says::answer("302 Found", &format!("location: {}\r\n", elsewhere.url()), &set),
        Says::answer("404 Not Found", "", &set),
        Says::answer("401 Unauthorized", "", &set),
        Says::answer("429 Too Many Requests", "retry-after: 1\r\n", &set),
        Says::answer("500 Internal Server Error", "", &set),
        Says::answer("204 No Content", "", ""),
    ];
    let log = Capturing::start();
    for (at, says) in nonsense.into_iter().enumerate() {
        let (provider, setup) = saying(says.clone()).await;
        // Asked once, so that a 429 does not have to be waited out.
        let setup = setup.set("auth.jwt.jwks_min_pause", "1h");
        let gateway = setup.start().await;
        let answer = bearer(&gateway, &good.token(&claims("one")), "/loans").await;
        assert_unavailable(&answer);
        assert!(!answer.text.contains("SECRET-mark"), "{at}: {answer:?}");
        assert_eq!(provider.asked(), 1, "{at}");

        let (provider, setup) = saying(Says::keys(&[&good])).await;
        let gateway = setup.start().await;
        until(&gateway, &good, 200).await;
        provider.say(says);
        let asked = provider.asked();
        let nobody = ec("nobody").token(&claims("one"));
        provider
            .until_asked_by(asked + 1, || bearer(&gateway, &nobody, "/connections"))
            .await;
        let answer = bearer(&gateway, &good.token(&claims("one")), "/connections").await;
        assert_eq!(answer.status, 200, "{at}: {answer:?}");
    }
    assert_eq!(elsewhere.asked(), 0, "redirects are not followed");
    for line in log.end() {
        assert!(!line.contains("SECRET-mark"), "{line}");
    }
}
