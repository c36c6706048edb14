//! How much retrying a connection may do: a tenth of its first attempts and one a second, so that a failing upstream
//! is not buried under our help. Pure; the clock is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// One retry, in the unit of the account. A first attempt earns a tenth of it.
const RETRY: u32 = 10;
const EARNED_PER_ATTEMPT: u32 = 1;
const EARNED_PER_SECOND: u32 = 10;
/// Ten retries: what a connection starts with, and the most it saves.
const FULL: u32 = 100;

/// The account of one connection.
#[derive(Debug)]
pub(super) struct Budget {
    balance: u32,
    counted_until: Instant,
}

impl Budget {
    /// A full account.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            balance: FULL,
            counted_until: now,
        }
    }

    /// A first attempt was made.
    pub(super) fn deposit(&mut self, now: Instant) {
        self.earn(now);
        self.balance = self.balance.saturating_add(EARNED_PER_ATTEMPT).min(FULL);
    }

    /// Pays for a retry, if there is enough.
    pub(super) fn withdraw(&mut self, now: Instant) -> bool {
        self.earn(now);
        match self.balance.checked_sub(RETRY) {
            Some(rest) => {
                self.balance = rest;
                true
            }
            None => false,
        }
    }

    /// Counts whole tenths of a second only, so that frequent calls do not lose the rest.
    fn earn(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.counted_until);
        let step = Duration::from_secs(1)
            .checked_div(EARNED_PER_SECOND)
            .unwrap_or_default();
        let steps = elapsed
            .as_millis()
            .checked_div(step.as_millis())
            .unwrap_or_default();
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        self.balance = self.balance.saturating_add(steps).min(FULL);
        let counted = step
            .checked_mul(steps)
            .and_then(|counted| self.counted_until.checked_add(counted));
        self.counted_until = counted.unwrap_or(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ten_at_once_then_a_tenth_and_one_a_second() {
        let mut budget = Budget::new(Instant::now());
        let spend = |budget: &mut Budget| (0..1000).take_while(|_| budget.withdraw(Instant::now())).count();
        assert_eq!(spend(&mut budget), 10);
        for _ in 0..50 {
            budget.deposit(Instant::now());
        }
        assert_eq!(spend(&mut budget), 5);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(spend(&mut budget), 3);
        for _ in 0..30 {
            tokio::time::advance(Duration::from_millis(50)).await;
            budget.earn(Instant::now());
        }
        assert_eq!(spend(&mut budget), 1);
        tokio::time::advance(Duration::from_hours(100)).await;
        assert_eq!(spend(&mut budget), 10);
    }
}
