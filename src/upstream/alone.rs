//! Which upstreams are to be left alone, told by one gateway of a fleet to the others.

use std::time::Duration;

use tokio::time::Instant;

use super::Upstream;

impl Upstream {
    /// Until when its circuit is open; `None` when it is not.
    pub fn open_until(&self) -> Option<Instant> {
        self.0.circuit.open_until()
    }

    /// Opens its circuit for so long, if it is not open by now: another gateway saw it fail.
    pub fn open_for(&self, rest: Duration) {
        self.0.circuit.open_for(rest);
    }

    /// Until when it has asked us not to call; `None` when it has not.
    pub fn paused_until(&self) -> Option<Instant> {
        self.0.paused_until()
    }

    /// Does not call it for so long: it has asked another gateway for that.
    pub fn pause_for(&self, rest: Duration) {
        self.0.pause(Some(rest));
    }
}
