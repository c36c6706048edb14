//! What operators see: metrics, traces and log lines, and that none of them says more than it may.

mod collector;
mod counts;
mod deploy;
mod exposition;
mod faults;
mod logs;
mod requests;
mod traces;

use crate::support::Running;

/// One scrape.
#[derive(Debug)]
struct Scrape(String);

impl Scrape {
    async fn of(gateway: &Running) -> Self {
        let answer = gateway.get("/metrics").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        Self(answer.text)
    }

    /// The samples: name with labels, and value.
    fn samples(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.0.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.rsplit_once(' ').unwrap())
    }

    /// The value of this sample; nothing was counted if there is none.
    fn value(&self, sample: &str) -> u64 {
        let value = self.samples().find(|(name, _)| *name == sample);
        value.map_or(0, |(_, value)| value.parse().unwrap())
    }

    /// The sum over the samples of this name whose labels hold all of these.
    fn sum(&self, name: &str, labels: &[&str]) -> u64 {
        let samples = self.samples().filter(|(sample, _)| {
            let of = sample.split('{').next() == Some(name);
            of && labels.iter().all(|label| sample.contains(label))
        });
        samples.map(|(_, value)| value.parse::<u64>().unwrap()).sum()
    }

    fn assert(&self, samples: &[(&str, u64)]) {
        for (sample, value) in samples {
            assert_eq!(self.value(sample), *value, "{sample}\n{}", self.0);
        }
    }
}
