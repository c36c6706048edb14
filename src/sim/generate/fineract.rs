//! Ledgers as the wrapper passes them on: nought looks like an integer, everything else has six places.

use chrono::{DateTime, Datelike as _};

use super::dice::{Dice, decimal, nth, share};
use super::object::Object;
use super::{DAY, Recipe};

/// The number of the first generated loan.
pub(super) const FIRST_LOAN: usize = 1000;
/// 2025-03-03.
const BEGIN: u64 = 1_740_960_000;

/// The flags that the wrapper knows.
const FLAGS: [&str; 16] = [
    "disbursement",
    "repaymentAtDisbursement",
    "repayment",
    "contra",
    "waiveInterest",
    "waiveCharges",
    "accrual",
    "writeOff",
    "recoveryRepayment",
    "initiateTransfer",
    "approveTransfer",
    "withdrawTransfer",
    "rejectTransfer",
    "chargePayment",
    "refund",
    "refundForActiveLoans",
];

pub(super) const NAIRA: &str = concat!(
    r#"{"code":"NGN","name":"Nigerian Naira","decimalPlaces":2,"displaySymbol":"₦","#,
    r#""nameCode":"currency.NGN","displayLabel":"Nigerian Naira (₦)","inMultiplesOf":0}"#
);

/// Id, code, label and flag of a transaction type.
type Kind = (u64, &'static str, &'static str, &'static str);
const DISBURSEMENT: Kind = (1, "disbursement", "Disbursement", "disbursement");
const REPAYMENT: Kind = (2, "repayment", "Repayment", "repayment");
const WAIVER: Kind = (4, "waiver", "Waive interest", "waiveInterest");
const WRITE_OFF: Kind = (6, "writeOff", "Close (as written-off)", "writeOff");
const ACCRUAL: Kind = (10, "accrual", "Accrual", "accrual");
const CHARGE_OFF: Kind = (27, "chargeOff", "Charge-off", "");

struct Entry {
    kind: Kind,
    day: u64,
    principal: u64,
    interest: u64,
    over: u64,
    amount: u64,
    balance: u64,
    reversed: bool,
}

/// What a ledger says about its loan, in thousandths and seconds.
pub(super) struct Story {
    pub(super) lent: u64,
    pub(super) begin: u64,
    pub(super) end: u64,
    /// Before the last row.
    pub(super) owed: u64,
    pub(super) interest: u64,
    pub(super) over: u64,
}

pub(super) fn story(recipe: &Recipe, number: u64) -> Story {
    let (lent, begin, entries) = begun(recipe, number);
    let paid = || {
        entries
            .iter()
            .filter(|entry| entry.kind == REPAYMENT && !entry.reversed)
    };
    let regular = paid().filter(|entry| entry.over == 0);
    let last = entries.last();
    Story {
        lent,
        begin,
        end: last.map_or(begin, |last| last.day),
        owed: regular.fold(lent, |owed, entry| owed.saturating_sub(entry.principal)),
        interest: paid().fold(0, |sum, entry| sum.saturating_add(entry.interest)),
        over: last.map_or(0, |last| last.over),
    }
}

fn begun(recipe: &Recipe, number: u64) -> (u64, u64, Vec<Entry>) {
    let mut dice = recipe.dice(40, number);
    let lent = dice.thousandths(500_000).max(1000);
    let begin = BEGIN.saturating_add(number.saturating_mul(7919) % (300 * DAY));
    let entries = history(&mut dice, number, lent, begin);
    (lent, begin, entries)
}

pub(super) fn ledger(recipe: &Recipe, number: u64) -> Vec<String> {
    let (lent, _, entries) = begun(recipe, number);
    let first_id = number.saturating_mul(100).saturating_add(5000);
    (first_id..)
        .zip(&entries)
        .map(|(id, entry)| written(id, entry, lent))
        .collect()
}

fn history(dice: &mut Dice, number: u64, lent: u64, begin: u64) -> Vec<Entry> {
    let plain = |kind: Kind, day: u64, amount: u64, balance: u64| Entry {
        kind,
        day,
        principal: 0,
        interest: 0,
        over: 0,
        amount,
        balance,
        reversed: false,
    };
    let mut entries = vec![plain(DISBURSEMENT, begin, lent, lent)];
    let months = dice.between(1, 6);
    let part = share(lent, 6);
    let mut owed = lent;
    for month in 1..=months {
        let day = begin.saturating_add(month.saturating_mul(30 * DAY));
        let interest = dice.between(1, 40_000).saturating_mul(10);
        entries.push(Entry {
            interest,
            ..plain(ACCRUAL, day, interest, 0)
        });
        let paid = part.min(owed);
        let amount = paid.saturating_add(interest);
        if dice.one_in(5) {
            // Entered wrong, reversed by hand, entered again below.
            let wrong = Entry {
                principal: paid,
                reversed: true,
                ..plain(REPAYMENT, day, paid, owed)
            };
            entries.push(wrong);
        }
        owed = owed.saturating_sub(paid);
        entries.push(Entry {
            principal: paid,
            interest,
            ..plain(REPAYMENT, day, amount, owed)
        });
    }
    let end = begin.saturating_add(months.saturating_add(1).saturating_mul(30 * DAY));
    let last = match nth(&[1_u64, 2, 3, 4], number) {
        1 => Entry {
            interest: 1_250,
            ..plain(WAIVER, end, 1_250, owed)
        },
        2 => Entry {
            principal: owed,
            ..plain(WRITE_OFF, end, owed, 0)
        },
        3 => Entry {
            principal: owed,
            ..plain(CHARGE_OFF, end, owed, 0)
        },
        _ => Entry {
            principal: owed,
            over: 10_000,
            ..plain(REPAYMENT, end, owed.saturating_add(10_000), 0)
        },
    };
    entries.push(last);
    entries
}

fn written(id: u64, entry: &Entry, lent: u64) -> String {
    let money = |thousandths: u64| {
        if thousandths == 0 {
            "0".to_owned()
        } else {
            decimal(thousandths, 6)
        }
    };
    let (kind_id, code, value, set) = entry.kind;
    let mut kind = Object::default();
    kind.plain("id", kind_id)
        .text("code", &format!("loanTransactionType.{code}"))
        .text("value", value);
    for flag in FLAGS {
        kind.plain(flag, flag == set);
    }
    let date = date(entry.day);
    Object::default()
        .plain("id", id)
        .plain("officeId", 1)
        .text("officeName", "Head Office")
        .raw("type", &kind.closed())
        .raw("date", &date)
        .raw("currency", NAIRA)
        .raw("amount", &money(entry.amount))
        .raw("netDisbursalAmount", &money(lent))
        .raw("principalPortion", &money(entry.principal))
        .raw("interestPortion", &money(entry.interest))
        .plain("feeChargesPortion", 0)
        .plain("penaltyChargesPortion", 0)
        .raw("overpaymentPortion", &money(entry.over))
        .plain("unrecognizedIncomePortion", 0)
        .raw("outstandingLoanBalance", &money(entry.balance))
        .raw("submittedOnDate", &date)
        .plain("manuallyReversed", entry.reversed)
        .plain("numberOfRepayments", 0)
        .closed()
}

/// `[2025,3,3]`
pub(super) fn date(seconds: u64) -> String {
    let date = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .unwrap_or_default();
    format!("[{},{},{}]", date.year(), date.month(), date.day())
}
