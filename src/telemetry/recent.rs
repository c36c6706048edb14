//! What was sent to one connection in the last quarter of an hour, half a minute at a time. Half a minute in which
//! nothing is sent takes no room, and a busy one 200 bytes.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// How long a stretch is, and how many there are.
const STRETCH: u64 = 30;
const STRETCHES: u64 = 30;

/// What a time is told as: the first of these milliseconds that it does not exceed, so that it looks a third too long at
/// most. What takes longer than the last counts as that.
const BOUNDS: [u64; 46] = [
    1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250, 300, 400, 500, 600,
    800, 1_000, 1_200, 1_500, 2_000, 2_500, 3_000, 4_000, 5_000, 6_000, 8_000, 10_000, 12_000, 15_000,
    20_000, 25_000, 30_000, 40_000, 50_000, 60_000,
];

/// Half a minute of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// When it began; a round half minute.
    pub from: SystemTime,
    /// Requests sent that ended in it.
    pub requests: u64,
    /// Those that failed because of the provider, the network or our credentials.
    pub failures: u64,
    /// Half of those that were answered took at most so many milliseconds; `None` if none was.
    pub p50: Option<u64>,
    /// So did 95 of a hundred.
    pub p95: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Recent {
    /// When counting began, by both clocks: what is shown is of the wall's, and its steps must not mix up the counts.
    wall: Duration,
    began: Instant,
    busy: VecDeque<Busy>,
}

/// A stretch in which something happened.
#[derive(Debug)]
struct Busy {
    number: u64,
    requests: u32,
    failures: u32,
    times: [u32; BOUNDS.len()],
}

impl Default for Recent {
    fn default() -> Self {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self {
            wall: wall.unwrap_or_default(),
            began: Instant::now(),
            busy: VecDeque::new(),
        }
    }
}

impl Recent {
    /// A request is over.
    pub(super) fn counts(&mut self, failed: bool) {
        if let Some(now) = self.now() {
            now.requests = now.requests.saturating_add(1);
            now.failures = now.failures.saturating_add(u32::from(failed));
        }
    }

    /// A request was answered, or failed, after so long.
    pub(super) fn took(&mut self, elapsed: Duration) {
        // A begun millisecond is one.
        let milliseconds = u64::try_from(elapsed.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
        let place = BOUNDS.partition_point(|bound| *bound < milliseconds);
        let place = place.min(BOUNDS.len().saturating_sub(1));
        if let Some(count) = self.now().and_then(|now| now.times.get_mut(place)) {
            *count = count.saturating_add(1);
        }
    }

    /// Every stretch since counting began, the oldest first; the last one is not over.
    pub(super) fn read(&self) -> Vec<Stretch> {
        let last = self.number();
        let first = self.wall.as_secs().checked_div(STRETCH).unwrap_or_default();
        let first = first.max(last.saturating_sub(STRETCHES.saturating_sub(1)));
        let mut busy = self.busy.iter().peekable();
        let stretches = (first..=last).map(|number| {
            while busy.next_if(|busy| busy.number < number).is_some() {}
            busy.next_if(|busy| busy.number == number)
                .map_or_else(|| quiet(number), Busy::told)
        });
        stretches.collect()
    }

    fn number(&self) -> u64 {
        let now = self.wall.saturating_add(self.began.elapsed());
        now.as_secs().checked_div(STRETCH).unwrap_or_default()
    }

    /// The stretch that is going on. Those that are too old to be shown make room for it.
    fn now(&mut self) -> Option<&mut Busy> {
        let number = self.number();
        if self.busy.back().is_none_or(|last| last.number != number) {
            let old = |busy: &Busy| busy.number.saturating_add(STRETCHES) <= number;
            while self.busy.front().is_some_and(old) {
                self.busy.pop_front();
            }
            self.busy.push_back(Busy {
                number,
                requests: 0,
                failures: 0,
                times: [0; BOUNDS.len()],
            });
        }
        self.busy.back_mut()
    }
}

impl Busy {
    fn told(&self) -> Stretch {
        Stretch {
            requests: u64::from(self.requests),
            failures: u64::from(self.failures),
            p50: self.within(50),
            p95: self.within(95),
            ..quiet(self.number)
        }
    }

    /// The bound below which so many of a hundred times are.
    fn within(&self, percent: u64) -> Option<u64> {
        let all: u64 = self.times.iter().copied().map(u64::from).sum();
        let wanted = all.saturating_mul(percent).div_ceil(100).max(1);
        let mut seen = 0_u64;
        let mut bounds = BOUNDS.iter().zip(self.times);
        let found = bounds.find(|(_, count)| {
            seen = seen.saturating_add(u64::from(*count));
            seen >= wanted
        });
        found.map(|(bound, _)| *bound)
    }
}

fn quiet(number: u64) -> Stretch {
    let since = Duration::from_secs(number.saturating_mul(STRETCH));
    Stretch {
        from: SystemTime::UNIX_EPOCH
            .checked_add(since)
            .unwrap_or(SystemTime::UNIX_EPOCH),
        requests: 0,
        failures: 0,
        p50: None,
        p95: None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

    use tokio::time::advance;

    use super::*;

    const HALF_A_MINUTE: Duration = Duration::from_secs(STRETCH);

    fn answered(recent: &mut Recent, milliseconds: u64, failed: bool) {
        recent.took(Duration::from_millis(milliseconds));
        recent.counts(failed);
    }

    #[tokio::test(start_paused = true)]
    async fn what_happened_is_told_in_the_half_minute_it_happened_in() {
        let mut recent = Recent::default();
        for milliseconds in 1..=100 {
            answered(&mut recent, milliseconds, milliseconds > 90);
        }
        advance(HALF_A_MINUTE * 3).await;
        recent.counts(true);
        let told = recent.read();
        let figures: Vec<_> = told.iter().map(|one| (one.requests, one.failures)).collect();
        assert_eq!(figures, [(100, 10), (0, 0), (0, 0), (1, 1)]);
        let times: Vec<_> = told.iter().map(|one| (one.p50, one.p95)).collect();
        let none = (None, None);
        assert_eq!(times, [(Some(50), Some(100)), none, none, none]);
        for pair in told.windows(2) {
            assert_eq!(pair[1].from.duration_since(pair[0].from).unwrap(), HALF_A_MINUTE);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_quarter_of_an_hour_is_kept_and_no_more() {
        let mut recent = Recent::default();
        for _ in 0..100 {
            answered(&mut recent, 5, false);
            advance(HALF_A_MINUTE).await;
        }
        assert_eq!(recent.read().len(), 30);
        assert!(recent.busy.len() <= 30);
        advance(HALF_A_MINUTE * 1000).await;
        let told = recent.read();
        assert_eq!(told.len(), 30);
        assert!(told.iter().all(|one| one.requests == 0 && one.p95.is_none()));
        answered(&mut recent, 5, false);
        assert_eq!(recent.busy.len(), 1);
        assert_eq!(recent.read().last().unwrap().requests, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_is_told_a_third_too_long_at_most_and_never_too_short() {
        for milliseconds in (0..=60_000).step_by(7) {
            let mut recent = Recent::default();
            answered(&mut recent, milliseconds, false);
            let told = recent.read()[0].p95.unwrap();
            assert!(told >= milliseconds, "{milliseconds}: {told}");
            // Of the first few milliseconds the next whole one.
            assert!(
                told <= (milliseconds * 4 / 3).max(milliseconds + 1),
                "{milliseconds}: {told}"
            );
        }
        let mut recent = Recent::default();
        recent.took(Duration::MAX);
        assert_eq!(recent.read()[0].p50, Some(60_000));
    }
}
