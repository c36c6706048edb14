//! Totals of a selection, summed while it streams by. Currencies are never added together, and what was only applied
//! for is not counted as debt.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::query::{Query, Refused};
use super::source::Source;
use super::{Gateway, complete};
use crate::loan::{Currency, Kind, Loan, Money, PaymentStatus, Phase, RecordType, decimal};

/// A sum that knows what it could not count.
#[derive(Debug, Clone, Copy, Default)]
struct Total {
    amount: Option<Decimal>,
    loans: u64,
    unknown: u64,
    overflowed: bool,
}

impl Total {
    fn add(&mut self, money: Option<Money>) {
        self.loans = self.loans.saturating_add(1);
        match money {
            Some(money) => match decimal::checked_sum(self.amount.unwrap_or_default(), money.value()) {
                Some(sum) => self.amount = Some(sum),
                None => self.overflowed = true,
            },
            None => self.unknown = self.unknown.saturating_add(1),
        }
    }
}

/// What is totalled of every group.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    loans: u64,
    requested: Total,
    principal_outstanding: Total,
    total_outstanding: Total,
    past_due: Total,
    worst_days_past_due: Option<u32>,
}

impl Totals {
    fn add(&mut self, loan: &Loan) {
        self.loans = self.loans.saturating_add(1);
        self.requested.add(loan.amounts.requested);
        self.principal_outstanding.add(loan.amounts.principal_outstanding);
        self.total_outstanding.add(loan.amounts.total_outstanding);
        self.past_due.add(loan.amounts.past_due);
        self.worst_days_past_due = self.worst_days_past_due.max(loan.delinquency.days_past_due);
    }
}

/// One group: loans of one currency that share a word.
#[derive(Debug, Clone)]
struct Group {
    /// What the groups are made by, and this one's word; none for the groups of all loans of a currency.
    by: Option<(&'static str, Arc<str>)>,
    currency: Option<Currency>,
    debt: bool,
    totals: Totals,
}

impl Serialize for Group {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some((name, word)) = &self.by {
            map.serialize_entry(name, word)?;
        }
        map.serialize_entry("currency", &self.currency)?;
        map.serialize_entry("loans", &self.totals.loans)?;
        let total = |total: Total| Shown {
            total,
            currency: self.currency,
        };
        if self.debt {
            map.serialize_entry("total_outstanding", &total(self.totals.total_outstanding))?;
            map.serialize_entry("principal_outstanding", &total(self.totals.principal_outstanding))?;
            map.serialize_entry("past_due", &total(self.totals.past_due))?;
            map.serialize_entry("worst_days_past_due", &self.totals.worst_days_past_due)?;
        } else {
            map.serialize_entry("requested", &total(self.totals.requested))?;
        }
        map.end()
    }
}

/// A total as a caller sees it: null where no loan has a value, or where the exact sum has more digits than we keep.
struct Shown {
    total: Total,
    currency: Option<Currency>,
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let amount = self
            .total
            .amount
            .filter(|_| !self.total.overflowed)
            .zip(self.currency);
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("amount", &amount.map(|(sum, currency)| Money::new(sum, currency)))?;
        map.serialize_entry("loans", &self.total.loans)?;
        map.serialize_entry("unknown", &self.total.unknown)?;
        map.end()
    }
}

/// The groups of debts or of applications.
#[derive(Debug, Clone, Serialize)]
#[expect(clippy::struct_field_names, reason = "what callers read")]
struct Groups {
    by_currency: Vec<Group>,
    by_kind: Vec<Group>,
    by_phase: Vec<Group>,
    by_payment_status: Vec<Group>,
    by_connection: Vec<Group>,
}

/// The totals of a selection.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    debt: Groups,
    applications: Groups,
}

/// The totals, and how far they can be relied on.
#[derive(Debug)]
pub struct Summary {
    /// The totals.
    pub figures: Figures,
    /// A report of every selected connection.
    pub sources: Vec<Source>,
    /// Whether nothing is missing.
    pub complete: bool,
}

type Key = (Option<Currency>, Arc<str>);

#[derive(Debug, Default)]
struct Sums {
    currency: BTreeMap<Key, Totals>,
    kind: BTreeMap<Key, Totals>,
    phase: BTreeMap<Key, Totals>,
    payment_status: BTreeMap<Key, Totals>,
    connection: BTreeMap<Key, Totals>,
}

impl Sums {
    fn add(&mut self, loan: &Loan, words: &Words) {
        let currency = loan.currency;
        let add = |groups: &mut BTreeMap<Key, Totals>, word: &Arc<str>| {
            groups.entry((currency, Arc::clone(word))).or_default().add(loan);
        };
        add(&mut self.currency, &words.none);
        add(&mut self.kind, words.of(&words.kind, loan.kind.as_str()));
        add(&mut self.phase, words.of(&words.phase, loan.phase.as_str()));
        add(
            &mut self.payment_status,
            words.of(&words.payment_status, loan.payment_status.as_str()),
        );
        add(&mut self.connection, &loan.connection);
    }

    fn groups(self, debt: bool) -> Groups {
        let list = |name: Option<&'static str>, groups: BTreeMap<Key, Totals>| {
            groups
                .into_iter()
                .map(|((currency, word), totals)| Group {
                    by: name.map(|name| (name, word)),
                    currency,
                    debt,
                    totals,
                })
                .collect()
        };
        Groups {
            by_currency: list(None, self.currency),
            by_kind: list(Some("kind"), self.kind),
            by_phase: list(Some("phase"), self.phase),
            by_payment_status: list(Some("payment_status"), self.payment_status),
            by_connection: list(Some("connection"), self.connection),
        }
    }
}

/// The words of the vocabularies, made once so that a million loans do not make them a million times.
#[derive(Debug)]
struct Words {
    none: Arc<str>,
    kind: BTreeMap<&'static str, Arc<str>>,
    phase: BTreeMap<&'static str, Arc<str>>,
    payment_status: BTreeMap<&'static str, Arc<str>>,
}

impl Words {
    fn new() -> Self {
        let map = |words: Vec<&'static str>| words.into_iter().map(|word| (word, Arc::from(word))).collect();
        Self {
            none: Arc::from(""),
            kind: map(Kind::ALL.iter().map(|kind| kind.as_str()).collect()),
            phase: map(Phase::ALL.iter().map(|phase| phase.as_str()).collect()),
            payment_status: map(PaymentStatus::ALL.iter().map(|status| status.as_str()).collect()),
        }
    }

    fn of<'a>(&'a self, words: &'a BTreeMap<&'static str, Arc<str>>, word: &str) -> &'a Arc<str> {
        words.get(word).unwrap_or(&self.none)
    }
}

impl Gateway {
    /// Sums the selection while it streams by, within the deadline of a request.
    pub async fn summary(&self, query: &Query) -> Result<Summary, Refused> {
        let deadline = self.limits.cutoff();
        let mut walk = self.open(query, deadline).await;
        let words = Words::new();
        let (mut debt, mut applications) = (Sums::default(), Sums::default());
        while !walk.over() {
            for loan in walk.batch(deadline).await {
                let sums = if loan.record_type == RecordType::LoanApplication {
                    &mut applications
                } else {
                    &mut debt
                };
                sums.add(&loan, &words);
            }
        }
        let sources = walk.sources();
        let complete = complete(&sources);
        let figures = Figures {
            debt: debt.groups(true),
            applications: applications.groups(false),
        };
        Ok(Summary {
            figures,
            sources,
            complete,
        })
    }
}
