//! Getting in, being told to wait, and never being led elsewhere.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::Duration;

use futures_util::future::join_all;
use loangate::sim::{Fault, Provider, World};
use tokio::time::Instant;

use super::only_source_fails;
use crate::support::{Setup, loan_path};

const MINTING: [Provider; 2] = [Provider::Goscore, Provider::Bsa];

pub(super) async fn honours_retry_after(provider: Provider) {
    let world = World::documents();
    world.set_fault(
        provider,
        Fault::RateLimited {
            retry_after_secs: 1,
            times: 1,
        },
    );
    let gateway = Setup::only(provider, &world).start().await;
    let started = Instant::now();

    let answer = gateway.get("/loans").await;

    answer.assert_complete();
    let elapsed = started.elapsed();
    assert!(elapsed >= Duration::from_secs(1), "{elapsed:?}");
    assert!(elapsed < Duration::from_secs(4), "{elapsed:?}");
    // Whatever a healthy answer takes, and the refused request.
    let healthy = if provider == Provider::Goscore { 2 } else { 1 };
    assert_eq!(gateway.asked(provider).len(), healthy + 1);
}

pub(super) async fn gives_up_when_asked_to_wait_too_long(provider: Provider) {
    let world = World::documents();
    world.set_fault(
        provider,
        Fault::RateLimited {
            retry_after_secs: 3600,
            times: u32::MAX,
        },
    );
    let gateway = Setup::only(provider, &world).start().await;

    let answer = only_source_fails(&gateway, "upstream_rate_limited", 503, "upstream_unavailable").await;

    assert_eq!(gateway.attempts(provider), 1);
    let error = &answer.source(provider.as_str())["error"];
    assert_eq!(error["attempts"], 1);
    // No upstream can send callers away for more than five minutes.
    assert_eq!(error["retry_after_ms"], 300_000);
    assert_eq!(answer.header("retry-after"), "300");
}

pub(super) async fn refreshes_a_token_once(provider: Provider) {
    let world = World::documents();
    let gateway = Setup::only(provider, &world).start().await;
    gateway.get("/loans").await.assert_complete();
    world.set_fault(provider, Fault::ExpiredToken);
    if !MINTING.contains(&provider) {
        world.clear_requests();
        only_source_fails(&gateway, "upstream_unauthorized", 502, "upstream_failed").await;
        assert_eq!(gateway.attempts(provider), 1);
        return;
    }
    assert_eq!(gateway.token_calls(provider), 1);

    gateway.get("/loans").await.assert_complete();
    assert_eq!(gateway.token_calls(provider), 2);

    // All of them are refused, and one of them gets the token that all of them use.
    world.set_fault(provider, Fault::ExpiredToken);
    for answer in join_all((0..20).map(|_| gateway.get("/loans"))).await {
        answer.assert_complete();
    }
    assert_eq!(gateway.token_calls(provider), 3);
}

pub(super) async fn redirects_are_never_followed(provider: Provider) {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let location = format!("http://{}/loans", elsewhere.local_addr().unwrap());
    let world = World::documents();
    world.set_fault(provider, Fault::Redirect(location.clone()));
    let gateway = Setup::only(provider, &world).start().await;

    let answer = only_source_fails(&gateway, "upstream_rejected", 502, "upstream_failed").await;

    assert_eq!(gateway.attempts(provider), 1);
    assert!(!answer.text.contains(&location));
    assert_eq!(elsewhere.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

pub(super) async fn only_reads_upstream(provider: Provider) {
    let world = World::documents();
    let gateway = Setup::only(provider, &world).start().await;
    let list = gateway.get("/loans?include=raw,personal").await;
    list.assert_complete();
    for id in list.ids() {
        assert_eq!(gateway.get(&loan_path(&id)).await.status, 200, "{id}");
    }
    gateway.search("{}").await.assert_complete();
    world.set_fault(provider, Fault::ExpiredToken);
    gateway.get("/loans").await;
    gateway.get(&format!("/loans/{provider}:nobody~1")).await;

    for request in world.requests() {
        let token = request.operation == "auth";
        let method = if token && provider == Provider::Goscore {
            "POST"
        } else {
            "GET"
        };
        assert_eq!(request.method, method, "{request:?}");
        assert!(!token || MINTING.contains(&provider), "{request:?}");
        assert_ne!(request.operation, "other", "{request:?}");
    }
}
