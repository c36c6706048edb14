//! Debts as `GoScore` lists them: which amounts are there depends on the type.

use super::super::record::quoted_or_null;
use super::Recipe;
use super::dice::{decimal, nth};

const CREDITORS: [(&str, u64); 8] = [
    ("SPAREBANK 1 KREDITT AS", 975_966_453),
    ("RESURS BANK AB", 984_150_865),
    ("BB - TF BANK NORGE", 923_194_592),
    ("AMERICAN EXPRESS EUROPE S A", 920_854_346),
    ("BANK NORWEGIAN", 991_455_671),
    ("SANTANDER CONSUMER BANK AS", 983_521_592),
    ("IKANO BANK AB (PUBL), NORWAY BRANCH", 5_569_622_441),
    ("DNB BANK ASA", 984_851_006),
];

/// The middle one is the provider's own spelling.
const TYPES: [&str; 3] = ["credit_card", "consumner_loan", "charge_card"];

pub(super) fn row(recipe: &Recipe, number: u64) -> String {
    let mut dice = recipe.dice(1, number);
    let (creditor, org_number) = dice.pick(&CREDITORS);
    let kind = nth(&TYPES, number);
    let kroner = |thousandths: u64| decimal(thousandths, 1);
    let null = || "null".to_owned();
    let owed = dice.thousandths(250_000);
    let rate = kroner(dice.between(400, 2_999).saturating_mul(10));
    let charges = kroner(dice.pick(&[0, 35_000, 45_000, 49_500]));
    let period = if dice.one_in(6) { "MONTHLY" } else { "monthly" };
    let (payer, account) = (format!("0{}", dice.digits(11)), dice.digits(11));
    let (payer, account) = if dice.one_in(3) {
        (None, None)
    } else {
        (Some(payer.as_str()), Some(account.as_str()))
    };
    let months = dice.between(3, 120);
    let hundredths = dice.one_in(3);
    let (limit, amount, balance, with, without, terms) = match kind {
        "credit_card" => {
            let bearing = if dice.one_in(2) { owed } else { 0 };
            let terms = if dice.one_in(2) {
                months.to_string()
            } else {
                null()
            };
            let limit = kroner(dice.between(5, 150).saturating_mul(1_000_000));
            (
                limit,
                null(),
                null(),
                bearing,
                owed.saturating_sub(bearing),
                terms,
            )
        }
        "consumner_loan" => {
            let original = kroner(owed.saturating_add(dice.thousandths(100_000)));
            // The page's own loan has its months divided by a hundred.
            let terms = if hundredths {
                decimal(months.saturating_mul(10), 1)
            } else {
                months.to_string()
            };
            (null(), original, kroner(owed), 0, 0, terms)
        }
        _ => (null(), null(), null(), 0, owed, null()),
    };
    let (charges, period, rate) = if kind == "charge_card" {
        (null(), null(), null())
    } else {
        (charges, format!("\"{period}\""), rate)
    };
    format!(
        concat!(
            r#"{{"creditor_name":"{}","creditor_org_number":{},"has_co_borrower":{},"co_borrower":{},"#,
            r#""credit_limit":{},"loan_amount":{},"balance":{},"charges":{},"charge_period":{},"#,
            r#""type":"{}","nominal_rate":{},"current_balance":{},"balance_with_interest":{},"#,
            r#""balance_without_interest":{},"terms":{},"kid":{},"account":{}}}"#
        ),
        creditor,
        org_number,
        dice.one_in(9),
        dice.one_in(14),
        limit,
        amount,
        balance,
        charges,
        period,
        kind,
        rate,
        kroner(owed),
        kroner(with),
        kroner(without),
        terms,
        quoted_or_null(payer),
        quoted_or_null(account),
    )
}
