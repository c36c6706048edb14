//! What the gateway does when an upstream fails again and again: free replays, circuits, pauses, the retry budget.

use std::time::Duration;

use loangate::sim::{Provider, World};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::support::chaos::{Act, Asked, Chaos, End};
use crate::support::{Answer, Running, Setup};

const PROVIDER: Provider = Provider::Bsa;

fn says(status: u16, fields: &str) -> Act {
    let text = format!("HTTP/1.1 {status} Said\r\n{fields}content-length: 2\r\n\r\n{{}}");
    Act::Bytes(text.into_bytes(), End::Keep)
}

/// What the script says of requests for loans; tokens are well.
fn loans(act: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> impl Fn(&Asked) -> Act + Send + Sync {
    move |asked| {
        if asked.token {
            Act::Answer(End::Keep)
        } else {
            act(asked)
        }
    }
}

async fn start(
    act: impl Fn(&Asked) -> Act + Send + Sync + 'static,
    more: impl FnOnce(Setup) -> Setup,
) -> (Running, Chaos) {
    let world = World::documents();
    let chaos = Chaos::start(&world, loans(act)).await;
    let setup = Setup::only(PROVIDER, &world).through(PROVIDER, &chaos);
    (more(setup).start().await, chaos)
}

async fn health(gateway: &Running, provider: Provider) -> serde_json::Value {
    let answer = gateway.get(&format!("/connections/{provider}")).await;
    answer.json()["data"]["health"].clone()
}

async fn metric(gateway: &Running, name: &str) -> String {
    let metrics = gateway.get("/metrics").await.text;
    let of = format!("{name}{{connection=\"{PROVIDER}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&of));
    line.unwrap_or_else(|| panic!("no {name}: {metrics}")).to_owned()
}

fn code(answer: &Answer) -> String {
    answer.source_error(PROVIDER)
}

/// One attempt per question, three failures open the circuit, and it stays open for about 500 ms.
fn brittle(setup: Setup) -> Setup {
    setup
        .connection(PROVIDER, "retry.attempts", "1")
        .connection(PROVIDER, "circuit.failures", "3")
        .connection(PROVIDER, "circuit.open_for", "500ms")
}

#[tokio::test]
async fn kept_connections_that_close_right_after_the_answer_lose_nothing() {
    let (gateway, chaos) = start(|_| Act::Answer(End::Close), |setup| setup).await;
    for _ in 0..500 {
        gateway.get("/loans").await.assert_complete();
    }
    assert_eq!(health(&gateway, PROVIDER).await["retried"], 0);
    assert_eq!(metric(&gateway, "loangate_upstream_retries_total").await, "0");
    assert!(chaos.counts().requests() >= 500);
}

#[tokio::test]
async fn a_reset_on_a_kept_connection_is_replayed_for_free() {
    let script = |asked: &Asked| match asked.nth {
        0 => Act::Answer(End::Keep),
        _ => Act::Bytes(Vec::new(), End::Reset),
    };
    // Not one retry is allowed: the replay is none.
    let (gateway, chaos) = start(script, |setup| setup.connection(PROVIDER, "retry.attempts", "1")).await;
    for _ in 0..100 {
        gateway.get("/loans").await.assert_complete();
    }
    assert_eq!(health(&gateway, PROVIDER).await["retried"], 0);
    // Every other question meets the connection that the one before left behind.
    assert_eq!(chaos.counts().requests(), 150);
}

#[tokio::test]
async fn a_circuit_opens_probes_once_an_interval_and_closes() {
    let (gateway, chaos) = start(|_| says(503, ""), brittle).await;
    for _ in 0..3 {
        assert_eq!(code(&gateway.get("/loans").await), "upstream_unavailable");
    }
    assert_eq!(chaos.counts().requests(), 3);
    assert_eq!(health(&gateway, PROVIDER).await["circuit"], "open");
    assert_eq!(metric(&gateway, "loangate_circuit_state").await, "2");

    // As many as come, and none of them gets through; they know when to come back.
    let answer = gateway.get("/loans").await;
    assert_eq!(code(&answer), "circuit_open");
    answer.assert_problem(503, "upstream_unavailable");
    let error = answer.source(PROVIDER.as_str())["error"].clone();
    assert_eq!(error["attempts"], 0);
    // Why it is open, and not that it is.
    assert_eq!(
        health(&gateway, PROVIDER).await["last_failure_code"],
        "upstream_unavailable"
    );
    assert!(
        (1..=600).contains(&error["retry_after_ms"].as_u64().unwrap()),
        "{error}"
    );
    assert_eq!(chaos.counts().requests(), 3);

    // For 1.6 s, ten at a time: an interval is 400 to 600 ms.
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(1600) {
        let asked = (0..10).map(|_| gateway.get("/loans"));
        for answer in futures_util::future::join_all(asked).await {
            assert!(matches!(&*code(&answer), "circuit_open" | "upstream_unavailable"));
        }
    }
    let elapsed = u64::try_from(started.elapsed().as_millis()).unwrap();
    let probes = chaos.counts().requests() - 3;
    let most = usize::try_from(elapsed / 400 + 1).unwrap();
    assert!((2..=most).contains(&probes), "{probes} probes in {elapsed} ms");

    chaos.turn(|_| Act::Answer(End::Keep));
    let well = closes(&gateway).await;
    assert!(well < Duration::from_secs(2), "{well:?}");
    assert_eq!(metric(&gateway, "loangate_circuit_state").await, "0");
}

/// Asks until the answer is whole, and gives how long that took.
async fn closes(gateway: &Running) -> Duration {
    let started = Instant::now();
    loop {
        let answer = gateway.get("/loans").await;
        if answer.status == 200 {
            answer.assert_complete();
            return started.elapsed();
        }
        assert_eq!(code(&answer), "circuit_open");
        let error = &answer.source(PROVIDER.as_str())["error"];
        sleep(Duration::from_millis(
            error["retry_after_ms"].as_u64().unwrap().min(100),
        ))
        .await;
    }
}

#[tokio::test]
async fn one_probe_at_a_time_even_when_it_takes_long() {
    let (gateway, chaos) = start(|_| says(503, ""), brittle).await;
    for _ in 0..3 {
        gateway.get("/loans").await;
    }
    let (open, held) = watch::channel(false);
    chaos.turn(loans(move |_| Act::Held(held.clone())));
    // The probe is on its way and not answered; the others are told at once.
    let probe = async {
        loop {
            let answer = gateway.get("/loans").await;
            if code(&answer) != "circuit_open" {
                return answer;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    let others = async {
        chaos.until(|counts| counts.requests() == 4).await;
        assert_eq!(metric(&gateway, "loangate_circuit_state").await, "1");
        for _ in 0..20 {
            assert_eq!(code(&gateway.get("/loans").await), "circuit_open");
        }
        assert_eq!(chaos.counts().requests(), 4);
        open.send(true).unwrap();
    };
    let (answer, ()) = tokio::join!(probe, others);
    answer.assert_complete();
    gateway.get("/loans").await.assert_complete();
}

#[tokio::test]
async fn refusals_never_open_a_circuit() {
    let world = World::documents();
    let carbon = Provider::Carbon;
    let statuses = [400, 401, 403, 404, 409, 422, 302, 429];
    let chaos = Chaos::start(&world, move |asked| says(statuses[asked.attempt % 8], "")).await;
    let gateway = Setup::only(carbon, &world)
        .through(carbon, &chaos)
        .connection(carbon, "retry.attempts", "1")
        .connection(carbon, "circuit.failures", "1")
        .start()
        .await;
    for _ in 0..40 {
        assert_ne!(gateway.get("/loans").await.source_error(carbon), "circuit_open");
    }
    assert!(chaos.counts().requests() >= 40);
    assert_eq!(health(&gateway, carbon).await["circuit"], "closed");
}

#[tokio::test]
async fn a_bad_share_of_attempts_opens_a_circuit_without_a_row_of_failures() {
    let script = |asked: &Asked| match asked.attempt % 3 {
        0 => Act::Answer(End::Keep),
        _ => says(503, ""),
    };
    let (gateway, chaos) = start(script, |setup| setup.connection(PROVIDER, "retry.attempts", "1")).await;
    while code(&gateway.get("/loans").await) != "circuit_open" {
        assert!(chaos.counts().requests() < 30, "it never opens");
    }
    assert!(chaos.counts().requests() >= 20);
}

#[tokio::test]
async fn callers_that_go_away_do_not_open_a_circuit() {
    let (_open, held) = watch::channel(false);
    let (gateway, chaos) = start(move |_| Act::Held(held.clone()), brittle).await;
    for caller in 1..=6 {
        let mut stream = TcpStream::connect(gateway.address).await.unwrap();
        stream
            .write_all(b"GET /loans HTTP/1.1\r\nhost: gateway\r\n\r\n")
            .await
            .unwrap();
        chaos.until(|counts| counts.requests() == caller).await;
        drop(stream);
        // The upstream is let go at once.
        chaos.until(|counts| counts.open == 0).await;
    }
    assert_eq!(health(&gateway, PROVIDER).await["circuit"], "closed");
    chaos.turn(|_| Act::Answer(End::Keep));
    gateway.get("/loans").await.assert_complete();
}

#[tokio::test]
async fn an_open_circuit_is_nobody_elses() {
    let world = World::documents();
    let chaos = Chaos::start(&world, loans(|_| says(503, ""))).await;
    let gateway = brittle(Setup::all(&world).through(PROVIDER, &chaos))
        .start()
        .await;
    for _ in 0..5 {
        gateway.get("/loans").await;
    }
    let answer = gateway.get("/loans").await;
    assert_eq!(code(&answer), "circuit_open");
    for other in Provider::ALL.into_iter().filter(|other| *other != PROVIDER) {
        assert_eq!(answer.source(other.as_str())["status"], "ok");
        assert_eq!(health(&gateway, other).await["circuit"], "closed");
    }
}

#[tokio::test]
async fn nobody_asks_while_the_upstream_limits_our_rate() {
    let (gateway, chaos) = start(|_| says(429, "retry-after: 3600\r\n"), |setup| setup).await;
    for question in 0..10 {
        let answer = gateway.get("/loans").await;
        answer.assert_problem(503, "upstream_unavailable");
        assert_eq!(code(&answer), "upstream_rate_limited");
        let error = answer.source(PROVIDER.as_str())["error"].clone();
        assert_eq!(error["attempts"], u64::from(question == 0));
        let wait = error["retry_after_ms"].as_u64().unwrap();
        // An hour is more than anybody is believed.
        assert!((280_000..=300_000).contains(&wait), "{wait}");
        assert!(answer.header("retry-after").parse::<u64>().unwrap() <= 300);
    }
    assert_eq!(chaos.counts().requests(), 1);
    assert!(
        health(&gateway, PROVIDER).await["rate_limited_for_ms"]
            .as_u64()
            .unwrap()
            > 280_000
    );
    assert_eq!(health(&gateway, PROVIDER).await["circuit"], "closed");
}

#[tokio::test]
async fn a_short_pause_is_waited_out_by_everybody() {
    let (gateway, chaos) = start(
        |asked| match asked.attempt {
            0 => says(429, "retry-after: 1\r\n"),
            _ => Act::Answer(End::Keep),
        },
        |setup| setup,
    )
    .await;
    let started = Instant::now();
    let first = gateway.get("/loans");
    let later = async {
        chaos.until(|counts| counts.requests() == 1).await;
        let answers = futures_util::future::join_all((0..5).map(|_| gateway.get("/loans"))).await;
        answers.iter().for_each(Answer::assert_complete);
    };
    let (first, ()) = tokio::join!(first, later);
    first.assert_complete();
    assert!(
        started.elapsed() >= Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(chaos.counts().requests(), 7);
}

#[tokio::test]
async fn a_wait_that_an_unavailable_upstream_asks_for_is_kept() {
    let (gateway, chaos) = start(
        |asked| match asked.attempt {
            0 => says(503, "retry-after: 1\r\n"),
            _ => says(503, "retry-after: 60\r\n"),
        },
        |setup| setup,
    )
    .await;
    let started = Instant::now();
    let answer = gateway.get("/loans").await;
    assert!(
        started.elapsed() >= Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(code(&answer), "upstream_unavailable");
    let error = &answer.source(PROVIDER.as_str())["error"];
    // The second wait is longer than the request may take, and so there is no third attempt.
    assert_eq!(
        (&error["attempts"], &error["retry_after_ms"]),
        (&2.into(), &60_000.into())
    );
    assert_eq!(chaos.counts().requests(), 2);
}

#[tokio::test]
async fn retries_are_rationed() {
    // A refusal that is worth asking again, and that no circuit counts.
    let (gateway, chaos) = start(|_| says(429, ""), |setup| setup).await;
    let started = Instant::now();
    for _ in 0..200 {
        assert_eq!(code(&gateway.get("/loans").await), "upstream_rate_limited");
    }
    let seconds = usize::try_from(started.elapsed().as_secs()).unwrap();
    let most = 200 + 20 + 10 + seconds + 1;
    let made = chaos.counts().requests();
    assert!((200..=most).contains(&made), "{made} requests, at most {most}");
    let retried = health(&gateway, PROVIDER).await["retried"].as_u64().unwrap();
    assert_eq!(retried, u64::try_from(made - 200).unwrap());
}
