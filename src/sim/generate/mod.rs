//! Records that nobody wrote down, made from a seed and a number when they are asked for.
//!
//! A book of a million rows costs nothing until a page of it is read. What a client can filter by is
//! computed from the number of the record, so that the way back needs no search either.

mod belvo;
mod bsa;
mod carbon;
mod dice;
mod fineract;
mod fineract_loan;
mod goscore;
mod object;

use chrono::{DateTime, SecondsFormat};

use super::provider::Provider;
use dice::Dice;
pub(super) use object::Object;

/// How one provider's generated records are made.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    provider: Provider,
    seed: u64,
    count: usize,
}

impl Recipe {
    pub(super) fn new(provider: Provider, seed: u64, count: usize) -> Self {
        Self {
            provider,
            seed,
            count,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The record of this number. Rows come in ascending order of every key the provider sorts by.
    pub(super) fn row(&self, index: usize) -> String {
        match self.provider {
            Provider::Goscore => goscore::row(self, number(index)),
            Provider::Carbon => carbon::row(self, number(index)),
            Provider::Bsa => bsa::row(self, number(index)),
            Provider::Belvo => belvo::row(self, index),
            Provider::Fineract => fineract_loan::row(self, number(index)),
        }
    }

    /// The transactions of a loan; `None` when there is no such loan.
    pub(super) fn ledger(&self, loan_id: &str) -> Option<Vec<String>> {
        let index: usize = loan_id.parse::<usize>().ok()?.checked_sub(fineract::FIRST_LOAN)?;
        (index < self.count).then(|| fineract::ledger(self, number(index)))
    }

    /// The schedule of a loan, and whether it has a ledger; `None` when there is no such loan.
    pub(super) fn schedule(&self, loan_id: &str) -> Option<(String, bool)> {
        let index: usize = loan_id.parse::<usize>().ok()?.checked_sub(fineract::FIRST_LOAN)?;
        let number = number(index);
        (index < self.count).then(|| {
            (
                fineract_loan::schedule(self, number),
                !fineract_loan::is_pending(number),
            )
        })
    }

    /// The only records in which this field can have this value; `None` when that takes a search.
    pub(super) fn candidates(&self, field: &str, value: &str) -> Option<Vec<usize>> {
        let candidates = match self.provider {
            Provider::Carbon => carbon::candidates(self, field, value),
            Provider::Bsa => bsa::candidates(field, value),
            Provider::Belvo => belvo::candidates(self, field, value),
            Provider::Fineract => fineract_loan::candidates(field, value),
            Provider::Goscore => None,
        }?;
        Some(
            candidates
                .into_iter()
                .filter(|index| *index < self.count)
                .collect(),
        )
    }

    /// Chance that is the same for the same record.
    fn dice(&self, purpose: u64, number: u64) -> Dice {
        Dice::new(self.seed, purpose, number)
    }

    /// A UUID of version 4 in shape that carries a number in its first group.
    fn uuid(&self, purpose: u64, number: u64) -> String {
        let mut dice = self.dice(purpose, number);
        let head = (number ^ self.mask(purpose)) & 0xffff_ffff;
        format!(
            "{head:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            dice.below(0x1_0000),
            dice.below(0x1000),
            dice.below(0x1000),
            dice.below(0x1_0000_0000_0000)
        )
    }

    /// The number in a UUID. Any UUID yields one; whoever asks compares the record.
    fn number_in(&self, purpose: u64, uuid: &str) -> Option<usize> {
        let head = u64::from_str_radix(uuid.get(..8)?, 16).ok()?;
        usize::try_from((head ^ self.mask(purpose)) & 0xffff_ffff).ok()
    }

    fn mask(&self, purpose: u64) -> u64 {
        self.dice(purpose, u64::MAX).roll()
    }
}

fn number(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX)
}

/// An instant as JavaScript writes it.
fn instant(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The calendar day of an instant.
fn day(seconds: u64) -> String {
    instant(seconds).get(..10).unwrap_or_default().to_owned()
}

const DAY: u64 = 86_400;
