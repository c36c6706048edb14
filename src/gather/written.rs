//! The binary form of what this room holds, for gateways that share it.
//!
//! What goes on asking upstreams is of connections. They are written by their ids and what their configs are, and read by
//! a gateway that has the same ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::connection::Connection;
use super::contribution::Contribution;
use super::filter::{Filter, Range};
use super::source::{Cached, Reason, Source, Status};
use crate::binary::Binary;
use crate::providers::{Reference, Scope};
use crate::upstream::{Error, Kind};

/// The connections of a gateway.
pub(super) type Connections = BTreeMap<Arc<str>, Arc<Connection>>;

/// Has a binary form that only a gateway with the same connections can read.
pub(super) trait Connected: Sized {
    fn write(&self, out: &mut Vec<u8>);
    fn read(from: &mut &[u8], connections: &Connections) -> Option<Self>;
}

impl Connected for Arc<Connection> {
    fn write(&self, out: &mut Vec<u8>) {
        Binary::write(&self.id, out);
        self.digest.write(out);
    }

    fn read(from: &mut &[u8], connections: &Connections) -> Option<Self> {
        let id: Arc<str> = Binary::read(from)?;
        let digest: [u8; 32] = Binary::read(from)?;
        let known = connections.get(&id)?;
        (known.digest == digest).then(|| Self::clone(known))
    }
}

impl<T: Connected> Connected for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        u32::try_from(self.len()).unwrap_or(u32::MAX).write(out);
        for one in self {
            one.write(out);
        }
    }

    fn read(from: &mut &[u8], connections: &Connections) -> Option<Self> {
        let count: u32 = Binary::read(from)?;
        (0..count).map(|_| T::read(from, connections)).collect()
    }
}

impl Connected for Contribution {
    fn write(&self, out: &mut Vec<u8>) {
        self.walk.write(out);
        self.loans.write(out);
        self.duplicates.write(out);
        self.from.write(out);
        self.filtered.write(out);
    }

    fn read(from: &mut &[u8], connections: &Connections) -> Option<Self> {
        Some(Self {
            walk: Connected::read(from, connections)?,
            loans: Binary::read(from)?,
            duplicates: Binary::read(from)?,
            from: Binary::read(from)?,
            filtered: Binary::read(from)?,
        })
    }
}

binary_words!(Cached, Kind, Reason, Status);

binary! {
    Filter { record_type, kind, status, phase, payment_status, currency, overdue, opened, due, defaulted, outstanding }
    Source {
        connection, provider, status, reason, count, total, rejected, duplicates, exhausted, as_of, cache,
        upstream_requests, elapsed, error,
    }
    Error { kind, operation, note, status, retry_after, retryable, attempts }
    Reference { kind, value }
}

impl<T: Binary> Binary for Range<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.from.write(out);
        self.to.write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Some(Self {
            from: Binary::read(from)?,
            to: Binary::read(from)?,
        })
    }
}

impl Binary for Scope {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Book => out.push(0),
            Self::Reference(reference) => {
                out.push(1);
                reference.write(out);
            }
            Self::Loan(key) => {
                out.push(2);
                key.write(out);
            }
        }
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        match u8::read(from)? {
            0 => Some(Self::Book),
            1 => Binary::read(from).map(Self::Reference),
            2 => Binary::read(from).map(Self::Loan),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use rust_decimal::Decimal;
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;
    use crate::fleet::FORMAT;
    use crate::loan::{self, Currency, Field, FlagCode, IdStability, Loan, Money, Notes, RecordType};

    /// A loan with something of each sort.
    fn loan() -> Loan {
        let fetched = DateTime::from_timestamp(1_780_000_000, 250_000_000).unwrap();
        let mut loan = Loan::unknown(&Arc::from("bsa"), "bsa", RecordType::LoanAccount, fetched);
        loan.identify("501", IdStability::Native);
        let currency = Currency::parse("TZS").unwrap();
        loan.currency = Some(currency);
        loan.amounts.requested = Some(Money::new(Decimal::new(38_505, 3), currency));
        loan.dates.opened_on = Some(fetched.date_naive());
        loan.provider_refs.push("loan_id", "501".to_owned());
        loan.extensions.push("a", |out| out.push('1'));
        loan.flag(FlagCode::BalanceDerived, Field::Requested);
        let place = vec![(Box::from("id"), 6..9)];
        loan.received.push("", r#"{"id":501}"#, place, Notes::default());
        loan
    }

    #[test]
    fn a_source_comes_back_as_it_was() {
        let error = Error::new(Kind::Timeout, "list_loans", "A note").with_status(200, 2);
        let source = Source {
            error: Some(error),
            total: Some(7),
            ..Source::skipped(Arc::from("bsa"), "bsa", Reason::NoReference)
        };
        let mut written = Vec::new();
        source.write(&mut written);
        let read = Source::read(&mut &*written).unwrap();
        assert_eq!(
            serde_json::to_string(&read).unwrap(),
            serde_json::to_string(&source).unwrap()
        );
    }

    /// If this fails, what gateways write is not what those before them read: `fleet::FORMAT` is to be one more, and the
    /// number here is what the failure says.
    #[test]
    fn what_is_written_is_another_only_with_another_format() {
        let mut all = Vec::new();
        loan().write(&mut all);
        Filter::default().write(&mut all);
        for scope in [Scope::Book, Scope::Loan("1".to_owned())] {
            scope.write(&mut all);
        }
        for list in [
            words(Kind::ALL, Kind::as_str),
            words(Status::ALL, Status::as_str),
            words(Reason::ALL, Reason::as_str),
            words(Cached::ALL, Cached::as_str),
            words(Field::ALL, Field::path),
            words(FlagCode::ALL, FlagCode::as_str),
            words(RecordType::ALL, RecordType::as_str),
            words(IdStability::ALL, IdStability::as_str),
            words(loan::Arrangement::ALL, loan::Arrangement::as_str),
            words(loan::AsOfBasis::ALL, loan::AsOfBasis::as_str),
            words(loan::BorrowerRole::ALL, loan::BorrowerRole::as_str),
            words(loan::Kind::ALL, loan::Kind::as_str),
            words(loan::Missing::ALL, loan::Missing::as_str),
            words(loan::Origin::ALL, loan::Origin::as_str),
            words(loan::PaymentStatus::ALL, loan::PaymentStatus::as_str),
            words(loan::Period::ALL, loan::Period::as_str),
            words(loan::Phase::ALL, loan::Phase::as_str),
            words(loan::RateBasis::ALL, loan::RateBasis::as_str),
            words(loan::Status::ALL, loan::Status::as_str),
        ] {
            all.extend(list.bytes());
        }
        assert_eq!((FORMAT, xxh3_64(&all)), (1, 16_691_801_268_772_593_168));
    }

    fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> String {
        all.iter().map(|one| word(*one)).collect::<Vec<_>>().join(" ")
    }
}
