//! Open-loop load: a request starts when its time has come, whatever became of the earlier ones, and its latency counts
//! from then.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::client::{Answer, Connection};
use crate::report::quantile;

/// Nobody waits longer than this; the bounds are far below.
const GIVE_UP: Duration = Duration::from_secs(30);
/// Kept connections that are put back. Few, so that each is used several times a second.
const KEPT: usize = 20;

/// What makes an answer wrong, in words.
pub(crate) type Judge = Arc<dyn Fn(&Answer) -> Result<(), String> + Send + Sync>;

/// A load.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) target: String,
    pub(crate) requests: u32,
    /// Between the starts of two requests; zero is all at once.
    pub(crate) every: Duration,
    /// Connections are used again instead of one per request.
    pub(crate) keep: bool,
    /// A connection that nobody listens for is tried again, and not counted.
    pub(crate) patient: bool,
    pub(crate) judge: Judge,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) asked: usize,
    /// Of the right answers, sorted.
    pub(crate) latencies: Vec<Duration>,
    pub(crate) wrong: BTreeMap<String, usize>,
    pub(crate) status_500: usize,
    /// Connections that were refused and tried again.
    pub(crate) refused: usize,
}

impl Tally {
    pub(crate) fn right(&self) -> usize {
        self.latencies.len()
    }

    pub(crate) fn all_right(&self) -> bool {
        self.asked > 0 && self.wrong.is_empty() && self.right() == self.asked
    }

    pub(crate) fn at(&self, per_mille: usize) -> Duration {
        quantile(&self.latencies, per_mille)
    }

    pub(crate) fn slowest(&self) -> Duration {
        self.latencies.last().copied().unwrap_or_default()
    }

    /// What went wrong, most frequent words included; empty when nothing did.
    pub(crate) fn complaints(&self) -> String {
        self.wrong
            .iter()
            .map(|(what, times)| format!(", {times}x {what}"))
            .collect()
    }
}

struct Done {
    latency: Duration,
    refused: usize,
    came: Result<Answer, String>,
}

impl Load {
    /// Any 200.
    pub(crate) fn any_ok() -> Judge {
        Arc::new(|answer| match answer.status {
            200 => Ok(()),
            other => Err(format!("status {other}")),
        })
    }

    pub(crate) async fn run(self) -> Tally {
        let pool = Arc::new(Mutex::new(VecDeque::new()));
        let mut running = JoinSet::new();
        let mut tally = Tally::default();
        let start = Instant::now();
        for number in 0..self.requests {
            let due = start + self.every * number;
            sleep_until(due).await;
            running.spawn(one(self.clone(), Arc::clone(&pool), due));
            while let Some(done) = running.try_join_next() {
                self.count(&mut tally, done.unwrap());
            }
        }
        while let Some(done) = running.join_next().await {
            self.count(&mut tally, done.unwrap());
        }
        tally.latencies.sort_unstable();
        tally
    }

    fn count(&self, tally: &mut Tally, done: Done) {
        tally.asked += 1;
        tally.refused += done.refused;
        let judged = done.came.and_then(|answer| {
            tally.status_500 += usize::from(answer.status == 500);
            (self.judge)(&answer)
        });
        match judged {
            Ok(()) => tally.latencies.push(done.latency),
            Err(what) => *tally.wrong.entry(what).or_default() += 1,
        }
    }
}

type Pool = Arc<Mutex<VecDeque<Connection>>>;

async fn one(load: Load, pool: Pool, due: Instant) -> Done {
    let mut refused = 0;
    let came = timeout(GIVE_UP, exchange(&load, &pool, &mut refused)).await;
    Done {
        latency: due.elapsed(),
        refused,
        came: match came {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(what)) => Err(what),
            Err(_) => Err("no answer at all".to_owned()),
        },
    }
}

async fn exchange(load: &Load, pool: &Pool, refused: &mut usize) -> Result<Answer, String> {
    let kept = if load.keep { usable(pool) } else { None };
    let used_before = kept.is_some();
    let mut connection = match kept {
        Some(connection) => connection,
        None => open(load, refused).await?,
    };
    let way = if used_before { "kept" } else { "new" };
    let answer = connection
        .get(&load.target)
        .await
        .map_err(|error| format!("lost on a {way} connection ({:?})", error.kind()))?;
    if load.keep && !answer.closing {
        let mut pool = pool.lock().unwrap();
        if pool.len() < KEPT {
            pool.push_back(connection);
        }
    }
    Ok(answer)
}

/// The connection that waited longest, so that none waits long.
fn usable(pool: &Pool) -> Option<Connection> {
    let mut pool = pool.lock().unwrap();
    loop {
        let connection = pool.pop_front()?;
        if !connection.closed() {
            return Some(connection);
        }
    }
}

async fn open(load: &Load, refused: &mut usize) -> Result<Connection, String> {
    loop {
        match Connection::open(load.address).await {
            Ok(connection) => return Ok(connection),
            Err(error) if load.patient && error.kind() == io::ErrorKind::ConnectionRefused => {
                *refused += 1;
                sleep(Duration::from_millis(5)).await;
            }
            Err(error) => return Err(format!("no connection ({:?})", error.kind())),
        }
    }
}
