//! Whether a loan agrees with itself. A check flags; it never changes a value.

use rust_decimal::Decimal;

use super::{Field, FlagCode, Instalment, Loan, Period, Phase, decimal};

/// Above this no lender's rate is in percent.
const HIGHEST_RATE: u32 = 1_000;

/// Flags what cannot be right.
pub fn check(loan: &mut Loan) {
    components(loan);
    rate(loan);
    term(loan);
    dates(loan);
}

/// The four parts make up the total, where all five are known.
fn components(loan: &mut Loan) {
    let amounts = &loan.amounts;
    let parts = [
        amounts.principal_outstanding,
        amounts.interest_outstanding,
        amounts.fees_outstanding,
        amounts.penalties_outstanding,
    ];
    let Some(total) = amounts.total_outstanding else {
        return;
    };
    let values = parts.iter().map(|part| part.map(|part| part.value()));
    if let Some(sum) = decimal::checked_total(values)
        && sum != total.value()
    {
        loan.flag(FlagCode::ComponentsMismatch, Field::TotalOutstanding);
    }
}

/// What is left of the instalments is what is owed, where all of it is known. Of a loan that is not open nothing is owed,
/// whatever its plan was. `schedule` is the whole plan.
pub fn check_schedule(loan: &mut Loan, schedule: &[Instalment]) {
    if loan.phase != Phase::Servicing {
        return;
    }
    let Some(total) = loan.amounts.total_outstanding else {
        return;
    };
    let left = schedule
        .iter()
        .map(|instalment| instalment.total_outstanding.map(|left| left.value()));
    if !schedule.is_empty()
        && let Some(sum) = decimal::checked_total(left)
        && sum != total.value()
    {
        loan.flag(FlagCode::ScheduleMismatch, Field::TotalOutstanding);
    }
}

fn rate(loan: &mut Loan) {
    let Some(percent) = loan.rate.percent else { return };
    let percent = percent.value();
    if (percent.is_sign_negative() && !percent.is_zero()) || percent > Decimal::from(HIGHEST_RATE) {
        loan.flag(FlagCode::ImplausibleRate, Field::RatePercent);
    }
}

fn term(loan: &mut Loan) {
    let term = loan.term;
    let longest = match term.unit {
        Some(Period::Day) | None => 36_525,
        Some(Period::Week) => 5_218,
        Some(Period::Month) => 1_200,
        Some(Period::Year) => 100,
    };
    if term.count.is_some_and(|count| count == 0 || count > longest) {
        loan.flag(FlagCode::ImplausibleTerm, Field::TermCount);
    }
    if term.instalments == Some(0) {
        loan.flag(FlagCode::ImplausibleTerm, Field::TermInstalments);
    }
    let exceeds =
        |part: Option<u32>, whole: Option<u32>| part.zip(whole).is_some_and(|(part, whole)| part > whole);
    if exceeds(term.remaining_count, term.count) {
        loan.flag(FlagCode::ImplausibleTerm, Field::TermRemainingCount);
    }
    if exceeds(term.instalments_paid, term.instalments) {
        loan.flag(FlagCode::ImplausibleTerm, Field::TermInstalmentsPaid);
    }
}

/// What must have come first, did. The later date is flagged.
fn dates(loan: &mut Loan) {
    let dates = loan.dates;
    let paid_on = loan.last_payment.paid_on;
    let pairs = [
        (dates.applied_on, dates.opened_on, Field::OpenedOn),
        (dates.applied_on, dates.disbursed_on, Field::DisbursedOn),
        (dates.opened_on, dates.matures_on, Field::MaturesOn),
        (dates.disbursed_on, dates.matures_on, Field::MaturesOn),
        (dates.opened_on, dates.closed_on, Field::ClosedOn),
        (dates.disbursed_on, dates.closed_on, Field::ClosedOn),
        (dates.applied_on, dates.closed_on, Field::ClosedOn),
        (dates.opened_on, dates.defaulted_on, Field::DefaultedOn),
        (dates.disbursed_on, dates.defaulted_on, Field::DefaultedOn),
        (dates.disbursed_on, paid_on, Field::LastPaymentPaidOn),
        (dates.opened_on, paid_on, Field::LastPaymentPaidOn),
    ];
    for (first, later, field) in pairs {
        if first.zip(later).is_some_and(|(first, later)| later < first) {
            loan.flag(FlagCode::DatesOutOfOrder, field);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{DateTime, NaiveDate};

    use super::*;
    use crate::loan::{Currency, Extensions, InstalmentStatus, Money, Percent, RecordType, Status};

    fn loan() -> Loan {
        let at = DateTime::from_timestamp(1_780_000_000, 0).unwrap();
        Loan::unknown(&Arc::from("test"), "test", RecordType::LoanAccount, at)
    }

    fn money(text: &str) -> Option<Money> {
        let currency = Currency::parse("TZS")?;
        Some(Money::new(decimal::parse(text).ok()?, currency))
    }

    fn flags(loan: &Loan) -> Vec<String> {
        let text = |flag: &crate::loan::Flag| format!("{} {}", flag.code.as_str(), flag.field.path());
        loan.flags.iter().map(text).collect()
    }

    #[test]
    fn a_loan_of_which_nothing_is_known_agrees_with_itself() {
        let mut loan = loan();
        check(&mut loan);
        check_schedule(&mut loan, &[]);
        assert!(loan.flags.is_empty());
    }

    #[test]
    fn parts_must_make_up_the_total_and_stay_as_they_are() {
        let mut loan = loan();
        loan.amounts.principal_outstanding = money("5000");
        loan.amounts.interest_outstanding = money("38.5");
        loan.amounts.fees_outstanding = money("0");
        loan.amounts.total_outstanding = money("5038.50");
        check(&mut loan);
        assert!(loan.flags.is_empty(), "a part is not known");
        loan.amounts.penalties_outstanding = money("0.01");
        check(&mut loan);
        assert_eq!(flags(&loan), ["components_mismatch amounts.total_outstanding"]);
        assert_eq!(loan.amounts.total_outstanding, money("5038.50"));
    }

    #[test]
    fn a_term_longer_than_a_life_is_flagged() {
        let mut loan = loan();
        loan.term.count = Some(1_200);
        loan.term.unit = Some(Period::Month);
        check(&mut loan);
        assert!(loan.flags.is_empty());
        loan.term.count = Some(1_201);
        check(&mut loan);
        assert_eq!(flags(&loan), ["implausible_term term.count"]);
    }

    #[test]
    fn rates_terms_and_dates_that_cannot_be_are_flagged() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 5, day);
        let mut loan = loan();
        loan.rate.percent = Some(Percent::new(decimal::parse("-0.5").unwrap()));
        loan.term.count = Some(0);
        loan.term.remaining_count = Some(1);
        loan.term.instalments = Some(3);
        loan.term.instalments_paid = Some(4);
        loan.dates.applied_on = day(3);
        loan.dates.disbursed_on = day(2);
        loan.dates.matures_on = day(2);
        loan.last_payment.paid_on = day(1);
        check(&mut loan);
        assert_eq!(
            flags(&loan),
            [
                "implausible_rate rate.percent",
                "implausible_term term.count",
                "implausible_term term.remaining_count",
                "implausible_term term.instalments_paid",
                "dates_out_of_order dates.disbursed_on",
                "dates_out_of_order last_payment.paid_on",
            ]
        );
    }

    #[test]
    fn what_is_left_of_the_plan_is_what_is_owed() {
        let instalment = |left: Option<Money>| Instalment {
            number: None,
            from: None,
            due_on: None,
            complete: None,
            currency: None,
            principal_due: None,
            interest_due: None,
            fees_due: None,
            penalties_due: None,
            total_due: None,
            total_paid: None,
            total_outstanding: left,
            status: InstalmentStatus::Unknown,
            flags: Vec::new(),
            extensions: Extensions::default(),
        };
        let mut loan = loan();
        loan.set_status(Status::Active);
        loan.amounts.total_outstanding = money("100");
        check_schedule(&mut loan, &[instalment(money("60")), instalment(None)]);
        check_schedule(&mut loan, &[instalment(money("60")), instalment(money("40.00"))]);
        assert!(loan.flags.is_empty());
        let mut closed = loan.clone();
        closed.set_status(Status::Closed);
        check_schedule(&mut closed, &[instalment(money("60"))]);
        assert!(closed.flags.is_empty());
        check_schedule(&mut loan, &[instalment(money("60")), instalment(money("41"))]);
        assert_eq!(flags(&loan), ["schedule_mismatch amounts.total_outstanding"]);
    }
}
