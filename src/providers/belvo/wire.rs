//! What Belvo sends, in its own names.

use serde::Deserialize;

use crate::providers::page::{Count, Records};

/// `GET /loans`. The `links` are placeholders that lose the filters and are not read.
#[derive(Debug, Deserialize)]
pub(super) struct List<'a> {
    #[serde(borrow)]
    pub(super) items: Option<Records<'a>>,
    pub(super) meta: Option<Meta>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta {
    pub(super) total_items: Option<Count>,
    pub(super) total_pages: Option<Count>,
    pub(super) current_page: Option<Count>,
    pub(super) items_per_page: Option<Count>,
}

/// The fields of a snapshot, from the page.
pub(super) const DOCUMENTED: &[&str] = &[
    "id",
    "loanId",
    "customerId",
    "paymentMethodId",
    "merchantCustomerId",
    "status",
    "principalAmount",
    "totalBalance",
    "targetCollectionDate",
    "defaultDate",
    "daysOverdue",
    "issueDate",
    "loanAmount",
    "interestAmount",
    "feesAmount",
    "latePaymentInterestAmount",
    "openingCommissionAmount",
    "yearlyOrdinalInterestRate",
    "customerSalary",
    "customerAddress",
    "creditStatus",
    "paidInstallments",
    "paidAmount",
    "lastPaymentDate",
    "lastPaymentAmount",
    "mainPhoneNumber",
    "reference",
    "createdDate",
    "lastUpdatedDate",
];
