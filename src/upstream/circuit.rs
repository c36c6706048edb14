//! The circuit breaker of one connection, as a pure state machine: time and chance are arguments.
//!
//! Two signals open it: failures in a row, and a bad share of a busy window. Half-open lets exactly one probe pass; a
//! probe that is dropped or never settles gives its place back, and a late result of an earlier state changes nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The window of the second signal, in one-second buckets.
const WINDOW: usize = 10;
/// Attempts the window must hold before its share of successes means anything.
const SAMPLES: u32 = 20;

/// When to open, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Failures in a row.
    pub failures: u32,
    /// Time without any attempt, give or take a fifth.
    pub open_for: Duration,
    /// Longest an attempt can take; a probe older than this has been lost.
    pub attempt: Duration,
}

vocabulary! {
    /// What callers and operators see of a circuit.
    State as CircuitState {
        /// Attempts pass.
        Closed = "closed",
        /// One attempt at a time passes, to see.
        HalfOpen = "half_open",
        /// Nothing passes.
        Open = "open",
    }
}

/// What an attempt says about the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It serves: any complete answer that is not a failure of its own, refusals included.
    Served,
    /// It failed.
    Failed,
    /// It serves, and wants less: this does not close a circuit.
    Limited,
    /// Nothing can be said: the caller went away, or its time was too short.
    Unknown,
}

#[derive(Debug)]
enum Phase {
    Closed,
    Open { until: Instant },
    HalfOpen { probe: Option<Instant> },
}

/// The machine itself.
#[derive(Debug)]
pub(super) struct Machine {
    policy: Policy,
    phase: Phase,
    /// Counts changes of phase, so that a result knows whether it is late.
    generation: u64,
    in_a_row: u32,
    window: Window,
}

/// Whether an attempt may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    Pass { generation: u64 },
    Wait(Duration),
}

impl Machine {
    pub(super) fn new(policy: Policy, now: Instant) -> Self {
        Self {
            policy,
            phase: Phase::Closed,
            generation: 0,
            in_a_row: 0,
            window: Window::new(now),
        }
    }

    pub(super) fn state(&self, now: Instant) -> State {
        match self.phase {
            Phase::Closed => State::Closed,
            Phase::Open { until } if now < until => State::Open,
            Phase::Open { .. } | Phase::HalfOpen { .. } => State::HalfOpen,
        }
    }

    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        match &mut self.phase {
            Phase::Closed => {}
            Phase::Open { until } if now < *until => {
                return Admission::Wait(until.saturating_duration_since(now));
            }
            Phase::Open { .. } => self.become_phase(Phase::HalfOpen { probe: Some(now) }),
            Phase::HalfOpen { probe } => {
                let busy = probe.map(|since| {
                    self.policy
                        .attempt
                        .saturating_sub(now.saturating_duration_since(since))
                });
                match busy {
                    Some(left) if !left.is_zero() => return Admission::Wait(left),
                    _ => {
                        // A new generation, so that the lost probe cannot speak for this one.
                        self.become_phase(Phase::HalfOpen { probe: Some(now) });
                    }
                }
            }
        }
        Admission::Pass {
            generation: self.generation,
        }
    }

    /// `jitter` is uniform.
    pub(super) fn settle(&mut self, generation: u64, outcome: Outcome, now: Instant, jitter: u64) {
        if generation != self.generation {
            return;
        }
        match (&mut self.phase, outcome) {
            (Phase::Closed, Outcome::Served) => {
                self.in_a_row = 0;
                self.window.count(now, false);
            }
            (Phase::Closed, Outcome::Failed) => {
                self.in_a_row = self.in_a_row.saturating_add(1);
                self.window.count(now, true);
                if self.in_a_row >= self.policy.failures || self.window.bad(now) {
                    self.open(now, jitter);
                }
            }
            (Phase::Closed, Outcome::Limited | Outcome::Unknown) | (Phase::Open { .. }, _) => {}
            (Phase::HalfOpen { .. }, Outcome::Served) => {
                self.in_a_row = 0;
                self.window = Window::new(now);
                self.become_phase(Phase::Closed);
            }
            (Phase::HalfOpen { .. }, Outcome::Failed | Outcome::Limited) => self.open(now, jitter),
            (Phase::HalfOpen { probe }, Outcome::Unknown) => *probe = None,
        }
    }

    fn open(&mut self, now: Instant, jitter: u64) {
        // 80 % to 120 % of the configured time, so that several gateways do not probe in step.
        let percent = u32::try_from(jitter % 41).unwrap_or_default().saturating_add(80);
        let time = self
            .policy
            .open_for
            .saturating_mul(percent)
            .checked_div(100)
            .unwrap_or_default();
        let until = now.checked_add(time).unwrap_or(now);
        self.become_phase(Phase::Open { until });
    }

    fn open_until(&self, now: Instant) -> Option<Instant> {
        match self.phase {
            Phase::Open { until } if now < until => Some(until),
            Phase::Closed | Phase::Open { .. } | Phase::HalfOpen { .. } => None,
        }
    }

    /// Opens it on the word of another gateway. Up to a fifth longer, so that several do not probe in step.
    fn open_for(&mut self, rest: Duration, now: Instant, jitter: u64) {
        let percent = u32::try_from(jitter % 21).unwrap_or_default().saturating_add(100);
        let rest = rest
            .min(self.policy.open_for.saturating_mul(2))
            .saturating_mul(percent)
            .checked_div(100)
            .unwrap_or_default();
        if self.open_until(now).is_none() {
            let until = now.checked_add(rest).unwrap_or(now);
            self.become_phase(Phase::Open { until });
        }
    }

    fn become_phase(&mut self, phase: Phase) {
        self.generation = self.generation.wrapping_add(1);
        self.phase = phase;
    }
}

/// Attempts and failures of the last [`WINDOW`] seconds.
#[derive(Debug)]
struct Window {
    start: Instant,
    buckets: [(u64, u32, u32); WINDOW],
}

impl Window {
    fn new(now: Instant) -> Self {
        Self {
            start: now,
            buckets: [(0, 0, 0); WINDOW],
        }
    }

    fn second(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_secs()
    }

    fn count(&mut self, now: Instant, failed: bool) {
        let second = self.second(now);
        let place = usize::try_from(second)
            .unwrap_or_default()
            .checked_rem(WINDOW)
            .unwrap_or_default();
        if let Some(bucket) = self.buckets.get_mut(place) {
            if bucket.0 != second {
                *bucket = (second, 0, 0);
            }
            bucket.1 = bucket.1.saturating_add(1);
            bucket.2 = bucket.2.saturating_add(u32::from(failed));
        }
    }

    /// More than half of enough attempts failed.
    fn bad(&self, now: Instant) -> bool {
        let second = self.second(now);
        let oldest = second.saturating_sub(u64::try_from(WINDOW).unwrap_or_default().saturating_sub(1));
        let (made, failed) = self
            .buckets
            .iter()
            .filter(|bucket| (oldest..=second).contains(&bucket.0))
            .fold((0_u32, 0_u32), |(made, failed), bucket| {
                (made.saturating_add(bucket.1), failed.saturating_add(bucket.2))
            });
        made >= SAMPLES && failed.saturating_mul(2) > made
    }
}

/// A circuit that many requests share.
#[derive(Debug, Clone)]
pub(super) struct Circuit(Arc<Mutex<Machine>>);

impl Circuit {
    pub(super) fn new(policy: Policy) -> Self {
        Self(Arc::new(Mutex::new(Machine::new(policy, Instant::now()))))
    }

    pub(super) fn state(&self) -> State {
        self.lock().state(Instant::now())
    }

    pub(super) fn open_until(&self) -> Option<Instant> {
        self.lock().open_until(Instant::now())
    }

    pub(super) fn open_for(&self, rest: Duration) {
        self.lock().open_for(rest, Instant::now(), fastrand::u64(..));
    }

    /// Leave to make one attempt, or how long to wait for it.
    pub(super) fn admit(&self) -> Result<Leave, Duration> {
        match self.lock().admit(Instant::now()) {
            Admission::Pass { generation } => Ok(Leave {
                circuit: self.clone(),
                generation,
                settled: false,
            }),
            Admission::Wait(wait) => Err(wait),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave to make one attempt. Dropped unsettled, because the caller went away, it says nothing about the upstream
/// and gives a probe's place back.
#[derive(Debug)]
pub(super) struct Leave {
    circuit: Circuit,
    generation: u64,
    settled: bool,
}

impl Leave {
    pub(super) fn settle(mut self, outcome: Outcome) {
        self.report(outcome);
    }

    fn report(&mut self, outcome: Outcome) {
        if !std::mem::replace(&mut self.settled, true) {
            self.circuit
                .lock()
                .settle(self.generation, outcome, Instant::now(), fastrand::u64(..));
        }
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.report(Outcome::Unknown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::time::advance;

    const POLICY: Policy = Policy {
        failures: 5,
        open_for: Duration::from_secs(10),
        attempt: Duration::from_secs(5),
    };

    fn circuit() -> Circuit {
        Circuit::new(POLICY)
    }

    fn attempt(circuit: &Circuit, outcome: Outcome) {
        circuit.admit().unwrap().settle(outcome);
    }

    #[tokio::test(start_paused = true)]
    async fn another_gateway_opens_it_and_its_own_probe_closes_it() {
        let circuit = circuit();
        circuit.open_for(Duration::from_secs(3));
        assert_eq!(circuit.state(), State::Open);
        let until = circuit.open_until().unwrap();
        assert!(until <= Instant::now() + Duration::from_millis(3600));
        // What is open is not opened for longer.
        circuit.open_for(Duration::from_secs(9));
        assert_eq!(circuit.open_until(), Some(until));
        advance(Duration::from_millis(3700)).await;
        assert_eq!(circuit.open_until(), None);
        attempt(&circuit, Outcome::Served);
        assert_eq!(circuit.state(), State::Closed);
        // Nobody can close it for long.
        circuit.open_for(Duration::from_hours(100));
        assert!(circuit.open_until().unwrap() <= Instant::now() + Duration::from_secs(24));
    }

    fn trip(circuit: &Circuit) {
        for _ in 0..5 {
            attempt(circuit, Outcome::Failed);
        }
        assert_eq!(circuit.state(), State::Open);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_open_it_and_one_success_forgives() {
        let circuit = circuit();
        for outcome in [
            Outcome::Failed,
            Outcome::Failed,
            Outcome::Failed,
            Outcome::Failed,
            Outcome::Served,
        ] {
            attempt(&circuit, outcome);
        }
        assert_eq!(circuit.state(), State::Closed);
        trip(&circuit);
        let wait = circuit.admit().unwrap_err();
        assert!(
            wait >= Duration::from_secs(8) && wait <= Duration::from_secs(12),
            "{wait:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_bad_share_opens_it_even_without_a_row() {
        let circuit = circuit();
        for round in 0..30 {
            let Ok(leave) = circuit.admit() else {
                assert!(round >= 19, "opened after {round}");
                return;
            };
            leave.settle(if round % 3 == 0 {
                Outcome::Served
            } else {
                Outcome::Failed
            });
        }
        panic!("two thirds failed and it stayed closed");
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_limits_and_cancelled_callers_do_not_open_it() {
        let circuit = circuit();
        for _ in 0..100 {
            attempt(&circuit, Outcome::Limited);
            attempt(&circuit, Outcome::Unknown);
            drop(circuit.admit().unwrap());
        }
        assert_eq!(circuit.state(), State::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn half_open_lets_one_probe_pass_and_takes_its_word() {
        let circuit = circuit();
        for (word, after) in [
            (Outcome::Failed, State::Open),
            (Outcome::Limited, State::Open),
            (Outcome::Served, State::Closed),
        ] {
            trip(&circuit);
            advance(Duration::from_secs(13)).await;
            assert_eq!(circuit.state(), State::HalfOpen);
            let probe = circuit.admit().unwrap();
            assert!(circuit.admit().is_err(), "a second probe passed");
            probe.settle(word);
            assert_eq!(circuit.state(), after, "{word:?}");
            if after == State::Open {
                advance(Duration::from_secs(13)).await;
                attempt(&circuit, Outcome::Served);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_probe_gives_its_place_back_and_a_lost_one_expires() {
        let circuit = circuit();
        trip(&circuit);
        advance(Duration::from_secs(13)).await;
        drop(circuit.admit().unwrap());
        let lost = circuit.admit().unwrap();
        assert!(circuit.admit().is_err());
        advance(Duration::from_secs(6)).await;
        let next = circuit.admit().unwrap();
        lost.settle(Outcome::Served);
        assert_eq!(
            circuit.state(),
            State::HalfOpen,
            "a lost probe closed the circuit"
        );
        next.settle(Outcome::Served);
        assert_eq!(circuit.state(), State::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_result_changes_nothing() {
        let circuit = circuit();
        let late = circuit.admit().unwrap();
        trip(&circuit);
        late.settle(Outcome::Served);
        assert_eq!(circuit.state(), State::Open);
    }

    proptest! {
        /// Whatever happens, in whatever order: never two probes at once, and never stuck.
        #[test]
        fn never_two_probes_and_never_stuck(steps in proptest::collection::vec((0_u64..8_000, 0_u8..5, any::<u64>()), 1..200)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                tokio::time::pause();
                let mut machine = Machine::new(POLICY, Instant::now());
                let mut out: Vec<(u64, Instant, bool)> = Vec::new();
                for (milliseconds, act, jitter) in steps {
                    advance(Duration::from_millis(milliseconds)).await;
                    let now = Instant::now();
                    match act {
                        0 | 1 => {
                            let half_open = machine.state(now) == State::HalfOpen;
                            if let Admission::Pass { generation } = machine.admit(now) {
                                if half_open {
                                    let fresh = |(g, at, probe): &&(u64, Instant, bool)| {
                                        *probe && *g == machine.generation && now.duration_since(*at) < POLICY.attempt
                                    };
                                    prop_assert_eq!(out.iter().filter(fresh).count(), 0);
                                }
                                out.push((generation, now, half_open));
                            }
                        }
                        act => {
                            if let Some((generation, _, _)) = out.pop() {
                                let outcome = match act {
                                    2 => Outcome::Served,
                                    3 => Outcome::Failed,
                                    _ => Outcome::Unknown,
                                };
                                machine.settle(generation, outcome, now, jitter);
                            }
                        }
                    }
                }
                advance(Duration::from_secs(20)).await;
                prop_assert!(matches!(machine.admit(Instant::now()), Admission::Pass { .. }), "stuck");
                Ok(())
            })?;
        }
    }
}
