//! What the types of transactions mean: the one table.
//!
//! By `type.id` alone. From `LoanTransactionType`, `isNonMonetaryTransaction()` and `updateLoanOutstandingBalances()` of
//! Apache Fineract. Codes are ambiguous (`refund` is both 16 and 18) and the flags are not complete.

use crate::loan::{Direction, Money, TransactionType};

/// What a type of transaction means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meaning {
    /// In our words.
    pub(super) kind: TransactionType,
    /// What it does to the debt.
    pub(super) effect: Effect,
    /// What its parts have to do with its amount.
    pub(super) parts: Parts,
}

/// What a type of transaction does to the debt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// More is owed, and a loan that was repaid is open again.
    Up,
    /// Less is owed.
    Down,
    /// More is owed as far as it has a principal part, which it usually has not.
    UpByPrincipal,
    /// Money moved; what is owed stays.
    Level,
    /// No money moved: bookkeeping, with real-looking amounts.
    Books,
}

/// What the parts of a row have to do with its amount, as measured over the expectations of Fineract's own tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// They make it up, what was paid beyond the debt included.
    All,
    /// They are no more than it.
    Some,
    /// Nothing: they are often nought beside an amount.
    Free,
}

impl Meaning {
    /// A type that nobody knows: it may have moved money, and does not count.
    const UNKNOWN: Self = Self {
        kind: TransactionType::Unknown,
        effect: Effect::Books,
        parts: Parts::Free,
    };

    /// What this id means, and whether it is a known one.
    pub(super) fn of(id: Option<i64>) -> (Self, bool) {
        let known = id.and_then(|id| TYPES.iter().find(|(known, ..)| *known == id));
        known.map_or((Self::UNKNOWN, false), |(_, kind, effect, parts)| {
            let meaning = Self {
                kind: *kind,
                effect: *effect,
                parts: *parts,
            };
            (meaning, true)
        })
    }

    /// Whether it moves the balance.
    pub(super) fn monetary(self) -> bool {
        self.effect != Effect::Books
    }

    /// What a row with this principal part does to the debt.
    pub(super) fn direction(self, principal: Option<Money>) -> Direction {
        match self.effect {
            Effect::Up => Direction::IncreasesDebt,
            Effect::Down => Direction::DecreasesDebt,
            Effect::UpByPrincipal if principal.is_some_and(|part| !part.value().is_zero()) => {
                Direction::IncreasesDebt
            }
            Effect::UpByPrincipal | Effect::Level | Effect::Books => Direction::None,
        }
    }

    /// Whether it pays towards the debt, so that what it pays beyond belongs to the borrower.
    pub(super) fn pays(self) -> bool {
        matches!(self.kind, TransactionType::Repayment | TransactionType::Credit)
    }

    /// What of a row leaves what the borrower had paid beyond the debt; `None` where it leaves that alone.
    pub(super) fn returns<T>(self, beyond: T, all: T) -> Option<T> {
        match (self.kind, self.effect) {
            (TransactionType::Disbursement | TransactionType::Chargeback, _)
            | (TransactionType::Refund, Effect::UpByPrincipal) => Some(beyond),
            // Moved to another account: all of it is such money.
            (TransactionType::Refund, Effect::Level) => Some(all),
            _ => None,
        }
    }
}

/// Every id of Apache Fineract; 11 is unused.
const TYPES: &[(i64, TransactionType, Effect, Parts)] = {
    use Effect::{Books, Down, Level, Up, UpByPrincipal};
    use Parts::{All, Free, Some};
    use TransactionType as T;
    &[
        (0, T::Unknown, Books, Free),          // invalid
        (1, T::Disbursement, Up, Free),        // disbursement
        (2, T::Repayment, Down, All),          // repayment
        (3, T::Reversal, Books, Some),         // contra
        (4, T::InterestWaiver, Down, Some),    // waiver
        (5, T::Fee, Down, Some),               // repaymentAtDisbursement: a fee netted from the payout
        (6, T::WriteOff, Down, Some),          // writeOff
        (7, T::Reschedule, Books, Some),       // marked.for.rescheduling
        (8, T::Recovery, Level, Some),         // recoveryRepayment: the debt was already written off
        (9, T::ChargeWaiver, Down, Free),      // waiveCharges
        (10, T::InterestAccrual, Books, Some), // accrual
        (12, T::Transfer, Books, Some),        // initiateTransfer, between branches
        (13, T::Transfer, Books, Some),        // approveTransfer
        (14, T::Transfer, Books, Some),        // withdrawTransfer
        (15, T::Transfer, Books, Some),        // rejectTransfer
        (16, T::Refund, Level, Some),          // refund: an overpayment moved to another account
        (17, T::Fee, Down, All),               // chargePayment
        (18, T::Refund, Up, Some),             // refund, of an open loan
        (19, T::Capitalisation, Up, Some),     // incomePosting
        (20, T::Refund, UpByPrincipal, Free),  // creditBalanceRefund
        (21, T::Credit, Down, All),            // merchantIssuedRefund
        (22, T::Credit, Down, All),            // payoutRefund
        (23, T::Credit, Down, All),            // goodwillCredit
        (24, T::Credit, Down, All),            // chargeRefund
        (25, T::Chargeback, Up, Some),         // chargeback
        (26, T::Credit, Down, All),            // chargeAdjustment
        (27, T::ChargeOff, Books, Some),       // chargeOff: the loan stays open
        (28, T::Repayment, Down, All),         // downPayment
        (29, T::Reschedule, Books, Some),      // reAge
        (30, T::Reschedule, Books, Some),      // reAmortize
        (31, T::Credit, Down, All),            // interestPaymentWaiver: pays principal too
        (32, T::Adjustment, Books, Some),      // accrualActivity: says again what accruals said
        (33, T::Credit, Down, All),            // interestRefund
        (34, T::Adjustment, Books, Some),      // accrualAdjustment
        (35, T::Capitalisation, Up, Some),     // capitalizedIncome
        (36, T::Adjustment, Books, Some),      // capitalizedIncomeAmortization
        (37, T::Credit, Down, Some),           // capitalizedIncomeAdjustment
        (38, T::Reschedule, Books, Some),      // contractTermination: all of it falls due
        (39, T::Adjustment, Books, Some),      // capitalizedIncomeAmortizationAdjustment
        (40, T::Fee, Books, Some),             // buyDownFee, paid by a merchant
        (41, T::Adjustment, Books, Some),      // buyDownFeeAdjustment
        (42, T::Adjustment, Books, Some),      // buyDownFeeAmortization
        (43, T::Adjustment, Books, Some),      // buyDownFeeAmortizationAdjustment
        (44, T::Fee, Books, Some),             // discountFee, of working-capital loans, as to 47
        (45, T::Adjustment, Books, Some),      // discountFeeAmortization
        (46, T::Adjustment, Books, Some),      // discountFeeAdjustment
        (47, T::Adjustment, Books, Some),      // discountFeeAmortizationAdjustment
    ]
};
