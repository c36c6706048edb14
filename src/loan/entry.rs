//! What a loan has many of: ledger entries, instalments, dated observations.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Amounts, Column, Currency, Direction, Extensions, Flag, InstalmentStatus, Json, Money, Named,
    PaymentStatus, Status, TransactionType, moment,
};

/// One entry of a loan's ledger, or one payment of its history. All keys are always present on the wire.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Transaction {
    /// The provider's id of the row. Not stable in ledgers that reverse and replay: a row that is rewritten gets a new
    /// one. Null where the provider gives none.
    pub id: Option<String>,
    /// The loan's id here.
    pub loan_id: Arc<str>,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: TransactionType,
    /// The provider's own word for it.
    pub native_type: Option<String>,
    /// What it does to the debt.
    pub direction: Direction,
    /// Day it counts from, in the provider's own time zone.
    #[serde(serialize_with = "moment::day")]
    pub posted_on: Option<NaiveDate>,
    /// Day it was entered; null where the provider does not say.
    #[serde(serialize_with = "moment::day")]
    pub recorded_on: Option<NaiveDate>,
    /// In major units, never negative: the direction says which way.
    pub amount: Option<Money>,
    /// Of every amount here.
    pub currency: Option<Currency>,
    /// What the amount went to; null on disbursements and where the provider gives no part.
    pub breakdown: Option<Breakdown>,
    /// Principal owed after it; null on rows that are not monetary or are reversed.
    pub balance_after: Option<Money>,
    /// Whether it changed what is owed; false for bookkeeping, and for types nobody knows.
    pub monetary: bool,
    /// Whether it was taken back; null when that is unreadable.
    pub reversed: Option<bool>,
    /// What to know before relying on a field.
    pub flags: Vec<Flag<Column>>,
    /// Provider fields with no canonical home, under the provider's names; numbers as decimal strings.
    #[schema(value_type = Named<Json>)]
    pub extensions: Extensions,
}

/// The parts of a transaction's amount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Breakdown {
    /// To principal.
    pub principal: Option<Money>,
    /// To interest.
    pub interest: Option<Money>,
    /// To fees.
    pub fees: Option<Money>,
    /// To penalties.
    pub penalties: Option<Money>,
    /// Beyond what was owed.
    pub overpayment: Option<Money>,
}

/// One instalment of a loan's plan. All keys are always present on the wire; amounts are in major units of `currency`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Instalment {
    /// From 1; null where the provider does not number them.
    pub number: Option<u32>,
    /// First day of its period.
    #[serde(serialize_with = "moment::day")]
    pub from: Option<NaiveDate>,
    /// Due date.
    #[serde(serialize_with = "moment::day")]
    pub due_on: Option<NaiveDate>,
    /// Whether nothing of it is owed any more, as the provider says.
    pub complete: Option<bool>,
    /// Currency of the amounts.
    pub currency: Option<Currency>,
    /// Principal due.
    pub principal_due: Option<Money>,
    /// Interest due.
    pub interest_due: Option<Money>,
    /// Fees due.
    pub fees_due: Option<Money>,
    /// Penalties due.
    pub penalties_due: Option<Money>,
    /// All that is due.
    pub total_due: Option<Money>,
    /// Paid towards it.
    pub total_paid: Option<Money>,
    /// Of it still owed.
    pub total_outstanding: Option<Money>,
    /// Where it stands.
    pub status: InstalmentStatus,
    /// What to know before relying on a field.
    pub flags: Vec<Flag<Column>>,
    /// Provider fields with no canonical home, under the provider's names; numbers as decimal strings.
    #[schema(value_type = Named<Json>)]
    pub extensions: Extensions,
}

/// A loan as it was seen on one day. All keys are always present on the wire.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Snapshot {
    /// The provider's id of the observation.
    pub snapshot_id: Option<String>,
    /// When it was made.
    pub as_of: Option<DateTime<Utc>>,
    /// Where the loan was in its life.
    pub status: Status,
    /// Standing against the payment plan.
    pub payment_status: PaymentStatus,
    /// Currency of the amounts.
    pub currency: Option<Currency>,
    /// Amounts in major units; never negative.
    pub amounts: Amounts,
    /// Days past due, as of then.
    pub days_past_due: Option<u32>,
    /// Day on which payment is to be collected.
    #[serde(serialize_with = "moment::day")]
    pub collection_on: Option<NaiveDate>,
    /// What to know before relying on a field.
    pub flags: Vec<Flag>,
    /// Provider fields with no canonical home, under the provider's names; numbers as decimal strings.
    #[schema(value_type = Named<Json>)]
    pub extensions: Extensions,
}
