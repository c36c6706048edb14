//! What BSA LMS sends, in its own names.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::providers::page::{Count, Records};

/// `GET /v1/loans`. `items` is null past the end.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct List<'a> {
    #[serde(borrow)]
    pub(super) items: Option<Records<'a>>,
    pub(super) total: Option<Count>,
    pub(super) page: Option<Count>,
    pub(super) rows_per_page: Option<Count>,
}

/// One instalment, as far as the loan itself needs it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Instalment<'a> {
    pub(super) due_date: Option<String>,
    #[serde(borrow)]
    pub(super) total_outstanding: Option<&'a RawValue>,
}

/// `GET {auth host}/v1/auth/token`. <https://docs.lms.bsa.ai/concepts/authorization>
#[derive(Debug, Deserialize)]
pub(super) struct Token {
    pub(super) token: String,
}

/// The claim of the token that says when it ends.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) exp: i64,
}

/// The fields that the documents name for a loan, list and detail together.
pub(super) const DOCUMENTED: &[&str] = &[
    "id",
    "accountNo",
    "externalId",
    "customerId",
    "customerName",
    "loanProductId",
    "loanProductName",
    "status",
    "principal",
    "approvedPrincipal",
    "currencyCode",
    "termFrequency",
    "numberOfRepayments",
    "interestRatePerPeriod",
    "principalDisbursed",
    "principalPaid",
    "principalOutstanding",
    "interestCharged",
    "interestPaid",
    "interestOutstanding",
    "feesCharged",
    "feesPaid",
    "feesOutstanding",
    "penaltiesCharged",
    "penaltiesPaid",
    "penaltiesOutstanding",
    "totalRepayment",
    "totalOutstanding",
    "nextDueDate",
    "nextDueAmount",
    "overdue",
    "repaymentSchedule",
    "repaymentHistory",
];

/// An error. <https://docs.lms.bsa.ai/concepts/errors>
#[derive(Deserialize)]
pub(super) struct Refusal {
    /// Of an `invalid_argument`, JSON in a text: a list of what is wrong.
    pub(super) message: String,
}

/// One thing that is wrong with a request.
#[derive(Deserialize)]
pub(super) struct Wrong {
    /// The parameter.
    pub(super) field: String,
}

/// The fields that the documents show for an instalment. <https://docs.lms.bsa.ai/loans/list>
pub(super) const DOCUMENTED_INSTALMENT: &[&str] = &[
    "period",
    "fromDate",
    "dueDate",
    "complete",
    "principalDue",
    "principalOutstanding",
    "interestDue",
    "interestOutstanding",
    "totalDue",
    "totalOutstanding",
];

/// The fields that the documents of three generations name for a repayment.
/// <https://docs.lms.bsa.ai/repayments/overview>, <https://api-docs.bsa.ai/repayments/list>
pub(super) const DOCUMENTED_REPAYMENT: &[&str] = &[
    "id",
    "type",
    "date",
    "amount",
    "principal",
    "interest",
    "fees",
    "penalties",
    "overpaymentPortion",
    "reversed",
    "status",
    "loanId",
    "externalId",
];
