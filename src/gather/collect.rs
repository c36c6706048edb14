//! Putting one source's pages together: each loan once, the newest observation of it, and a count of the rest.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::loan::{AsOfBasis, IdStability, Loan};

/// The loans of one source so far, in the order they first came.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) loans: Vec<Loan>,
    pub(super) duplicates: usize,
    by_id: HashMap<String, Place>,
}

/// Where a loan stands in the list, and how many shared its fingerprint.
#[derive(Debug)]
struct Place {
    at: usize,
    sharing: u32,
}

impl Collected {
    /// Adds a loan, or replaces an older observation of it, or counts it as a duplicate.
    ///
    /// A fingerprint that comes again is another loan that looks the same: it gets the next number, because dropping
    /// a debt would be worse than an id that depends on the order.
    pub(super) fn add(&mut self, mut loan: Loan) {
        let next = self.loans.len();
        match self.by_id.entry(loan.id.clone()) {
            Entry::Vacant(place) => {
                place.insert(Place { at: next, sharing: 1 });
                self.loans.push(loan);
            }
            Entry::Occupied(mut place) if loan.id_stability == IdStability::Fingerprint => {
                let place = place.get_mut();
                place.sharing = place.sharing.saturating_add(1);
                loan.id = format!("{}-{}", loan.id, place.sharing);
                loan.id_stability = IdStability::Positional;
                self.loans.push(loan);
            }
            Entry::Occupied(place) => {
                self.duplicates = self.duplicates.saturating_add(1);
                if let Some(known) = self.loans.get_mut(place.get().at)
                    && loan.as_of_basis == AsOfBasis::ProviderReported
                    && loan.as_of > known.as_of
                {
                    *known = loan;
                }
            }
        }
    }
}
