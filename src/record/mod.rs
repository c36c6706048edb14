//! A provider's record that remembers being read.
//!
//! An adapter reads a record field by field, over the raw tokens. The reader therefore knows for free what was
//! unreadable (flags), which words nobody knew (drift), what nobody read (`extensions`), what is personal and held
//! back, and the untouched bytes (`raw`). One mechanism instead of five features.
//!
//! It knows the canonical loan's fields, and no provider.

#![warn(missing_docs)]

mod calendar;
mod entries;
mod envelope;
mod grammar;
mod leftover;
mod outline;
mod part;
mod provenance;
mod reader;
#[cfg(test)]
mod samples;
mod scan;
mod token;
mod whole;

use std::borrow::Cow;

use serde_json::value::to_raw_value;

use crate::loan::{Json, Loan, Named, Record};
use provenance::Provenance;

pub use calendar::calendar_date;
pub use envelope::{envelope, within};
pub use leftover::Rest;
pub use outline::Outline;
pub use provenance::{Account, Sent, account, shown};
pub use reader::Reader;

/// What a caller asked to have beside the canonical fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of `include`")]
pub struct Want {
    /// The upstream record as received.
    pub raw: bool,
    /// Fields about the person. Only ever true for a caller who may see them.
    pub personal: bool,
    /// Where every value came from.
    pub provenance: bool,
    /// The instalments.
    pub schedule: bool,
    /// The ledger.
    pub transactions: bool,
}

/// Adds to a loan what the caller wants beside the canonical fields.
pub fn present(loan: &mut Loan, want: Want) {
    if want.raw {
        loan.raw = loan.received.main().and_then(|record| shown(record, want));
    }
    if want.provenance {
        loan.provenance = to_raw_value(&Provenance::of(loan)).ok().map(Json);
    }
    if want.personal {
        let mut personal = Named::default();
        for (name, raw) in loan.received.records().iter().flat_map(Record::personal) {
            if let Some(value) = token::presentable(raw) {
                personal.push(name.to_owned(), value);
            }
        }
        loan.personal = Some(personal);
    }
}

/// Why a record cannot become a loan. Counted in its source; the record's content stays here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {why}")]
pub struct Rejected {
    /// The provider's name of the field.
    pub field: Cow<'static, str>,
    /// What is wrong with it.
    pub why: Why,
}

impl Rejected {
    /// A record that cannot be used because of one field.
    pub fn new(field: &'static str, why: Why) -> Self {
        Self {
            field: Cow::Borrowed(field),
            why,
        }
    }
}

/// What makes a record unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Not a JSON object.
    #[error("is not an object")]
    NotAnObject,
    /// No id to name it by.
    #[error("is missing, and the record cannot be named without it")]
    NoId,
    /// No currency where the provider promises one.
    #[error("is not a currency")]
    NoCurrency,
    /// An amount that cannot be kept exactly.
    #[error("is not an exact decimal of at most 28 digits")]
    Amount,
}

/// Something a provider sent that its documents do not mention. Names only, never values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Drift {
    /// What is new.
    pub kind: DriftKind,
    /// The provider's name of the field.
    pub field: String,
}

vocabulary! {
    /// What a [`Drift`] is about.
    DriftKind {
        /// A field no document mentions.
        UnknownField = "unknown_field",
        /// A word outside a documented vocabulary.
        UnknownValue = "unknown_value",
        /// A documented field of another type, or unreadable.
        ChangedType = "changed_type",
    }
}

/// The unit a provider writes amounts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Kroner, naira, shillings.
    Major,
    /// Øre, kobo, cents.
    Minor,
}

/// What a word of a provider's vocabulary turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice<T> {
    /// Absent, null or unreadable.
    Missing,
    /// A documented word.
    Known(T, String),
    /// A word we do not know; already flagged and counted.
    Unknown(String),
}

impl<T: Copy> Choice<T> {
    /// What the word means, where it is known.
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(value, _) => Some(*value),
            Self::Missing | Self::Unknown(_) => None,
        }
    }

    /// The provider's own word.
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Known(_, word) | Self::Unknown(word) => Some(word),
            Self::Missing => None,
        }
    }
}
