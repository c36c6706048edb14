//! A hundred requests at once over tokens that the providers no longer take.

use std::time::Duration;

use loangate::sim::{Fault, Provider};

use crate::Size;
use crate::gateway::Gateway;
use crate::load::Load;
use crate::report::{Ms, Report};
use crate::upstream::{LIST, calls, complete, config, healthy_counts, simulators};

const AT_ONCE: u32 = 100;
const MINTING: [Provider; 2] = [Provider::Goscore, Provider::Bsa];

pub(crate) async fn run(size: Size, report: &mut Report) {
    let rounds = size.pick(3, 20);
    let (world, simulators) = simulators(20).await;
    let gateway = Gateway::start(&config(simulators, "[cache]\nmax_age = \"0s\"", "")).await;
    let counts = healthy_counts(&gateway).await;

    let (mut asked, mut right, mut most, mut fewest) = (0, 0, 0, usize::MAX);
    let (mut complaints, mut slowest, mut errors) = (String::new(), Duration::ZERO, 0);
    for _ in 0..rounds {
        for provider in MINTING {
            world.set_fault(provider, Fault::ExpiredToken);
        }
        world.clear_requests();
        let load = Load {
            address: gateway.address,
            target: LIST.to_owned(),
            requests: AT_ONCE,
            every: Duration::ZERO,
            keep: false,
            patient: false,
            judge: complete(counts.clone()),
        };
        let tally = load.run().await;
        asked += tally.asked;
        right += tally.right();
        errors += tally.status_500;
        slowest = slowest.max(tally.slowest());
        complaints += &tally.complaints();
        for provider in MINTING {
            let minted = calls(&world, provider, true);
            most = most.max(minted);
            fewest = fewest.min(minted);
        }
    }
    report.line(
        "tokens",
        &format!("{AT_ONCE} requests at once over two expired tokens, {rounds} rounds"),
        &format!(
            "{right} of {asked} complete{complaints}; {fewest} to {most} token calls per provider and round; slowest {}; {errors} with status 500",
            Ms(slowest)
        ),
        &[
            ("exactly one token call", most == 1 && fewest == 1),
            ("all complete", right == asked),
            ("no 500", errors == 0),
        ],
    );
}
