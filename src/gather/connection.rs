//! The configured connections.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;

use super::drift::DriftCounters;
use super::source::Status;
use crate::config::{ConnectionSettings, Section};
use crate::providers::{self, Connecting, Descriptor, Detail, Provider, Reference};
use crate::record::{Drift, DriftKind};
use crate::telemetry::{Meter, Stretch};
use crate::upstream::{Error, Kind, Shared, circuit};

/// One opening of a connection with its credentials. A reload opens it anew, and what was fetched with the old
/// credentials is not served to those of the new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Credential(u64);

impl Credential {
    pub(super) fn next() -> Self {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        Self(OPENED.fetch_add(1, Ordering::Relaxed))
    }
}

/// One configured upstream.
pub struct Connection {
    /// The operator's name for it.
    pub id: Arc<str>,
    /// Its provider.
    pub descriptor: &'static Descriptor,
    /// References in its config, for providers that cannot list.
    pub references: Vec<Reference>,
    /// What it sends that no document mentions.
    pub drift: DriftCounters,
    pub(super) meter: Arc<Meter>,
    pub(super) credential: Credential,
    /// A digest of its config, credentials included: gateways for which it is the same may share what it gave.
    pub(super) digest: [u8; 32],
    pub(super) provider: Arc<dyn Provider>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.id)
            .field("provider", &self.descriptor.name)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Opens the connection `id` from its table in the config. Problems are recorded in the table.
    pub fn open(id: &str, section: &mut Section<'_>, max_body: u64, shared: &Shared) -> Option<Self> {
        let name = section.require_string("provider");
        let Some(descriptor) = providers::find(&name) else {
            if !name.is_empty() {
                let known: Vec<&str> = providers::ALL.iter().map(|descriptor| descriptor.name).collect();
                section.problem("provider", format!("must be one of {}", known.join(", ")));
            }
            section.ignore_rest();
            return None;
        };
        let settings = crate::config::connection_settings(section);
        let connecting = Connecting::new(id, section, &settings, max_body, shared);
        let provider = connecting.and_then(|mut open| (descriptor.connect)(&mut open));
        // There may be several flavours of one name.
        let descriptor = provider
            .as_ref()
            .map_or(descriptor, |provider| provider.descriptor());
        let references = references(descriptor, section, &settings);
        let provider = provider?;
        let digest = section.digest();
        let id: Arc<str> = Arc::from(id);
        let meter = shared.meter(&id);
        // Shown before anything is counted, so that the first one is seen as a step.
        for kind in DriftKind::ALL {
            meter.drifts(kind.as_str(), 0);
        }
        for status in Status::ALL {
            meter.reported(status.as_str(), 0);
        }
        Some(Self {
            id,
            meter,
            descriptor,
            references,
            drift: DriftCounters::default(),
            credential: Credential::next(),
            digest,
            provider,
        })
    }

    /// What its adapter answers. A panic in it ends here.
    pub(super) async fn contained<T>(
        &self,
        operation: &'static str,
        asked: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let answered = AssertUnwindSafe(asked).catch_unwind().await;
        answered.unwrap_or_else(|_| {
            tracing::error!(connection = &*self.id, "an adapter panicked");
            Err(Error::new(Kind::Internal, operation, ""))
        })
    }

    /// What came does not add up, though every answer did: a failure that no single answer shows.
    pub(super) fn broken(&self, operation: &'static str, why: &'static str) -> Error {
        tracing::warn!(connection = &*self.id, operation, why, "a source is not whole");
        Error::new(Kind::BadPayload, operation, why)
    }

    /// Counts the records of a page that cannot be used; a source that has such is not whole.
    pub(super) fn rejected(&self, operation: &'static str, count: usize) -> Option<Error> {
        (count > 0).then(|| {
            self.meter.rejects(count);
            self.broken(operation, "Records that cannot be used were left out")
        })
    }

    /// Counts what a page brought that no document names.
    pub(super) fn drifted(&self, page: Vec<Drift>) {
        for kind in DriftKind::ALL {
            let count = page.iter().filter(|drift| drift.kind == *kind).count();
            if count > 0 {
                self.meter.drifts(kind.as_str(), count);
            }
        }
        self.drift.count(page);
    }

    /// What it can answer, in the words of `/connections`.
    pub fn capabilities(&self) -> Vec<&'static str> {
        self.provider.capabilities()
    }

    /// Whether every loan of its lists holds such rows.
    pub fn embeds<T>(&self, part: super::Part<T>) -> bool {
        part(&*self.provider).is_some_and(Detail::embedded)
    }

    /// Whether it is being left alone.
    pub fn circuit(&self) -> circuit::State {
        self.provider.upstream().circuit()
    }

    /// How much longer it has asked us not to call; `None` when it has not.
    pub fn paused_for(&self) -> Option<Duration> {
        self.provider.upstream().paused_for()
    }

    /// What was sent to it in the last quarter of an hour.
    pub fn recent(&self) -> Vec<Stretch> {
        self.meter.recent()
    }

    /// What traffic says about it.
    pub fn health(&self) -> crate::upstream::Health {
        self.provider.upstream().health()
    }
}

fn references(
    descriptor: &Descriptor,
    section: &mut Section<'_>,
    settings: &ConnectionSettings,
) -> Vec<Reference> {
    let mut list = Vec::with_capacity(settings.references.len());
    if descriptor.lists_book && !settings.references.is_empty() {
        section.problem(
            "references",
            "is for providers that cannot list; this one lists its whole book",
        );
        return list;
    }
    for (at, text) in settings.references.iter().enumerate() {
        match descriptor.reference(text) {
            Ok(reference) if list.contains(&reference) => {}
            Ok(reference) => list.push(reference),
            Err(problem) => {
                section.problem("references", format!("entry {} {problem}", at.saturating_add(1)));
            }
        }
    }
    list
}
