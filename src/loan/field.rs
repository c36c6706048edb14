//! The canonical fields by name: what flags point at.

/// Declares the canonical fields with their paths in the answer.
macro_rules! fields {
    ($(#[doc = $doc:literal])* $name:ident { $($variant:ident = $path:literal,)+ }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "each variant is documented by its path; the meaning is on the structs")]
        pub enum $name { $($variant,)+ }

        impl $name {
            /// Every field, in the order of the answer.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The path in the answer.
            pub const fn path(self) -> &'static str {
                match self { $(Self::$variant => $path,)+ }
            }
        }

        impl serde::Serialize for $name {
            /// As a word, in which a serializer need not look for what to escape.
            #[inline]
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_unit_variant(stringify!($name), 0, self.path())
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some(Self::ALL.iter().map(|field| field.path())))
                    .description(Some(concat!($($doc,)*).trim()))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

fields! {
    /// A field of the canonical loan. Its path is what callers see in `flags[].field` and in `provenance`.
    Field {
    Id = "id",
    RecordType = "record_type",
    Connection = "connection",
    Provider = "provider",
    Kind = "kind",
    NativeKind = "native_kind",
    Status = "status",
    Phase = "phase",
    NativeStatus = "native_status",
    StatusReason = "status_reason",
    PaymentStatus = "payment_status",
    Arrangement = "arrangement",
    LenderName = "lender.name",
    LenderRegistrationNumber = "lender.registration_number",
    LenderProductId = "lender.product_id",
    LenderProductName = "lender.product_name",
    BorrowerRole = "borrower.role",
    BorrowerHasCoBorrower = "borrower.has_co_borrower",
    BorrowerCustomerId = "borrower.customer_id",
    BorrowerCustomerExternalId = "borrower.customer_external_id",
    Currency = "currency",
    Requested = "amounts.requested",
    Approved = "amounts.approved",
    OriginalPrincipal = "amounts.original_principal",
    PrincipalOutstanding = "amounts.principal_outstanding",
    InterestOutstanding = "amounts.interest_outstanding",
    FeesOutstanding = "amounts.fees_outstanding",
    PenaltiesOutstanding = "amounts.penalties_outstanding",
    TotalOutstanding = "amounts.total_outstanding",
    TotalPaid = "amounts.total_paid",
    PastDue = "amounts.past_due",
    CreditLimit = "amounts.credit_limit",
    CreditBalance = "amounts.credit_balance",
    RatePercent = "rate.percent",
    RateBasis = "rate.basis",
    RatePeriod = "rate.period",
    TermCount = "term.count",
    TermUnit = "term.unit",
    TermRemainingCount = "term.remaining_count",
    TermInstalments = "term.instalments",
    TermInstalmentsPaid = "term.instalments_paid",
    AppliedOn = "dates.applied_on",
    OpenedOn = "dates.opened_on",
    DisbursedOn = "dates.disbursed_on",
    MaturesOn = "dates.matures_on",
    ClosedOn = "dates.closed_on",
    DefaultedOn = "dates.defaulted_on",
    NextPaymentDueOn = "next_payment.due_on",
    NextPaymentAmount = "next_payment.amount",
    LastPaymentPaidOn = "last_payment.paid_on",
    LastPaymentAmount = "last_payment.amount",
    DelinquencyOverdue = "delinquency.overdue",
    DaysPastDue = "delinquency.days_past_due",
    DelinquencySince = "delinquency.since",
    ProviderRefs = "provider_refs",
    IdStability = "id_stability",
    AsOf = "as_of",
    AsOfBasis = "as_of_basis",
    Stale = "stale",
    Schedule = "schedule",
    Transactions = "transactions",
    }
}

fields! {
    /// A field of a transaction or an instalment. Its path is what callers see in their `flags[].field`.
    Column {
    Id = "id",
    Type = "type",
    PostedOn = "posted_on",
    RecordedOn = "recorded_on",
    Amount = "amount",
    Principal = "breakdown.principal",
    Interest = "breakdown.interest",
    Fees = "breakdown.fees",
    Penalties = "breakdown.penalties",
    Overpayment = "breakdown.overpayment",
    BalanceAfter = "balance_after",
    Reversed = "reversed",
    Number = "number",
    From = "from",
    DueOn = "due_on",
    Complete = "complete",
    PrincipalDue = "principal_due",
    InterestDue = "interest_due",
    FeesDue = "fees_due",
    PenaltiesDue = "penalties_due",
    TotalDue = "total_due",
    TotalPaid = "total_paid",
    TotalOutstanding = "total_outstanding",
    Status = "status",
    }
}

/// Fields that a record can be read into.
pub trait Accounted: Copy + PartialEq {
    /// Whether it is noted where each value came from.
    const NOTED: bool;
}

impl Accounted for Field {
    const NOTED: bool = true;
}

impl Accounted for Column {
    const NOTED: bool = false;
}
