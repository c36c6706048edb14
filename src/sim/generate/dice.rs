//! Chance from a seed, and amounts as whole thousandths: no binary fraction comes near them.

/// A small random generator (splitmix64). The same seed gives the same rolls on every machine.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Dice {
    /// Mixed between the parts, or neighbours would begin alike.
    pub(super) fn new(seed: u64, purpose: u64, number: u64) -> Self {
        let seed = Self(seed).roll();
        let purpose = Self(seed ^ purpose).roll();
        Self(purpose ^ number.wrapping_mul(STEP))
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `limit`, without `limit` itself.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.roll().checked_rem(limit).unwrap_or(0)
    }

    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low.saturating_add(self.below(high.saturating_sub(low).saturating_add(1)))
    }

    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(super) fn pick<T: Copy + Default>(&mut self, from: &[T]) -> T {
        let index = self.below(u64::try_from(from.len()).unwrap_or(1));
        nth(from, index)
    }

    /// An amount in thousandths, up to `most` whole units: mostly cents, now and then one that is hard
    /// to carry in a binary fraction.
    pub(super) fn thousandths(&mut self, most: u64) -> u64 {
        match self.below(40) {
            0 => 38_505,
            1 => 100,
            2 => 99_999_999_999_999_990,
            3 => 0,
            4..=9 => self.between(1, most).saturating_mul(1000),
            _ => self.between(100, most.saturating_mul(100)).saturating_mul(10),
        }
    }

    pub(super) fn digits(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| char::from(b'0'.saturating_add(u8::try_from(self.below(10)).unwrap_or(0))))
            .collect()
    }
}

/// The element at `index`, counting round.
pub(super) fn nth<T: Copy + Default>(from: &[T], index: u64) -> T {
    let len = u64::try_from(from.len()).unwrap_or(0);
    let index = index
        .checked_rem(len)
        .and_then(|index| usize::try_from(index).ok());
    index
        .and_then(|index| from.get(index))
        .copied()
        .unwrap_or_default()
}

/// The part of `whole` that is left after dividing it by `by`, in whole cents.
pub(super) fn share(whole: u64, by: u64) -> u64 {
    whole
        .checked_div(by)
        .map_or(whole, |share| share.saturating_sub(share % 10))
}

/// Thousandths as a decimal with at least `places` digits behind the point, and none to spare.
pub(super) fn decimal(thousandths: u64, places: usize) -> String {
    let fraction = format!("{:03}", thousandths % 1000);
    let fraction = format!("{:0<places$}", fraction.trim_end_matches('0'));
    let whole = thousandths / 1000;
    if fraction.is_empty() {
        whole.to_string()
    } else {
        format!("{whole}.{fraction}")
    }
}
