//! Loans as BSA lists them: balances that add up, and nothing where there is nothing to say.

use super::dice::{Dice, nth, share};
use super::object::Object;
use super::{DAY, Recipe, day};

const STATUSES: [&str; 8] = [
    "Active",
    "Closed (obligations met)",
    "Submitted and pending approval",
    "Overpaid",
    "Approved",
    "Withdrawn by applicant",
    "Closed (written off)",
    "Rejected",
];
const PRODUCTS: [(u64, &str, u64); 3] = [
    (1, "Halotel 7-Day Loan", 7),
    (2, "Halotel 14-Day Loan", 14),
    (3, "Salary Advance 30", 30),
];
const NAMES: [&str; 6] = [
    "Asha Mushi",
    "Juma Mwakyusa",
    "Neema Kweka",
    "Baraka O'Neil",
    "Zuhura \\\"Zu\\\" Said",
    "Ægir Þórsson",
];

const FIRST_LOAN: u64 = 1000;
const FIRST_CUSTOMER: u64 = 10_000;
const LOANS_PER_CUSTOMER: u64 = 3;
/// 2026-01-05.
const BEGIN: u64 = 1_767_571_200;

/// What is owed and paid, in thousandths.
struct Balance {
    principal: u64,
    principal_paid: u64,
    interest: u64,
    interest_paid: u64,
    fees: u64,
}

impl Balance {
    fn roll(dice: &mut Dice, status: &str, principal: u64) -> Self {
        let interest = if dice.one_in(3) {
            38_505
        } else {
            dice.between(1, 90_000).saturating_mul(10)
        };
        let (principal_paid, interest_paid) = match status {
            "Closed (obligations met)" | "Overpaid" => (principal, interest),
            "Active" if dice.one_in(2) => (share(principal, 2), interest),
            _ => (0, 0),
        };
        let fees = if status == "Active" && dice.one_in(4) {
            2_500
        } else {
            0
        };
        Self {
            principal,
            principal_paid,
            interest,
            interest_paid,
            fees,
        }
    }

    fn principal_left(&self) -> u64 {
        self.principal.saturating_sub(self.principal_paid)
    }

    fn interest_left(&self) -> u64 {
        self.interest.saturating_sub(self.interest_paid)
    }

    fn left(&self) -> u64 {
        self.principal_left()
            .saturating_add(self.interest_left())
            .saturating_add(self.fees)
    }
}

pub(super) fn row(recipe: &Recipe, number: u64) -> String {
    let mut dice = recipe.dice(20, number);
    let status = nth(&STATUSES, number);
    let id = FIRST_LOAN.saturating_add(number);
    let customer = FIRST_CUSTOMER.saturating_add(number / LOANS_PER_CUSTOMER);
    let (product, product_name, term) = dice.pick(&PRODUCTS);
    let principal = dice.thousandths(2_000_000).max(100);
    let currency = if dice.one_in(25) { "USD" } else { "TZS" };
    let mut row = Object::default();
    row.text("id", &id.to_string())
        .text("accountNo", &format!("{id:09}"))
        .text("customerId", &customer.to_string())
        .text("customerName", dice.pick(&NAMES));
    if dice.one_in(2) {
        row.text("externalId", &format!("loan/{id}+{}", dice.digits(4)));
    }
    row.text("loanProductId", &product.to_string())
        .text("loanProductName", product_name)
        .text("status", status)
        .amount("principal", principal);
    let approved = !matches!(
        status,
        "Submitted and pending approval" | "Withdrawn by applicant" | "Rejected"
    );
    if approved {
        row.amount("approvedPrincipal", principal);
    }
    row.text("currencyCode", currency)
        .plain("termFrequency", term)
        .plain("numberOfRepayments", 1)
        .amount("interestRatePerPeriod", dice.pick(&[11_000, 1_500, 12_250]));
    if approved && status != "Approved" {
        let balance = Balance::roll(&mut dice, status, principal);
        let from = BEGIN.saturating_add(number.saturating_mul(311));
        let due = from.saturating_add(term.saturating_mul(DAY));
        roll_up(&mut row, &mut dice, status, &balance, due);
        row.raw(
            "repaymentSchedule",
            &format!("[{}]", instalment(status, &balance, from, due)),
        );
    } else {
        row.plain("totalRepayment", 0).plain("totalOutstanding", 0);
        row.plain("overdue", false).raw("repaymentSchedule", "[]");
    }
    row.closed()
}

/// The balances. A component that is nought may be left out, as on the page.
fn roll_up(row: &mut Object, dice: &mut Dice, status: &str, balance: &Balance, due: u64) {
    let written_off = status == "Closed (written off)";
    let left = |thousandths: u64| if written_off { 0 } else { thousandths };
    let paid = balance.principal_paid.saturating_add(balance.interest_paid);
    let over = if status == "Overpaid" { 12_340 } else { 0 };
    for (key, amount, always) in [
        ("principalDisbursed", balance.principal, true),
        ("principalPaid", balance.principal_paid, false),
        ("principalOutstanding", left(balance.principal_left()), true),
        ("interestCharged", balance.interest, true),
        ("interestPaid", balance.interest_paid, false),
        ("interestOutstanding", left(balance.interest_left()), true),
        ("feesCharged", balance.fees, false),
        ("feesOutstanding", left(balance.fees), false),
        ("totalRepayment", paid.saturating_add(over), true),
        ("totalOutstanding", left(balance.left()), true),
    ] {
        if always || amount > 0 {
            row.amount(key, amount);
        }
    }
    if status == "Active" {
        row.text("nextDueDate", &day(due))
            .amount("nextDueAmount", balance.left());
    }
    row.plain("overdue", status == "Active" && dice.one_in(3));
}

fn instalment(status: &str, balance: &Balance, from: u64, due: u64) -> String {
    let written_off = status == "Closed (written off)";
    let left = |thousandths: u64| if written_off { 0 } else { thousandths };
    let total = balance
        .principal
        .saturating_add(balance.interest)
        .saturating_add(balance.fees);
    Object::default()
        .plain("period", 1)
        .text("fromDate", &day(from))
        .text("dueDate", &day(due))
        .plain("complete", status != "Active" && !written_off)
        .amount("principalDue", balance.principal)
        .amount("principalOutstanding", left(balance.principal_left()))
        .amount("interestDue", balance.interest)
        .amount("interestOutstanding", left(balance.interest_left()))
        .amount("totalDue", total)
        .amount("totalOutstanding", left(balance.left()))
        .closed()
}

pub(super) fn candidates(field: &str, value: &str) -> Option<Vec<usize>> {
    let written: u64 = match field {
        "id" | "customerId" => value.parse().unwrap_or(0),
        // Numbered like the loan it belongs to.
        "externalId" => value.strip_prefix("loan/")?.split('+').next()?.parse().ok()?,
        _ => return None,
    };
    let first = match field {
        "customerId" => written
            .checked_sub(FIRST_CUSTOMER)
            .and_then(|customer| customer.checked_mul(LOANS_PER_CUSTOMER)),
        _ => written.checked_sub(FIRST_LOAN),
    };
    let many = if field == "customerId" { 3 } else { 1 };
    let Some(first) = first.and_then(|first| usize::try_from(first).ok()) else {
        return Some(Vec::new());
    };
    Some((first..).take(many).collect())
}
