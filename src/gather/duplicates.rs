//! Loans of one person that may be one debt seen twice, as at a lender and at who collects for it. They are told with what
//! speaks for it, and nothing is merged or subtracted: whether it is one debt is for the caller to say.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::loan::{Currency, Loan, Money};

/// Most loans that are compared with each other. Of more than that, coincidences would be all there is to find.
const MOST_LOANS: usize = 500;
/// Most pairs that are told.
const MOST_PAIRS: usize = 1_000;
/// The provider's own ids that name a debt; the others name a consent, an observation or a way to pay.
const REFERENCES: [&str; 5] = [
    "account_number",
    "application_id",
    "external_id",
    "loan_id",
    "reference",
];
/// Shorter ones are numbers that every provider has given to somebody.
const SHORTEST_REFERENCE: usize = 6;

vocabulary! {
    /// What speaks for two loans being one debt.
    DuplicateEvidence {
        /// One's reference is a reference of the other.
        SameReference = "same_reference",
        /// The same amount was paid out.
        SameOriginalPrincipal = "same_original_principal",
        /// The same amount is owed.
        SameTotalOutstanding = "same_total_outstanding",
        /// One began on the day the other did: contract or payout.
        SameStart = "same_start",
        /// The last instalment is due on the same day.
        SameMaturity = "same_maturity",
        /// The next instalment is due on the same day.
        SameNextDueDate = "same_next_due_date",
        /// Default was declared on the same day.
        SameDefaultDate = "same_default_date",
    }
}

/// Two loans of different connections that may be one debt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DuplicateCandidate {
    /// Their ids.
    loans: [String; 2],
    /// What speaks for it.
    evidence: Vec<DuplicateEvidence>,
}

/// A value that two loans may share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Trait {
    Reference(String),
    OriginalPrincipal(Decimal),
    TotalOutstanding(Decimal),
    Start(NaiveDate),
    Maturity(NaiveDate),
    NextDueDate(NaiveDate),
    DefaultDate(NaiveDate),
}

/// What a trait is worth: two that have the same are one coincidence and not two.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Reference,
    Amount(Decimal),
    Date(NaiveDate),
}

impl Trait {
    const fn evidence(&self) -> DuplicateEvidence {
        match self {
            Self::Reference(_) => DuplicateEvidence::SameReference,
            Self::OriginalPrincipal(_) => DuplicateEvidence::SameOriginalPrincipal,
            Self::TotalOutstanding(_) => DuplicateEvidence::SameTotalOutstanding,
            Self::Start(_) => DuplicateEvidence::SameStart,
            Self::Maturity(_) => DuplicateEvidence::SameMaturity,
            Self::NextDueDate(_) => DuplicateEvidence::SameNextDueDate,
            Self::DefaultDate(_) => DuplicateEvidence::SameDefaultDate,
        }
    }

    const fn worth(&self) -> Worth {
        match self {
            Self::Reference(_) => Worth::Reference,
            Self::OriginalPrincipal(amount) | Self::TotalOutstanding(amount) => Worth::Amount(*amount),
            Self::Start(day) | Self::Maturity(day) | Self::NextDueDate(day) | Self::DefaultDate(day) => {
                Worth::Date(*day)
            }
        }
    }

    /// Those of a loan.
    fn of(loan: &Loan) -> BTreeSet<Self> {
        let referred = REFERENCES.iter().filter_map(|name| loan.provider_refs.get(name));
        let references = referred
            .filter(|reference| reference.chars().count() >= SHORTEST_REFERENCE)
            .map(|reference| Self::Reference(reference.clone()));
        let amount = |money: Option<Money>, of: fn(Decimal) -> Self| {
            money
                .map(|money| money.value())
                .filter(|amount| !amount.is_zero())
                .map(of)
        };
        let starts = [loan.dates.opened_on, loan.dates.disbursed_on];
        let others = [
            amount(loan.amounts.original_principal, Self::OriginalPrincipal),
            amount(loan.amounts.total_outstanding, Self::TotalOutstanding),
            loan.dates.matures_on.map(Self::Maturity),
            loan.next_payment.due_on.map(Self::NextDueDate),
            loan.dates.defaulted_on.map(Self::DefaultDate),
        ];
        references
            .chain(starts.into_iter().flatten().map(Self::Start))
            .chain(others.into_iter().flatten())
            .collect()
    }
}

/// The debts of one person so far, each as far as it can be compared.
#[derive(Debug, Default)]
pub(super) struct Debts(Vec<Debt>);

#[derive(Debug)]
struct Debt {
    id: String,
    connection: Arc<str>,
    currency: Option<Currency>,
    traits: BTreeSet<Trait>,
}

impl Debts {
    pub(super) fn add(&mut self, loan: &Loan) {
        if self.0.len() <= MOST_LOANS {
            self.0.push(Debt {
                id: loan.id.clone(),
                connection: Arc::clone(&loan.connection),
                currency: loan.currency,
                traits: Trait::of(loan),
            });
        }
    }

    /// The pairs that may be one debt, those with most evidence first; `None` if there are too many debts to tell.
    pub(super) fn candidates(&self) -> Option<Vec<DuplicateCandidate>> {
        if self.0.len() > MOST_LOANS {
            return None;
        }
        let mut alike: BTreeMap<(Currency, &Trait), Vec<&Debt>> = BTreeMap::new();
        let mut shared: BTreeMap<(&str, &str), BTreeSet<&Trait>> = BTreeMap::new();
        for debt in &self.0 {
            let Some(currency) = debt.currency else { continue };
            for each in &debt.traits {
                let known = alike.entry((currency, each)).or_default();
                for other in known.iter().filter(|other| other.connection != debt.connection) {
                    let (first, second) = (debt.id.as_str().min(&other.id), debt.id.as_str().max(&other.id));
                    shared.entry((first, second)).or_default().insert(each);
                }
                known.push(debt);
            }
        }
        let convincing = shared.into_iter().filter(|(_, traits)| convinces(traits));
        let mut candidates: Vec<DuplicateCandidate> = convincing
            .map(|((first, second), traits)| DuplicateCandidate {
                loans: [first.to_owned(), second.to_owned()],
                evidence: evidence(&traits),
            })
            .collect();
        candidates.sort_by_key(|candidate| Reverse(candidate.evidence.len()));
        candidates.truncate(MOST_PAIRS);
        Some(candidates)
    }
}

/// A reference does; an amount with another amount or a date. Two dates alone are a day on which much begins.
fn convinces(traits: &BTreeSet<&Trait>) -> bool {
    let worth: BTreeSet<Worth> = traits.iter().map(|each| each.worth()).collect();
    let amount = worth.iter().any(|worth| matches!(worth, Worth::Amount(_)));
    worth.contains(&Worth::Reference) || (amount && worth.len() > 1)
}

fn evidence(traits: &BTreeSet<&Trait>) -> Vec<DuplicateEvidence> {
    let each: BTreeSet<DuplicateEvidence> = traits.iter().map(|each| each.evidence()).collect();
    each.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::loan::{IdStability, RecordType, decimal};

    fn loan(connection: &str, key: &str) -> Loan {
        let connection = Arc::from(connection);
        let mut loan = Loan::unknown(&connection, "x", RecordType::LoanAccount, DateTime::UNIX_EPOCH);
        loan.identify(key, IdStability::Native);
        loan.currency = Currency::parse("MXN");
        loan
    }

    fn amount(text: &str) -> Option<Money> {
        let value = decimal::parse(text).ok()?;
        Currency::parse("MXN").map(|currency| Money::new(value, currency))
    }

    fn day(text: &str) -> Option<NaiveDate> {
        text.parse().ok()
    }

    fn told<'a>(loans: impl IntoIterator<Item = &'a Loan>) -> Vec<(String, Vec<&'static str>)> {
        let mut debts = Debts::default();
        for loan in loans {
            debts.add(loan);
        }
        let candidates = debts.candidates().unwrap().into_iter();
        candidates
            .map(|candidate| {
                let evidence = candidate.evidence.iter().map(|evidence| evidence.as_str());
                (candidate.loans.join(" "), evidence.collect())
            })
            .collect()
    }

    #[test]
    fn a_debt_at_its_lender_and_in_collection_is_told_once_with_its_evidence() {
        let mut lender = loan("lender", "1");
        lender.amounts.original_principal = amount("5000");
        lender.amounts.total_outstanding = amount("1200.50");
        lender.dates.disbursed_on = day("2025-02-01");
        lender
            .provider_refs
            .push("account_number", "000000501".to_owned());
        let mut collected = loan("collector", "9");
        collected.amounts.original_principal = amount("5000.00");
        collected.dates.opened_on = day("2025-02-01");
        collected.provider_refs.push("loan_id", "000000501".to_owned());
        let unrelated = loan("collector", "10");
        assert_eq!(
            told([&lender, &collected, &unrelated]),
            [(
                "collector:9 lender:1".to_owned(),
                vec!["same_reference", "same_original_principal", "same_start"]
            )]
        );
        // In another currency it is another debt.
        collected.currency = Currency::parse("NOK");
        assert!(told([&lender, &collected]).is_empty());
    }

    #[test]
    fn one_coincidence_is_none() {
        let pair = |change: fn(&mut Loan)| {
            let (mut one, mut other) = (loan("a", "1"), loan("b", "1"));
            change(&mut one);
            change(&mut other);
            told([&one, &other]).len()
        };
        let alone: [fn(&mut Loan); 5] = [
            |_| {},
            |loan| loan.amounts.original_principal = amount("100"),
            // Nothing was repaid yet: the same amount twice.
            |loan| {
                loan.amounts.original_principal = amount("100");
                loan.amounts.total_outstanding = amount("100");
            },
            |loan| {
                loan.amounts.total_outstanding = amount("0");
                loan.dates.matures_on = day("2026-01-01");
            },
            |loan| {
                loan.dates.opened_on = day("2025-01-01");
                loan.dates.matures_on = day("2026-01-01");
                loan.provider_refs.push("loan_id", "501".to_owned());
            },
        ];
        assert_eq!(alone.map(pair), [0; 5]);
        let together: [fn(&mut Loan); 2] = [
            |loan| {
                loan.amounts.original_principal = amount("100");
                loan.amounts.total_outstanding = amount("80");
            },
            |loan| {
                loan.amounts.total_outstanding = amount("100");
                loan.next_payment.due_on = day("2026-01-01");
            },
        ];
        assert_eq!(together.map(pair), [1; 2]);
        // Two loans of one connection are two, whatever they share.
        let mut twin = loan("a", "1");
        twin.amounts.original_principal = amount("100");
        twin.amounts.total_outstanding = amount("80");
        let other = Loan {
            id: "a:2".to_owned(),
            ..twin.clone()
        };
        assert!(told([&twin, &other]).is_empty());
    }

    #[test]
    fn what_is_too_much_to_compare_is_not_compared() {
        let mut debts = Debts::default();
        for at in 0..MOST_LOANS {
            let mut loan = loan(if at % 2 == 0 { "a" } else { "b" }, &at.to_string());
            loan.amounts.original_principal = amount("100");
            loan.dates.opened_on = day("2025-01-01");
            debts.add(&loan);
        }
        assert_eq!(debts.candidates().unwrap().len(), MOST_PAIRS);
        debts.add(&loan("a", "one more"));
        assert_eq!(debts.candidates(), None);
    }
}
