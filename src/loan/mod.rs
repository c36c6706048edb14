//! The canonical loan: what every provider's record becomes.
//!
//! Pure data and arithmetic. No I/O, no clock, no provider names. `docs/model.md` explains each field for callers.

#![warn(missing_docs)]

mod checks;
pub mod decimal;
mod entry;
mod field;
mod flag;
mod moment;
mod named;
mod received;
mod vocabulary;
mod written;

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

pub use checks::{check, check_schedule};
pub use decimal::{Currency, Money, Percent};
pub use entry::{Breakdown, Instalment, Snapshot, Transaction};
pub use field::{Accounted, Column, Field};
pub use flag::FlagCode;
pub use moment::instant_or_null;
pub(crate) use named::RAW;
pub use named::{Extensions, Json, Named};
pub use received::{Finding, Note, Notes, Received, Record};
pub use vocabulary::{
    Arrangement, AsOfBasis, BorrowerRole, Direction, IdStability, InstalmentStatus, Kind, Missing, Origin,
    PaymentStatus, Period, Phase, RateBasis, RecordType, Status, TransactionType,
};
#[cfg(test)]
pub(crate) use written::survives;

/// One loan, application, collection snapshot or ledger, in one shape. All keys are always present on the wire;
/// what is not known is `null`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Loan {
    /// `{connection}:{native key}`; deterministic, resolvable without a store.
    pub id: String,
    /// What kind of record this is. An application is not a debt.
    pub record_type: RecordType,
    /// The configured upstream it came from.
    pub connection: Arc<str>,
    /// The kind of that upstream.
    pub provider: &'static str,
    /// Kind of credit.
    pub kind: Kind,
    /// The provider's own word for the kind; null where it has none.
    pub native_kind: Option<String>,
    /// Where the loan is in its life.
    pub status: Status,
    /// Follows from `status`.
    pub phase: Phase,
    /// The provider's own word that decided `status`; null where it has none.
    pub native_status: Option<String>,
    /// The provider's word for why; null unless it gives one.
    pub status_reason: Option<String>,
    /// Standing against the payment plan.
    pub payment_status: PaymentStatus,
    /// A special agreement about repayment.
    pub arrangement: Arrangement,
    /// Who lent, and which product.
    pub lender: Lender,
    /// Who owes.
    pub borrower: Borrower,
    /// Currency of every amount here; null only for a ledger without rows.
    pub currency: Option<Currency>,
    /// Amounts in major units; never negative.
    pub amounts: Amounts,
    /// Interest rate.
    pub rate: Rate,
    /// Length.
    pub term: Term,
    /// Calendar dates.
    pub dates: Dates,
    /// The next payment that falls due.
    pub next_payment: NextPayment,
    /// The last payment made.
    pub last_payment: LastPayment,
    /// How late it is.
    pub delinquency: Delinquency,
    /// The provider's own ids, by our names for them; only those it sent.
    pub provider_refs: Named<String>,
    /// How far `id` can be relied on.
    pub id_stability: IdStability,
    /// Instant the data is of.
    pub as_of: AsOf,
    /// What that instant is.
    pub as_of_basis: AsOfBasis,
    /// Served from a cache because the upstream failed.
    pub stale: bool,
    /// What to know before relying on a field.
    pub flags: Vec<Flag>,
    /// Provider fields with no canonical home, under the provider's names; numbers as decimal strings.
    #[schema(value_type = Named<Json>)]
    pub extensions: Extensions,
    /// What it was made from.
    #[serde(skip)]
    pub received: Received,
    /// `include=personal`: provider fields about the person, under the provider's names.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub personal: Option<Named<Json>>,
    /// `include=raw`: the upstream record as received.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Json, required = false)]
    pub raw: Option<Json>,
    /// `include=provenance`: where every value came from, and why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = provenance, required = false)]
    pub provenance: Option<Json>,
    /// `include=schedule`: its instalments; null where its record holds none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Instalment>>)]
    pub schedule: Option<Json>,
    /// `include=transactions`: its ledger; null where its record holds none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Transaction>>)]
    pub transactions: Option<Json>,
}

impl Loan {
    /// A loan of which nothing is known but where it came from and when.
    pub fn unknown(
        connection: &Arc<str>,
        provider: &'static str,
        record_type: RecordType,
        fetched_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id: String::new(),
            record_type,
            connection: Arc::clone(connection),
            provider,
            kind: Kind::Unknown,
            native_kind: None,
            status: Status::Unknown,
            phase: Phase::Unknown,
            native_status: None,
            status_reason: None,
            payment_status: PaymentStatus::Unknown,
            arrangement: Arrangement::Unknown,
            lender: Lender::default(),
            borrower: Borrower::default(),
            currency: None,
            amounts: Amounts::default(),
            rate: Rate::default(),
            term: Term::default(),
            dates: Dates::default(),
            next_payment: NextPayment::default(),
            last_payment: LastPayment::default(),
            delinquency: Delinquency::default(),
            provider_refs: Named::default(),
            id_stability: IdStability::Native,
            as_of: AsOf(fetched_at),
            as_of_basis: AsOfBasis::Fetched,
            stale: false,
            flags: Vec::new(),
            extensions: Extensions::default(),
            received: Received::default(),
            personal: None,
            raw: None,
            provenance: None,
            schedule: None,
            transactions: None,
        }
    }

    /// Names the loan: its connection and the key that finds it there again.
    pub fn identify(&mut self, native_key: &str, stability: IdStability) {
        self.id = [&*self.connection, ":", native_key].concat();
        self.id_stability = stability;
    }

    /// Sets the status and the phase that follows from it.
    pub fn set_status(&mut self, status: Status) {
        self.status = status;
        self.phase = status.phase();
    }

    /// Adds a flag, once per code and field.
    pub fn flag(&mut self, code: FlagCode, field: Field) {
        let flag = Flag { code, field };
        if !self.flags.contains(&flag) {
            self.flags.push(flag);
        }
    }
}

/// Who lent.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Lender {
    /// Name of the creditor.
    pub name: Option<String>,
    /// Number in the public company register of its country.
    pub registration_number: Option<String>,
    /// The provider's id of the loan product.
    pub product_id: Option<String>,
    /// Name of the loan product.
    pub product_name: Option<String>,
}

/// Who owes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Borrower {
    /// What the person asked about is to this loan.
    pub role: BorrowerRole,
    /// Somebody else owes it too.
    pub has_co_borrower: Option<bool>,
    /// The provider's id of the customer.
    pub customer_id: Option<String>,
    /// The caller's own id of the customer, where the provider keeps it.
    pub customer_external_id: Option<String>,
}

impl Default for Borrower {
    fn default() -> Self {
        Self {
            role: BorrowerRole::Unknown,
            has_co_borrower: None,
            customer_id: None,
            customer_external_id: None,
        }
    }
}

/// Amounts in major units of the loan's currency, never negative.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub struct Amounts {
    /// Asked for.
    pub requested: Option<Money>,
    /// Granted.
    pub approved: Option<Money>,
    /// Paid out at the start.
    pub original_principal: Option<Money>,
    /// Principal still owed.
    pub principal_outstanding: Option<Money>,
    /// Interest charged and not paid.
    pub interest_outstanding: Option<Money>,
    /// Fees charged and not paid.
    pub fees_outstanding: Option<Money>,
    /// Penalties charged and not paid.
    pub penalties_outstanding: Option<Money>,
    /// All that is owed; never filled from the principal alone.
    pub total_outstanding: Option<Money>,
    /// All that was paid so far.
    pub total_paid: Option<Money>,
    /// The part of what is owed whose due date has passed.
    pub past_due: Option<Money>,
    /// Most that may be drawn on a card or credit line.
    pub credit_limit: Option<Money>,
    /// What the lender owes the borrower.
    pub credit_balance: Option<Money>,
}

/// Interest rate.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Rate {
    /// In percent.
    pub percent: Option<Percent>,
    /// What it is a percentage of, and per what.
    pub basis: RateBasis,
    /// The period of the basis, where known.
    pub period: Option<Period>,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            percent: None,
            basis: RateBasis::Unknown,
            period: None,
        }
    }
}

/// Length of the loan.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub struct Term {
    /// Agreed length in `unit`.
    pub count: Option<u32>,
    /// Unit of `count` and `remaining_count`.
    pub unit: Option<Period>,
    /// What is left, in `unit`.
    pub remaining_count: Option<u32>,
    /// Number of instalments.
    pub instalments: Option<u32>,
    /// Instalments already paid.
    pub instalments_paid: Option<u32>,
}

/// Calendar dates, in the provider's own time zone.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub struct Dates {
    /// Applied for.
    #[serde(serialize_with = "moment::day")]
    pub applied_on: Option<NaiveDate>,
    /// Contract date.
    #[serde(serialize_with = "moment::day")]
    pub opened_on: Option<NaiveDate>,
    /// Money paid out.
    #[serde(serialize_with = "moment::day")]
    pub disbursed_on: Option<NaiveDate>,
    /// Last instalment due.
    #[serde(serialize_with = "moment::day")]
    pub matures_on: Option<NaiveDate>,
    /// Over.
    #[serde(serialize_with = "moment::day")]
    pub closed_on: Option<NaiveDate>,
    /// Default declared.
    #[serde(serialize_with = "moment::day")]
    pub defaulted_on: Option<NaiveDate>,
}

/// The next payment.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub struct NextPayment {
    /// Due date.
    #[serde(serialize_with = "moment::day")]
    pub due_on: Option<NaiveDate>,
    /// Amount due.
    pub amount: Option<Money>,
}

/// The last payment.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub struct LastPayment {
    /// Day it was made.
    #[serde(serialize_with = "moment::day")]
    pub paid_on: Option<NaiveDate>,
    /// Amount paid.
    pub amount: Option<Money>,
}

/// Lateness.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub struct Delinquency {
    /// A payment is past its due date.
    pub overdue: Option<bool>,
    /// Days past due, as of the loan's `as_of`.
    pub days_past_due: Option<u32>,
    /// First day of the lateness.
    #[serde(serialize_with = "moment::day")]
    pub since: Option<NaiveDate>,
}

/// Something to know about a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Flag<F = Field> {
    /// What.
    pub code: FlagCode,
    /// Where.
    pub field: F,
}

/// What `include=provenance` looks like: for every value where it came from, and under `missing` for every null why.
fn provenance() -> Object {
    let origin = ObjectBuilder::new()
        .property("origin", Ref::from_schema_name(Origin::name()))
        .required("origin")
        .property("source", Object::with_type(Type::String))
        .required("source");
    let missing = ObjectBuilder::new().additional_properties(Some(Ref::from_schema_name(Missing::name())));
    ObjectBuilder::new()
        .property("missing", missing)
        .required("missing")
        .additional_properties(Some(origin))
        .description(Some(
            "`include=provenance`: where every value came from, by its path, and under `missing` why there is none.",
        ))
        .build()
}

/// The instant a loan's data is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct AsOf(#[serde(serialize_with = "moment::instant")] pub DateTime<Utc>);

/// The name of [`AsOf`] to a serializer (serde takes the type's), which may leave it out of a digest: the same facts fetched twice are the same.
pub(crate) const AS_OF: &str = "AsOf";
