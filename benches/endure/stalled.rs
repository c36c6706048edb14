//! One of five providers takes every request and never answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use loangate::sim::{Fault, Provider};
use tokio::time::{interval, sleep};

use crate::Size;
use crate::gateway::Gateway;
use crate::load::Load;
use crate::report::{Kib, Ms, Report};
use crate::upstream::{LIST, config, healthy_counts, simulators, without};

const DEADLINE: Duration = Duration::from_secs(2);
/// Growth that counts as flat.
const FLAT: u64 = 10 * 1024;

pub(crate) async fn run(size: Size, report: &mut Report) {
    let (rate, seconds) = size.pick((50, 4), (200, 60));
    let (world, simulators) = simulators(20).await;
    let top = "[server]\ndeadline = \"2s\"\n[cache]\nmax_age = \"0s\"";
    let gateway = Arc::new(Gateway::start(&config(simulators, top, "timeout = \"1s\"")).await);
    let counts = healthy_counts(&gateway).await;
    world.set_fault(Provider::Carbon, Fault::NoAnswer);

    let over = Arc::new(AtomicBool::new(false));
    let watch = tokio::spawn({
        let (gateway, over) = (Arc::clone(&gateway), Arc::clone(&over));
        async move {
            let mut tick = interval(Duration::from_millis(100));
            let (mut resident, mut threads) = (Vec::new(), 0);
            while !over.load(Ordering::Relaxed) {
                tick.tick().await;
                let usage = gateway.usage();
                resident.push(usage.resident);
                threads = threads.max(usage.threads);
            }
            (resident, threads)
        }
    });
    let load = Load {
        address: gateway.address,
        target: LIST.to_owned(),
        requests: rate * seconds,
        every: Duration::from_secs(1) / rate,
        keep: true,
        patient: false,
        judge: without(counts, Provider::Carbon),
    };
    let tally = load.run().await;
    sleep(Duration::from_millis(200)).await;
    over.store(true, Ordering::Relaxed);
    let (resident, threads) = watch.await.unwrap();
    let third = resident.len() / 3;
    let mean = |part: &[u64]| part.iter().sum::<u64>() / u64::try_from(part.len().max(1)).unwrap_or(1);
    let (first, last) = (
        mean(&resident[..third]),
        mean(&resident[resident.len() - third..]),
    );

    report.line(
        "stalled",
        &format!("one of five never answers, {rate}/s for {seconds} s, deadline {} s", DEADLINE.as_secs()),
        &format!(
            "{} of {} with the other four's loans{}; p50 {}, p99 {}, slowest {}; resident {} first third, {} last third, {threads} threads at most; {} with status 500",
            tally.right(),
            tally.asked,
            tally.complaints(),
            Ms(tally.at(500)),
            Ms(tally.at(990)),
            Ms(tally.slowest()),
            Kib(first),
            Kib(last),
            tally.status_500
        ),
        &[
            ("every answer has the other four", tally.all_right()),
            ("slowest within deadline + 50 ms", tally.slowest() <= DEADLINE + Duration::from_millis(50)),
            ("memory flat within 10 MiB", last <= first + FLAT),
            ("no 500", tally.status_500 == 0),
        ],
    );
}
