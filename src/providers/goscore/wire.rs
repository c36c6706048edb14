//! What GoScore sends, in its own names.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::providers::page::Records;

/// `GET /loans/:id`, one page; or the error envelope, which may come with any status.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "their names")]
pub(super) struct Loans<'a> {
    #[serde(borrow)]
    pub(super) loans: Option<Records<'a>>,
    #[serde(borrow)]
    pub(super) student_loan: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) user_data_id: Option<&'a RawValue>,
    /// State of the collection, not of a loan. <https://developer.goscore.me> "Statuses"
    pub(super) status: Option<String>,
    #[serde(borrow)]
    pub(super) error: Option<Failure<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Failure<'a> {
    pub(super) status: Option<&'a str>,
}

/// `POST /auth`.
#[derive(Debug, Deserialize)]
pub(super) struct Token {
    pub(super) token: String,
    /// `MM-DD-YYYY HH:MM`, UTC.
    pub(super) expire_at: Option<String>,
}

/// The fields of a loan, from the page.
pub(super) const LOAN: &[&str] = &[
    "creditor_name",
    "creditor_org_number",
    "has_co_borrower",
    "co_borrower",
    "credit_limit",
    "loan_amount",
    "balance",
    "charges",
    "charge_period",
    "type",
    "nominal_rate",
    "current_balance",
    "balance_with_interest",
    "balance_without_interest",
    "terms",
    "kid",
    "account",
];

/// The fields of a student loan, from the page.
pub(super) const STUDENT_LOAN: &[&str] = &[
    "balance",
    "fees",
    "charges",
    "interest",
    "status",
    "status_reason",
];
