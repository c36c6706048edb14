//! What Carbon sends, in its own names.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::providers::page::Count;

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

/// `GET /v1/loans/{applicationId}`. <https://docs.getcarbon.co/api-reference/loans/get-loan>
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
