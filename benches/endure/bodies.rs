//! Answers that are made to hurt: first each alone, then sixty-four at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::Size;
use crate::client::{self, Listing};
use crate::gateway::Gateway;
use crate::hostile::{HARMS, Hostile};
use crate::report::{Kib, Ms, Report, quantile};

/// From the cap to the answer.
const SOON: Duration = Duration::from_millis(100);
/// The same where everything is within limits and every record is read before it is refused: 8 MiB of work.
const AFTER_READING: Duration = Duration::from_millis(500);
const GROWTH: u64 = 32 * 1024;
const IN_ALL: u64 = 256 * 1024;
const AT_ONCE: usize = 64;

pub(crate) async fn run(size: Size, report: &mut Report) {
    let hostile = Hostile::start().await;
    let text = format!(
        "[auth]\nmode = \"none\"\n[cache]\nmax_age = \"0s\"\n[connections.belvo]\nprovider = \"belvo\"\n\
         base_url = \"http://{}\"\nkey_id = \"id\"\nkey_secret = \"secret\"\ncurrency = \"MXN\"\n",
        hostile.address
    );
    for (harm, code) in HARMS {
        // A process of its own, so that nobody else's memory is there to be used again.
        let gateway = Gateway::start(&text).await;
        client::get(gateway.address, &target("none-0")).await.unwrap();
        alone(&gateway, &hostile, harm, code, size.pick(1, 5), report).await;
    }
    let gateway = Arc::new(Gateway::start(&text).await);
    together(&gateway, report).await;
}

fn target(customer: &str) -> String {
    format!("/loans?ref=belvo:merchant_customer:{customer}")
}

/// The one source's error in an answer that is not a list of loans.
fn code(answer: &client::Answer) -> Result<String, String> {
    if answer.status == 500 {
        return Err("status 500".to_owned());
    }
    let source = Listing::of(answer)?.sources.pop();
    let error = source.and_then(|source| source.error);
    error
        .map(|error| error.code)
        .ok_or_else(|| format!("status {} and no error", answer.status))
}

async fn alone(
    gateway: &Gateway,
    hostile: &Hostile,
    harm: &str,
    wanted: &str,
    times: usize,
    report: &mut Report,
) {
    let (mut slowest, mut growth, mut wrong) = (Duration::ZERO, 0, String::new());
    for number in 0..times {
        let customer = format!("{harm}-{number}");
        let before = gateway.usage().resident;
        gateway.forget_peak();
        let answer = client::get(gateway.address, &target(&customer)).await.unwrap();
        let answered = Instant::now();
        // Not even the cap had been sent: then it was refused before.
        let since = hostile
            .sent(&customer)
            .map(|sent| answered.saturating_duration_since(sent));
        slowest = slowest.max(since.unwrap_or_default());
        growth = growth.max(gateway.usage().peak.saturating_sub(before));
        match code(&answer) {
            Ok(code) if code == wanted => {}
            other => wrong = format!(", but {other:?}"),
        }
    }
    let within = match harm {
        "many" | "fields" => AFTER_READING,
        _ => SOON,
    };
    report.line(
        "bodies",
        &format!("{harm}, {times} in turn"),
        &format!(
            "{wanted}{wrong}; {} after the cap; memory grew by {}",
            Ms(slowest),
            Kib(growth)
        ),
        &[
            ("right code", wrong.is_empty()),
            (
                &format!("within {} ms of the cap", within.as_millis()),
                slowest <= within,
            ),
            ("grew by less than 32 MiB", growth < GROWTH),
        ],
    );
}

async fn together(gateway: &Arc<Gateway>, report: &mut Report) {
    let mut asked = Vec::new();
    let began = Instant::now();
    for number in 0..AT_ONCE {
        let (harm, wanted) = HARMS[number % HARMS.len()];
        let address = gateway.address;
        asked.push(tokio::spawn(async move {
            let answer = client::get(address, &target(&format!("{harm}-all{number}"))).await;
            let code = answer
                .map_err(|error| error.to_string())
                .and_then(|answer| code(&answer));
            (harm, wanted, code, began.elapsed())
        }));
    }
    let (mut took, mut right, mut wrong, mut lost) = (Vec::new(), 0, String::new(), 0);
    for answer in asked {
        let (harm, wanted, code, elapsed) = answer.await.unwrap();
        took.push(elapsed);
        match code {
            Ok(code) if code == wanted => right += 1,
            Ok(code) => wrong += &format!(", {harm} was {code}"),
            Err(problem) => {
                lost += 1;
                wrong += &format!(", {harm}: {problem}");
            }
        }
    }
    took.sort_unstable();
    let peak = gateway.usage().peak;
    report.line(
        "bodies",
        &format!("{AT_ONCE} of them at once, every kind in turn"),
        &format!(
            "{right} with the right code{wrong}; p50 {}, slowest {}; peak of the whole process {}",
            Ms(quantile(&took, 500)),
            Ms(quantile(&took, 1000)),
            Kib(peak)
        ),
        &[
            ("all answered", lost == 0),
            ("right codes", right == AT_ONCE),
            ("process below 256 MiB", peak < IN_ALL),
        ],
    );
}
