//! What several gateways share, through Redis or Valkey: values under names, leases, rates.
//!
//! It knows neither loans nor callers: whoever shares something brings bytes and all that separates them from others. At
//! rest nothing is readable (`seal.rs`). Nothing here is an error to anybody: what Redis does not give in its small time
//! it does not have (`patience.rs`, `link.rs`), and the caller goes on with the memory of its own process.

#![warn(missing_docs)]

mod lease;
mod link;
mod patience;
mod rate;
mod seal;

use std::fmt;
use std::ops::Not as _;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Pipeline};
use secrecy::{ExposeSecret as _, SecretString};

pub use lease::{Lease, Taken};
pub use patience::{one_request, same_request};
pub use rate::{Counted, Rate};
pub use seal::Name;

use crate::telemetry::Telemetry;
use link::{Line, Link};
use seal::Seal;

/// What is written, and under which names. Another number: gateways of both sorts share nothing with each other, which
/// is what a change of anything that is written needs.
pub(crate) const FORMAT: u8 = 1;

/// Most bytes of one value. A larger one is not shared: it would hold up everybody's small questions.
pub const LARGEST: usize = 8 * 1024 * 1024;

vocabulary! {
    /// What Redis is asked for. The words are those of the metric.
    Operation {
        /// To count a request of a client.
        Rate = "rate",
        /// For a value.
        Get = "get",
        /// To keep a value.
        Put = "put",
        /// For a lease, or to give one back.
        Lease = "lease",
        /// Which upstreams are left alone.
        Hint = "hint",
    }
}

/// Where the fleet shares, and how its values are made unreadable.
#[derive(Clone)]
pub struct Settings {
    /// `redis://` or `rediss://`.
    pub url: SecretString,
    /// What Redis may cost a request.
    pub timeout: Duration,
    /// The first encrypts, all decrypt.
    pub keys: Vec<SecretString>,
}

/// Leaves out what is secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        let keys = |of: &Self| -> Vec<String> {
            let keys = of.keys.iter();
            keys.map(|key| key.expose_secret().to_owned()).collect()
        };
        self.url.expose_secret() == other.url.expose_secret()
            && self.timeout == other.timeout
            && keys(self) == keys(other)
    }
}

/// The address is not one of a Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be redis://[user:password@]host[:port][/database], or the same with rediss:// for TLS")]
pub struct NotAnAddress;

/// What there is of a value.
#[derive(Debug, PartialEq, Eq)]
pub enum Look {
    /// The value.
    Found(Vec<u8>),
    /// There is none.
    Nothing,
    /// Nobody knows: Redis is away, or did not answer in time.
    Away,
}

/// The fleet that this gateway is one of. A clone is the same one.
#[derive(Debug, Clone)]
pub struct Fleet(Arc<Inner>);

/// Whether they are the same, and not only alike.
impl PartialEq for Fleet {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

#[derive(Debug)]
struct Inner {
    link: Link,
    seal: Seal,
}

impl Fleet {
    /// Joins a fleet. Connects when it is first needed, or by [`Fleet::connect`].
    pub fn new(settings: &Settings, telemetry: &Telemetry) -> Result<Self, NotAnAddress> {
        let link = Link::new(settings.url.expose_secret(), settings.timeout, telemetry.clone())?;
        let keys = settings.keys.iter().map(SecretString::expose_secret);
        Ok(Self(Arc::new(Inner {
            link,
            seal: Seal::new(keys),
        })))
    }

    /// Begins to connect, so that the first request need not wait for it. Needs a runtime.
    pub fn connect(&self) {
        self.0.link.connect();
    }

    /// Whether Redis can be reached and answers in time; in words why not.
    pub async fn probe(&self) -> Result<(), &'static str> {
        self.0.link.probe().await
    }

    /// The name of what these parts tell from everything else. Nobody reads the parts out of it.
    pub fn name(&self, kind: &'static str, parts: &[&[u8]]) -> Name {
        self.0.seal.name(kind, parts)
    }

    /// The value of a name.
    pub async fn get(&self, name: &Name) -> Look {
        let mut command = Cmd::new();
        command.arg("MGET").arg(name.all().collect::<Vec<_>>());
        let found: Result<Vec<Option<Vec<u8>>>, _> =
            self.0.link.ask(Operation::Get, Line::Bulk, &command).await;
        found.map_or(Look::Away, |values| self.opened(name, values))
    }

    /// The value of a name, and whether somebody has the lease of another.
    pub async fn get_beside(&self, name: &Name, lease: &Name) -> (Look, bool) {
        let mut pipeline = Pipeline::new();
        pipeline.cmd("MGET").arg(name.all().collect::<Vec<_>>());
        pipeline.cmd("EXISTS").arg(lease.first());
        let found: Result<(Vec<Option<Vec<u8>>>, bool), _> =
            self.0.link.ask(Operation::Get, Line::Bulk, &pipeline).await;
        match found {
            Ok((values, held)) => (self.opened(name, values), held),
            Err(_) => (Look::Away, false),
        }
    }

    /// Keeps a value for so long; whether it is kept.
    pub async fn put(&self, name: &Name, value: Vec<u8>, life: Duration) -> bool {
        if value.len() > LARGEST {
            self.0.link.count(Operation::Put, "too_large");
            return false;
        }
        let Some(sealed) = self.0.seal.seal(name, value) else {
            return false;
        };
        let mut pipeline = Pipeline::new();
        pipeline
            .cmd("SET")
            .arg(name.first())
            .arg(sealed)
            .arg("PX")
            .arg(milliseconds(life))
            .ignore();
        // While keys are being replaced, another gateway may have written the last value under another name.
        let others: Vec<&str> = name.all().skip(1).collect();
        if !others.is_empty() {
            pipeline.atomic().cmd("DEL").arg(others).ignore();
        }
        let kept: Result<(), _> = self.0.link.ask(Operation::Put, Line::Bulk, &pipeline).await;
        kept.is_ok()
    }

    /// Keeps what has these names for so long from now on; whether the first of them is there, as far as it is known.
    pub async fn prolong(&self, names: &[Name], life: Duration) -> bool {
        let mut pipeline = Pipeline::new();
        for name in names.iter().flat_map(Name::all) {
            pipeline.cmd("PEXPIRE").arg(name).arg(milliseconds(life));
        }
        let there: Result<Vec<bool>, _> = self.0.link.ask(Operation::Put, Line::Quick, &pipeline).await;
        let first = names.first().map_or(0, |name| name.all().count());
        there
            .is_ok_and(|there| !there.iter().take(first).any(|there| *there))
            .not()
    }

    /// Whether Redis came back a moment ago: what it lacks, another gateway may still have.
    pub fn settles(&self) -> bool {
        self.0.link.settles()
    }

    /// Puts up signs of these names, each for so long, so that others see them.
    pub async fn post(&self, signs: &[(Name, u64, Duration)]) -> bool {
        let mut pipeline = Pipeline::new();
        for (name, sign, life) in signs {
            pipeline
                .cmd("SET")
                .arg(name.first())
                .arg(*sign)
                .arg("PX")
                .arg(milliseconds(*life))
                .ignore();
        }
        let put: Result<(), _> = self.0.link.ask(Operation::Hint, Line::Quick, &pipeline).await;
        put.is_ok()
    }

    /// The signs of these names, each with how long it is still up; none where nothing can be seen.
    pub async fn posted(&self, names: &[Name]) -> Vec<Option<(u64, Duration)>> {
        let mut pipeline = Pipeline::new();
        for name in names {
            pipeline.cmd("GET").arg(name.first());
            pipeline.cmd("PTTL").arg(name.first());
        }
        let seen: Result<Vec<Option<i64>>, _> =
            self.0.link.ask(Operation::Hint, Line::Quick, &pipeline).await;
        let seen = seen.unwrap_or_default();
        let signs = seen.chunks_exact(2).map(|pair| match pair {
            [Some(sign), Some(left)] => {
                let left = u64::try_from(*left).ok()?;
                Some((u64::try_from(*sign).ok()?, Duration::from_millis(left)))
            }
            _ => None,
        });
        signs.collect()
    }

    /// Waits for some work on what is shared, for as long as the request has patience. It goes on after that.
    pub async fn patiently<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.0.link.patiently(work).await
    }

    /// The first value that is there and ours.
    fn opened(&self, name: &Name, values: Vec<Option<Vec<u8>>>) -> Look {
        let mut values = name.all().zip(values);
        let found = values.find_map(|(name, value)| self.0.seal.open(name, &value?));
        found.map_or(Look::Nothing, Look::Found)
    }
}

/// At least one: Redis takes no life of zero.
fn milliseconds(life: Duration) -> u64 {
    u64::try_from(life.as_millis())
        .unwrap_or(u64::MAX)
        .clamp(1, 1 << 40)
}
