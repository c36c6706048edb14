//! One provider answers 503 for ever.

use std::time::Duration;

use loangate::sim::{Fault, Provider};

use crate::Size;
use crate::client;
use crate::gateway::Gateway;
use crate::load::{Judge, Load};
use crate::report::{Ms, Report};
use crate::upstream::{LIST, calls, complete, config, healthy_counts, simulators, without};

const RATE: u32 = 50;
/// Failures in a row that open the circuit.
const FAILURES: usize = 5;
/// Attempts that may already be on their way when it opens.
const UNDER_WAY: usize = 5;
/// What two runs of the same thing may differ by on a machine that does other things too.
const NOISE: Duration = Duration::from_millis(15);

pub(crate) async fn run(size: Size, report: &mut Report) {
    let (seconds, open_for): (u32, u32) = size.pick((4, 500), (20, 2000));
    let (world, simulators) = simulators(20).await;
    let each = format!("circuit = {{ failures = {FAILURES}, open_for = \"{open_for}ms\" }}");
    let gateway = Gateway::start(&config(simulators, "[cache]\nmax_age = \"0s\"", &each)).await;
    let counts = healthy_counts(&gateway).await;
    let load = |judge: Judge| Load {
        address: gateway.address,
        target: LIST.to_owned(),
        requests: RATE * seconds,
        every: Duration::from_secs(1) / RATE,
        keep: true,
        patient: false,
        judge,
    };
    let control = load(complete(counts.clone())).run().await;

    let broken = Fault::Status {
        status: 503,
        times: u32::MAX,
    };
    world.set_fault(Provider::Carbon, broken);
    world.clear_requests();
    // Opened before the clock starts, so that only answers with the circuit open are compared.
    let mut trip = 0;
    while !says(
        &gateway,
        "/metrics",
        "loangate_circuit_state{connection=\"carbon\"} 2",
    )
    .await
    {
        let _ = client::get(gateway.address, LIST).await;
        trip += 1;
        assert!(trip < 50, "the circuit does not open");
    }
    let at_trip = calls(&world, Provider::Carbon, false);
    let open = load(without(counts, Provider::Carbon)).run().await;
    let probes = calls(&world, Provider::Carbon, false) - at_trip;
    let shortest = u128::from(open_for) * 8 / 10;
    let took = u128::from(seconds) * 1000;
    let allowed = usize::try_from(took.div_ceil(shortest)).unwrap_or(usize::MAX);
    let shown = says(&gateway, "/connections", "\"open\"").await
        || says(&gateway, "/connections", "\"half_open\"").await;

    report.line(
        "circuit",
        &format!("one of five answers 503 for ever, {RATE}/s for {seconds} s, open_for {open_for} ms"),
        &format!(
            "{at_trip} calls until open, then {probes} in {seconds} s; p99 {} against {} with all well (p50 {} against {}); {} of {} with the other four's loans{}{}; {} with status 500",
            Ms(open.at(990)),
            Ms(control.at(990)),
            Ms(open.at(500)),
            Ms(control.at(500)),
            open.right(),
            open.asked,
            open.complaints(),
            control.complaints(),
            open.status_500 + control.status_500
        ),
        &[
            (&format!("at most {} calls until open", FAILURES + UNDER_WAY), at_trip <= FAILURES + UNDER_WAY),
            (&format!("at most {allowed} probes"), probes <= allowed && probes > 0),
            ("p99 no slower than with all well + 15 ms", open.at(990) <= control.at(990) + NOISE),
            ("shown in /connections and /metrics", shown),
            ("every answer right", open.all_right() && control.all_right()),
            ("no 500", open.status_500 + control.status_500 == 0),
        ],
    );
}

async fn says(gateway: &Gateway, target: &str, words: &str) -> bool {
    let answer = client::get(gateway.address, target).await;
    answer.is_ok_and(|answer| String::from_utf8_lossy(&answer.body).contains(words))
}
