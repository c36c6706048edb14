//! What the simulators answer from and what they were asked.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;

use super::book::Book;
use super::carbon::CarbonEnvelope;
use super::fault::Fault;
use super::generate::Recipe;
use super::goscore::Consent;
use super::provider::Provider;
use super::request::Recorded;
use super::{belvo, bsa, carbon, fineract, fineract_native, front, goscore};

/// A simulator that runs for days must not remember every request of every day.
const REQUESTS_KEPT: usize = 100_000;

/// Everything behind the simulators. Clones share it, so a test changes the world while a server runs.
#[derive(Clone)]
pub struct World {
    state: Arc<Mutex<State>>,
}

/// What is shared. Rows are behind `Arc`s: an answer takes what it needs and builds it without the lock.
pub(super) struct State {
    pub(super) books: HashMap<Provider, Book>,
    /// Whether BSA puts a history into the single read of a loan.
    pub(super) bsa_history: bool,
    pub(super) consents: BTreeMap<String, Consent>,
    pub(super) ledgers: fineract::Ledgers,
    pub(super) faults: HashMap<Provider, Fault>,
    pub(super) max_per_page: HashMap<Provider, usize>,
    pub(super) carbon_envelope: CarbonEnvelope,
    /// Whether Fineract is of a release that does not know the filter by client.
    pub(super) ignores_client: bool,
    /// Token to its owner and the second it expires.
    pub(super) tokens: HashMap<String, (Provider, i64)>,
    requests: VecDeque<Recorded>,
    serial: usize,
}

impl State {
    pub(super) fn next_serial(&mut self) -> usize {
        self.serial = self.serial.wrapping_add(1);
        self.serial
    }

    pub(super) fn book(&self, provider: Provider) -> Book {
        self.books
            .get(&provider)
            .cloned()
            .unwrap_or_else(|| Book::of(Vec::new()))
    }

    /// The page size that is served for one that was asked for.
    pub(super) fn clamped(&self, provider: Provider, asked: usize) -> usize {
        self.max_per_page
            .get(&provider)
            .map_or(asked, |most| asked.min(*most))
    }

    /// The fault of the next call.
    pub(super) fn strike(&mut self, provider: Provider) -> Fault {
        self.faults.get_mut(&provider).map_or(Fault::None, Fault::strike)
    }
}

impl World {
    /// The samples of the providers' own pages, and nothing else.
    pub fn documents() -> Self {
        Self::sized(0, 0)
    }

    /// The samples first, then generated rows until each provider has `loans_per_provider` of them:
    /// `GoScore` under the consent of its page, Belvo counted in snapshots, Fineract as that many more
    /// loans, numbered from 1000. The same seed and size give the same world.
    pub fn generated(seed: u64, loans_per_provider: usize) -> Self {
        Self::sized(seed, loans_per_provider)
    }

    fn sized(seed: u64, total: usize) -> Self {
        let continued = |provider: Provider, rows: Vec<String>| {
            let book = Book::continued(rows, total, |missing| Recipe::new(provider, seed, missing));
            (provider, book)
        };
        let (_, debts) = continued(Provider::Goscore, goscore::sample_rows());
        let state = State {
            books: HashMap::from([
                continued(Provider::Carbon, carbon::sample_rows()),
                continued(Provider::Bsa, bsa::sample_rows()),
                continued(Provider::Belvo, belvo::sample_rows()),
                fineract_native::book(seed, total),
            ]),
            bsa_history: false,
            consents: goscore::consents(debts),
            ledgers: fineract::Ledgers::documents(Recipe::new(Provider::Fineract, seed, total)),
            faults: HashMap::new(),
            max_per_page: HashMap::from([
                (Provider::Goscore, 50),
                (Provider::Carbon, 100),
                (Provider::Bsa, 100),
                (Provider::Belvo, 100),
            ]),
            carbon_envelope: CarbonEnvelope::Pagination,
            ignores_client: false,
            tokens: HashMap::new(),
            requests: VecDeque::new(),
            serial: 0,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Sets what is wrong with a provider, from the next call on.
    pub fn set_fault(&self, provider: Provider, fault: Fault) {
        self.with(|state| {
            if matches!(fault, Fault::ExpiredToken) {
                state.tokens.retain(|_, (owner, _)| *owner != provider);
            }
            state.faults.insert(provider, fault);
        });
    }

    /// Replaces a provider's rows by these texts, which go out byte for byte. `GoScore`: the loans of the
    /// consent of its page, collected in full, of somebody who never had a student loan. Fineract: the
    /// transactions of loan 123.
    pub fn set_records(&self, provider: Provider, rows: Vec<String>) {
        match provider {
            Provider::Goscore => self.set_goscore(goscore::SAMPLE_CONSENT, "done", Some("{}"), rows),
            Provider::Fineract => self.set_fineract_ledger(fineract::SAMPLE_LOAN, rows),
            Provider::Carbon | Provider::Bsa | Provider::Belvo => {
                self.with(|state| state.books.insert(provider, Book::of(rows)));
            }
        }
    }

    /// Sets what `GoScore` has collected under a consent. `student_loan` is JSON; `None` leaves the key out.
    pub fn set_goscore(&self, consent: &str, status: &str, student_loan: Option<&str>, rows: Vec<String>) {
        let collected = Consent::new(status, student_loan, Book::of(rows));
        self.with(|state| state.consents.insert(consent.to_owned(), collected));
    }

    /// Sets the transactions of one Fineract loan.
    pub fn set_fineract_ledger(&self, loan_id: &str, rows: Vec<String>) {
        self.with(|state| state.ledgers.set(loan_id, rows));
    }

    /// Replaces the loans of Apache Fineract itself, each as a list has it; their schedules and transactions are those
    /// of the loans with the same ids.
    pub fn set_native_loans(&self, rows: Vec<String>) {
        self.with(|state| state.books.insert(Provider::Fineract, Book::of(rows)));
    }

    /// Makes Apache Fineract one of the releases that ignore `clientId` and give everybody's loans.
    pub fn set_ignores_client(&self, ignores: bool) {
        self.with(|state| state.ignores_client = ignores);
    }

    /// Sets the most rows that a provider puts on a page, without telling anybody who asks for more.
    /// (BSA refuses more than 100 as its pages say, whatever is set here.)
    pub fn set_max_per_page(&self, provider: Provider, rows: usize) {
        self.with(|state| state.max_per_page.insert(provider, rows.max(1)));
    }

    /// Chooses among the envelopes that Carbon's pages show for a list.
    pub fn set_carbon_envelope(&self, envelope: CarbonEnvelope) {
        self.with(|state| state.carbon_envelope = envelope);
    }

    /// Makes BSA the host of its newest pages, which puts `repaymentHistory` into the single read of a loan.
    pub fn set_bsa_history(&self, there: bool) {
        self.with(|state| state.bsa_history = there);
    }

    /// What was asked so far, in order, refused requests included; the latest 100,000.
    pub fn requests(&self) -> Vec<Recorded> {
        self.with(|state| state.requests.iter().cloned().collect())
    }

    /// Forgets what was asked.
    pub fn clear_requests(&self) {
        self.with(|state| state.requests.clear());
    }

    /// The five simulators, each below its prefix.
    pub fn router(&self) -> Router {
        front::router(self.clone())
    }

    pub(super) fn remember(&self, request: Recorded) {
        self.with(|state| {
            if state.requests.len() >= REQUESTS_KEPT {
                state.requests.pop_front();
            }
            state.requests.push_back(request);
        });
    }

    pub(super) fn with<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        // Nothing in here is left half changed by a panic.
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with(|state| {
            f.debug_struct("World")
                .field("consents", &state.consents.len())
                .field("faults", &state.faults)
                .field("requests", &state.requests.len())
                .finish_non_exhaustive()
        })
    }
}
