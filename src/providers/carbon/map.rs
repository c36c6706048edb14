//! How a Carbon application becomes a loan.

use serde_json::value::RawValue;

use super::wire::DOCUMENTED;
use crate::loan::{
    AsOf, AsOfBasis, Currency, Field, FlagCode, IdStability, Kind, Loan, PaymentStatus, Period, RecordType,
    Status,
};
use crate::providers::{Mapped, Mapping};
use crate::record::{Choice, Reader, Unit};

/// Application status, from the table on the list page.
const STATUSES: &[(&str, Status)] = &[
    ("PENDING", Status::Pending),
    ("KYC_PROCESSING", Status::Pending),
    ("HAS_OFFER", Status::Offered),
    ("OFFER_ACCEPTED", Status::Approved),
    ("OFFER_DECLINED", Status::Withdrawn),
    ("OFFER_EXPIRED", Status::Expired),
    ("DECLINED", Status::Declined),
    ("DISBURSEMENT_APPROVED", Status::Approved),
    ("DISBURSED", Status::Active),
];

/// What the status of a disbursed loan says: its own, how it is paid, and whether a payment is late.
type Account = (Status, PaymentStatus, Option<bool>);

/// `loanStatus` of <https://docs.getcarbon.co/api-reference/loans/get-active-loan>. A repaid loan's application
/// stays DISBURSED, so this decides once it is set.
const LOAN_STATUSES: &[(&str, Account)] = &[
    ("ACTIVE", (Status::Active, PaymentStatus::Current, Some(false))),
    (
        "ACTIVE_IN_ARREARS",
        (Status::Active, PaymentStatus::InArrears, Some(true)),
    ),
    ("CLOSED", (Status::Closed, PaymentStatus::NotApplicable, None)),
];

/// Maps one application, as the list and the detail call send it.
pub(super) fn loan(row: &RawValue, currency: Currency, unit: Unit, at: &Mapping<'_>) -> Mapped {
    let mut row = Reader::new(row)?;
    row.amounts_are_in(currency, unit);
    row.flag(FlagCode::CurrencyAssumed, Field::Currency);

    let mut loan = Loan::unknown(
        at.connection,
        super::DESCRIPTOR.name,
        RecordType::LoanApplication,
        at.fetched_at,
    );
    loan.currency = Some(currency);
    loan.kind = Kind::BusinessLoan;

    let application = row.id("application_id")?;
    loan.identify(&application, IdStability::Native);
    loan.provider_refs.push("application_id", application);
    loan.borrower.customer_id = row.text(Field::BorrowerCustomerId, "customer_id");
    // What was asked for. What was granted is only on the offer, and what is owed only on the active loan.
    loan.amounts.requested = row.money(Field::Requested, "amount")?;
    loan.term.count = row.count(Field::TermCount, "repayment_period");
    loan.term.unit = loan.term.count.map(|_| Period::Month);

    let application_status = row.choice(Field::Status, "status", STATUSES);
    let loan_status = row.choice(Field::Status, "loan_status", LOAN_STATUSES);
    let loan_id = row.reference(&mut loan.provider_refs, "loan_id", "loan_id");
    row.reference(&mut loan.provider_refs, "reference", "reference");
    lifecycle(
        &mut loan,
        &mut row,
        &application_status,
        &loan_status,
        loan_id.is_some(),
    );

    loan.dates.applied_on = row.date(Field::AppliedOn, "created_at");
    if let Some(updated) = row.instant(Field::AsOf, "updated_at") {
        loan.as_of = AsOf(updated);
        loan.as_of_basis = AsOfBasis::ProviderUpdatedAt;
    }
    row.personal(&["disbursement_account", "account_identifier"]);
    let drift = row.finish(DOCUMENTED, &mut loan);
    Ok((loan, drift))
}

fn lifecycle(
    loan: &mut Loan,
    row: &mut Reader<'_>,
    application: &Choice<Status>,
    account: &Choice<Account>,
    has_loan_id: bool,
) {
    let disbursed = application.known() == Some(Status::Active);
    if has_loan_id || disbursed || account.word().is_some() {
        loan.record_type = RecordType::LoanAccount;
    }
    if let Some(word) = account.word() {
        loan.native_status = Some(word.to_owned());
        // The application's own word has no other home now.
        row.keep("status");
        if let Some((status, payment, overdue)) = account.known() {
            loan.set_status(status);
            loan.payment_status = payment;
            loan.delinquency.overdue = overdue;
        }
        return;
    }
    loan.native_status = application.word().map(str::to_owned);
    if let Some(status) = application.known() {
        loan.set_status(status);
        if disbursed {
            row.flag(FlagCode::StatusInferred, Field::Status);
        } else {
            loan.payment_status = PaymentStatus::NotApplicable;
        }
    }
}
