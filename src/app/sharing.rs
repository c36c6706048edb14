//! Which fleet the config says this gateway is one of.

use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{Cache, CacheBackend, Origin, Problem, Problems};
use crate::fleet::{Fleet, Settings};
use crate::telemetry::Telemetry;

/// The fleet of the last config. Outlives a reload that leaves `[cache]` as it was, and with it its connections.
#[derive(Debug, Clone, Default)]
pub(super) struct KeptFleet(Arc<Mutex<Option<(Settings, Fleet)>>>);

impl KeptFleet {
    /// The fleet that `[cache]` names, if it names one.
    pub(super) fn of(&self, cache: &Cache, telemetry: &Telemetry) -> Result<Option<Fleet>, Problems> {
        let Some(settings) = settings(cache) else {
            return Ok(None);
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, fleet)) = kept.as_ref().filter(|(known, _)| *known == settings) {
            return Ok(Some(fleet.clone()));
        }
        let fleet = Fleet::new(&settings, telemetry).map_err(|wrong| {
            Problems::new(vec![Problem {
                key: "cache.redis_url".to_owned(),
                detail: wrong.to_string(),
                origin: Origin::File,
            }])
        })?;
        *kept = Some((settings, fleet.clone()));
        Ok(Some(fleet))
    }
}

fn settings(cache: &Cache) -> Option<Settings> {
    let url = cache
        .redis_url
        .clone()
        .filter(|_| cache.backend == CacheBackend::Redis)?;
    Some(Settings {
        url,
        timeout: cache.redis_timeout,
        keys: cache.keys.clone(),
    })
}
