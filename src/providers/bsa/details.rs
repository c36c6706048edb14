//! What a loan's own record holds beside the loan: its plan, and on some hosts the history of its repayments. There is
//! no call for either.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Bsa, history, schedule};
use crate::loan::{Instalment, Loan, Transaction};
use crate::providers::detail::{MappedRow, day};
use crate::providers::page::Records;
use crate::providers::{Detail, Rows};

/// The lists inside a loan, as they came; `None` where the key is not there.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lists<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    repayment_schedule: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    repayment_history: Option<&'a RawValue>,
}

/// A null is there.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl Detail<Instalment> for Bsa {
    fn embedded(&self) -> bool {
        true
    }

    fn held(&self, loan: &Loan) -> Option<Rows<Instalment>> {
        instalments(loan)
    }
}

impl Detail<Transaction> for Bsa {
    fn held(&self, loan: &Loan) -> Option<Rows<Transaction>> {
        transactions(loan)
    }
}

/// The plan, as it stands on the day that the loan is of.
pub(super) fn instalments(loan: &Loan) -> Option<Rows<Instalment>> {
    let currency = loan.currency?;
    let today = day(loan.as_of.0, schedule::AHEAD);
    rows(
        loan,
        |lists| lists.repayment_schedule,
        "Its schedule is not a list",
        |row| schedule::instalment(row, currency, today, loan.status),
    )
}

/// The history of repayments.
pub(super) fn transactions(loan: &Loan) -> Option<Rows<Transaction>> {
    let currency = loan.currency?;
    let id: Arc<str> = Arc::from(loan.id.as_str());
    rows(
        loan,
        |lists| lists.repayment_history,
        "Its history is not a list",
        |row| history::transaction(row, &id, currency),
    )
}

/// Maps the list that a loan's record has under one of its keys; `None` when it does not have the key.
fn rows<T>(
    loan: &Loan,
    list: fn(Lists<'_>) -> Option<&RawValue>,
    not_a_list: &'static str,
    map: impl FnMut(&RawValue) -> MappedRow<T>,
) -> Option<Rows<T>> {
    let text = loan.received.main()?.text();
    let unreadable = || Rows::unreadable("get_loan", not_a_list);
    // A key that comes twice is unreadable.
    let Ok(lists) = serde_json::from_str::<Lists<'_>>(text) else {
        return Some(unreadable());
    };
    let read = serde_json::from_str::<Option<Records<'_>>>(list(lists)?.get());
    Some(match read {
        Ok(records) => Rows::collect(records.unwrap_or_default().0, map),
        Err(_) => unreadable(),
    })
}
