//! A thousand callers ask the same at the same time.

use std::time::Duration;

use loangate::sim::{Fault, Provider};

use crate::Size;
use crate::client;
use crate::gateway::Gateway;
use crate::load::Load;
use crate::report::{Kib, Ms, Report};
use crate::upstream::{LIST, calls, complete, config, healthy_counts, simulators};

pub(crate) async fn run(size: Size, report: &mut Report) {
    let callers = size.pick(200, 1000);
    let (world, simulators) = simulators(20).await;
    // Slow enough for all to ask before the first one has an answer.
    for provider in Provider::ALL {
        world.set_fault(provider, Fault::Slow(Duration::from_millis(500)));
    }
    let text = config(simulators, "", "");
    let alone = Gateway::start(&text).await;
    let counts = healthy_counts(&alone).await;
    let seen =
        || Provider::ALL.map(|provider| (calls(&world, provider, false), calls(&world, provider, true)));
    let for_one = seen();
    drop(alone);

    let gateway = Gateway::start(&text).await;
    world.clear_requests();
    let load = Load {
        address: gateway.address,
        target: LIST.to_owned(),
        requests: callers,
        every: Duration::ZERO,
        keep: false,
        patient: false,
        judge: complete(counts),
    };
    let tally = load.run().await;
    let for_all = seen();
    let fetches: usize = for_all.iter().map(|(loans, _)| loans).sum();
    let single: usize = for_one.iter().map(|(loans, _)| loans).sum();
    let metrics = client::get(gateway.address, "/livez").await.is_ok();
    report.line(
        "hot",
        &format!("{callers} identical requests at once, cache on, nothing in it"),
        &format!(
            "{} of {} complete{}; {fetches} calls for loans in all, one caller alone makes {single}; slowest {}; peak {}; {} with status 500",
            tally.right(),
            tally.asked,
            tally.complaints(),
            Ms(tally.slowest()),
            Kib(gateway.usage().peak),
            tally.status_500
        ),
        &[
            ("as many upstream calls as for one", for_all == for_one),
            ("all complete", tally.all_right()),
            ("alive", metrics),
            ("no 500", tally.status_500 == 0),
        ],
    );
}
