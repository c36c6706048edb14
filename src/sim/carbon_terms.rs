//! What follows from an application: the offer, the loan it became, the plan to repay it. Nothing is stored.

use chrono::{Days, NaiveDate};

use super::generate::Object;
use super::record::Fields;

/// Per cent of the amount for the whole term, as in the pages' own figures.
const RATE: u64 = 8;
const DAYS_PER_PERIOD: u64 = 30;

/// How names of several words are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Snake,
    Camel,
}

impl Style {
    fn pick(self, snake: &'static str, camel: &'static str) -> &'static str {
        match self {
            Self::Snake => snake,
            Self::Camel => camel,
        }
    }
}

/// What was agreed, or would be. Amounts in kobo.
#[derive(Debug)]
pub(super) struct Terms {
    amount: u64,
    periods: u64,
    begins: NaiveDate,
    status: String,
    loan_id: Option<String>,
    loan_status: Option<String>,
}

/// One instalment.
struct Due {
    on: NaiveDate,
    principal: u64,
    interest: u64,
    paid: bool,
}

impl Due {
    fn total(&self) -> u64 {
        self.principal.saturating_add(self.interest)
    }
}

impl Terms {
    pub(super) fn of(row: &str) -> Self {
        let fields = Fields::read(row);
        let text = |key: &str| fields.as_ref().and_then(|fields| fields.text(key));
        let count = |key: &str| text(key).and_then(|text| text.parse().ok());
        let begins = text("created_at").and_then(|text| text.get(..10)?.parse().ok());
        Self {
            amount: count("amount").unwrap_or(0),
            periods: count("repayment_period").unwrap_or(1).clamp(1, 60),
            begins: begins.unwrap_or_default(),
            status: text("status").unwrap_or_default(),
            loan_id: text("loan_id"),
            loan_status: text("loan_status"),
        }
    }

    /// Equal parts, of which the last one takes what is left over.
    fn plan(&self) -> Vec<Due> {
        let interest = self.amount.saturating_mul(RATE) / 100;
        let part = |whole: u64, number: u64| {
            let each = whole.checked_div(self.periods).unwrap_or(whole);
            if number == self.periods {
                whole.saturating_sub(each.saturating_mul(self.periods.saturating_sub(1)))
            } else {
                each
            }
        };
        let paid = match self.loan_status.as_deref() {
            Some("CLOSED") => self.periods,
            Some("ACTIVE") => self.periods / 2,
            _ => 0,
        };
        (1..=self.periods)
            .map(|number| Due {
                on: self
                    .begins
                    .checked_add_days(Days::new(number.saturating_mul(DAYS_PER_PERIOD)))
                    .unwrap_or(self.begins),
                principal: part(self.amount, number),
                interest: part(interest, number),
                paid: number <= paid,
            })
            .collect()
    }

    /// The offer, from the status on in which there is one.
    pub(super) fn offer(&self, style: Style) -> Option<String> {
        if matches!(
            self.status.as_str(),
            "" | "PENDING" | "KYC_PROCESSING" | "DECLINED"
        ) {
            return None;
        }
        let plan = self.plan();
        let rows: Vec<String> = plan.iter().map(|due| instalment(due).closed()).collect();
        let total = plan.iter().map(Due::total).fold(0, u64::saturating_add);
        let expires = format!("{}T00:00:00.000Z", self.begins);
        let mut offer = Object::default();
        match style {
            Style::Snake => offer
                .plain("offered_amount", self.amount)
                .plain("tenure", self.periods)
                .plain("interest_rate", RATE)
                .plain("monthly_repayment", plan.first().map_or(0, Due::total))
                .plain("total_repayment", total)
                .raw("schedule", &format!("[{}]", rows.join(",")))
                .text("expires_at", &expires),
            Style::Camel => offer
                .plain("id", 42)
                .plain("offerAmount", self.amount)
                .plain("tenure", self.periods)
                .raw("interestRate", &format!("{RATE}.0"))
                .raw("repaymentSchedule", &format!("[{}]", rows.join(",")))
                .text("offerStatus", "PENDING")
                .text("expiresAt", &expires),
        };
        Some(offer.closed())
    }

    /// The loan, if it is one that is not repaid.
    pub(super) fn active(&self, style: Style) -> Option<String> {
        let loan_id = self.loan_id.as_deref()?;
        let status = self.loan_status.as_deref().unwrap_or("ACTIVE");
        if status == "CLOSED" {
            return None;
        }
        let plan = self.plan();
        let open = || plan.iter().filter(|due| !due.paid);
        let mut active = Object::default();
        active
            .text(style.pick("loan_id", "loanId"), loan_id)
            .plain(
                style.pick("outstanding_balance", "outstandingBalance"),
                open().map(Due::total).fold(0, u64::saturating_add),
            )
            .text(style.pick("loan_status", "loanStatus"), status);
        if let Some(next) = open().next() {
            active
                .text(
                    style.pick("next_repayment_date", "nextRepaymentDate"),
                    &next.on.to_string(),
                )
                .plain(
                    style.pick("next_repayment_amount", "nextRepaymentAmount"),
                    next.total(),
                );
        }
        Some(active.closed())
    }

    /// The plan of a loan. Its page has one style only.
    pub(super) fn schedule(&self) -> String {
        let rows = self.plan().into_iter().map(|due| {
            instalment(&due)
                .plain("paidAmount", if due.paid { due.total() } else { 0 })
                .text("status", if due.paid { "PAID" } else { "UNPAID" })
                .closed()
        });
        format!("[{}]", rows.collect::<Vec<_>>().join(","))
    }
}

fn instalment(due: &Due) -> Object {
    let mut row = Object::default();
    row.text("dueDate", &due.on.to_string())
        .plain("principalDue", due.principal)
        .plain("interestDue", due.interest)
        .plain("totalDue", due.total());
    row
}
