//! The codes of flags.

vocabulary! {
    /// What a caller should know before relying on a field. Additive.
    FlagCode {
        /// The provider names no currency; the configured one is used.
        CurrencyAssumed = "currency_assumed",
        /// The provider does not say which amount this is.
        AmountAmbiguous = "amount_ambiguous",
        /// The provider does not say what the rate is a percentage of, or whether it is in percent.
        RateBasisUnconfirmed = "rate_basis_unconfirmed",
        /// A rate per period, and the period is not in the record.
        RatePeriodUnknown = "rate_period_unknown",
        /// A term in units that the record does not name.
        TermUnitUnknown = "term_unit_unknown",
        /// The number looks scaled; where it cannot be right it is kept only in `extensions`.
        SuspectScale = "suspect_scale",
        /// The parts do not add up to the whole.
        ComponentsMismatch = "components_mismatch",
        /// The status follows from other facts; the provider gives none.
        StatusInferred = "status_inferred",
        /// The balance follows from other rows or signs; the provider gives none.
        BalanceDerived = "balance_derived",
        /// A word of the provider that we do not know; it is kept in the `native_*` key or in `extensions`. On a ledger's
        /// balance: a transaction of an unknown type was left out of it.
        UnknownNativeValue = "unknown_native_value",
        /// The provider sent something unreadable here; the field is null.
        MalformedField = "malformed_field",
        /// What is left of the instalments is not what is owed.
        ScheduleMismatch = "schedule_mismatch",
        /// The parts of a transaction do not make up its amount.
        SplitMismatch = "split_mismatch",
        /// A length no loan has: none at all, or more paid or left than agreed.
        ImplausibleTerm = "implausible_term",
        /// A rate no loan has: negative, or above a thousand percent.
        ImplausibleRate = "implausible_rate",
        /// A date before one that must have come first.
        DatesOutOfOrder = "dates_out_of_order",
    }
}
