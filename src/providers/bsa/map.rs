//! How a BSA loan becomes ours.

use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::wire::{DOCUMENTED, Instalment};
use crate::loan::{
    Currency, Field, FlagCode, IdStability, Loan, Money, PaymentStatus, RateBasis, RecordType, Status,
    decimal,
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
    let mut row = Reader::new(row)?;
    let mut loan = Loan::unknown(
        at.connection,
        super::DESCRIPTOR.name,
        RecordType::LoanAccount,
        at.fetched_at,
    );

    let id = row.id("id")?;
    loan.identify(&id, IdStability::Native);
    loan.provider_refs.push("loan_id", id);
    row.reference(&mut loan.provider_refs, "account_number", "accountNo");
    row.reference(&mut loan.provider_refs, "external_id", "externalId");
    loan.borrower.customer_id = row.text(Field::BorrowerCustomerId, "customerId");
    row.personal(&["customerName"]);
    loan.lender.product_id = row.text(Field::LenderProductId, "loanProductId");
    loan.lender.product_name = row.text(Field::LenderProductName, "loanProductName");
    loan.native_kind.clone_from(&loan.lender.product_name);

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
    loan.payment_status = payment_status(loan.status, loan.delinquency.overdue);
    maturity(&mut loan, &mut row);

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

    let mut parts = [
        part(row, Field::PrincipalOutstanding, &["principalOutstanding"])?,
        part(row, Field::InterestOutstanding, &["interestOutstanding"])?,
        part(row, Field::FeesOutstanding, FEES)?,
        part(row, Field::PenaltiesOutstanding, PENALTIES)?,
    ];
    if let Some(total) = loan.amounts.total_outstanding {
        add_up(&mut parts, total, currency, row);
    }
    let [principal, interest, fees, penalties] = parts;
    loan.amounts.principal_outstanding = principal.value;
    loan.amounts.interest_outstanding = interest.value;
    loan.amounts.fees_outstanding = fees.value;
    loan.amounts.penalties_outstanding = penalties.value;
    Ok(())
}

/// A component of what is owed, and whether the record has it at all.
#[derive(Debug, Clone, Copy)]
struct Part {
    value: Option<Money>,
    there: bool,
}

fn part(row: &mut Reader<'_>, field: Field, keys: &[&'static str]) -> Result<Part, Rejected> {
    for key in keys {
        if row.has(key) {
            return Ok(Part {
                value: row.money(field, key)?,
                there: true,
            });
        }
    }
    Ok(Part {
        value: None,
        there: false,
    })
}

/// The LMS leaves zero components out. That an absent one is zero follows only where the others already make up
/// the total; otherwise it is not known, and whoever adds the parts up is warned.
fn add_up(parts: &mut [Part], total: Money, currency: Currency, row: &mut Reader<'_>) {
    let present = || parts.iter().filter_map(|part| part.value);
    let sum = present().try_fold(Decimal::ZERO, |sum, part| decimal::checked_sum(sum, part.value()));
    if sum == Some(total.value()) {
        for part in parts.iter_mut().filter(|part| !part.there) {
            part.value = Some(Money::new(Decimal::ZERO, currency));
        }
    } else if present().next().is_some() {
        row.flag(FlagCode::ComponentsMismatch, Field::TotalOutstanding);
    }
}

fn payment_status(status: Status, overdue: Option<bool>) -> PaymentStatus {
    match (status, overdue) {
        (Status::Active | Status::Overpaid, Some(true)) => PaymentStatus::Overdue,
        (Status::Active | Status::Overpaid, Some(false)) => PaymentStatus::Current,
        (Status::Active | Status::Overpaid | Status::Unknown, _) => PaymentStatus::Unknown,
        _ => PaymentStatus::NotApplicable,
    }
}

/// The last instalment's due date. The schedule itself is not part of the loan.
fn maturity(loan: &mut Loan, row: &mut Reader<'_>) {
    let Some(raw) = row.raw("repaymentSchedule") else {
        return;
    };
    let Ok(schedule) = serde_json::from_str::<Vec<Instalment>>(raw) else {
        row.malformed::<()>(Field::MaturesOn, "repaymentSchedule");
        return;
    };
    let due = schedule
        .iter()
        .map(|instalment| instalment.due_date.as_deref().and_then(calendar_date));
    match due.collect::<Option<Vec<_>>>() {
        Some(dates) => loan.dates.matures_on = dates.into_iter().max(),
        None => {
            row.malformed::<()>(Field::MaturesOn, "repaymentSchedule");
        }
    }
}
