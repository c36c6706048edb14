//! At most so many requests a second: each one takes the next free moment. Pure; the clock is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// The next free moment of a connection.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    free: Instant,
}

impl Pace {
    /// Without a limit every moment is free.
    pub(super) fn new(per_second: Option<u64>, now: Instant) -> Self {
        let second = Duration::from_secs(1);
        let per_second = per_second.map(|requests| u32::try_from(requests).unwrap_or(u32::MAX));
        let interval = per_second
            .and_then(|requests| second.checked_div(requests))
            .unwrap_or_default();
        Self { interval, free: now }
    }

    /// Takes the next free moment, if it comes before `deadline`. A request that could not start in time takes none.
    pub(super) fn take(&mut self, now: Instant, deadline: Instant) -> Option<Instant> {
        let moment = self.free.max(now);
        if moment > deadline {
            return None;
        }
        self.free = moment.checked_add(self.interval)?;
        Some(moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn requests_are_spaced_and_the_late_ones_take_no_place() {
        let start = Instant::now();
        let deadline = start.checked_add(Duration::from_millis(500)).unwrap();
        let mut pace = Pace::new(Some(4), start);
        let waits: Vec<Option<u128>> = (0..5)
            .map(|_| pace.take(start, deadline).map(|at| (at - start).as_millis()))
            .collect();
        assert_eq!(waits, [Some(0), Some(250), Some(500), None, None]);
        tokio::time::advance(Duration::from_secs(10)).await;
        let now = Instant::now();
        assert_eq!(pace.take(now, now), Some(now), "an idle time is not saved up");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nobody_waits() {
        let now = Instant::now();
        let mut pace = Pace::new(None, now);
        assert!((0..1000).all(|_| pace.take(now, now) == Some(now)));
    }
}
