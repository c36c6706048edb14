//! What this gateway shares with others: contributions, and what cursors name.
//!
//! Under names that hold all that separates people and connections. What cannot be read, because a connection is another
//! by now or is not there, is not there either.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::Limits;
use super::cache::{Key, Part};
use super::contribution::Contribution;
use super::query::{Followed, Refused};
use super::written::{Connected, Connections};
use crate::binary::Binary;
use crate::fleet::{Fleet, Lease, Look, Name, Taken, one_request};
use crate::upstream::now;

/// Members of a set under one name: a page reads a few names, and not the whole set.
pub(super) const CHUNK: usize = 100;
/// How long after a cursor was given what it names may still be on its way here.
const YOUNG: Duration = Duration::from_secs(30);
/// How long a request waits for that.
const ON_ITS_WAY: Duration = Duration::from_secs(1);
/// The first and the longest pause between two looks at what another gateway does.
const PAUSES: (Duration, Duration) = (Duration::from_millis(4), Duration::from_millis(50));

/// The fleet, and what is needed to read what others wrote.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) fleet: Fleet,
    connections: Arc<Connections>,
    /// The limits that decide what a contribution holds.
    limits: (u64, u32),
    /// How long entries are of use, and how long what cursors name.
    lives: (Duration, Duration),
}

/// A contribution that came from another gateway, and how old it is.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) contribution: Contribution,
    pub(super) at: Instant,
}

/// A contribution's names: its own, and that of the lease to fetch it.
#[derive(Debug)]
pub(super) struct EntryNames {
    entry: Name,
    lease: Name,
}

/// What there is of something that a cursor names.
#[derive(Debug)]
pub(super) enum Known<T> {
    There(T),
    NotThere,
    /// Nobody knows: Redis is away.
    Away,
}

impl<T> From<Look> for Known<T>
where
    T: From<Vec<u8>>,
{
    fn from(look: Look) -> Self {
        match look {
            Look::Found(bytes) => Self::There(bytes.into()),
            Look::Nothing => Self::NotThere,
            Look::Away => Self::Away,
        }
    }
}

impl Shared {
    pub(super) fn new(
        fleet: Fleet,
        connections: &Arc<Connections>,
        limits: Limits,
        entries: Duration,
        held: Duration,
    ) -> Self {
        Self {
            fleet,
            connections: Arc::clone(connections),
            limits: (
                u64::try_from(limits.max_gathered).unwrap_or(u64::MAX),
                limits.max_pages,
            ),
            lives: (entries, held),
        }
    }

    /// The names of what `key` means. They differ where anything does that an answer follows from.
    pub(super) fn names(&self, key: &Key, digest: &[u8; 32]) -> EntryNames {
        let mut scopes = Vec::new();
        key.scopes.write(&mut scopes);
        let mut part = Vec::new();
        if let Part::Whole(filter) = &key.part {
            filter.write(&mut part);
        }
        let mut limits = Vec::new();
        self.limits.write(&mut limits);
        let whole: &[u8] = if matches!(key.part, Part::Whole(_)) {
            b"whole"
        } else {
            b"opening"
        };
        let parts: [&[u8]; 7] = [
            key.client.as_bytes(),
            key.connection.as_bytes(),
            digest,
            &scopes,
            whole,
            &part,
            &limits,
        ];
        EntryNames {
            entry: self.fleet.name("entry", &parts),
            lease: self.fleet.name("fetch", &parts),
        }
    }

    /// Asks for the lease to fetch, and for what another has fetched; both at once.
    pub(super) async fn take(&self, names: &EntryNames) -> (Taken, Option<Entry>) {
        let (taken, look) = self.fleet.lease_beside(&names.lease, &names.entry).await;
        (taken, self.entry(look))
    }

    /// What another gateway has fetched.
    pub(super) async fn look(&self, names: &EntryNames) -> Option<Entry> {
        let look = self.fleet.get(&names.entry).await;
        self.entry(look)
    }

    /// Waits for what another gateway fetches, as long as it does: what came that is newer than `known`.
    pub(super) async fn wait(
        &self,
        names: &EntryNames,
        known: Option<Instant>,
        deadline: Instant,
    ) -> Option<Entry> {
        let (mut pause, longest) = PAUSES;
        while Instant::now() < deadline {
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(longest);
            // Waiting is what this is for. Only a Redis that goes away meanwhile costs more.
            let (look, held) = one_request(self.fleet.get_beside(&names.entry, &names.lease)).await;
            let away = look == Look::Away;
            // As exactly as a time can be that went through the clocks of two machines.
            let newer = |entry: &Entry| {
                known.is_none_or(|known| entry.at.saturating_duration_since(known) > Duration::from_millis(2))
            };
            let entry = self.entry(look).filter(newer);
            if entry.is_some() || away || !held {
                return entry;
            }
        }
        None
    }

    /// Gives a contribution to the others, in a task of its own, and then gives the lease back.
    pub(super) fn give(
        &self,
        names: EntryNames,
        contribution: &Arc<Contribution>,
        at: Instant,
        lease: Option<Lease>,
    ) {
        let (shared, contribution) = (self.clone(), Arc::clone(contribution));
        tokio::spawn(async move {
            let mut bytes = Vec::new();
            age_of(at).write(&mut bytes);
            contribution.write(&mut bytes);
            shared.fleet.put(&names.entry, bytes, shared.lives.0).await;
            drop(lease);
        });
    }

    fn entry(&self, look: Look) -> Option<Entry> {
        let Look::Found(bytes) = look else {
            return None;
        };
        let mut from = &*bytes;
        let fetched = Binary::read(&mut from)?;
        Some(Entry {
            at: at(fetched)?,
            contribution: Connected::read(&mut from, &self.connections)?,
        })
    }

    /// The name of what a cursor names, or of a part of it.
    fn held(&self, id: u128, part: u64) -> Name {
        self.fleet.name("held", &[&id.to_be_bytes(), &part.to_be_bytes()])
    }

    /// Keeps what a cursor names: its `head`, and after that its members, so many under each name. Waits for that no
    /// longer than the request has patience.
    pub(super) async fn hold<T: Binary>(&self, id: u128, mut head: Vec<u8>, members: &[T]) {
        let life = self.longer();
        members.len().write(&mut head);
        let chunks: Vec<(Name, Vec<u8>)> = (1..)
            .zip(members.chunks(CHUNK))
            .map(|(number, chunk)| {
                let mut bytes = Vec::new();
                for member in chunk {
                    member.write(&mut bytes);
                }
                (self.held(id, number), bytes)
            })
            .collect();
        let (fleet, name) = (self.fleet.clone(), self.held(id, 0));
        let kept = tokio::spawn(async move {
            // The head first, then in the order in which pages are asked for: who finds it knows that the rest comes.
            for (name, value) in std::iter::once((name, head)).chain(chunks) {
                if !fleet.put(&name, value, life).await {
                    return;
                }
            }
        });
        self.fleet.patiently(kept).await;
    }

    /// Keeps all of a walk, and then gives the lease to step it back. Goes on when the request has no more patience: the
    /// next step may be another gateway's.
    pub(super) async fn hold_walk(&self, id: u128, record: Vec<u8>, lease: Option<Lease>) {
        let (fleet, name, life) = (self.fleet.clone(), self.held(id, 0), self.longer());
        let kept = tokio::spawn(async move {
            fleet.put(&name, record, life).await;
            drop(lease);
        });
        self.fleet.patiently(kept).await;
    }

    /// The head of what a cursor names.
    pub(super) async fn head(&self, cursor: Followed) -> Known<Vec<u8>> {
        let name = &self.held(cursor.place.id, 0);
        self.awaited(cursor, || async { self.fleet.get(name).await.into() })
            .await
    }

    /// Looks again for what a cursor names that was given a moment ago: another gateway may still be writing it.
    async fn awaited<T, F>(&self, cursor: Followed, look: impl Fn() -> F) -> Known<T>
    where
        F: Future<Output = Known<T>>,
    {
        let (mut pause, longest) = PAUSES;
        let began = Instant::now();
        let mut known = look().await;
        while matches!(known, Known::NotThere)
            && cursor.age < YOUNG
            && began.elapsed() < ON_ITS_WAY
            && !self.fleet.settles()
        {
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(longest);
            known = one_request(look()).await;
        }
        known
    }

    /// The members from one place to another; all of those under the names that hold any of them, and where they begin.
    pub(super) async fn members<T: Binary>(
        &self,
        cursor: Followed,
        from: usize,
        to: usize,
    ) -> Known<(usize, Vec<T>)> {
        self.awaited(cursor, || self.members_now(cursor.place.id, from, to))
            .await
    }

    async fn members_now<T: Binary>(&self, id: u128, from: usize, to: usize) -> Known<(usize, Vec<T>)> {
        let first = from.checked_div(CHUNK).unwrap_or_default();
        let behind = to.div_ceil(CHUNK);
        let names: Vec<Name> = (first..behind)
            .filter_map(|chunk| Some(self.held(id, u64::try_from(chunk).ok()?.checked_add(1)?)))
            .collect();
        let mut members = Vec::new();
        for look in join_all(names.iter().map(|name| self.fleet.get(name))).await {
            let bytes = match look {
                Look::Found(bytes) => bytes,
                Look::Nothing => return Known::NotThere,
                Look::Away => return Known::Away,
            };
            let mut from = &*bytes;
            while !from.is_empty() {
                match T::read(&mut from) {
                    Some(member) => members.push(member),
                    None => return Known::NotThere,
                }
            }
        }
        Known::There((first.saturating_mul(CHUNK), members))
    }

    /// It was used: keeps it, with so many members, for as long again. Whether it is there, as far as it is known.
    pub(super) async fn prolong(&self, id: u128, members: usize) -> bool {
        let chunks = u64::try_from(members.div_ceil(CHUNK)).unwrap_or_default();
        let names: Vec<Name> = (0..=chunks).map(|part| self.held(id, part)).collect();
        self.fleet.prolong(&names, self.longer()).await
    }

    /// The same in a task of its own. Nobody waits for that.
    pub(super) fn touch(&self, id: u128, members: usize) {
        let shared = self.clone();
        tokio::spawn(async move { shared.prolong(id, members).await });
    }

    /// It was used here, where it is held: the others shall have it for as long again, and if they have lost it, again.
    /// Nobody waits for that.
    pub(super) fn used<T: Binary + Clone + Send + Sync + 'static>(
        &self,
        id: u128,
        members: usize,
        held: impl FnOnce() -> (Vec<u8>, Vec<T>) + Send + 'static,
    ) {
        let shared = self.clone();
        tokio::spawn(async move {
            if !shared.prolong(id, members).await {
                let (opening, list) = held();
                shared.hold(id, opening, &list).await;
            }
        });
    }

    /// What a cursor means of which there is nothing: it has expired, or another gateway has it and could not write it, or
    /// Redis has lost it.
    pub(super) fn gone(&self, cursor: Followed) -> Refused {
        if cursor.age < YOUNG {
            Refused::Unreachable
        } else {
            self.passed()
        }
    }

    /// What a cursor means that others have gone on from: it has expired, or Redis has lost a later one.
    pub(super) fn passed(&self) -> Refused {
        if self.fleet.settles() {
            Refused::Unreachable
        } else {
            Refused::Expired
        }
    }

    /// What is held in memory goes when nobody has used it for so long; here a little later, never before.
    fn longer(&self) -> Duration {
        self.lives.1.saturating_add(Duration::from_secs(5))
    }

    /// The lease to step a walk; `None` if Redis is away. Waits until the deadline for who has it.
    pub(super) async fn step(&self, id: u128, deadline: Instant) -> Known<Lease> {
        let name = self.fleet.name("step", &[&id.to_be_bytes()]);
        let (mut pause, longest) = PAUSES;
        let mut taken = self.fleet.lease(&name).await;
        loop {
            match taken {
                Taken::Ours(lease) => return Known::There(lease),
                Taken::Away => return Known::Away,
                Taken::Theirs if Instant::now() >= deadline => return Known::NotThere,
                Taken::Theirs => {}
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(longest);
            taken = one_request(self.fleet.lease(&name)).await;
        }
    }

    /// Something with connections, out of what another gateway wrote.
    pub(super) fn connected<T: Connected>(&self, mut bytes: &[u8]) -> Option<T> {
        T::read(&mut bytes, &self.connections)
    }
}

/// When that was, by the clock on the wall.
fn age_of(at: Instant) -> DateTime<Utc> {
    now()
        .checked_sub_signed(chrono::TimeDelta::from_std(at.elapsed()).unwrap_or_default())
        .unwrap_or_else(now)
}

/// When that was, by our clock; what a clock ahead of ours says is just now.
fn at(fetched: DateTime<Utc>) -> Option<Instant> {
    let age = now().signed_duration_since(fetched).to_std().unwrap_or_default();
    Instant::now().checked_sub(age)
}
