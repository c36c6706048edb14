//! Totals of a selection, summed while it streams by. Currencies are never added together, and what was only applied
//! for is not counted as debt.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::duplicates::{Debts, DuplicateCandidate};
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

/// The sum of one amount over a group.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Sum {
    /// Null where no loan has a value, or where the exact sum has more digits than we keep.
    amount: Option<Money>,
    /// Loans of the group.
    loans: u64,
    /// Loans of it whose value is null, and so is not in the sum.
    unknown: u64,
}

impl Sum {
    fn of(total: Total, currency: Option<Currency>) -> Self {
        let amount = total.amount.filter(|_| !total.overflowed).zip(currency);
        Self {
            amount: amount.map(|(sum, currency)| Money::new(sum, currency)),
            loans: total.loans,
            unknown: total.unknown,
        }
    }
}

/// One group: loans of one currency that share a word.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Group<T> {
    /// In `by_kind`: the kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    kind: Option<Arc<str>>,
    /// In `by_phase`: the phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    phase: Option<Arc<str>>,
    /// In `by_payment_status`: the payment status.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    payment_status: Option<Arc<str>>,
    /// In `by_connection`: the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    connection: Option<Arc<str>>,
    /// Currency of the amounts; null for ledgers without rows.
    currency: Option<Currency>,
    /// Loans of the group.
    loans: u64,
    #[serde(flatten)]
    sums: T,
}

/// What is summed of debts.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct DebtSums {
    /// All that is owed.
    total_outstanding: Sum,
    /// Principal still owed.
    principal_outstanding: Sum,
    /// The part of what is owed whose due date has passed.
    past_due: Sum,
    /// The most days past due of any; null where none is known.
    worst_days_past_due: Option<u32>,
}

impl DebtSums {
    fn of(totals: Totals, currency: Option<Currency>) -> Self {
        Self {
            total_outstanding: Sum::of(totals.total_outstanding, currency),
            principal_outstanding: Sum::of(totals.principal_outstanding, currency),
            past_due: Sum::of(totals.past_due, currency),
            worst_days_past_due: totals.worst_days_past_due,
        }
    }
}

/// What is summed of applications.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct ApplicationSums {
    /// Asked for.
    requested: Sum,
}

impl ApplicationSums {
    fn of(totals: Totals, currency: Option<Currency>) -> Self {
        Self {
            requested: Sum::of(totals.requested, currency),
        }
    }
}

/// The groups of debts or of applications.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "what callers read")]
struct Groups<T> {
    /// One group for each currency.
    by_currency: Vec<Group<T>>,
    /// One for each currency and kind.
    by_kind: Vec<Group<T>>,
    /// One for each currency and phase.
    by_phase: Vec<Group<T>>,
    /// One for each currency and payment status.
    by_payment_status: Vec<Group<T>>,
    /// One for each currency and connection.
    by_connection: Vec<Group<T>>,
}

/// The totals of a selection. Currencies are never added together.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Figures {
    /// What is or was owed.
    debt: Groups<DebtSums>,
    /// What was only applied for.
    applications: Groups<ApplicationSums>,
    /// Debts that may be one debt, seen at two connections: nothing was merged or subtracted for it. At most 1,000 pairs,
    /// those with most evidence first. Null where the question names no person and no loan, and of more than 500 debts.
    duplicate_candidates: Option<Vec<DuplicateCandidate>>,
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

    fn groups<T>(self, sums: fn(Totals, Option<Currency>) -> T) -> Groups<T> {
        let group = |currency: Option<Currency>, totals: Totals| Group {
            kind: None,
            phase: None,
            payment_status: None,
            connection: None,
            currency,
            loans: totals.loans,
            sums: sums(totals, currency),
        };
        let groups = |groups: BTreeMap<Key, Totals>, name: fn(&mut Group<T>) -> &mut Option<Arc<str>>| {
            let groups = groups.into_iter().map(|((currency, word), totals)| {
                let mut group = group(currency, totals);
                *name(&mut group) = Some(word);
                group
            });
            groups.collect()
        };
        Groups {
            by_currency: self
                .currency
                .into_iter()
                .map(|((currency, _), totals)| group(currency, totals))
                .collect(),
            by_kind: groups(self.kind, |group| &mut group.kind),
            by_phase: groups(self.phase, |group| &mut group.phase),
            by_payment_status: groups(self.payment_status, |group| &mut group.payment_status),
            by_connection: groups(self.connection, |group| &mut group.connection),
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
        let (parts, skipped) = self.ask(query, false, deadline).await;
        let mut walk = super::begin(query, parts, skipped);
        let words = Words::new();
        let (mut debt, mut applications) = (Sums::default(), Sums::default());
        let mut debts = query.is_about_somebody().then(Debts::default);
        while !walk.over() {
            for loan in walk.batch(deadline).await {
                if loan.record_type == RecordType::LoanApplication {
                    applications.add(&loan, &words);
                    continue;
                }
                debt.add(&loan, &words);
                if let Some(debts) = &mut debts {
                    debts.add(&loan);
                }
            }
        }
        let sources = walk.sources();
        let complete = complete(&sources);
        let figures = Figures {
            debt: debt.groups(DebtSums::of),
            applications: applications.groups(ApplicationSums::of),
            duplicate_candidates: debts.as_ref().and_then(Debts::candidates),
        };
        Ok(Summary {
            figures,
            sources,
            complete,
        })
    }
}
