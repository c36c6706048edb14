//! Each loan once: when a source is held whole, the newest observation of it; when it streams by, the first one.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64;

use super::filter::Filter;
use crate::binary::Binary;
use crate::loan::{AsOfBasis, IdStability, Loan};

/// Ids kept of a source that repeats none by itself: as far as rows may move while it is read.
pub(super) const WINDOW: usize = 65_536;

/// The loans of one source so far, in the order they first came.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) loans: Vec<Arc<Loan>>,
    pub(super) duplicates: usize,
    /// Loans that the filter left out.
    pub(super) filtered: usize,
    by_id: HashMap<String, usize>,
    /// Loans whose newest observation the filter left out, as hashes: an older one is not to stand for it.
    left_out: HashSet<u64>,
    shared: SharedFingerprints,
}

impl Collected {
    /// Adds a loan that the filter lets pass, or replaces an older observation of it, or counts it as a duplicate.
    pub(super) fn add(&mut self, mut loan: Arc<Loan>, filter: &Filter) {
        self.shared.number(&mut loan);
        let next = self.loans.len();
        match self.by_id.entry(loan.id.clone()) {
            Entry::Vacant(place) => {
                let dated = loan.as_of_basis == AsOfBasis::ProviderReported;
                if dated && self.left_out.contains(&xxh3_64(loan.id.as_bytes())) {
                    self.duplicates = self.duplicates.saturating_add(1);
                } else if filter.matches(&loan) {
                    place.insert(next);
                    self.loans.push(loan);
                } else {
                    self.filtered = self.filtered.saturating_add(1);
                    if dated {
                        self.left_out.insert(xxh3_64(loan.id.as_bytes()));
                    }
                }
            }
            Entry::Occupied(place) => {
                self.duplicates = self.duplicates.saturating_add(1);
                if let Some(known) = self.loans.get_mut(*place.get())
                    && newer(&loan, known)
                {
                    *known = loan;
                }
            }
        }
    }
}

/// Whether one observation replaces another: it is dated, and the other is older or not dated.
fn newer(loan: &Loan, known: &Loan) -> bool {
    loan.as_of_basis == AsOfBasis::ProviderReported
        && (known.as_of_basis != AsOfBasis::ProviderReported || loan.as_of > known.as_of)
}

/// Which ids have streamed by, as hashes.
///
/// A provider that repeats ids by nature, and several scopes that may overlap, need all of them. Otherwise an id can
/// come again only because rows moved between pages, and then it came no longer ago than as many rows were added.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    all: bool,
    ids: FxHashSet<u64>,
    /// The ids in the order they came, where not all of them are kept.
    order: VecDeque<u64>,
    shared: SharedFingerprints,
}

binary! {
    Seen { all, ids, order, shared }
}

impl Seen {
    pub(super) fn new(all: bool) -> Self {
        Self {
            all,
            ids: FxHashSet::default(),
            order: VecDeque::new(),
            shared: SharedFingerprints::default(),
        }
    }

    /// The loans of a page that did not come before, and how many did.
    pub(super) fn first(&mut self, page: Vec<Arc<Loan>>) -> (Vec<Arc<Loan>>, usize) {
        let count = page.len();
        let mut fresh = Vec::with_capacity(count);
        self.ids.reserve(count);
        if !self.all {
            self.order.reserve(count);
        }
        for mut loan in page {
            self.shared.number(&mut loan);
            let hash = xxh3_64(loan.id.as_bytes());
            if !self.ids.insert(hash) {
                continue;
            }
            fresh.push(loan);
            if !self.all {
                self.order.push_back(hash);
                if self.order.len() > WINDOW
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.ids.remove(&oldest);
                }
            }
        }
        let duplicates = count.saturating_sub(fresh.len());
        (fresh, duplicates)
    }

    /// Roughly what it holds, in bytes.
    pub(super) fn size(&self) -> usize {
        let order = self.order.capacity().saturating_mul(8);
        self.ids.capacity().saturating_mul(16).saturating_add(order)
    }
}

/// A fingerprint that comes again is another loan that looks the same: it gets the next number, because dropping a
/// debt would be worse than an id that depends on the order.
#[derive(Debug, Clone, Default)]
struct SharedFingerprints(HashMap<u64, u32>);

impl Binary for SharedFingerprints {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Binary::read(from).map(Self)
    }
}

impl SharedFingerprints {
    fn number(&mut self, loan: &mut Arc<Loan>) {
        if loan.id_stability != IdStability::Fingerprint {
            return;
        }
        let count = self.0.entry(xxh3_64(loan.id.as_bytes())).or_insert(0);
        *count = count.saturating_add(1);
        if *count > 1 {
            let loan = Arc::make_mut(loan);
            loan.id = format!("{}-{count}", loan.id);
            loan.id_stability = IdStability::Positional;
        }
    }
}
