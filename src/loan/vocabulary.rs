//! The closed vocabularies of the canonical loan. Every one has `unknown`, so that a provider's new word never
//! breaks an answer; the word itself is kept in the loan's `native_*` key.

vocabulary! {
    /// What a record is. Five providers answer five different questions; a list says which.
    RecordType {
        /// A debt a lender services.
        LoanAccount = "loan_account",
        /// A request for a loan; no money has moved.
        LoanApplication = "loan_application",
        /// A dated observation of a debt handed over for collection.
        CollectionSnapshot = "collection_snapshot",
        /// A loan seen only through its transactions.
        LedgerView = "ledger_view",
    }
}

vocabulary! {
    /// The kind of credit.
    Kind {
        /// Secured on a home.
        Mortgage = "mortgage",
        /// A second charge on a home.
        HomeEquity = "home_equity",
        /// Secured on a vehicle.
        VehicleLoan = "vehicle_loan",
        /// For studies.
        StudentLoan = "student_loan",
        /// Unsecured, to a person, repaid in instalments.
        PersonalLoan = "personal_loan",
        /// To a business.
        BusinessLoan = "business_loan",
        /// Small and short.
        MicroLoan = "micro_loan",
        /// Drawn and repaid at will up to a limit.
        LineOfCredit = "line_of_credit",
        /// A card with revolving credit.
        CreditCard = "credit_card",
        /// A card paid in full each period.
        ChargeCard = "charge_card",
        /// On a current account.
        Overdraft = "overdraft",
        /// Buy now, pay later.
        Bnpl = "bnpl",
        /// Secured on receivables.
        InvoiceFinancing = "invoice_financing",
        /// Known, and none of these.
        Other = "other",
        /// Not known.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// Where a loan is in its life.
    Status {
        /// Applied for, not decided.
        Pending = "pending",
        /// The lender made an offer.
        Offered = "offered",
        /// Agreed, not paid out.
        Approved = "approved",
        /// Refused by the lender.
        Declined = "declined",
        /// Given up by the applicant.
        Withdrawn = "withdrawn",
        /// The offer ran out.
        Expired = "expired",
        /// Paid out and open.
        Active = "active",
        /// More was paid than owed; the lender owes the borrower.
        Overpaid = "overpaid",
        /// Repaid.
        Closed = "closed",
        /// The lender booked the rest as a loss.
        WrittenOff = "written_off",
        /// Handed to another creditor.
        Transferred = "transferred",
        /// Called off.
        Cancelled = "cancelled",
        /// Not known, or a word we do not know.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// The coarse stage that follows from [`Status`] alone; safe to filter on across providers.
    Phase {
        /// Before money moves.
        Origination = "origination",
        /// Money is owed.
        Servicing = "servicing",
        /// Nothing more is expected here.
        Ended = "ended",
        /// Not known.
        Unknown = "unknown",
    }
}

impl Status {
    /// The phase that this status belongs to.
    pub const fn phase(self) -> Phase {
        match self {
            Self::Pending | Self::Offered | Self::Approved => Phase::Origination,
            Self::Active | Self::Overpaid => Phase::Servicing,
            Self::Declined
            | Self::Withdrawn
            | Self::Expired
            | Self::Closed
            | Self::WrittenOff
            | Self::Transferred
            | Self::Cancelled => Phase::Ended,
            Self::Unknown => Phase::Unknown,
        }
    }
}

vocabulary! {
    /// How the borrower stands against the payment plan.
    PaymentStatus {
        /// Nothing is late.
        Current = "current",
        /// A payment is past its due date.
        Overdue = "overdue",
        /// The lender calls it arrears.
        InArrears = "in_arrears",
        /// The lender declared default.
        Defaulted = "defaulted",
        /// There is nothing to pay: not paid out, or over.
        NotApplicable = "not_applicable",
        /// Not known.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// A special agreement about repayment.
    Arrangement {
        /// None, as the provider says.
        None = "none",
        /// Payments have not begun.
        GracePeriod = "grace_period",
        /// Payments are put off.
        Deferment = "deferment",
        /// The lender forbears.
        Forbearance = "forbearance",
        /// The terms were changed.
        Restructured = "restructured",
        /// A debt settlement is under way.
        DebtSettlement = "debt_settlement",
        /// Somebody collects it.
        InCollection = "in_collection",
        /// Not known.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// What the person asked about is to this loan.
    BorrowerRole {
        /// The only borrower.
        Sole = "sole",
        /// The first of several.
        Primary = "primary",
        /// On somebody else's loan.
        CoBorrower = "co_borrower",
        /// Stands in for the borrower.
        Guarantor = "guarantor",
        /// Not known.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// What a rate is a percentage of, and per what.
    RateBasis {
        /// Nominal, per year.
        AnnualNominal = "annual_nominal",
        /// Effective, per year, compounding included.
        AnnualEffective = "annual_effective",
        /// Annual percentage rate, costs included.
        Apr = "apr",
        /// Per [`Period`] of the loan.
        PerPeriod = "per_period",
        /// Once, for the whole term.
        PerTerm = "per_term",
        /// Not known.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// A unit of time, of a rate or of a term.
    Period {
        /// Day.
        Day = "day",
        /// Week.
        Week = "week",
        /// Month.
        Month = "month",
        /// Year.
        Year = "year",
    }
}

vocabulary! {
    /// What a transaction is.
    TransactionType {
        /// Money paid out to the borrower.
        Disbursement = "disbursement",
        /// Money paid back by the borrower.
        Repayment = "repayment",
        /// Interest recognised as income; nobody paid.
        InterestAccrual = "interest_accrual",
        /// A fee charged or paid.
        Fee = "fee",
        /// A penalty charged or paid.
        Penalty = "penalty",
        /// Interest forgiven.
        InterestWaiver = "interest_waiver",
        /// A fee or penalty forgiven.
        ChargeWaiver = "charge_waiver",
        /// The lender books the loss and closes the loan.
        WriteOff = "write_off",
        /// The lender books the loss; the loan stays open.
        ChargeOff = "charge_off",
        /// Paid after the loan was written off.
        Recovery = "recovery",
        /// Money given back.
        Refund = "refund",
        /// A payment that bounced or was disputed.
        Chargeback = "chargeback",
        /// Credited without cash of the borrower.
        Credit = "credit",
        /// Interest or fees added to the principal.
        Capitalisation = "capitalisation",
        /// Moved between branches; nobody paid.
        Transfer = "transfer",
        /// The plan was changed.
        Reschedule = "reschedule",
        /// Bookkeeping.
        Adjustment = "adjustment",
        /// Takes another row back.
        Reversal = "reversal",
        /// A known type that is none of these.
        Other = "other",
        /// Not known.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// What a transaction does to the debt.
    Direction {
        /// More is owed.
        IncreasesDebt = "increases_debt",
        /// Less is owed.
        DecreasesDebt = "decreases_debt",
        /// Neither, or not known.
        None = "none",
    }
}

vocabulary! {
    /// Where an instalment stands.
    InstalmentStatus {
        /// Nothing of it is owed.
        Paid = "paid",
        /// Due today.
        Due = "due",
        /// Past its due date and not paid.
        Overdue = "overdue",
        /// Not due yet.
        Upcoming = "upcoming",
        /// Not known.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// Where a value came from.
    Origin {
        /// The provider sent it.
        Reported = "reported",
        /// It follows by arithmetic or by definition from what the provider sent.
        Derived = "derived",
        /// It follows from other facts; the provider does not say it.
        Inferred = "inferred",
        /// The provider says nothing; it is set in the config, or so for every loan of the provider.
        Assumed = "assumed",
    }
}

vocabulary! {
    /// Why there is no value.
    Missing {
        /// No document of the provider has such a field.
        NotInProviderSchema = "not_in_provider_schema",
        /// The provider has the field, and this record does not.
        AbsentInResponse = "absent_in_response",
        /// The provider sent null.
        NullInResponse = "null_in_response",
        /// It makes no sense for this record.
        NotApplicable = "not_applicable",
        /// The provider sent something unreadable.
        Unparseable = "unparseable",
        /// The caller may not see it.
        Redacted = "redacted",
    }
}

vocabulary! {
    /// How far an id can be relied on to name the same loan tomorrow.
    IdStability {
        /// The provider's own id.
        Native = "native",
        /// Built from the provider's ids.
        Composite = "composite",
        /// A hash of identifying fields.
        Fingerprint = "fingerprint",
        /// The fingerprint is shared; the order of rows decides.
        Positional = "positional",
    }
}

vocabulary! {
    /// What the instant in `as_of` is.
    AsOfBasis {
        /// The provider says the data is of this instant.
        ProviderReported = "provider_reported",
        /// The provider says the record was last changed then.
        ProviderUpdatedAt = "provider_updated_at",
        /// When we fetched it; the provider says nothing.
        Fetched = "fetched",
    }
}
