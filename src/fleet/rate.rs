//! How often a client asks, counted for all gateways together.

use std::num::NonZeroU32;
use std::sync::LazyLock;
use std::time::Duration;

use redis::Script;

use super::link::Line;
use super::{Fleet, Name, Operation};

/// The generic cell rate algorithm on the clock of Redis: one number for each client, the moment at which all that was
/// allowed will have come back. In microseconds since a day that is not long ago, because Lua counts in doubles.
static COUNT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local interval = 1000000 / tonumber(ARGV[1])
        local most = interval * tonumber(ARGV[2])
        local clock = redis.call('TIME')
        local now = (tonumber(clock[1]) - 1760000000) * 1000000 + tonumber(clock[2])
        local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + interval
        local wait = full - most - now
        if wait > 0.001 then
            return {0, 0, math.ceil(wait)}
        end
        redis.call('SET', KEYS[1], string.format('%.3f', full), 'PX', math.ceil((full - now) / 1000) + 1)
        return {1, math.floor((most - (full - now)) / interval + 0.001), 0}
        ",
    )
});

/// So many in a second, and so many at once after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// In a second.
    pub per_second: NonZeroU32,
    /// At once.
    pub burst: NonZeroU32,
}

/// What came of counting a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It may pass, and so many may follow at once.
    Passes(u32),
    /// It is one too many. Another may pass after this.
    Waits(Duration),
}

impl Fleet {
    /// The name of a client's count. With another rate it is another count, which begins full.
    pub fn rate_name(&self, client: &str, rate: Rate) -> Name {
        let (per_second, burst) = (
            rate.per_second.get().to_be_bytes(),
            rate.burst.get().to_be_bytes(),
        );
        self.name("rate", &[client.as_bytes(), &per_second, &burst])
    }

    /// Counts a request; `None` where Redis does not say.
    pub async fn count(&self, name: &Name, rate: Rate) -> Option<Counted> {
        let mut call = COUNT.key(name.first());
        call.arg(rate.per_second.get()).arg(rate.burst.get());
        let counted: Result<(bool, u32, u64), _> = self.0.link.ask(Operation::Rate, Line::Quick, &call).await;
        Some(match counted.ok()? {
            (true, left, _) => Counted::Passes(left),
            (false, _, wait) => Counted::Waits(Duration::from_micros(wait)),
        })
    }
}
