//! What is printed: one line per scenario or part of one.

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use tokio::time::Instant;

/// The lines so far.
#[derive(Debug)]
pub(crate) struct Report {
    began: Instant,
    missed: usize,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            missed: 0,
        }
    }
}

impl Report {
    /// One line: what was asked, what came, and every bound with whether it held.
    pub(crate) fn line(&mut self, scenario: &str, asked: &str, came: &str, bounds: &[(&str, bool)]) {
        let missed: Vec<&str> = bounds
            .iter()
            .filter(|(_, held)| !held)
            .map(|(bound, _)| *bound)
            .collect();
        let verdict = if missed.is_empty() {
            let all: Vec<&str> = bounds.iter().map(|(bound, _)| *bound).collect();
            format!("pass ({})", all.join("; "))
        } else {
            self.missed += 1;
            format!("FAIL ({})", missed.join("; "))
        };
        println!("{scenario}: {asked} | {came} | {verdict}");
    }

    pub(crate) fn verdict(&self) -> ExitCode {
        let took = self.began.elapsed().as_secs();
        if self.missed == 0 {
            println!("every bound held, in {took} s");
            ExitCode::SUCCESS
        } else {
            println!("{} lines missed a bound, in {took} s", self.missed);
            ExitCode::FAILURE
        }
    }
}

/// Milliseconds with one decimal.
#[derive(Clone, Copy)]
pub(crate) struct Ms(pub(crate) Duration);

impl fmt::Display for Ms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.as_micros() / 100;
        write!(f, "{}.{} ms", tenths / 10, tenths % 10)
    }
}

/// KiB, shown as MiB with one decimal.
#[derive(Clone, Copy)]
pub(crate) struct Kib(pub(crate) u64);

impl fmt::Display for Kib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0 * 10 / 1024;
        write!(f, "{}.{} MiB", tenths / 10, tenths % 10)
    }
}

/// The value below which this share of the sorted values lies, in per mille.
pub(crate) fn quantile(sorted: &[Duration], per_mille: usize) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get((last * per_mille).div_ceil(1000))
        .copied()
        .unwrap_or_default()
}
