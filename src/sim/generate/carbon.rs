//! Applications as Carbon lists them, round all of its statuses.

use super::super::record::quoted_or_null;
use super::dice::nth;
use super::{DAY, Recipe, instant, number};

/// One round: every status once, and paid-out ones often enough to have loans to look at.
const STATUSES: [&str; 12] = [
    "DISBURSED",
    "PENDING",
    "HAS_OFFER",
    "DISBURSED",
    "KYC_PROCESSING",
    "OFFER_ACCEPTED",
    "DECLINED",
    "DISBURSED",
    "OFFER_DECLINED",
    "OFFER_EXPIRED",
    "DISBURSEMENT_APPROVED",
    "DISBURSED",
];

const PURPOSES: [&str; 7] = [
    "WORKING_CAPITAL",
    "EXPANSION_AND_GROWTH",
    "EQUIPMENT_PURCHASE",
    "INVENTORY_MGT",
    "DEBT_FINANCING",
    "STARTUP_CAPITAL",
    "OTHERS",
];
const LOAN_STATUSES: [&str; 3] = ["ACTIVE", "ACTIVE_IN_ARREARS", "CLOSED"];
const LOANS_PER_CUSTOMER: u64 = 3;

const APPLICATION: u64 = 10;
const CUSTOMER: u64 = 11;
/// 2025-02-01.
const BEGIN: u64 = 1_738_368_000;

pub(super) fn row(recipe: &Recipe, number: u64) -> String {
    let mut dice = recipe.dice(12, number);
    let status = nth(&STATUSES, number);
    let disbursed = status == "DISBURSED";
    let offer = match status {
        "PENDING" | "KYC_PROCESSING" | "DECLINED" => None,
        "HAS_OFFER" if dice.one_in(5) => Some("POST_OFFER_KYC"),
        "HAS_OFFER" => Some("PENDING"),
        "OFFER_DECLINED" => Some("DECLINED"),
        "OFFER_EXPIRED" => Some("EXPIRED"),
        _ => Some("ACCEPTED"),
    };
    let loan_status = disbursed.then(|| dice.pick(&LOAN_STATUSES));
    let loan_id = disbursed.then(|| loan_id(number));
    let kobo = match dice.below(40) {
        // The first whole number that a double cannot hold.
        0 => 9_007_199_254_740_993,
        1 => 300_000,
        2..=20 => dice.between(3, 5_000).saturating_mul(100_000),
        _ => dice.between(300_000, 500_000_000),
    };
    let purpose = dice.pick(&PURPOSES);
    let created = BEGIN
        .saturating_add(number.saturating_mul(53))
        .saturating_add(dice.below(50));
    let updated = created.saturating_add(dice.below(30 * DAY));
    let reference = if dice.one_in(8) {
        None
    } else {
        Some(format!("MERCH_REF_{number:09}"))
    };
    format!(
        concat!(
            r#"{{"application_id":"{}","customer_id":"{}","amount":{},"repayment_period":{},"#,
            r#""loan_purpose":"{}","status":"{}","offer_status":{},"loan_status":{},"loan_id":{},"#,
            r#""reference":{},"created_at":"{}","updated_at":"{}"}}"#
        ),
        recipe.uuid(APPLICATION, number),
        recipe.uuid(CUSTOMER, number / LOANS_PER_CUSTOMER),
        kobo,
        dice.between(1, 6),
        purpose,
        status,
        quoted_or_null(offer),
        quoted_or_null(loan_status),
        quoted_or_null(loan_id.as_deref()),
        quoted_or_null(reference.as_deref()),
        instant(created),
        instant(updated),
    )
}

/// An odd factor takes the numbers apart, and its inverse puts them together again.
const SPREAD: u64 = 2_654_435_761;
const GATHERED: u64 = 244_002_641;

fn loan_id(number: u64) -> String {
    format!("LOAN_{:08X}", number.wrapping_mul(SPREAD) & 0xffff_ffff)
}

fn number_of_loan(id: &str) -> Option<usize> {
    let spread = u64::from_str_radix(id.strip_prefix("LOAN_")?, 16).ok()?;
    usize::try_from(spread.wrapping_mul(GATHERED) & 0xffff_ffff).ok()
}

pub(super) fn candidates(recipe: &Recipe, field: &str, value: &str) -> Option<Vec<usize>> {
    match field {
        "application_id" => Some(recipe.number_in(APPLICATION, value).into_iter().collect()),
        "customer_id" => {
            let customer = number(recipe.number_in(CUSTOMER, value)?);
            let first = usize::try_from(customer.checked_mul(LOANS_PER_CUSTOMER)?).ok()?;
            Some((first..).take(3).collect())
        }
        "loan_id" => Some(number_of_loan(value).into_iter().collect()),
        "status" => Some(
            (0..STATUSES.len())
                .filter(|place| STATUSES.get(*place) == Some(&value))
                .flat_map(|place| (place..recipe.count()).step_by(STATUSES.len()))
                .collect(),
        ),
        _ => None,
    }
}
