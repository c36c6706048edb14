//! Upstreams that misbehave: each way has a code, none of them looks like a person without loans.

use std::time::Duration;

use loangate::sim::{Fault, Provider, World};
use tokio::time::Instant;

use super::only_source_fails;
use crate::support::rows::{envelope, row, scripted};
use crate::support::{Running, Setup};

/// Attempts of a failure that may pass.
const ATTEMPTS: usize = 3;

async fn with(provider: Provider, fault: Fault) -> Running {
    let world = World::documents();
    world.set_fault(provider, fault);
    Setup::only(provider, &world).start().await
}

pub(super) async fn html_502(provider: Provider) {
    let gateway = with(provider, Fault::HtmlBadGateway).await;
    let answer = only_source_fails(&gateway, "upstream_unavailable", 502, "upstream_failed").await;
    assert_eq!(gateway.attempts(provider), ATTEMPTS);
    assert!(!answer.text.contains("html"), "{answer:?}");
}

pub(super) async fn html_200(provider: Provider) {
    let gateway = with(provider, Fault::Html200).await;
    let answer = only_source_fails(&gateway, "upstream_bad_payload", 502, "upstream_failed").await;
    assert_eq!(gateway.attempts(provider), 1);
    assert!(!answer.text.contains("Sign in"), "{answer:?}");
}

pub(super) async fn truncated(provider: Provider) {
    let gateway = with(provider, Fault::Truncated).await;
    only_source_fails(&gateway, "upstream_unavailable", 502, "upstream_failed").await;
    assert_eq!(gateway.attempts(provider), ATTEMPTS);
}

pub(super) async fn empty_body(provider: Provider) {
    let gateway = with(provider, Fault::EmptyBody).await;
    only_source_fails(&gateway, "upstream_bad_payload", 502, "upstream_failed").await;
    assert_eq!(gateway.attempts(provider), 1);
}

pub(super) async fn wrong_content_type_with_valid_json_is_accepted(provider: Provider) {
    let body = envelope(provider, &[row(provider, "1", "")]);
    let gateway = with(provider, scripted(200, "text/plain; charset=utf-8", body)).await;
    let answer = gateway.get("/loans").await;
    answer.assert_complete();
    assert_eq!(answer.loans().len(), 1);
}

pub(super) async fn oversized(provider: Provider) {
    let world = World::documents();
    world.set_fault(provider, Fault::Oversized);
    let gateway = Setup::only(provider, &world)
        .set("limits.upstream_body", "64KiB")
        .start()
        .await;
    let started = Instant::now();
    only_source_fails(&gateway, "upstream_too_large", 502, "upstream_failed").await;
    assert_eq!(gateway.attempts(provider), 1);
    // The upstream has 64 MiB to send; nobody waits for them.
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

async fn silent(provider: Provider, fault: Fault) {
    let world = World::documents();
    world.set_fault(provider, fault);
    let gateway = Setup::only(provider, &world).impatient(provider).start().await;
    let started = Instant::now();
    only_source_fails(&gateway, "upstream_timeout", 504, "upstream_timeout").await;
    assert_eq!(gateway.attempts(provider), 2);
    let elapsed = started.elapsed();
    // Two attempts of 150 ms, of the 10 s that the request had.
    assert!(elapsed >= Duration::from_millis(300), "{elapsed:?}");
    assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
}

pub(super) async fn stalled(provider: Provider) {
    silent(provider, Fault::Stalled).await;
}

pub(super) async fn no_answer(provider: Provider) {
    silent(provider, Fault::NoAnswer).await;
}

pub(super) async fn error_envelope_with_200_is_never_no_loans(provider: Provider) {
    let gateway = with(provider, Fault::ErrorEnvelope).await;
    let code = match provider {
        // Its word for "please try again".
        Provider::Goscore => "upstream_unavailable",
        // Both say in the body that they failed.
        Provider::Carbon | Provider::Fineract => "upstream_rejected",
        // An error body of theirs is only not a list.
        Provider::Bsa | Provider::Belvo => "upstream_bad_payload",
    };
    let answer = only_source_fails(&gateway, code, 502, "upstream_failed").await;
    assert!(!answer.text.contains("Something went wrong"), "{answer:?}");
    assert_eq!(answer.source(provider.as_str())["error"]["upstream_status"], 200);
}
