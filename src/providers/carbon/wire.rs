//! What Carbon sends, in its own names.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::providers::page::{Count, Records};
use crate::record::Reader;

/// `GET /v1/loans`, in either of the envelopes on the page: `pagination{}`, or a `total` beside the rows.
/// <https://docs.getcarbon.co/api-reference/loans/list-loans>
#[derive(Debug, Deserialize)]
pub(super) struct List<'a> {
    pub(super) status: Option<String>,
    /// An array, or an object that describes an error.
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    pub(super) pagination: Option<Pagination>,
    pub(super) total: Option<Count>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pagination {
    pub(super) total: Option<Count>,
    pub(super) page: Option<Count>,
    pub(super) pages: Option<Count>,
}

/// One thing: `GET /v1/loans/{applicationId}`, its `/offer`, the active loan, a schedule. Null where there is none.
/// <https://docs.getcarbon.co/api-reference/loans/get-loan>
#[derive(Debug, Deserialize)]
pub(super) struct One<'a> {
    pub(super) status: Option<String>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
}

/// The fields that the documents name for an application, list and detail together.
pub(super) const DOCUMENTED: &[&str] = &[
    "application_id",
    "customer_id",
    "amount",
    "repayment_period",
    "loan_purpose",
    "status",
    "offer_status",
    "loan_status",
    "loan_id",
    "reference",
    "created_at",
    "updated_at",
    "account_identifier",
    "disbursement_account",
    "decline_reasons",
];

/// The fields of an offer, in both styles of the page. <https://docs.getcarbon.co/api-reference/loans/get-offer>
pub(super) const OFFER: &[&str] = &[
    "id",
    "application_id",
    "applicationId",
    "offered_amount",
    "offerAmount",
    "tenure",
    "interest_rate",
    "interestRate",
    "monthly_repayment",
    "monthlyRepayment",
    "total_repayment",
    "totalRepayment",
    "schedule",
    "repaymentSchedule",
    "offer_status",
    "offerStatus",
    "expires_at",
    "expiresAt",
];

/// The fields of an active loan, and the same in the style of the applications.
/// <https://docs.getcarbon.co/api-reference/loans/get-active-loan>
pub(super) const ACTIVE_LOAN: &[&str] = &[
    "loanId",
    "outstandingBalance",
    "loanStatus",
    "nextRepaymentDate",
    "nextRepaymentAmount",
    "loan_id",
    "outstanding_balance",
    "loan_status",
    "next_repayment_date",
    "next_repayment_amount",
];

/// Which loan an active loan is.
#[derive(Debug, Deserialize)]
pub(super) struct Names<'a> {
    #[serde(borrow, rename = "loanId", alias = "loan_id")]
    pub(super) loan_id: Option<&'a RawValue>,
}

/// `data` of `GET /v1/loans/{loanId}/repayments`.
/// <https://docs.getcarbon.co/api-reference/loans/get-repayment-schedule>
#[derive(Debug, Deserialize)]
pub(super) struct Schedule<'a> {
    #[serde(borrow)]
    pub(super) schedule: Option<Records<'a>>,
}

/// The fields of an instalment, and the same in the style of the applications.
pub(super) const INSTALMENT: &[&str] = &[
    "dueDate",
    "principalDue",
    "interestDue",
    "totalDue",
    "paidAmount",
    "status",
    "due_date",
    "principal_due",
    "interest_due",
    "total_due",
    "paid_amount",
];

/// The pages write some records in two styles. The name that this one uses; without either, the first.
pub(super) fn either<F: Copy + PartialEq>(
    row: &mut Reader<'_, F>,
    one: &'static str,
    other: &'static str,
) -> &'static str {
    if !row.has(one) && row.has(other) {
        other
    } else {
        one
    }
}
