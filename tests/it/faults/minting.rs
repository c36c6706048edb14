//! Tokens: one call for any number of waiting requests, whoever goes away, and no loop when they are refused.

use std::time::Duration;

use futures_util::future::join_all;
use loangate::sim::{Provider, World};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::support::chaos::{Act, Asked, Chaos, End};
use crate::support::{Answer, Running, Setup};

const MINTING: [Provider; 2] = [Provider::Bsa, Provider::Goscore];
const WAITING: usize = 100;

fn says(status: u16, body: &str) -> Act {
    let length = body.len();
    let text = format!("HTTP/1.1 {status} Said\r\ncontent-length: {length}\r\n\r\n{body}");
    Act::Bytes(text.into_bytes(), End::Keep)
}

async fn start(
    provider: Provider,
    script: impl Fn(&Asked) -> Act + Send + Sync + 'static,
) -> (Running, Chaos) {
    let world = World::documents();
    let chaos = Chaos::start(&world, script).await;
    let mut setup = Setup::only(provider, &world)
        .through(provider, &chaos)
        .connection(provider, "max_concurrency", "1000");
    if provider == Provider::Bsa {
        setup = setup.connection(
            provider,
            "auth_url",
            &format!("http://{}/bsa-auth", chaos.address),
        );
    }
    (setup.start().await, chaos)
}

fn answer(_: &Asked) -> Act {
    Act::Answer(End::Keep)
}

async fn everybody(gateway: &Running) -> Vec<Answer> {
    join_all((0..WAITING).map(|_| gateway.get("/loans"))).await
}

#[tokio::test]
async fn a_hundred_requests_over_an_expired_token_cost_one_token_call() {
    for provider in MINTING {
        let (gateway, chaos) = start(provider, answer).await;
        gateway.get("/loans").await.assert_complete();
        assert_eq!(chaos.counts().tokens(), 1);
        // Every token that was handed out so far is refused from now on.
        gateway
            .world
            .set_fault(provider, loangate::sim::Fault::ExpiredToken);
        for answer in everybody(&gateway).await {
            answer.assert_complete();
        }
        assert_eq!(chaos.counts().tokens(), 2, "{provider}");
    }
}

#[tokio::test]
async fn a_hundred_requests_at_the_start_cost_one_token_call() {
    for provider in MINTING {
        let (gateway, chaos) = start(provider, answer).await;
        for answer in everybody(&gateway).await {
            answer.assert_complete();
        }
        assert_eq!(chaos.counts().tokens(), 1, "{provider}");
    }
}

#[tokio::test]
async fn the_token_call_outlives_the_request_that_started_it() {
    for provider in MINTING {
        let (open, held) = watch::channel(false);
        let script = move |asked: &Asked| {
            if asked.token {
                Act::Held(held.clone())
            } else {
                Act::Answer(End::Keep)
            }
        };
        let (gateway, chaos) = start(provider, script).await;
        let mut first = TcpStream::connect(gateway.address).await.unwrap();
        first
            .write_all(b"GET /loans HTTP/1.1\r\nhost: gateway\r\n\r\n")
            .await
            .unwrap();
        chaos.until(|counts| counts.tokens() == 1).await;
        drop(first);
        let opened = async {
            // The others wait for the same call; none of them starts one.
            tokio::task::yield_now().await;
            open.send(true).unwrap();
        };
        let (answers, ()) = tokio::join!(everybody(&gateway), opened);
        for answer in answers {
            answer.assert_complete();
        }
        assert_eq!(chaos.counts().tokens(), 1, "{provider}");
    }
}

#[tokio::test]
async fn a_new_token_that_is_refused_too_ends_it() {
    for provider in MINTING {
        let script = |asked: &Asked| {
            if asked.token {
                Act::Answer(End::Keep)
            } else {
                says(401, "{}")
            }
        };
        let (gateway, chaos) = start(provider, script).await;
        let answer = gateway.get("/loans").await;
        answer.assert_problem(502, "upstream_failed");
        assert_eq!(answer.source_error(provider), "upstream_unauthorized");
        assert_eq!(answer.source(provider.as_str())["error"]["attempts"], 2);
        assert_eq!(chaos.counts().tokens(), 2);
        paced(&gateway, &chaos, provider).await;
    }
}

#[tokio::test]
async fn a_token_endpoint_that_fails_is_asked_once_a_step() {
    for provider in MINTING {
        for bad in [says(500, "{}"), says(200, "garbage"), says(403, "{}")] {
            let Act::Bytes(bad, _) = bad else { unreachable!() };
            let script = move |asked: &Asked| {
                if asked.token {
                    Act::Bytes(bad.clone(), End::Keep)
                } else {
                    Act::Answer(End::Keep)
                }
            };
            let (gateway, chaos) = start(provider, script).await;
            assert_ne!(gateway.get("/loans").await.status, 200);
            paced(&gateway, &chaos, provider).await;
            // Nobody asked for loans without a token.
            assert_eq!(chaos.counts().pages(), 0);
        }
    }
}

/// Many requests, and token calls only as often as the back-off lets: at once, after 1 s, after 2 s more.
async fn paced(gateway: &Running, chaos: &Chaos, provider: Provider) {
    for _ in 0..5 {
        for answer in join_all((0..10).map(|_| gateway.get("/loans"))).await {
            assert_ne!(answer.status, 500, "{answer:?}");
            assert_ne!(answer.source_error(provider), "", "{answer:?}");
        }
    }
    let calls = chaos.counts().tokens();
    assert!((1..=3).contains(&calls), "{provider}: {calls} token calls");
}

#[tokio::test]
async fn a_token_endpoint_that_recovers_is_noticed() {
    for provider in MINTING {
        let script = |asked: &Asked| {
            if asked.token {
                says(500, "{}")
            } else {
                Act::Answer(End::Keep)
            }
        };
        let (gateway, chaos) = start(provider, script).await;
        assert_eq!(
            gateway.get("/loans").await.source_error(provider),
            "upstream_unavailable"
        );
        chaos.turn(answer);
        let mut steps = 0;
        while gateway.get("/loans").await.status != 200 {
            // The first step of the back-off is a second.
            steps += 1;
            assert!(steps < 30, "{provider} never recovers");
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// However a token's life is stated, it is used for at least half a minute.
#[tokio::test]
async fn a_tokens_stated_end_is_believed_within_bounds() {
    for end in ["01-01-1999 00:00", "12-31-9999 23:59", "never", "", "99-99-99999"] {
        let script = move |asked: &Asked| {
            if asked.token {
                says(
                    200,
                    &format!(r#"{{"token":"sim-goscore-token","expire_at":"{end}"}}"#),
                )
            } else {
                Act::Answer(End::Keep)
            }
        };
        let (gateway, chaos) = start(Provider::Goscore, script).await;
        for _ in 0..10 {
            gateway.get("/loans").await.assert_complete();
        }
        assert_eq!(chaos.counts().tokens(), 1, "{end}");
    }
}
