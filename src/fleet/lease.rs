//! Leases: one gateway does something that the others wait for. Whoever holds one renews it, so that it ends soon after
//! a gateway that is killed, and nobody is held up by one that died.

use std::sync::LazyLock;
use std::time::Duration;

use redis::{Cmd, Pipeline, Script};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::link::Line;
use super::{Fleet, Look, Name, Operation, milliseconds};

/// How long a lease outlives its holder.
const LIFE: Duration = Duration::from_millis(1500);
/// How often it is renewed.
const RENEWED: Duration = Duration::from_millis(400);

/// Only the holder's own, by its token: it may have run out, and be somebody else's by now.
static GIVE_BACK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
    )
});
static RENEW: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0",
    )
});

/// What came of asking for a lease.
#[derive(Debug)]
pub enum Taken {
    /// It is ours.
    Ours(Lease),
    /// Another gateway has it.
    Theirs,
    /// Nobody knows: Redis is away.
    Away,
}

/// A lease. Given back when it is dropped.
#[derive(Debug)]
pub struct Lease {
    fleet: Fleet,
    name: Name,
    token: u128,
    renewing: AbortHandle,
}

/// Whether a lease was taken, and the values under each name of another.
type Beside = (Option<String>, Vec<Option<Vec<u8>>>);

impl Fleet {
    /// Asks for a lease, once.
    pub async fn lease(&self, name: &Name) -> Taken {
        let token = uuid::Uuid::new_v4().as_u128();
        let command = wanted(name, token);
        let answer: Result<Option<String>, _> =
            self.0.link.ask(Operation::Lease, Line::Quick, &command).await;
        match answer {
            Ok(Some(_)) => Taken::Ours(Lease::new(self, name, token)),
            Ok(None) => Taken::Theirs,
            Err(_) => Taken::Away,
        }
    }

    /// The same, and the value of another name at that moment.
    pub async fn lease_beside(&self, lease: &Name, value: &Name) -> (Taken, Look) {
        let mine = uuid::Uuid::new_v4().as_u128();
        let mut pipeline = Pipeline::new();
        pipeline.add_command(wanted(lease, mine));
        pipeline.cmd("MGET").arg(value.all().collect::<Vec<_>>());
        let answer: Result<Beside, _> = self.0.link.ask(Operation::Lease, Line::Bulk, &pipeline).await;
        match answer {
            Ok((taken, values)) => {
                let taken = match taken {
                    Some(_) => Taken::Ours(Lease::new(self, lease, mine)),
                    None => Taken::Theirs,
                };
                (taken, self.opened(value, values))
            }
            Err(_) => (Taken::Away, Look::Away),
        }
    }
}

/// Takes the lease if nobody has it.
fn wanted(name: &Name, token: u128) -> Cmd {
    let mut command = Cmd::new();
    command
        .arg("SET")
        .arg(name.first())
        .arg(token.to_string())
        .arg("NX")
        .arg("PX")
        .arg(milliseconds(LIFE));
    command
}

impl Lease {
    fn new(fleet: &Fleet, name: &Name, token: u128) -> Self {
        let (member, lease) = (fleet.clone(), name.clone());
        let renewing = tokio::spawn(async move {
            loop {
                sleep(RENEWED).await;
                let mut call = RENEW.key(lease.first());
                call.arg(token.to_string()).arg(milliseconds(LIFE));
                let _: Result<u32, _> = member.0.link.ask(Operation::Lease, Line::Quick, &call).await;
            }
        });
        Self {
            fleet: fleet.clone(),
            name: name.clone(),
            token,
            renewing: renewing.abort_handle(),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewing.abort();
        let (fleet, name, token) = (self.fleet.clone(), self.name.clone(), self.token);
        // Outside a runtime it runs out by itself.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let mut call = GIVE_BACK.key(name.first());
                call.arg(token.to_string());
                let _: Result<u32, _> = fleet.0.link.ask(Operation::Lease, Line::Quick, &call).await;
            });
        }
    }
}
