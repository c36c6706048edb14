//! One line of the table: a fault, what it is tried over, and how what came of it is written down.

use std::fmt::Write as _;
use std::time::Duration;

use loangate::sim::{Provider, World};

use crate::support::chaos::{Act, Asked, Chaos, Door, End};
use crate::support::{Answer, Setup};

/// What two busy cores may add to a time limit of the config.
const ROOM: u64 = 1_500;
/// One attempt where the fault is over before any limit: the config's own default.
const ATTEMPT: u64 = 5_000;
/// One attempt where nothing but its limit ends it, and how many there are.
const SHORT: u64 = 600;
const SHORT_ATTEMPTS: u64 = 2;
/// The whole request where nothing but its deadline ends it.
const DEADLINE: u64 = 1_500;

pub(super) const ALL: &[Provider] = &Provider::ALL;
/// Providers whose sockets are kept between questions.
pub(super) const KEPT: &[Provider] = &[Provider::Belvo, Provider::Bsa, Provider::Carbon];
pub(super) const PAGED: &[Provider] = KEPT;
pub(super) const MINTING: &[Provider] = &[Provider::Bsa, Provider::Goscore];

/// What ends the request, and so bounds its time.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ends {
    /// The fault itself: no time limit is met.
    Itself,
    /// The limit of the attempt, twice.
    Attempt,
    /// The deadline of the request.
    Deadline,
}

impl Ends {
    fn bound(self) -> u64 {
        match self {
            Self::Itself => ATTEMPT,
            Self::Attempt => SHORT * SHORT_ATTEMPTS + ROOM,
            Self::Deadline => DEADLINE + ROOM,
        }
    }
}

/// A fault.
pub(super) struct Row {
    id: &'static str,
    fault: &'static str,
    over: &'static [Provider],
    script: fn(Provider, &Asked) -> Act,
    door: Door,
    ends: Ends,
    /// One healthy question first, which leaves a kept socket behind.
    warm: bool,
    /// Whether token calls meet the fault too.
    tokens: bool,
    setup: fn(Setup, Provider) -> Setup,
    world: fn(&World, Provider),
}

/// A fault of every provider that needs no time limit.
pub(super) fn row(id: &'static str, fault: &'static str, script: fn(Provider, &Asked) -> Act) -> Row {
    Row {
        id,
        fault,
        over: ALL,
        script,
        door: Door::Open,
        ends: Ends::Itself,
        warm: false,
        tokens: false,
        setup: |setup, _| setup,
        world: |_, _| {},
    }
}

impl Row {
    pub(super) fn over(self, over: &'static [Provider]) -> Self {
        Self { over, ..self }
    }

    /// Only the providers that are among these too.
    pub(super) fn within(self, these: &'static [Provider]) -> Self {
        if self.over.len() < these.len() {
            self
        } else {
            self.over(these)
        }
    }

    pub(super) fn door(self, door: Door) -> Self {
        Self { door, ..self }
    }

    pub(super) fn ends(self, ends: Ends) -> Self {
        Self { ends, ..self }
    }

    pub(super) fn warm(self) -> Self {
        Self { warm: true, ..self }
    }

    pub(super) fn tokens(self) -> Self {
        Self { tokens: true, ..self }
    }

    pub(super) fn setup(self, setup: fn(Setup, Provider) -> Setup) -> Self {
        Self { setup, ..self }
    }

    pub(super) fn world(self, world: fn(&World, Provider)) -> Self {
        Self { world, ..self }
    }

    /// One line of the table for each provider.
    pub(super) fn cases(self) -> impl Iterator<Item = (Provider, std::sync::Arc<Self>)> {
        let row = std::sync::Arc::new(self);
        row.over
            .iter()
            .map(move |provider| (*provider, std::sync::Arc::clone(&row)))
    }

    /// Lets one provider have the fault, asks for everybody's loans, and writes down what came.
    pub(super) async fn line(&self, provider: Provider, healthy: &Answer) -> String {
        let world = World::documents();
        let (script, tokens) = (self.script, self.tokens);
        let chaos = Chaos::behind(self.door, &world, move |asked| {
            if asked.token && !tokens {
                Act::Answer(End::Keep)
            } else {
                script(provider, asked)
            }
        })
        .await;
        let gateway = self.setup_of(provider, &world, &chaos).start().await;
        if self.warm {
            gateway.get("/loans?limit=200").await.assert_complete();
        }
        (self.world)(&world, provider);
        let before = asked(provider, &chaos);

        let answer = gateway.get("/loans?limit=200").await;

        let elapsed = answer.took;
        let bound = self.ends.bound();
        let what = format!("{} {} {provider}", self.id, self.fault);
        assert!(
            elapsed < Duration::from_millis(bound),
            "{what}: {elapsed:?} of {bound} ms"
        );
        assert_eq!(answer.status, 200, "{what}: {answer:?}");
        let others = ALL.iter().filter(|other| **other != provider);
        for other in others.map(|other| other.as_str()) {
            assert_eq!(answer.source(other)["status"], "ok", "{what}: {answer:?}");
            assert_eq!(answer.bytes_of(other), healthy.bytes_of(other), "{what}");
        }
        let source = answer.source(provider.as_str());
        let complete = source["status"] == "ok";
        assert_eq!(answer.json()["complete"], complete, "{what}: {source}");
        assert_eq!(answer.header("loangate-complete"), complete.to_string(), "{what}");
        let loans = answer.bytes_of(provider.as_str());
        if complete {
            assert_eq!(loans, healthy.bytes_of(provider.as_str()), "{what}");
        } else {
            assert!(!source["error"]["code"].is_null(), "{what}: {source}");
            assert_eq!(source["status"] == "failed", loans.is_empty(), "{what}: {source}");
        }
        self.written(provider, &answer, asked(provider, &chaos) - before)
    }

    fn setup_of(&self, provider: Provider, world: &World, chaos: &Chaos) -> Setup {
        let mut setup = Setup::all(world)
            .through(provider, chaos)
            .set("limits.upstream_body", "256KiB");
        if self.tokens && provider == Provider::Bsa {
            setup = setup.connection(
                provider,
                "auth_url",
                &format!("http://{}/bsa-auth", chaos.address),
            );
        }
        setup = match self.ends {
            Ends::Itself => setup,
            Ends::Attempt => setup
                .connection(provider, "timeout", &format!("{SHORT}ms"))
                .connection(provider, "retry.attempts", &SHORT_ATTEMPTS.to_string()),
            Ends::Deadline => setup.set("server.deadline", &format!("{DEADLINE}ms")),
        };
        (self.setup)(setup, provider)
    }

    fn written(&self, provider: Provider, answer: &Answer, asked: usize) -> String {
        let source = answer.source(provider.as_str());
        let error = &source["error"];
        let word = |value: &serde_json::Value| match value {
            serde_json::Value::Null => "-".to_owned(),
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut line = format!("| {} | {} | {provider} ", self.id, self.fault);
        for cell in [
            answer.status.to_string(),
            word(&source["status"]),
            word(&error["code"]),
            word(&error["retryable"]),
            word(&error["retry_after_ms"]),
            word(&error["attempts"]),
            asked.to_string(),
            self.ends.bound().to_string(),
        ] {
            write!(line, "| {cell} ").unwrap();
        }
        line + "|"
    }
}

/// Requests for loans, as the upstream counted them. `GoScore`'s first two pages are asked for at once and count as
/// one.
fn asked(provider: Provider, chaos: &Chaos) -> usize {
    let counts = chaos.counts();
    if provider == Provider::Goscore {
        counts.requests()
    } else {
        counts.pages()
    }
}
