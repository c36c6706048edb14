//! Snapshots as Belvo lists them: one to four of a loan, days apart, in the order they were created.
//!
//! Loans come in blocks. A block of `16k` loans is `40k` snapshots in four rounds: every loan, then the
//! first three quarters of them again, then the first half, then the first quarter. The rounds of a block
//! follow each other, so a later snapshot of a loan is always a later row.

use super::dice::{decimal, nth, share};
use super::object::Object;
use super::{DAY, Recipe, day, instant, number};

const SNAPSHOT: u64 = 30;
const LOAN: u64 = 31;
const CUSTOMER: u64 = 32;
const METHOD: u64 = 33;

const LOANS_PER_CUSTOMER: usize = 2;
const CREDIT_STATUSES: [&str; 5] = ["past_due", "", "in_arrears", "restructured", "canceled"];
/// 2026-05-10.
const BEGIN: u64 = 1_778_371_200;

/// The `k` of a book: small books have small blocks, or they would end within the first round.
fn scale(recipe: &Recipe) -> usize {
    (recipe.count() / 40).clamp(1, 2500)
}

/// Which loan a snapshot is of, and which snapshot of it.
fn loan_of(index: usize, k: usize) -> (usize, u64) {
    let (loans, rows) = (k.saturating_mul(16), k.saturating_mul(40));
    let block = index.checked_div(rows).unwrap_or(0);
    let mut place = index.checked_rem(rows).unwrap_or(0);
    let mut round = 0_u64;
    for quarters in [16_usize, 12, 8] {
        let size = k.saturating_mul(quarters);
        match place.checked_sub(size) {
            Some(rest) => place = rest,
            None => break,
        }
        round = round.saturating_add(1);
    }
    (block.saturating_mul(loans).saturating_add(place), round)
}

/// The snapshots of a loan, oldest first.
fn snapshots_of(loan: usize, k: usize) -> Vec<usize> {
    let (loans, rows) = (k.saturating_mul(16), k.saturating_mul(40));
    let block = loan.checked_div(loans).unwrap_or(0).saturating_mul(rows);
    let place = loan.checked_rem(loans).unwrap_or(0);
    [(0_usize, 16_usize), (16, 12), (28, 8), (36, 4)]
        .into_iter()
        .filter(|(_, quarters)| place < k.saturating_mul(*quarters))
        .map(|(begin, _)| {
            block
                .saturating_add(k.saturating_mul(begin))
                .saturating_add(place)
        })
        .collect()
}

fn merchant_id(customer: u64) -> String {
    format!("CUST-1{customer:07}")
}

pub(super) fn row(recipe: &Recipe, index: usize) -> String {
    let k = scale(recipe);
    let (loan_index, round) = loan_of(index, k);
    let loan = number(loan_index);
    let customer = number(loan_index / LOANS_PER_CUSTOMER);
    // What does not change between the snapshots of a loan comes from the loan's own dice.
    let mut of_loan = recipe.dice(34, loan);
    let original = of_loan.thousandths(80_000).max(10);
    let defaulted = BEGIN.saturating_sub(of_loan.between(1, 90).saturating_mul(DAY));
    let issued = defaulted.saturating_sub(of_loan.between(30, 400).saturating_mul(DAY));
    let rate = of_loan.pick(&["45.0000", "0.4500", "36.5", "19.9999"]);
    let bare = of_loan.one_in(10);

    let mut dice = recipe.dice(35, number(index));
    let spacing = DAY
        .checked_div(number(k.saturating_mul(4)))
        .unwrap_or(0)
        .saturating_add(1);
    let created = BEGIN.saturating_add(number(index).saturating_mul(spacing));
    let principal = share(original, round.saturating_add(1));
    let (interest, late) = (dice.thousandths(900), round.saturating_mul(12_340));
    let balance = principal.saturating_add(interest).saturating_add(late);
    let money = |thousandths: u64| decimal(thousandths, 2);
    let status = if round > 1 && dice.one_in(3) {
        "inactive"
    } else {
        "active"
    };

    let mut row = Object::default();
    row.text("id", &recipe.uuid(SNAPSHOT, number(index)))
        .text("loanId", &recipe.uuid(LOAN, loan))
        .text("customerId", &recipe.uuid(CUSTOMER, customer))
        .text("paymentMethodId", &recipe.uuid(METHOD, loan))
        .text("merchantCustomerId", &merchant_id(customer))
        .text("status", status)
        .text("principalAmount", &money(principal))
        .text("totalBalance", &money(balance))
        .text("targetCollectionDate", &day(created.saturating_add(DAY)))
        .text("defaultDate", &day(defaulted));
    if bare {
        row.raw("creditStatus", "null");
    } else {
        row.plain("daysOverdue", created.saturating_sub(defaulted) / DAY)
            .text("issueDate", &day(issued))
            .text("loanAmount", &money(original))
            .text("interestAmount", &money(interest))
            .text("feesAmount", "0.00")
            .text("latePaymentInterestAmount", &money(late))
            .text(
                "openingCommissionAmount",
                &money(of_loan.pick(&[0, 150_000, 99_990])),
            )
            .text("yearlyOrdinalInterestRate", rate);
        let credit_status = nth(&CREDIT_STATUSES, loan);
        if !credit_status.is_empty() {
            row.text("creditStatus", credit_status);
        }
        row.plain("paidInstallments", round)
            .text("paidAmount", &money(original.saturating_sub(principal)));
        if round > 0 {
            row.text("lastPaymentDate", &day(created.saturating_sub(DAY)))
                .text("lastPaymentAmount", &money(dice.thousandths(500)));
        }
        row.text("reference", &format!("REF-{loan:08}"));
    }
    row.text("createdDate", &instant(created))
        .text(
            "lastUpdatedDate",
            &instant(created.saturating_add(dice.below(60))),
        )
        .closed()
}

pub(super) fn candidates(recipe: &Recipe, field: &str, value: &str) -> Option<Vec<usize>> {
    let k = scale(recipe);
    let of_customer = |customer: usize| {
        let first = customer.saturating_mul(LOANS_PER_CUSTOMER);
        (first..)
            .take(LOANS_PER_CUSTOMER)
            .flat_map(|loan| snapshots_of(loan, k))
            .collect()
    };
    match field {
        "id" => Some(recipe.number_in(SNAPSHOT, value).into_iter().collect()),
        "paymentMethodId" => recipe.number_in(METHOD, value).map(|loan| snapshots_of(loan, k)),
        "customerId" => recipe.number_in(CUSTOMER, value).map(of_customer),
        "merchantCustomerId" => Some(
            value
                .strip_prefix("CUST-1")?
                .parse()
                .ok()
                .map(of_customer)
                .unwrap_or_default(),
        ),
        _ => None,
    }
}
