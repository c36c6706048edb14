//! Customers: how many durable writes a store takes, and how long a read does. On a SQLite file, and on the PostgreSQL server
//! that `LOANGATE_TEST_POSTGRES_URL` names.

use std::env;
use std::time::Duration;

use tokio::time::Instant;

use crate::Size;
use crate::client::Connection;
use crate::gateway::{Folder, Gateway};
use crate::report::{Ms, Report, quantile};
use crate::upstream::{config, simulators};

/// Callers at once, each with a connection of its own.
const WRITERS: usize = 64;
const READERS: usize = 4;

/// What each customer is linked to.
const REFERENCES: &str = r#"{"references":["bsa:customer:42","carbon:customer:c1","fineract:loan:123",{"ref":"goscore:consent:6915ab99857fec1e6f2f6c078","purpose":"processing","expires_at":"2031-01-31T00:00:00Z"},"belvo:customer:0d1a377b"]}"#;

const FEWER: &str = r#"{"references":["bsa:customer:42"]}"#;

/// What the callers do.
#[derive(Debug, Clone, Copy)]
enum Work {
    Make,
    Change,
    Read,
}

pub(crate) async fn run(size: Size, report: &mut Report) {
    let folder = Folder::new();
    let file = format!("sqlite://{}/loangate.db", folder.path().display());
    let sqlite = one(size, report, "SQLite", &file, 1000).await;
    match env::var("LOANGATE_TEST_POSTGRES_URL") {
        Ok(server) => {
            // Not slower than the file on this disk by more than three times.
            one(size, report, "PostgreSQL", &server, sqlite.div_ceil(3)).await;
        }
        Err(_) => println!("customers: LOANGATE_TEST_POSTGRES_URL is not set, so PostgreSQL is left out"),
    }
}

fn request(method: &str, id: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} /customers/{id} HTTP/1.1\r\nhost: endure.test\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// How many durable writes a second it took.
async fn one(size: Size, report: &mut Report, engine: &str, url: &str, least: usize) -> usize {
    let (_world, simulators) = simulators(0).await;
    let store = format!("\n[store]\nurl = \"{url}\"\n");
    let gateway = Gateway::start(&config(simulators, &store, "")).await;
    let time = size.pick(Duration::from_secs(1), Duration::from_secs(10));
    // The table of an earlier run may still be there.
    let run = uuid::Uuid::new_v4().simple().to_string();
    let work = async |work: Work, callers: usize| {
        let began = Instant::now();
        let callers = (0..callers).map(|caller| {
            let (address, run) = (gateway.address, run.clone());
            tokio::spawn(async move {
                let mut connection = Connection::open(address).await.unwrap();
                let (mut took, mut wrong) = (Vec::new(), 0_usize);
                for number in 0.. {
                    if began.elapsed() >= time {
                        break;
                    }
                    // Who changes or reads takes what the same caller wrote first. A change takes something away.
                    let (method, body, expected, which) = match work {
                        Work::Make => ("PUT", REFERENCES, 201, number),
                        Work::Change if number % 2 == 0 => ("PUT", FEWER, 200, 0),
                        Work::Change => ("PUT", REFERENCES, 200, 0),
                        Work::Read => ("GET", "", 200, number % 10),
                    };
                    let text = request(method, &format!("{run}-{caller}-{which}"), body);
                    let asked = Instant::now();
                    let answer = connection.exchange(text.as_bytes()).await.unwrap();
                    took.push(asked.elapsed());
                    wrong += usize::from(answer.status != expected);
                }
                (took, wrong)
            })
        });
        let mut all = Vec::new();
        let mut wrong = 0;
        for caller in callers.collect::<Vec<_>>() {
            let (took, missed) = caller.await.unwrap();
            all.extend(took);
            wrong += missed;
        }
        let per_second = all.len() * 1000 / usize::try_from(began.elapsed().as_millis()).unwrap().max(1);
        all.sort_unstable();
        (all, wrong, per_second)
    };
    let (writes, wrong, made) = work(Work::Make, WRITERS).await;
    let fast = size == Size::Short || made >= least;
    report.line(
        "customers",
        &format!(
            "{engine}: {WRITERS} connections put new customers of five references for {} s",
            time.as_secs()
        ),
        &format!(
            "{made} durable writes/s, p50 {}, p99 {}, {wrong} of {} not 201",
            Ms(quantile(&writes, 500)),
            Ms(quantile(&writes, 990)),
            writes.len()
        ),
        &[
            (&format!("at least {least} writes/s"), fast),
            ("every one acknowledged", wrong == 0),
        ],
    );
    let (changes, wrong, per_second) = work(Work::Change, WRITERS).await;
    report.line(
        "customers",
        &format!(
            "{engine}: {WRITERS} connections change one each for {} s, and every other time take something away",
            time.as_secs()
        ),
        &format!(
            "{per_second} durable changes/s, p50 {}, p99 {}, {wrong} of {} not 200",
            Ms(quantile(&changes, 500)),
            Ms(quantile(&changes, 990)),
            changes.len()
        ),
        &[("every one acknowledged", wrong == 0)],
    );
    let (reads, wrong, per_second) = work(Work::Read, READERS).await;
    let median = quantile(&reads, 500);
    let fast = size == Size::Short || median < Duration::from_millis(1);
    report.line(
        "customers",
        &format!(
            "{engine}: {READERS} connections read one each for {} s",
            time.as_secs()
        ),
        &format!(
            "{per_second} reads/s, p50 {} us, p99 {}, {wrong} not 200",
            median.as_micros(),
            Ms(quantile(&reads, 990))
        ),
        &[
            ("half of them within 1 ms", fast),
            ("every one found", wrong == 0),
        ],
    );
    made
}
