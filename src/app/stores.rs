//! The store of a running gateway, which outlives a reload that does not change it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{self, Origin, Problem, Problems, StorePlace};
use crate::store::{Keeper, Place, Settings};

/// The store in use.
#[derive(Debug, Clone, Default)]
pub(super) struct Stores(Arc<Mutex<Option<Kept>>>);

type Kept = (config::Store, Arc<Keeper>);

impl Stores {
    /// The store of a config: the one in use, or a new one that takes its place.
    pub(super) fn of(&self, config: Option<&config::Store>) -> Option<Arc<Keeper>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(config) = config else {
            *kept = None;
            return None;
        };
        if let Some((known, store)) = &*kept
            && known == config
        {
            return Some(Arc::clone(store));
        }
        let store = Arc::new(keeper(config));
        *kept = Some((config.clone(), Arc::clone(&store)));
        Some(store)
    }

    /// Opens the store of a config. One that cannot be opened takes nobody's place.
    pub(super) async fn open(&self, config: Option<&config::Store>) -> Result<(), Problems> {
        let Some(config) = config else {
            return Ok(());
        };
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let store = match known {
            Some((known, store)) if known == *config => store,
            _ => Arc::new(keeper(config)),
        };
        store.open().await.map_err(|why| {
            Problems::new(vec![Problem {
                key: "store.url".to_owned(),
                detail: format!("the store {why}"),
                origin: Origin::File,
            }])
        })?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((config.clone(), store));
        Ok(())
    }
}

fn keeper(config: &config::Store) -> Keeper {
    Keeper::new(Settings {
        place: match &config.place {
            StorePlace::File(path) => Place::File(path.clone()),
            StorePlace::Server(url) => Place::Server(url.clone()),
        },
        max_connections: config.max_connections,
        timeout: config.timeout,
    })
}
