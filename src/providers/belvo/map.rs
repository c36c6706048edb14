//! How a Belvo snapshot becomes a loan.

use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::wire::DOCUMENTED;
use crate::loan::{
    Arrangement, AsOf, AsOfBasis, Currency, Field, FlagCode, IdStability, Loan, Missing, Origin,
    PaymentStatus, Period, RateBasis, RecordType, Status,
};
use crate::providers::{Mapped, Mapping};
use crate::record::{Reader, Rejected, Unit, Why};

/// Tracking for collection; not whether the debt is open. `inactive` says neither paid nor cancelled.
const TRACKING: &[(&str, Status)] = &[("active", Status::Active), ("inactive", Status::Unknown)];

/// The state of the credit. There is no word for a healthy or a repaid one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Credit {
    PastDue,
    Restructured,
    Canceled,
    InArrears,
}

/// Its name says per what it is.
const RATE: &str = "yearlyOrdinalInterestRate";

/// Fields about the person.
pub(super) const PERSONAL: &[&str] = &["customerSalary", "customerAddress", "mainPhoneNumber"];

const CREDIT: &[(&str, Credit)] = &[
    ("past_due", Credit::PastDue),
    ("restructured", Credit::Restructured),
    ("canceled", Credit::Canceled),
    ("in_arrears", Credit::InArrears),
];

/// Maps one snapshot.
pub(super) fn loan(row: &RawValue, currency: Currency, at: &Mapping<'_>) -> Mapped {
    let mut row = Reader::outlined(row, at.outline)?;
    row.amounts_are_in(currency, Unit::Major);
    row.flag(FlagCode::CurrencyAssumed, Field::Currency);
    let mut loan = Loan::unknown(
        at.connection,
        super::DESCRIPTOR.name,
        RecordType::CollectionSnapshot,
        at.fetched_at,
    );
    loan.currency = Some(currency);

    identify(&mut loan, &mut row)?;
    standing(&mut loan, &mut row);
    amounts(&mut loan, &mut row)?;

    loan.rate.percent = row.percent(Field::RatePercent, RATE);
    if let Some(rate) = loan.rate.percent {
        loan.rate.basis = RateBasis::AnnualNominal;
        loan.rate.period = Some(Period::Year);
        row.is(Field::RateBasis, Origin::Derived, RATE);
        row.is(Field::RatePeriod, Origin::Derived, RATE);
        // Percent or fraction is not documented; the number is given as it came.
        row.flag(FlagCode::RateBasisUnconfirmed, Field::RatePercent);
        if rate.value() > Decimal::ZERO && rate.value() < Decimal::ONE {
            row.flag(FlagCode::SuspectScale, Field::RatePercent);
        }
    }
    loan.term.instalments_paid = row.count(Field::TermInstalmentsPaid, "paidInstallments");
    loan.dates.opened_on = row.date(Field::OpenedOn, "issueDate");
    loan.last_payment.paid_on = row.date(Field::LastPaymentPaidOn, "lastPaymentDate");

    if let Some(created) = row.instant(Field::AsOf, "createdDate") {
        loan.as_of = AsOf(created);
        loan.as_of_basis = AsOfBasis::ProviderReported;
    }
    row.personal(PERSONAL);
    let drift = row.finish(DOCUMENTED, &mut loan);
    Ok((loan, drift))
}

/// `<merchantCustomerId>~<loanId>`; without a parent loan the payment method stands in, since the parent is made
/// from that pair.
fn identify(loan: &mut Loan, row: &mut Reader<'_>) -> Result<(), Rejected> {
    let merchant_customer = row.id("merchantCustomerId")?;
    row.reference(&mut loan.provider_refs, "snapshot_id", "id");
    let parent = row.reference(&mut loan.provider_refs, "loan_id", "loanId");
    let method = row.reference(&mut loan.provider_refs, "payment_method_id", "paymentMethodId");
    row.reference(&mut loan.provider_refs, "reference", "reference");
    match (parent, method) {
        (Some(parent), _) => loan.identify(&format!("{merchant_customer}~{parent}"), IdStability::Native),
        (None, Some(method)) => {
            loan.identify(
                &format!("{merchant_customer}~pm.{method}"),
                IdStability::Composite,
            );
        }
        (None, None) => return Err(Rejected::new("loanId", Why::NoId)),
    }
    loan.borrower.customer_id = row.text(Field::BorrowerCustomerId, "customerId");
    loan.borrower.customer_external_id = Some(merchant_customer);
    row.is(
        Field::BorrowerCustomerExternalId,
        Origin::Reported,
        "merchantCustomerId",
    );
    Ok(())
}

fn standing(loan: &mut Loan, row: &mut Reader<'_>) {
    let tracking = row.choice(Field::Status, "status", TRACKING);
    let says_credit = row.raw("creditStatus").is_some_and(|raw| raw != r#""""#);
    let credit = row.choice(Field::PaymentStatus, "creditStatus", CREDIT);
    loan.dates.defaulted_on = row.date(Field::DefaultedOn, "defaultDate");
    loan.delinquency.days_past_due = row.count(Field::DaysPastDue, "daysOverdue");
    loan.delinquency.since = loan.dates.defaulted_on;
    row.follows(Field::DelinquencySince, Field::DefaultedOn);

    let tracked = tracking.known() == Some(Status::Active);
    if credit.known() == Some(Credit::Canceled) {
        loan.set_status(Status::Cancelled);
        loan.native_status = credit.word().map(str::to_owned);
        row.is(Field::Status, Origin::Reported, "creditStatus");
        row.keep("status");
    } else {
        loan.set_status(tracking.known().unwrap_or(Status::Unknown));
        loan.native_status = tracking.word().map(str::to_owned);
        if says_credit {
            row.keep("creditStatus");
        }
        if tracked {
            row.flag(FlagCode::StatusInferred, Field::Status);
        }
    }
    let unreadable = says_credit && credit.known().is_none();
    loan.payment_status = match credit.known() {
        Some(Credit::PastDue) => PaymentStatus::Overdue,
        Some(Credit::InArrears) => PaymentStatus::InArrears,
        Some(Credit::Canceled) => PaymentStatus::NotApplicable,
        // Only debts in default are ever here; without a worse word that is what is known.
        Some(Credit::Restructured) | None if tracked && !unreadable && loan.dates.defaulted_on.is_some() => {
            row.is(Field::PaymentStatus, Origin::Inferred, "defaultDate");
            PaymentStatus::Defaulted
        }
        Some(Credit::Restructured) | None => PaymentStatus::Unknown,
    };
    loan.arrangement = match credit.known() {
        Some(Credit::Restructured) => {
            row.is(Field::Arrangement, Origin::Reported, "creditStatus");
            Arrangement::Restructured
        }
        Some(Credit::PastDue | Credit::InArrears) | None if tracked => {
            row.is(Field::Arrangement, Origin::Derived, "status");
            Arrangement::InCollection
        }
        Some(Credit::PastDue | Credit::InArrears | Credit::Canceled) | None => Arrangement::Unknown,
    };
    loan.delinquency.overdue = overdue(loan, row, credit.known());
}

fn overdue(loan: &Loan, row: &mut Reader<'_>, credit: Option<Credit>) -> Option<bool> {
    row.follows(Field::DelinquencyOverdue, Field::DaysPastDue);
    match (credit, loan.delinquency.days_past_due) {
        (Some(Credit::Canceled), _) => {
            row.lacks(Field::DelinquencyOverdue, Missing::NotApplicable, "creditStatus");
            None
        }
        (Some(Credit::PastDue | Credit::InArrears), _) => {
            row.is(Field::DelinquencyOverdue, Origin::Derived, "creditStatus");
            Some(true)
        }
        (Some(Credit::Restructured) | None, Some(days)) => {
            row.is(Field::DelinquencyOverdue, Origin::Derived, "daysOverdue");
            Some(days > 0)
        }
        (Some(Credit::Restructured) | None, None) => None,
    }
}

fn amounts(loan: &mut Loan, row: &mut Reader<'_>) -> Result<(), Rejected> {
    loan.amounts.principal_outstanding = row.money(Field::PrincipalOutstanding, "principalAmount")?;
    if loan.amounts.principal_outstanding.is_some() {
        // "The principal amount": original or outstanding is not said. The original is `loanAmount`.
        row.flag(FlagCode::AmountAmbiguous, Field::PrincipalOutstanding);
    }
    (loan.amounts.total_outstanding, loan.amounts.credit_balance) =
        row.balance(Field::TotalOutstanding, "totalBalance")?;
    loan.amounts.original_principal = row.money(Field::OriginalPrincipal, "loanAmount")?;
    loan.amounts.interest_outstanding = row.money(Field::InterestOutstanding, "interestAmount")?;
    loan.amounts.fees_outstanding = row.money(Field::FeesOutstanding, "feesAmount")?;
    loan.amounts.penalties_outstanding =
        row.money(Field::PenaltiesOutstanding, "latePaymentInterestAmount")?;
    loan.amounts.total_paid = row.money(Field::TotalPaid, "paidAmount")?;
    loan.last_payment.amount = row.money(Field::LastPaymentAmount, "lastPaymentAmount")?;
    Ok(())
}
