//! `[cache]`: how long answers are kept, and where.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::gateway::{DAY, HOUR};
use super::section::Section;

/// A key that can be guessed opens what Redis holds.
const SHORTEST_KEY: usize = 32;

/// `[cache]`
#[derive(Debug, Clone)]
pub struct Cache {
    /// How old an answer may be; zero turns the cache off.
    pub max_age: Duration,
    /// How old it may be when the source fails.
    pub stale_if_error: Duration,
    /// Where answers are kept, and what else gateways may share.
    pub backend: CacheBackend,
    /// The address of Redis; it may hold a password.
    pub redis_url: Option<SecretString>,
    /// What Redis may cost a request.
    pub redis_timeout: Duration,
    /// The first encrypts what Redis holds, all decrypt.
    pub keys: Vec<SecretString>,
}

impl PartialEq for Cache {
    fn eq(&self, other: &Self) -> bool {
        let secrets = |cache: &Self| -> Vec<String> {
            let secrets = cache.redis_url.iter().chain(&cache.keys);
            secrets.map(|secret| secret.expose_secret().to_owned()).collect()
        };
        self.max_age == other.max_age
            && self.stale_if_error == other.stale_if_error
            && self.backend == other.backend
            && self.redis_timeout == other.redis_timeout
            && secrets(self) == secrets(other)
    }
}

impl Eq for Cache {}

/// Where answers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheBackend {
    /// In this process.
    Memory,
    /// In this process, and in Redis for all that share it.
    Redis,
}

pub(super) fn cache(section: &mut Section<'_>) -> Cache {
    let backends = [("memory", CacheBackend::Memory), ("redis", CacheBackend::Redis)];
    let cache = Cache {
        max_age: section.duration_or("max_age", Duration::from_secs(30), Duration::ZERO..=HOUR),
        stale_if_error: section.duration_or("stale_if_error", Duration::from_mins(10), Duration::ZERO..=DAY),
        backend: section.choice("backend", CacheBackend::Memory, &backends),
        redis_url: section.secret("redis_url"),
        redis_timeout: section.duration_or(
            "redis_timeout",
            Duration::from_millis(50),
            Duration::from_millis(5)..=Duration::from_secs(5),
        ),
        keys: section.secrets("keys"),
    };
    if cache.backend == CacheBackend::Redis {
        for key in ["redis_url", "keys"] {
            if !section.has(key) {
                section.problem(
                    key,
                    format!("is required with backend = \"redis\" (give {key}, {key}_file or {key}_env)"),
                );
            }
        }
    }
    let short = |key: &SecretString| key.expose_secret().len() < SHORTEST_KEY;
    if cache.keys.iter().any(short) {
        section.problem(
            "keys",
            format!("each must have at least {SHORTEST_KEY} characters"),
        );
    }
    cache
}
