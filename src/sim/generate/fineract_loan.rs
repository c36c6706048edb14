//! Loans of Apache Fineract over the generated ledgers: what a loan says of itself goes with its transactions.

use super::dice::{decimal, nth, share};
use super::fineract::{self, FIRST_LOAN, NAIRA, Story};
use super::object::Object;
use super::{DAY, Recipe};

const FIRST_CLIENT: u64 = 10_000;
const LOANS_PER_CLIENT: u64 = 3;
const NAMES: [&str; 4] = ["Ada Obi", "Chidi Bello", "Ngozi Eze", "Ọlá Adé"];

/// The flags of a status: seven of the twelve have one.
const FLAGS: [&str; 8] = [
    "pendingApproval",
    "waitingForDisbursal",
    "active",
    "closedObligationsMet",
    "closedWrittenOff",
    "closedRescheduled",
    "closed",
    "overpaid",
];

/// Id, code, label and flag.
type Status = (u64, &'static str, &'static str, &'static str);
const PENDING: Status = (
    100,
    "submitted.and.pending.approval",
    "Submitted and pending approval",
    "pendingApproval",
);
const ACTIVE: Status = (300, "active", "Active", "active");
const WRITTEN_OFF: Status = (
    601,
    "closed.written.off",
    "Closed (written off)",
    "closedWrittenOff",
);
const OVERPAID: Status = (700, "overpaid", "Overpaid", "overpaid");

fn status(number: u64) -> Status {
    if is_pending(number) {
        return PENDING;
    }
    nth(&[ACTIVE, WRITTEN_OFF, ACTIVE, OVERPAID], number)
}

/// Nothing was paid out, and there is no ledger.
pub(super) fn is_pending(number: u64) -> bool {
    number % 8 == 7
}

/// The only loans in which a field can have this value.
pub(super) fn candidates(field: &str, value: &str) -> Option<Vec<usize>> {
    let value: u64 = value.parse().ok()?;
    match field {
        "id" => {
            let index = usize::try_from(value).ok()?.checked_sub(FIRST_LOAN);
            Some(index.into_iter().collect())
        }
        "clientId" => {
            let first = value
                .checked_sub(FIRST_CLIENT)
                .map(|client| client.saturating_mul(LOANS_PER_CLIENT));
            let loans = first.map(|first| first..first.saturating_add(LOANS_PER_CLIENT));
            let indices = loans.into_iter().flatten();
            Some(indices.filter_map(|index| usize::try_from(index).ok()).collect())
        }
        _ => None,
    }
}

/// The loan as a list has it.
pub(super) fn row(recipe: &Recipe, number: u64) -> String {
    let story = fineract::story(recipe, number);
    let status = status(number);
    let id = number.saturating_add(u64::try_from(FIRST_LOAN).unwrap_or_default());
    let client = FIRST_CLIENT.saturating_add(number.checked_div(LOANS_PER_CLIENT).unwrap_or(0));
    let charged_off = status == ACTIVE && number % 4 == 2;
    let mut row = Object::default();
    row.plain("id", id)
        .text("accountNo", &format!("{id:09}"))
        .raw("status", &status_object(status))
        .plain("clientId", client)
        .text("clientName", nth(&NAMES, client))
        .plain("clientOfficeId", 1)
        .plain("loanProductId", 3)
        .text("loanProductName", "Trader 6")
        .raw(
            "loanType",
            r#"{"id":1,"code":"accountType.individual","value":"Individual"}"#,
        )
        .raw("currency", NAIRA)
        .raw("principal", &money(story.lent))
        .raw("approvedPrincipal", &money(story.lent))
        .raw("proposedPrincipal", &money(story.lent))
        .plain("termFrequency", 6)
        .raw("termPeriodFrequencyType", MONTHS)
        .plain("numberOfRepayments", 6)
        .plain("repaymentEvery", 1)
        .raw("interestRatePerPeriod", "2.500000")
        .raw("interestRateFrequencyType", PER_MONTH)
        .raw("annualInterestRate", "30.000000")
        .raw("timeline", &timeline(&story, status));
    if status != PENDING {
        row.raw("summary", &summary(&story, status));
    }
    if status == OVERPAID {
        row.raw("totalOverpaid", &money(story.over));
    }
    row.plain("inArrears", charged_off)
        .plain("isNPA", charged_off)
        .plain("chargedOff", charged_off)
        .closed()
}

const MONTHS: &str = r#"{"id":2,"code":"termFrequency.periodFrequencyType.months","value":"Months"}"#;
const PER_MONTH: &str =
    r#"{"id":2,"code":"interestRateFrequency.periodFrequencyType.months","value":"Per month"}"#;

fn status_object(status: Status) -> String {
    let (id, code, value, set) = status;
    let mut object = Object::default();
    object
        .plain("id", id)
        .text("code", &format!("loanStatusType.{code}"))
        .text("value", value);
    for flag in FLAGS {
        let closed = flag == "closed" && status == WRITTEN_OFF;
        object.plain(flag, flag == set || closed);
    }
    object.closed()
}

fn timeline(story: &Story, status: Status) -> String {
    let mut timeline = Object::default();
    timeline
        .raw("submittedOnDate", &fineract::date(story.begin))
        .text("submittedByUsername", "mifos")
        .text("submittedByFirstname", "App")
        .text("submittedByLastname", "Administrator");
    if status != PENDING {
        let matures = story.begin.saturating_add(180 * DAY);
        timeline
            .raw("approvedOnDate", &fineract::date(story.begin))
            .raw("actualDisbursementDate", &fineract::date(story.begin))
            .raw("expectedMaturityDate", &fineract::date(matures));
    }
    if status == WRITTEN_OFF {
        timeline.raw("closedOnDate", &fineract::date(story.end));
    }
    timeline.closed()
}

fn still_owed(story: &Story, status: Status) -> u64 {
    if status == WRITTEN_OFF || status == OVERPAID {
        0
    } else {
        story.owed
    }
}

/// Interest is charged as it is paid here, so none is owed.
fn summary(story: &Story, status: Status) -> String {
    let written_off = if status == WRITTEN_OFF { story.owed } else { 0 };
    let owed = still_owed(story, status);
    let paid = story.lent.saturating_sub(owed).saturating_sub(written_off);
    Object::default()
        .raw("currency", NAIRA)
        .raw("principalDisbursed", &money(story.lent))
        .raw("principalPaid", &money(paid))
        .raw("principalWrittenOff", &money(written_off))
        .raw("principalOutstanding", &money(owed))
        .raw("interestCharged", &money(story.interest))
        .raw("interestPaid", &money(story.interest))
        .plain("interestOutstanding", 0)
        .plain("feeChargesOutstanding", 0)
        .plain("penaltyChargesOutstanding", 0)
        .raw("totalRepayment", &money(paid.saturating_add(story.interest)))
        .raw("totalOutstanding", &money(owed))
        .plain("totalOverdue", 0)
        .closed()
}

/// The schedule: the payout, and what is left in one instalment behind those that are paid.
pub(super) fn schedule(recipe: &Recipe, number: u64) -> String {
    let story = fineract::story(recipe, number);
    let part = share(story.lent, 6);
    let payout = Object::default()
        .raw("dueDate", &fineract::date(story.begin))
        .raw("principalDisbursed", &money(story.lent))
        .closed();
    let mut periods = vec![payout];
    let mut from = story.begin;
    let mut left = story.lent;
    let owed = still_owed(&story, status(number));
    for month in 1..=6_u64 {
        let due_on = story.begin.saturating_add(month.saturating_mul(30 * DAY));
        let due = if month == 6 { left } else { part.min(left) };
        left = left.saturating_sub(due);
        // What was not paid back by the end of the ledger is what is left from here on.
        let open = left.saturating_add(due).min(owed).saturating_sub(left.min(owed));
        let period = Object::default()
            .plain("period", month)
            .raw("fromDate", &fineract::date(from))
            .raw("dueDate", &fineract::date(due_on))
            .plain("complete", open == 0)
            .raw("principalDue", &money(due))
            .plain("interestDue", 0)
            .plain("feeChargesDue", 0)
            .plain("penaltyChargesDue", 0)
            .raw("totalDueForPeriod", &money(due))
            .raw("totalPaidForPeriod", &money(due.saturating_sub(open)))
            .raw("totalOutstandingForPeriod", &money(open))
            .closed();
        periods.push(period);
        from = due_on;
    }
    Object::default()
        .raw("currency", NAIRA)
        .plain("loanTermInDays", 180)
        .raw("periods", &format!("[{}]", periods.join(",")))
        .closed()
}

fn money(thousandths: u64) -> String {
    if thousandths == 0 {
        "0".to_owned()
    } else {
        decimal(thousandths, 6)
    }
}
