//! What is counted of a fleet. Of a gateway that is alone nothing is shown.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// What Redis was asked for, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    operation: &'static str,
    outcome: &'static str,
}

/// The counts of a fleet.
#[derive(Debug)]
pub(super) struct Fleet {
    requests: Family<Asked, Counter>,
    up: Up,
}

impl Fleet {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let requests = Family::default();
        registry.register(
            "loangate_fleet_requests",
            "What Redis was to be asked for, by what came of it",
            Family::clone(&requests),
        );
        let up = Up::default();
        registry.register_collector(Box::new(up.clone()));
        Self { requests, up }
    }

    pub(super) fn asked(&self, operation: &'static str, outcome: &'static str) {
        self.requests.get_or_create(&Asked { operation, outcome }).inc();
    }

    pub(super) fn is_up(&self, up: bool) {
        let level = if up { Up::YES } else { Up::NO };
        self.up.0.store(level, Ordering::Relaxed);
    }
}

/// Whether Redis answers; nothing where there is none.
#[derive(Debug, Clone, Default)]
struct Up(Arc<AtomicU8>);

impl Up {
    const NO: u8 = 1;
    const YES: u8 = 2;
}

impl Collector for Up {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let level = match self.0.load(Ordering::Relaxed) {
            Self::NO => 0_i64,
            Self::YES => 1,
            _ => return Ok(()),
        };
        let metric = encoder.encode_descriptor(
            "loangate_fleet_up",
            "1 while Redis answers in its time, else 0",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(level).encode(metric)
    }
}
