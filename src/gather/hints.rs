//! What gateways tell each other about upstreams: whose circuit has opened, and who asked for a pause.
//!
//! A task of its own looks and tells, a few times a second, so that no request pays for it. A sign is put up once by who
//! saw it, and heeded once by each of the others; whether the upstream is well again, each finds out by itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use super::connection::Connection;
use crate::fleet::{Fleet, Name};
use crate::upstream::Upstream;

/// How often it is looked and told.
const EVERY: Duration = Duration::from_millis(250);

/// The task; it ends with this.
#[derive(Debug)]
pub(super) struct Hints(AbortHandle);

impl Drop for Hints {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Hints {
    /// Tells about these connections, and listens. Needs a runtime.
    pub(super) fn exchange(fleet: &Fleet, connections: impl Iterator<Item = Arc<Connection>>) -> Self {
        let mut signs: Vec<Sign> = connections
            .flat_map(|connection| Way::BOTH.map(|way| Sign::new(fleet, &connection, way)))
            .collect();
        let fleet = fleet.clone();
        let task = tokio::spawn(async move {
            // Of no connections there is nothing to tell.
            while !signs.is_empty() {
                // First, too: what goes wrong is to be said when there is a log.
                sleep(EVERY).await;
                exchange(&fleet, &mut signs).await;
            }
        });
        Self(task.abort_handle())
    }
}

/// Two reasons to leave an upstream alone.
#[derive(Debug, Clone, Copy)]
struct Way {
    name: &'static str,
    until: fn(&Upstream) -> Option<Instant>,
    heed: fn(&Upstream, Duration),
}

impl Way {
    const BOTH: [Self; 2] = [
        Self {
            name: "circuit",
            until: Upstream::open_until,
            heed: Upstream::open_for,
        },
        Self {
            name: "pause",
            until: Upstream::paused_until,
            heed: Upstream::pause_for,
        },
    ];
}

/// What is known of one connection in one way.
#[derive(Debug)]
struct Sign {
    connection: Arc<Connection>,
    way: Way,
    name: Name,
    /// Until when it is left alone, as far as the others know.
    told: Option<Instant>,
    /// The last sign that was seen or put up.
    seen: Option<u64>,
}

impl Sign {
    fn new(fleet: &Fleet, connection: &Arc<Connection>, way: Way) -> Self {
        Self {
            connection: Arc::clone(connection),
            way,
            name: fleet.name(way.name, &[connection.id.as_bytes(), &connection.digest]),
            told: None,
            seen: None,
        }
    }

    fn until(&self) -> Option<Instant> {
        (self.way.until)(self.connection.provider.upstream())
    }
}

async fn exchange(fleet: &Fleet, signs: &mut [Sign]) {
    let now = Instant::now();
    let mut news = Vec::new();
    for sign in signs.iter() {
        if let Some(until) = sign.until().filter(|until| Some(*until) != sign.told) {
            let left = until.saturating_duration_since(now);
            // Half of the numbers: Redis counts with a sign.
            let number = fastrand::u64(..) >> 1;
            news.push((sign.name.clone(), number, left));
        }
    }
    if !news.is_empty() && fleet.post(&news).await {
        for sign in signs.iter_mut() {
            if let Some((_, number, _)) = news.iter().find(|(name, ..)| *name == sign.name) {
                sign.seen = Some(*number);
                sign.told = sign.until();
            }
        }
    }
    let names: Vec<Name> = signs.iter().map(|sign| sign.name.clone()).collect();
    for (sign, posted) in signs.iter_mut().zip(fleet.posted(&names).await) {
        if let Some((number, left)) = posted.filter(|(number, _)| Some(*number) != sign.seen) {
            sign.seen = Some(number);
            (sign.way.heed)(sign.connection.provider.upstream(), left);
            // Whoever told knows of it, and so do the others.
            sign.told = sign.until();
        }
    }
}
