//! How a BSA loan becomes ours.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::parts::{any_known, make_up, part};
use super::wire::{DOCUMENTED, Instalment};
use crate::loan::{
    Currency, Field, FlagCode, IdStability, Loan, Missing, Origin, PaymentStatus, Phase, RateBasis,
    RecordType, Status, decimal,
};
use crate::providers::{Mapped, Mapping};
use crate::record::{Reader, Rejected, Unit, Why, calendar_date};

/// The labels of the list page, which the LMS returns verbatim.
const STATUSES: &[(&str, Status)] = &[
    ("Active", Status::Active),
    ("Submitted and pending approval", Status::Pending),
    ("Approved", Status::Approved),
    ("Withdrawn by applicant", Status::Withdrawn),
    ("Rejected", Status::Declined),
    ("Closed (obligations met)", Status::Closed),
    ("Closed (written off)", Status::WrittenOff),
    ("Overpaid", Status::Overpaid),
];

/// The documents describe fee and penalty columns without showing their keys; these are the spellings that follow
/// from the other columns and from the ledger software's own names. A wrong guess shows as parts that do not add up.
const FEES: &[&str] = &["feesOutstanding", "feeOutstanding", "feeChargesOutstanding"];
const PENALTIES: &[&str] = &[
    "penaltiesOutstanding",
    "penaltyOutstanding",
    "penaltyChargesOutstanding",
];

/// Maps one loan, as the list and the detail call send it.
pub(super) fn loan(row: &RawValue, at: &Mapping<'_>) -> Mapped {
    let mut row = Reader::outlined(row, at.outline)?;
    let mut loan = Loan::unknown(
        at.connection,
        super::DESCRIPTOR.name,
        RecordType::LoanAccount,
        at.fetched_at,
    );

    let id = row.id("id")?;
    loan.identify(&id, IdStability::Native);
    loan.provider_refs.push("loan_id", id);
    row.refers("loan_id", "id");
    row.reference(&mut loan.provider_refs, "account_number", "accountNo");
    row.reference(&mut loan.provider_refs, "external_id", "externalId");
    loan.borrower.customer_id = row.text(Field::BorrowerCustomerId, "customerId");
    row.personal(&["customerName"]);
    loan.lender.product_id = row.text(Field::LenderProductId, "loanProductId");
    loan.lender.product_name = row.text(Field::LenderProductName, "loanProductName");
    loan.native_kind.clone_from(&loan.lender.product_name);
    row.follows(Field::NativeKind, Field::LenderProductName);

    let status = row.choice(Field::Status, "status", STATUSES);
    loan.native_status = status.word().map(str::to_owned);
    loan.set_status(status.known().unwrap_or(Status::Unknown));

    let currency = row
        .text(Field::Currency, "currencyCode")
        .and_then(|code| Currency::parse(&code))
        .ok_or(Rejected::new("currencyCode", Why::NoCurrency))?;
    loan.currency = Some(currency);
    row.amounts_are_in(currency, Unit::Major);
    amounts(&mut loan, &mut row, currency)?;

    loan.rate.percent = row.percent(Field::RatePercent, "interestRatePerPeriod");
    if loan.rate.percent.is_some() {
        // Which period is a setting of the product, not of the loan.
        loan.rate.basis = RateBasis::PerPeriod;
        row.is(Field::RateBasis, Origin::Derived, "interestRatePerPeriod");
        row.flag(FlagCode::RatePeriodUnknown, Field::RatePeriod);
    }
    loan.term.count = row.count(Field::TermCount, "termFrequency");
    if loan.term.count.is_some() {
        row.flag(FlagCode::TermUnitUnknown, Field::TermUnit);
    }
    loan.term.instalments = row.count(Field::TermInstalments, "numberOfRepayments");

    loan.next_payment.due_on = row.date(Field::NextPaymentDueOn, "nextDueDate");
    loan.next_payment.amount = row.money(Field::NextPaymentAmount, "nextDueAmount")?;
    loan.delinquency.overdue = row.boolean(Field::DelinquencyOverdue, "overdue");
    payment_status(&mut loan, &mut row);
    plan(&mut loan, &mut row);
    // Both have answers of their own.
    row.raw("repaymentHistory");
    not_applicable(&loan, &mut row);

    let drift = row.finish(DOCUMENTED, &mut loan);
    Ok((loan, drift))
}

fn amounts(loan: &mut Loan, row: &mut Reader<'_>, currency: Currency) -> Result<(), Rejected> {
    loan.amounts.requested = row.money(Field::Requested, "principal")?;
    loan.amounts.approved = row.money(Field::Approved, "approvedPrincipal")?;
    loan.amounts.original_principal = row.money(Field::OriginalPrincipal, "principalDisbursed")?;
    // Paid so far, not what is to be paid.
    loan.amounts.total_paid = row.money(Field::TotalPaid, "totalRepayment")?;
    (loan.amounts.total_outstanding, loan.amounts.credit_balance) =
        row.balance(Field::TotalOutstanding, "totalOutstanding")?;

    // An absent part is nought only where the present ones already make up the total.
    let mut parts = [
        part(row, Field::PrincipalOutstanding, &["principalOutstanding"])?,
        part(row, Field::InterestOutstanding, &["interestOutstanding"])?,
        part(row, Field::FeesOutstanding, FEES)?,
        part(row, Field::PenaltiesOutstanding, PENALTIES)?,
    ];
    if let Some(total) = loan.amounts.total_outstanding {
        // Whoever adds the parts up is warned.
        let order = make_up(&mut parts, total, currency, row, "totalOutstanding");
        if order != Some(Ordering::Equal) && any_known(&parts) {
            row.flag(FlagCode::ComponentsMismatch, Field::TotalOutstanding);
        }
    }
    let [principal, interest, fees, penalties] = parts;
    loan.amounts.principal_outstanding = principal.value;
    loan.amounts.interest_outstanding = interest.value;
    loan.amounts.fees_outstanding = fees.value;
    loan.amounts.penalties_outstanding = penalties.value;
    Ok(())
}

fn payment_status(loan: &mut Loan, row: &mut Reader<'_>) {
    let (payment, source) = match (loan.status, loan.delinquency.overdue) {
        (Status::Active | Status::Overpaid, Some(true)) => (PaymentStatus::Overdue, "overdue"),
        (Status::Active | Status::Overpaid, Some(false)) => (PaymentStatus::Current, "overdue"),
        (Status::Active | Status::Overpaid, None) => {
            row.lacks(Field::PaymentStatus, Missing::AbsentInResponse, "overdue");
            return;
        }
        (Status::Unknown, _) => {
            row.lacks(Field::PaymentStatus, Missing::AbsentInResponse, "status");
            return;
        }
        _ => (PaymentStatus::NotApplicable, "status"),
    };
    loan.payment_status = payment;
    row.is(Field::PaymentStatus, Origin::Derived, source);
}

/// The last instalment's due date, and whether the plan leaves what is owed. The schedule itself is not part of the loan.
fn plan(loan: &mut Loan, row: &mut Reader<'_>) {
    const KEY: &str = "repaymentSchedule";
    const DUE: &str = "repaymentSchedule[].dueDate";
    let Some(raw) = row.raw(KEY) else {
        let why = if row.has(KEY) {
            Missing::NullInResponse
        } else {
            Missing::AbsentInResponse
        };
        row.lacks(Field::MaturesOn, why, KEY);
        return;
    };
    let Ok(schedule) = serde_json::from_str::<Vec<Instalment<'_>>>(raw) else {
        row.malformed::<()>(Field::MaturesOn, KEY);
        return;
    };
    let due = schedule
        .iter()
        .map(|instalment| instalment.due_date.as_deref().and_then(calendar_date));
    match due
        .collect::<Option<Vec<_>>>()
        .map(|dates| dates.into_iter().max())
    {
        Some(Some(last)) => {
            loan.dates.matures_on = Some(last);
            row.is(Field::MaturesOn, Origin::Derived, DUE);
        }
        // There is no plan.
        Some(None) => row.lacks(Field::MaturesOn, Missing::NotApplicable, KEY),
        None => {
            row.malformed::<()>(Field::MaturesOn, KEY);
            row.lacks(Field::MaturesOn, Missing::Unparseable, DUE);
        }
    }
    if let Some(total) = loan.amounts.total_outstanding
        && let Some(left) = left(&schedule)
        && left != total.value()
    {
        row.flag(FlagCode::ScheduleMismatch, Field::TotalOutstanding);
    }
}

/// What is left of all instalments; `None` where that is not known of every one, or there is none.
fn left(schedule: &[Instalment<'_>]) -> Option<Decimal> {
    let amounts = schedule.iter().map(|instalment| {
        let text = instalment.total_outstanding?.get();
        decimal::parse(text.trim_matches('"')).ok()
    });
    decimal::checked_total(amounts).filter(|_| !schedule.is_empty())
}

/// What makes no sense for a loan of this status, where the record does not speak of it at all.
fn not_applicable(loan: &Loan, row: &mut Reader<'_>) {
    let never_agreed = matches!(
        loan.status,
        Status::Pending | Status::Declined | Status::Withdrawn
    );
    let never_paid_out = never_agreed || loan.status == Status::Approved;
    let over = loan.phase == Phase::Ended;
    for (field, key, senseless) in [
        (Field::Approved, "approvedPrincipal", never_agreed),
        (Field::OriginalPrincipal, "principalDisbursed", never_paid_out),
        (Field::NextPaymentDueOn, "nextDueDate", over),
        (Field::NextPaymentAmount, "nextDueAmount", over),
    ] {
        if senseless && !row.has(key) {
            row.lacks(field, Missing::NotApplicable, "status");
        }
    }
}
