//! How a loan of Apache Fineract becomes ours.

use serde_json::value::RawValue;

use super::fields::{DELINQUENT, ENUM, LOAN, SCHEDULE, STATUS, SUMMARY, TIMELINE};
use super::schedule;
use crate::loan::{
    Arrangement, Column, Currency, Field, FlagCode, IdStability, Instalment, InstalmentStatus, Loan, Missing,
    Origin, PaymentStatus, Period, Phase, RateBasis, RecordType, Status, check_schedule,
};
use crate::providers::fineract::dates::date;
use crate::providers::fineract::ledger;
use crate::providers::fineract::wire::CURRENCY;
use crate::providers::page::Records;
use crate::providers::{Mapped, Mapping, Rows};
use crate::record::{Drift, DriftKind, Reader, Rejected, Unit, Why};

/// `LoanStatus` of Apache Fineract. Only the id counts: five of the twelve have no flag.
const STATUSES: &[(u32, Status)] = &[
    (0, Status::Unknown),
    (100, Status::Pending),
    (200, Status::Approved),
    (300, Status::Active),
    // On its way between two branches, and still owed.
    (303, Status::Active),
    (304, Status::Active),
    (400, Status::Withdrawn),
    (500, Status::Declined),
    (600, Status::Closed),
    (601, Status::WrittenOff),
    // Closed into another loan: the debt is not gone.
    (RESCHEDULED, Status::Transferred),
    (700, Status::Overpaid),
];
const RESCHEDULED: u32 = 602;

/// `PeriodFrequencyType`.
const PERIODS: &[(u32, Period)] = &[
    (0, Period::Day),
    (1, Period::Week),
    (2, Period::Month),
    (3, Period::Year),
];
/// A rate for the whole term, in the same place.
const WHOLE_TERM: u32 = 4;

/// Names of people, and what else is not about the loan.
const PERSONAL: &[&str] = &[
    "clientName",
    "group",
    "loanOfficerName",
    "notes",
    "guarantors",
    "collateral",
    "linkedAccount",
    "memberVariations",
    "meeting",
    "clientData",
];
/// How the fields end that name the staff who did something.
const STAFF: &[&str] = &["ByUsername", "ByFirstname", "ByLastname"];

/// Maps one loan, as the list and the detail call send it.
pub(super) fn loan(raw: &RawValue, at: &Mapping<'_>) -> Mapped {
    let mut row = Reader::outlined(raw, at.outline)?;
    let name = super::DESCRIPTOR.name;
    let mut loan = Loan::unknown(at.connection, name, RecordType::LoanAccount, at.fetched_at);

    let id = row.id("id")?;
    loan.identify(&id, IdStability::Native);
    loan.provider_refs.push("loan_id", id);
    row.refers("loan_id", "id");
    row.reference(&mut loan.provider_refs, "account_number", "accountNo");
    row.reference(&mut loan.provider_refs, "external_id", "externalId");
    let unknown_status = status(&mut loan, &mut row);

    loan.borrower.customer_id = row.text(Field::BorrowerCustomerId, "clientId");
    loan.borrower.customer_external_id = row.text(Field::BorrowerCustomerExternalId, "clientExternalId");
    row.personal(PERSONAL);
    loan.lender.product_id = row.text(Field::LenderProductId, "loanProductId");
    loan.lender.product_name = row.text(Field::LenderProductName, "loanProductName");
    loan.native_kind.clone_from(&loan.lender.product_name);
    if loan.native_kind.is_some() {
        row.is(Field::NativeKind, Origin::Reported, "loanProductName");
    }

    let mut named = row.open(Field::Currency, "currency.");
    let currency = named
        .text(Field::Currency, "currency.code")
        .and_then(|code| Currency::parse(&code))
        .ok_or(Rejected::new("currency", Why::NoCurrency))?;
    row.close(named, CURRENCY);
    loan.currency = Some(currency);
    row.amounts_are_in(currency, Unit::Major);

    agreed(&mut loan, &mut row)?;
    timeline(&mut loan, &mut row);
    summary(&mut loan, &mut row)?;
    loan.amounts.credit_balance = row.money(Field::CreditBalance, "totalOverpaid")?;
    collection(&mut loan, &mut row)?;
    standing(&mut loan, &mut row);
    lists(&mut loan, &mut row);

    let mut drift = row.finish(LOAN, &mut loan);
    drift.extend(unknown_status);
    Ok((loan, drift))
}

/// The status by its id, and what kind of record that makes this.
fn status(loan: &mut Loan, row: &mut Reader<'_>) -> Option<Drift> {
    let mut status = row.open(Field::Status, "status.");
    let id = status.count(Field::Status, "status.id");
    status.keep("status.id");
    loan.native_status = status
        .text(Field::NativeStatus, "status.value")
        .or_else(|| status.text(Field::NativeStatus, "status.code"));
    let known = STATUSES.iter().find(|(known, _)| Some(*known) == id);
    if id.is_some() && known.is_none() {
        status.flag(FlagCode::UnknownNativeValue, Field::Status);
    }
    row.close(status, STATUS);
    loan.set_status(known.map_or(Status::Unknown, |(_, status)| *status));
    if id == Some(RESCHEDULED) {
        loan.arrangement = Arrangement::Restructured;
        row.is(Field::Arrangement, Origin::Derived, "status.id");
    }
    if !disbursed(loan.status) {
        loan.record_type = RecordType::LoanApplication;
    }
    row.is(Field::RecordType, Origin::Derived, "status.id");

    let mut reason = row.open(Field::StatusReason, "subStatus.");
    loan.status_reason = reason.text(Field::StatusReason, "subStatus.value");
    row.close(reason, ENUM);
    (id.is_some() && known.is_none()).then(|| Drift {
        kind: DriftKind::UnknownValue,
        field: "status.id".to_owned(),
    })
}

/// Whether money was paid out, as far as the status says.
fn disbursed(status: Status) -> bool {
    let never = [
        Status::Pending,
        Status::Approved,
        Status::Withdrawn,
        Status::Declined,
    ];
    !never.contains(&status)
}

/// What was asked for and agreed.
fn agreed(loan: &mut Loan, row: &mut Reader<'_>) -> Result<(), Rejected> {
    loan.amounts.requested = row.money(Field::Requested, "proposedPrincipal")?;
    let approved = row.money(Field::Approved, "approvedPrincipal")?;
    // It is filled from the first day on.
    let decided = !matches!(
        loan.status,
        Status::Pending | Status::Withdrawn | Status::Declined
    );
    loan.amounts.approved = approved.filter(|_| decided);
    if approved.is_some() && !decided {
        row.lacks(Field::Approved, Missing::NotApplicable, "approvedPrincipal");
        row.keep("approvedPrincipal");
    }

    loan.rate.percent = row.percent(Field::RatePercent, "interestRatePerPeriod");
    let per = frequency(row, Field::RatePeriod, "interestRateFrequencyType.");
    if loan.rate.percent.is_some() {
        let source = "interestRateFrequencyType.id";
        loan.rate.period = period(per);
        loan.rate.basis = match (per, loan.rate.period) {
            (Some(WHOLE_TERM), _) => RateBasis::PerTerm,
            (_, Some(Period::Year)) => RateBasis::AnnualNominal,
            _ => RateBasis::PerPeriod,
        };
        match (loan.rate.basis, loan.rate.period) {
            (RateBasis::PerTerm, _) => row.lacks(Field::RatePeriod, Missing::NotApplicable, source),
            (_, None) => row.flag(FlagCode::RatePeriodUnknown, Field::RatePeriod),
            (_, Some(_)) => {}
        }
        let named = if per.is_some() {
            source
        } else {
            "interestRatePerPeriod"
        };
        row.is(Field::RateBasis, Origin::Derived, named);
    }
    loan.term.count = row.count(Field::TermCount, "termFrequency");
    let unit = frequency(row, Field::TermUnit, "termPeriodFrequencyType.");
    loan.term.unit = period(unit);
    if loan.term.count.is_some() && loan.term.unit.is_none() {
        row.flag(FlagCode::TermUnitUnknown, Field::TermUnit);
    }
    loan.term.instalments = row.count(Field::TermInstalments, "numberOfRepayments");
    Ok(())
}

/// The id of a frequency. The rest of it stays where a caller sees it.
fn frequency(row: &mut Reader<'_>, field: Field, path: &'static str) -> Option<u32> {
    let id = match path {
        "interestRateFrequencyType." => "interestRateFrequencyType.id",
        _ => "termPeriodFrequencyType.id",
    };
    let mut named = row.open(field, path);
    let frequency = named.count(field, id);
    named.keep(id);
    let of_the_term = field == Field::RatePeriod && frequency == Some(WHOLE_TERM);
    if frequency.is_some() && period(frequency).is_none() && !of_the_term {
        named.unknown(field, id);
    }
    row.close(named, ENUM);
    frequency
}

fn period(frequency: Option<u32>) -> Option<Period> {
    let known = PERIODS.iter().find(|(id, _)| Some(*id) == frequency);
    known.map(|(_, period)| *period)
}

fn timeline(loan: &mut Loan, row: &mut Reader<'_>) {
    let mut timeline = row.open(Field::AppliedOn, "timeline.");
    timeline.personal_ending(STAFF);
    loan.dates.applied_on = date(&mut timeline, Field::AppliedOn, "timeline.submittedOnDate");
    loan.dates.disbursed_on = date(
        &mut timeline,
        Field::DisbursedOn,
        "timeline.actualDisbursementDate",
    );
    loan.dates.matures_on = date(&mut timeline, Field::MaturesOn, "timeline.expectedMaturityDate");
    loan.dates.closed_on = date(&mut timeline, Field::ClosedOn, "timeline.closedOnDate");
    loan.dates.defaulted_on = date(&mut timeline, Field::DefaultedOn, "timeline.chargedOffOnDate");
    row.close(timeline, TIMELINE);
}

/// What is owed. There is no summary before a loan is active.
fn summary(loan: &mut Loan, row: &mut Reader<'_>) -> Result<(), Rejected> {
    let mut summary = row.open(Field::TotalOutstanding, "summary.");
    let amounts = &mut loan.amounts;
    amounts.original_principal = summary.money(Field::OriginalPrincipal, "summary.principalDisbursed")?;
    amounts.principal_outstanding =
        summary.money(Field::PrincipalOutstanding, "summary.principalOutstanding")?;
    amounts.interest_outstanding =
        summary.money(Field::InterestOutstanding, "summary.interestOutstanding")?;
    amounts.fees_outstanding = summary.money(Field::FeesOutstanding, "summary.feeChargesOutstanding")?;
    amounts.penalties_outstanding =
        summary.money(Field::PenaltiesOutstanding, "summary.penaltyChargesOutstanding")?;
    // Paid so far, not what is to be paid.
    amounts.total_paid = summary.money(Field::TotalPaid, "summary.totalRepayment")?;
    amounts.total_outstanding = summary.money(Field::TotalOutstanding, "summary.totalOutstanding")?;
    amounts.past_due = summary.money(Field::PastDue, "summary.totalOverdue")?;
    loan.delinquency.since = date(&mut summary, Field::DelinquencySince, "summary.overdueSinceDate");
    row.close(summary, SUMMARY);
    Ok(())
}

/// What is due next, what was paid last, how late it is. In the detail only.
fn collection(loan: &mut Loan, row: &mut Reader<'_>) -> Result<(), Rejected> {
    let mut late = row.open(Field::DaysPastDue, "delinquent.");
    loan.delinquency.days_past_due = late.count(Field::DaysPastDue, "delinquent.pastDueDays");
    let due_on = date(
        &mut late,
        Field::NextPaymentDueOn,
        "delinquent.nextPaymentDueDate",
    );
    let due = late.money(Field::NextPaymentAmount, "delinquent.nextPaymentAmount")?;
    let paid_on = date(&mut late, Field::LastPaymentPaidOn, "delinquent.lastPaymentDate");
    let paid = late.money(Field::LastPaymentAmount, "delinquent.lastPaymentAmount")?;
    loan.next_payment.due_on = due_on;
    loan.last_payment.paid_on = paid_on;
    // Nought without a day is no payment.
    loan.next_payment.amount = due.filter(|_| due_on.is_some());
    loan.last_payment.amount = paid.filter(|_| paid_on.is_some());
    if due.is_some() && due_on.is_none() {
        late.lacks(
            Field::NextPaymentAmount,
            Missing::NotApplicable,
            "delinquent.nextPaymentAmount",
        );
        late.keep("delinquent.nextPaymentAmount");
    }
    if paid.is_some() && paid_on.is_none() {
        late.lacks(
            Field::LastPaymentAmount,
            Missing::NotApplicable,
            "delinquent.lastPaymentAmount",
        );
        late.keep("delinquent.lastPaymentAmount");
    }
    row.close(late, DELINQUENT);
    Ok(())
}

/// Arrears and default are no statuses here.
fn standing(loan: &mut Loan, row: &mut Reader<'_>) {
    let in_arrears = row.boolean(Field::DelinquencyOverdue, "inArrears");
    let charged_off = row.raw("chargedOff") == Some("true");
    let non_performing = row.raw("isNPA") == Some("true");
    row.keep("chargedOff");
    row.keep("isNPA");
    loan.delinquency.overdue = in_arrears;
    let open = matches!(loan.status, Status::Active | Status::Overpaid);
    let (standing, origin, source) = if !open && loan.status != Status::Unknown {
        (PaymentStatus::NotApplicable, Origin::Derived, "status.id")
    } else if charged_off {
        (PaymentStatus::Defaulted, Origin::Inferred, "chargedOff")
    } else if non_performing {
        (PaymentStatus::Defaulted, Origin::Inferred, "isNPA")
    } else if in_arrears == Some(true) {
        (PaymentStatus::InArrears, Origin::Derived, "inArrears")
    } else if loan.amounts.past_due.is_some_and(|late| !late.value().is_zero()) {
        // Late, and within what the lender tolerates before it calls that arrears.
        (PaymentStatus::Overdue, Origin::Derived, "summary.totalOverdue")
    } else if in_arrears == Some(false) {
        (PaymentStatus::Current, Origin::Derived, "inArrears")
    } else {
        row.follows(Field::PaymentStatus, Field::DelinquencyOverdue);
        return;
    };
    loan.payment_status = standing;
    row.is(Field::PaymentStatus, origin, source);
    if standing == PaymentStatus::Overdue {
        loan.delinquency.overdue = Some(true);
        row.is(Field::DelinquencyOverdue, Origin::Derived, "summary.totalOverdue");
    }
}

/// The schedule and the ledger are not part of the loan. Of their rows it is noted how many instalments are paid,
/// whether what is left of them is what is owed, and what is about people.
fn lists(loan: &mut Loan, row: &mut Reader<'_>) {
    let mut plan = row.open(Field::TermInstalmentsPaid, "repaymentSchedule.");
    let source = "repaymentSchedule.periods[].complete";
    match plan.raw("repaymentSchedule.periods").map(serde_json::from_str) {
        Some(Ok(periods)) => {
            let read = schedule::rows(loan, &periods);
            let payouts = schedule::payouts(&periods);
            plan.leave_rows("repaymentSchedule.periods.", payouts);
            if readable(&read) {
                let paid = read
                    .rows
                    .iter()
                    .filter(|row| row.status == InstalmentStatus::Paid);
                loan.term.instalments_paid = u32::try_from(paid.count()).ok();
                plan.is(Field::TermInstalmentsPaid, Origin::Derived, source);
            } else {
                plan.lacks(Field::TermInstalmentsPaid, Missing::Unparseable, source);
            }
            // Nothing is owed on a loan that is not open, whatever its plan was.
            if loan.phase == Phase::Servicing && read.rejected.is_empty() {
                check_schedule(loan, &read.rows);
            }
        }
        Some(Err(_)) => {
            plan.malformed::<()>(Field::TermInstalmentsPaid, "repaymentSchedule.periods");
        }
        None => plan.lacks(Field::TermInstalmentsPaid, Missing::AbsentInResponse, source),
    }
    row.close(plan, SCHEDULE);
    if let Some(raw) = row.raw("transactions") {
        if serde_json::from_str::<Records<'_>>(raw).is_err() {
            row.changed_type("transactions");
        }
        let people = ledger::people("transactions", raw);
        row.personal_in("transactions.", people);
    }
}

/// Whether it can be told of every instalment whether it is paid.
fn readable(plan: &Rows<Instalment>) -> bool {
    let untold = |row: &Instalment| {
        let mut flags = row.flags.iter();
        flags.any(|flag| flag.code == FlagCode::MalformedField && flag.field == Column::Complete)
    };
    plan.rejected.is_empty() && !plan.rows.iter().any(untold)
}
