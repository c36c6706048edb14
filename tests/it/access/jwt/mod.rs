//! Tokens of an identity provider.

mod command;
mod grants;
mod keys;
mod outages;
mod tokens;

use loangate::sim::{Provider, World};

use crate::support::identity::{AUDIENCE, ISSUER, IdentityProvider, Key, Says, ec};
use crate::support::{Answer, Setup};

/// Takes the tokens of this provider and nothing else.
fn trusting(setup: Setup, provider: &IdentityProvider) -> Setup {
    setup
        .set("auth.mode", "jwt")
        .set("auth.jwt.issuer", ISSUER)
        .set("auth.jwt.audience", &format!("other, {AUDIENCE}"))
        .set("auth.jwt.jwks_url", &provider.url())
        // Whether it asks again is what a test says.
        .set("auth.jwt.jwks_max_age", "1h")
        .set("auth.jwt.jwks_min_pause", "1h")
        // Slow machines are not what is tested.
        .set("auth.jwt.jwks_timeout", "20s")
}

/// A provider with one key, and a gateway over one simulator that trusts it.
async fn small() -> (IdentityProvider, Key, Setup) {
    let key = ec("one");
    let provider = IdentityProvider::start(Says::keys(&[&key])).await;
    let world = World::documents();
    let setup = trusting(Setup::only(Provider::Carbon, &world), &provider);
    (provider, key, setup)
}

/// Keys are old after a second, and may be asked for again soon.
fn soon_old(setup: Setup) -> Setup {
    setup
        .set("auth.jwt.jwks_max_age", "1s")
        .set("auth.jwt.jwks_min_pause", "100ms")
}

fn assert_refused(answer: &Answer) {
    answer.assert_problem(401, "unauthorized");
    assert_eq!(
        answer.header("www-authenticate"),
        r#"Bearer realm="loangate", error="invalid_token""#,
        "{answer:?}"
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!format!("{answer:?}").contains("SECRET-mark"), "{answer:?}");
}

/// No key to check with: not the caller's fault, and over soon.
fn assert_unavailable(answer: &Answer) {
    answer.assert_problem(503, "upstream_unavailable");
    assert_eq!(answer.json()["sources"], serde_json::json!([]));
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=3600).contains(&wait), "{answer:?}");
    assert_eq!(answer.header("www-authenticate"), "");
}
