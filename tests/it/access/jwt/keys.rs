//! The provider's keys: fetched once, fetched again, changed and withdrawn.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use loangate::sim::{Provider, World};
use tokio::sync::watch;

use super::super::bearer;
use super::{assert_refused, small, soon_old, trusting};
use crate::support::identity::{IdentityProvider, Key, Says, claims, ec, ed, published};
use crate::support::{Running, Setup};

/// Asks until the answer has this status.
pub(super) async fn until(gateway: &Running, key: &Key, status: u16) {
    let began = Instant::now();
    loop {
        let answer = bearer(gateway, &key.token(&claims("one")), "/connections").await;
        if answer.status == status {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{answer:?}");
    }
}

async fn status(gateway: &Running, key: &Key) -> u16 {
    let token = key.token(&claims("one"));
    bearer(gateway, &token, "/connections").await.status
}

#[tokio::test]
async fn whoever_comes_first_all_wait_for_one_fetch() {
    let key = ec("one");
    let (open, gate) = watch::channel(false);
    let provider = IdentityProvider::start(Says::Held(published(&[&key]), gate)).await;
    let world = World::documents();
    let gateway = trusting(Setup::only(Provider::Carbon, &world), &provider)
        .start()
        .await;
    let callers = (0..30).map(|_| status(&gateway, &key));
    let let_go = async {
        provider.until_asked(1).await;
        open.send(true).unwrap();
    };
    let (answers, ()) = tokio::join!(join_all(callers), let_go);
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn a_new_key_is_found_by_the_first_token_that_names_it() {
    let (provider, old, setup) = small().await;
    let gateway = setup.set("auth.jwt.jwks_min_pause", "100ms").start().await;
    assert_eq!(status(&gateway, &old).await, 200);
    let new = ed("two");
    // Published before it is used, as providers do; both are good for a while.
    provider.say(Says::keys(&[&old, &new]));
    until(&gateway, &new, 200).await;
    assert_eq!(status(&gateway, &old).await, 200);
    let asked = provider.asked();
    provider.say(Says::keys(&[&new]));
    assert_eq!(status(&gateway, &new).await, 200);
    assert_eq!(provider.asked(), asked, "no token needed it");
    // A token with the name of no key brings the change to light; the old key is withdrawn.
    let nobody = ec("nobody");
    provider
        .until_asked_by(asked + 1, || status(&gateway, &nobody))
        .await;
    until(&gateway, &old, 401).await;
    assert_eq!(status(&gateway, &new).await, 200);
}

#[tokio::test]
async fn names_of_keys_that_nobody_has_do_not_reach_the_provider() {
    let (provider, key, setup) = small().await;
    let gateway = setup.start().await;
    assert_eq!(status(&gateway, &key).await, 200);
    let strangers = (0..100).map(|at| {
        let token = ec(&format!("stranger-{at}")).token(&claims("one"));
        let gateway = &gateway;
        async move { bearer(gateway, &token, "/loans").await }
    });
    for answer in join_all(strangers).await {
        assert_refused(&answer);
    }
    assert_eq!(status(&gateway, &key).await, 200);
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn a_key_that_is_withdrawn_is_taken_no_longer_than_the_keys_are_good() {
    let (provider, old, setup) = small().await;
    let gateway = soon_old(setup).start().await;
    assert_eq!(status(&gateway, &old).await, 200);
    let new = ec("two");
    provider.say(Says::keys(&[&new]));
    until(&gateway, &old, 401).await;
    assert_eq!(status(&gateway, &new).await, 200);
    let answer = bearer(&gateway, &old.token(&claims("one")), "/loans").await;
    assert_refused(&answer);
}

/// A provider that gives a new key the name of the old one.
#[tokio::test]
async fn a_key_that_is_replaced_under_its_name_is_replaced() {
    let (provider, old, setup) = small().await;
    let gateway = soon_old(setup).start().await;
    assert_eq!(status(&gateway, &old).await, 200);
    let new = ec("one");
    provider.say(Says::keys(&[&new]));
    until(&gateway, &new, 200).await;
    assert_eq!(status(&gateway, &old).await, 401);
}

#[tokio::test]
async fn a_reload_keeps_the_keys_of_a_provider_that_stays() {
    let (provider, key, setup) = small().await;
    let setup = setup
        .set("auth.jwt.rate_limit.per_second", "1")
        .set("auth.jwt.rate_limit.burst", "1000");
    let gateway = setup.clone().start().await;
    assert_eq!(status(&gateway, &key).await, 200);
    provider.say(Says::Gone);
    let left = async || {
        let answer = bearer(&gateway, &key.token(&claims("one")), "/connections").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let left = answer.header("ratelimit").to_owned();
        let (_, left) = left.split_once("r=").unwrap();
        left.split(';').next().unwrap().parse::<u64>().unwrap()
    };
    for _ in 0..50 {
        left().await;
    }
    let before = left().await;
    gateway
        .reload(&setup.clone().set("auth.jwt.leeway", "1m"))
        .unwrap();
    let after = left().await;
    // What its limits stand at stays too; a few seconds may have passed.
    assert!(after < before + 20 && after < 990, "{before} {after}");
    assert_eq!(provider.asked(), 1);

    // Another provider's keys are its own.
    let (other, other_key, _) = small().await;
    let moved = setup.set("auth.jwt.jwks_url", &other.url());
    gateway.reload(&moved).unwrap();
    assert_eq!(status(&gateway, &other_key).await, 200);
    assert_refused(&bearer(&gateway, &key.token(&claims("one")), "/loans").await);
    assert_eq!((provider.asked(), other.asked()), (1, 1));
    // A config that is wrong changes nothing.
    let problems = gateway
        .reload(&moved.clone().set("auth.jwt.leeway", "1d"))
        .unwrap_err();
    assert!(
        problems.to_string().starts_with("auth.jwt.leeway: "),
        "{problems}"
    );
    assert_eq!(status(&gateway, &other_key).await, 200);
    // Without tokens there are none.
    gateway.reload(&moved.set("auth.mode", "none")).unwrap();
    assert_eq!(gateway.get("/connections").await.status, 200);
}
