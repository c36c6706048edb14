//! The provider's keys as they are known here: fetched when they are needed, fetched again before they are old or when a
//! token names one that is not among them, and kept for a while when the provider fails.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use jsonwebtoken::Algorithm;
use tokio::time::Instant;

use super::key_set::{Document, KeySet, MOST};
use crate::telemetry::Telemetry;
use crate::upstream::{Answers, Call, Dialler, Error, Kind, Settings, Upstream, Url, circuit, retry};

/// What a fetch is called in the log and in metrics. No connection can have this name.
const NAME: &str = "auth.jwt";
const OPERATION: &str = "key_set";

/// Most bytes of a key set, decoded.
const MAX_BODY: u64 = 256 * 1024;

/// How long keys are good, and how often they are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How old they may be.
    pub max_age: Duration,
    /// How old they may be while the provider fails, if that is longer.
    pub stale_if_error: Duration,
    /// Least time from one fetch to the next.
    pub min_pause: Duration,
}

/// Where keys come from.
#[derive(Debug, Clone)]
pub struct Provider {
    url: Url,
    upstream: Upstream,
    timeout: Duration,
}

impl Provider {
    /// The provider whose keys are at `url`, each fetch over within `timeout`; `None` where no HTTP client can be built.
    pub fn at(url: Url, timeout: Duration, telemetry: Telemetry) -> Option<Self> {
        // One attempt: the pause between fetches is kept here, and is what the provider is promised.
        let settings = Settings {
            timeout,
            connect_timeout: timeout.min(Duration::from_secs(2)),
            max_concurrency: 1,
            per_second: None,
            retry: retry::Policy {
                attempts: 1,
                base: Duration::ZERO,
                max: Duration::ZERO,
            },
            circuit: circuit::Policy {
                failures: u32::MAX,
                open_for: Duration::ZERO,
                attempt: timeout,
            },
            max_body: MAX_BODY,
        };
        // Room of its own: pages of loans never keep a key set waiting.
        let shared = crate::upstream::Shared::new(MAX_BODY, MAX_BODY, telemetry);
        let dialler = Dialler::new(Arc::from(NAME), settings, &shared).ok()?;
        Some(Self {
            upstream: dialler.open_to_all(url.clone()),
            url,
            timeout,
        })
    }

    /// How many usable keys it publishes now.
    pub async fn probe(&self) -> Result<usize, Error> {
        Ok(self.fetch().await?.len())
    }

    async fn fetch(&self) -> Result<KeySet, Error> {
        let now = Instant::now();
        let call = Call::until(now.checked_add(self.timeout).unwrap_or(now));
        let reply = self
            .upstream
            .get(&call, OPERATION, Answers::AreAnonymous, &[], &[])
            .await?;
        let document = reply.json::<Document<'_>>()?;
        let keys = KeySet::of(&document);
        if keys.len() >= MOST && document.len() > MOST {
            tracing::warn!(read = MOST, "the key set has more keys than are read");
        }
        if keys.len() == 0 {
            return Err(reply.failure(
                Kind::BadPayload,
                "It holds no key that tokens can be checked with",
            ));
        }
        Ok(keys)
    }
}

/// What outlives a reload: the keys of the provider that was asked last.
#[derive(Debug, Clone, Default)]
pub struct Kept(Arc<Mutex<Option<(Url, Known)>>>);

impl Kept {
    fn of(&self, url: &Url) -> Known {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((known_url, known)) if known_url == url => known.clone(),
            _ => {
                let known = Known::default();
                *kept = Some((url.clone(), known.clone()));
                known
            }
        }
    }
}

/// Why there is no key for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// The provider has none of that name.
    Unknown,
    /// The provider could not be asked, and will not be asked again before this time is over.
    Unavailable(Duration),
}

/// The keys of a provider.
#[derive(Debug)]
pub(super) struct Keys {
    provider: Provider,
    patience: Patience,
    known: Known,
}

/// A fetch that several tokens wait for.
type Flight = Shared<BoxFuture<'static, ()>>;

#[derive(Debug, Clone, Default)]
struct Known(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The keys, and when they were asked for.
    set: Option<(Arc<KeySet>, Instant)>,
    /// When the last fetch began.
    asked: Option<Instant>,
    /// Whether it brought nothing.
    failing: bool,
    flight: Option<Flight>,
}

impl Known {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn landed(&self, began: Instant, fetched: Result<KeySet, Error>) {
        let mut state = self.lock();
        state.failing = fetched.is_err();
        if let Ok(set) = fetched {
            let same = state
                .set
                .as_ref()
                .is_some_and(|(before, _)| before.names() == set.names());
            if !same {
                tracing::info!(keys = set.len(), "the identity provider has new keys");
            }
            state.set = Some((Arc::new(set), began));
        }
        state.flight = None;
    }
}

/// What there is for a token at this moment.
#[derive(Debug)]
struct Now {
    set: Option<Arc<KeySet>>,
    /// Whether a fetch is wanted.
    due: bool,
    /// Whether it is worth waiting for: without it there is no key, or only one that the provider may have withdrawn.
    wait: bool,
}

impl State {
    /// What there is for a token that names this key.
    fn now(&self, patience: Patience, kid: Option<&str>, algorithm: Algorithm) -> Now {
        let age = self.set.as_ref().map(|(_, asked)| asked.elapsed());
        let younger = |than: Duration| age.is_some_and(|age| age < than);
        let set = self.set.as_ref().map(|(set, _)| set);
        let set = set.filter(|_| younger(patience.max_age.max(patience.stale_if_error)));
        let has = set.is_some_and(|set| set.has(kid, algorithm));
        let quarter = patience.max_age.checked_div(4).unwrap_or_default();
        let early = younger(patience.max_age.saturating_sub(quarter));
        Now {
            set: set.map(Arc::clone),
            due: !has || !early,
            // While the provider fails nobody waits for it who need not.
            wait: !has || (!younger(patience.max_age) && !self.failing),
        }
    }

    /// How long it is until the next fetch may begin.
    fn pause(&self, min: Duration) -> Duration {
        self.asked
            .map_or(Duration::ZERO, |asked| min.saturating_sub(asked.elapsed()))
    }
}

impl Keys {
    pub(super) fn new(provider: Provider, patience: Patience, kept: &Kept) -> Self {
        Self {
            known: kept.of(&provider.url),
            provider,
            patience,
        }
    }

    pub(super) fn warm(&self) {
        let mut state = self.known.lock();
        if state.asked.is_none() {
            // It flies by itself.
            drop(self.take_off(&mut state));
        }
    }

    /// The keys, among them one that this token may be signed with.
    pub(super) async fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<Arc<KeySet>, Absent> {
        let (now, flight) = self.look(kid, algorithm);
        let set = match flight {
            Some(flight) if now.wait => {
                flight.await;
                self.known.lock().now(self.patience, kid, algorithm).set
            }
            _ => now.set,
        };
        if let Some(set) = set.filter(|set| set.has(kid, algorithm)) {
            return Ok(set);
        }
        let state = self.known.lock();
        if state.failing || state.set.is_none() {
            // The key may be a new one that could not be fetched.
            return Err(Absent::Unavailable(state.pause(self.patience.min_pause)));
        }
        Err(Absent::Unknown)
    }

    /// What there is now, and the fetch that is under way: one is begun where it is due and may be.
    fn look(&self, kid: Option<&str>, algorithm: Algorithm) -> (Now, Option<Flight>) {
        let mut state = self.known.lock();
        let now = state.now(self.patience, kid, algorithm);
        // One that ended and is still there ended in a panic.
        let flying = state.flight.clone().filter(|flight| flight.peek().is_none());
        if flying.is_some() || !now.due || !state.pause(self.patience.min_pause).is_zero() {
            return (now, flying);
        }
        let flight = self.take_off(&mut state);
        (now, Some(flight))
    }

    /// Fetches in a task of its own: it ends, and is of use, whoever stops waiting. It belongs to nobody's trace.
    fn take_off(&self, state: &mut State) -> Flight {
        let (provider, known) = (self.provider.clone(), self.known.clone());
        let began = Instant::now();
        let task = tokio::spawn(async move {
            let fetched = provider.fetch().await;
            known.landed(began, fetched);
        });
        let flight = task.map(|_| ()).boxed().shared();
        state.asked = Some(began);
        state.flight = Some(flight.clone());
        flight
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const PATIENCE: Patience = Patience {
        max_age: Duration::from_secs(100),
        stale_if_error: Duration::from_mins(5),
        min_pause: Duration::from_secs(10),
    };

    fn state() -> State {
        let text = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        let set = KeySet::of(&serde_json::from_str(text).unwrap());
        State {
            set: Some((Arc::new(set), Instant::now())),
            asked: Some(Instant::now()),
            ..State::default()
        }
    }

    /// Whether there are keys, a fetch is wanted, and it is waited for.
    fn now(state: &State, kid: &str) -> (bool, bool, bool) {
        let now = state.now(PATIENCE, Some(kid), Algorithm::EdDSA);
        (now.set.is_some(), now.due, now.wait)
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_asked_for_before_they_are_old_and_waited_for_once_they_are() {
        assert_eq!(now(&State::default(), "a"), (false, true, true));
        let state = state();
        for (after, expected) in [
            (0, (true, false, false)),
            (74, (true, false, false)),
            // In the last quarter: nobody waits.
            (1, (true, true, false)),
            (24, (true, true, false)),
            // Old: the key may have been withdrawn.
            (1, (true, true, true)),
            (199, (true, true, true)),
            (1, (false, true, true)),
        ] {
            advance(Duration::from_secs(after)).await;
            assert_eq!(now(&state, "a"), expected, "{after}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_provider_fails_only_those_wait_who_must() {
        let mut state = state();
        state.failing = true;
        advance(Duration::from_secs(150)).await;
        assert_eq!(now(&state, "a"), (true, true, false));
        assert_eq!(now(&state, "b"), (true, true, true));
        advance(Duration::from_secs(150)).await;
        assert_eq!(now(&state, "a"), (false, true, true));
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_name_is_a_reason_to_ask_and_the_pause_one_not_to() {
        let state = state();
        assert_eq!(now(&state, "b"), (true, true, true));
        advance(Duration::from_secs(4)).await;
        assert_eq!(state.pause(PATIENCE.min_pause), Duration::from_secs(6));
        advance(Duration::from_secs(6)).await;
        assert_eq!(state.pause(PATIENCE.min_pause), Duration::ZERO);
        assert_eq!(State::default().pause(PATIENCE.min_pause), Duration::ZERO);
    }

    #[test]
    fn what_is_known_of_one_provider_is_forgotten_for_another() {
        let kept = Kept::default();
        let url = |text: &str| Url::parse(text).unwrap();
        let (one, two) = (url("https://a.example/keys"), url("https://a.example/keys?p=2"));
        let known = kept.of(&one);
        assert!(Arc::ptr_eq(&known.0, &kept.of(&one).0));
        assert!(!Arc::ptr_eq(&known.0, &kept.of(&two).0));
        assert!(!Arc::ptr_eq(&known.0, &kept.of(&one).0));
    }
}
