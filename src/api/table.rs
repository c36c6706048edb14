//! The flat table of a loan. `docs/export.md` describes the columns; they are only ever added to.

use std::io;
use std::sync::Arc;

use axum::body::Bytes;

use crate::loan::{Loan, Period};

/// The columns: their names, and what stands in them.
type Column = (&'static str, fn(&Loan) -> String);

const COLUMNS: &[Column] = &[
    ("id", |loan| loan.id.clone()),
    ("record_type", |loan| loan.record_type.as_str().to_owned()),
    ("connection", |loan| loan.connection.to_string()),
    ("provider", |loan| loan.provider.to_owned()),
    ("kind", |loan| loan.kind.as_str().to_owned()),
    ("native_kind", |loan| text(loan.native_kind.as_ref())),
    ("status", |loan| loan.status.as_str().to_owned()),
    ("phase", |loan| loan.phase.as_str().to_owned()),
    ("native_status", |loan| text(loan.native_status.as_ref())),
    ("status_reason", |loan| text(loan.status_reason.as_ref())),
    ("payment_status", |loan| loan.payment_status.as_str().to_owned()),
    ("arrangement", |loan| loan.arrangement.as_str().to_owned()),
    ("lender_name", |loan| text(loan.lender.name.as_ref())),
    ("lender_registration_number", |loan| {
        text(loan.lender.registration_number.as_ref())
    }),
    ("lender_product_id", |loan| text(loan.lender.product_id.as_ref())),
    ("lender_product_name", |loan| {
        text(loan.lender.product_name.as_ref())
    }),
    ("borrower_role", |loan| loan.borrower.role.as_str().to_owned()),
    ("borrower_has_co_borrower", |loan| {
        text(loan.borrower.has_co_borrower)
    }),
    ("borrower_customer_id", |loan| {
        text(loan.borrower.customer_id.as_ref())
    }),
    ("borrower_customer_external_id", |loan| {
        text(loan.borrower.customer_external_id.as_ref())
    }),
    ("currency", |loan| {
        text(loan.currency.as_ref().map(|currency| currency.code().to_owned()))
    }),
    ("requested", |loan| text(loan.amounts.requested)),
    ("approved", |loan| text(loan.amounts.approved)),
    ("original_principal", |loan| text(loan.amounts.original_principal)),
    ("principal_outstanding", |loan| {
        text(loan.amounts.principal_outstanding)
    }),
    ("interest_outstanding", |loan| {
        text(loan.amounts.interest_outstanding)
    }),
    ("fees_outstanding", |loan| text(loan.amounts.fees_outstanding)),
    ("penalties_outstanding", |loan| {
        text(loan.amounts.penalties_outstanding)
    }),
    ("total_outstanding", |loan| text(loan.amounts.total_outstanding)),
    ("total_paid", |loan| text(loan.amounts.total_paid)),
    ("past_due", |loan| text(loan.amounts.past_due)),
    ("credit_limit", |loan| text(loan.amounts.credit_limit)),
    ("credit_balance", |loan| text(loan.amounts.credit_balance)),
    ("rate_percent", |loan| {
        text(loan.rate.percent.map(|percent| percent.value()))
    }),
    ("rate_basis", |loan| loan.rate.basis.as_str().to_owned()),
    ("rate_period", |loan| text(loan.rate.period.map(Period::as_str))),
    ("term_count", |loan| text(loan.term.count)),
    ("term_unit", |loan| text(loan.term.unit.map(Period::as_str))),
    ("term_remaining_count", |loan| text(loan.term.remaining_count)),
    ("term_instalments", |loan| text(loan.term.instalments)),
    ("term_instalments_paid", |loan| text(loan.term.instalments_paid)),
    ("applied_on", |loan| text(loan.dates.applied_on)),
    ("opened_on", |loan| text(loan.dates.opened_on)),
    ("disbursed_on", |loan| text(loan.dates.disbursed_on)),
    ("matures_on", |loan| text(loan.dates.matures_on)),
    ("closed_on", |loan| text(loan.dates.closed_on)),
    ("defaulted_on", |loan| text(loan.dates.defaulted_on)),
    ("next_payment_due_on", |loan| text(loan.next_payment.due_on)),
    ("next_payment_amount", |loan| text(loan.next_payment.amount)),
    ("last_payment_paid_on", |loan| text(loan.last_payment.paid_on)),
    ("last_payment_amount", |loan| text(loan.last_payment.amount)),
    ("overdue", |loan| text(loan.delinquency.overdue)),
    ("days_past_due", |loan| text(loan.delinquency.days_past_due)),
    ("delinquent_since", |loan| text(loan.delinquency.since)),
    ("id_stability", |loan| loan.id_stability.as_str().to_owned()),
    ("as_of", |loan| {
        loan.as_of.0.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
    }),
    ("as_of_basis", |loan| loan.as_of_basis.as_str().to_owned()),
    ("stale", |loan| loan.stale.to_string()),
    ("flags", flags),
];

/// An empty cell is a null.
fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// `code:field`, separated by spaces.
fn flags(loan: &Loan) -> String {
    let flags: Vec<String> = loan
        .flags
        .iter()
        .map(|flag| format!("{}:{}", flag.code.as_str(), flag.field.path()))
        .collect();
    flags.join(" ")
}

/// The line with the names of the columns.
pub(super) fn head() -> Bytes {
    table(std::iter::once(
        COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect(),
    ))
    .unwrap_or_default()
}

/// A line for each loan.
pub(super) fn rows(loans: &[Arc<Loan>]) -> io::Result<Bytes> {
    table(
        loans
            .iter()
            .map(|loan| COLUMNS.iter().map(|(_, cell)| cell(loan)).collect()),
    )
}

fn table(rows: impl Iterator<Item = Vec<String>>) -> io::Result<Bytes> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row)?;
    }
    writer
        .into_inner()
        .map(Bytes::from)
        .map_err(|error| io::Error::other(error.to_string()))
}
