//! What Apache Fineract itself sends, in its own names.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::providers::page::{Count, Records};

/// `GET /loans`: `Page` of Apache Fineract.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct List<'a> {
    #[serde(borrow)]
    pub(super) page_items: Option<Records<'a>>,
    pub(super) total_filtered_records: Option<Count>,
}

/// Which loan a record is, and whose, read before anything else of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Whose<'a> {
    #[serde(borrow)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) client_id: Option<&'a RawValue>,
}

/// What of a loan is a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Lists<'a> {
    #[serde(borrow)]
    pub(super) repayment_schedule: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) transactions: Option<&'a RawValue>,
}

/// `LoanScheduleData`, as far as rows go.
#[derive(Debug, Deserialize)]
pub(super) struct Schedule<'a> {
    #[serde(borrow)]
    pub(super) periods: Option<Records<'a>>,
}

/// `ApiGlobalErrorResponse`. What it says in prose is never read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Refusal {
    pub(super) user_message_globalisation_code: Option<String>,
}
