//! The gateway is replaced again and again while requests keep coming.
//!
//! A request is lost when its connection was accepted and it got no complete answer. A connection that is refused
//! while nobody listens is tried again and counted apart: with one port and no front, somebody has to wait for the new
//! process.

use std::time::Duration;

use loangate::sim::{Fault, Provider};
use tokio::time::{Instant, sleep};

use crate::Size;
use crate::gateway::{Gateway, somebody_listens};
use crate::load::{Load, Tally};
use crate::report::{Ms, Report};
use crate::upstream::{LIST, complete, config, healthy_counts, simulators};

/// Requests a second, half of them on kept connections.
const RATE: u32 = 300;
/// How long each process is left in peace.
const LIFE: Duration = Duration::from_millis(400);
/// Life, drain delay, and the new process's start; the load lasts this long per restart.
const CYCLE: Duration = Duration::from_millis(1100);

pub(crate) async fn run(size: Size, report: &mut Report) {
    let restarts = size.pick(5, 100);
    let (world, simulators) = simulators(5).await;
    // So that every stop finds requests in hand.
    world.set_fault(Provider::Carbon, Fault::Slow(Duration::from_millis(50)));
    let text = config(simulators, "[cache]\nmax_age = \"0s\"", "");
    let mut gateway = Gateway::start(&text).await;
    let address = gateway.address;
    let counts = healthy_counts(&gateway).await;
    let load = |keep| Load {
        address,
        target: LIST.to_owned(),
        requests: u32::try_from((CYCLE * restarts).as_millis()).unwrap() * (RATE / 2) / 1000,
        every: Duration::from_secs(1) / (RATE / 2),
        keep,
        patient: true,
        judge: complete(counts.clone()),
    };
    let fresh = tokio::spawn(load(false).run());
    let kept = tokio::spawn(load(true).run());

    let (mut bad_exits, mut longest_gap) = (0, Duration::ZERO);
    for _ in 0..restarts {
        sleep(LIFE).await;
        gateway.ask_to_stop();
        while somebody_listens(address) {
            sleep(Duration::from_millis(1)).await;
        }
        let closed = Instant::now();
        let next = Gateway::start_at(address, &text).await;
        longest_gap = longest_gap.max(closed.elapsed());
        bad_exits += usize::from(!gateway.ended_well().await);
        gateway = next;
    }
    let (fresh, kept): (Tally, Tally) = (fresh.await.unwrap(), kept.await.unwrap());
    bad_exits += usize::from(!gateway.stop().await);
    let lost = fresh.asked + kept.asked - fresh.right() - kept.right();
    report.line(
        "restarts",
        &format!("{restarts} restarts under {RATE}/s, half on new and half on kept connections"),
        &format!(
            "{lost} lost of {} new and {} kept{}{}; {} connections refused between two processes (at most {} without one) and tried again; slowest {}; {bad_exits} exits other than 0; {} with status 500",
            fresh.asked,
            kept.asked,
            fresh.complaints(),
            kept.complaints(),
            fresh.refused + kept.refused,
            Ms(longest_gap),
            Ms(fresh.slowest().max(kept.slowest())),
            fresh.status_500 + kept.status_500
        ),
        &[
            ("0 lost", lost == 0),
            ("every exit code 0", bad_exits == 0),
            ("no 500", fresh.status_500 + kept.status_500 == 0),
        ],
    );
}
