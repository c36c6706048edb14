//! Reading a record field by field.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::calendar::{calendar_date, parse_instant};
use super::entries::{Entries, Entry, Fate};
use super::token::{self, Token};
use super::{Choice, Drift, DriftKind, Rejected, Unit, Why};
use crate::loan::{Currency, Field, Flag, FlagCode, Loan, Money, Named, Percent, Received, decimal};

/// One record being read.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    entries: Vec<Entry<'a>>,
    next: usize,
    currency: Option<Currency>,
    unit: Unit,
    flags: Vec<Flag>,
    drift: Vec<Drift>,
}

impl<'a> Reader<'a> {
    /// Starts reading a record.
    pub fn new(record: &'a RawValue) -> Result<Self, Rejected> {
        let text = record.get();
        let Entries(list) =
            serde_json::from_str(text).map_err(|_| Rejected::new("(record)", Why::NotAnObject))?;
        Ok(Self {
            text,
            entries: list,
            next: 0,
            currency: None,
            unit: Unit::Major,
            flags: Vec::new(),
            drift: Vec::new(),
        })
    }

    /// Says what the amounts of this record are in. Before it, no amount can be read.
    pub fn amounts_are_in(&mut self, currency: Currency, unit: Unit) {
        self.currency = Some(currency);
        self.unit = unit;
    }

    /// Adds a flag.
    pub fn flag(&mut self, code: FlagCode, field: Field) {
        let flag = Flag { code, field };
        if !self.flags.contains(&flag) {
            self.flags.push(flag);
        }
    }

    /// The raw JSON text of a field, which is then read; `None` when it is absent or null.
    pub fn raw(&mut self, key: &str) -> Option<&'a str> {
        let entry = self.find(key)?;
        if entry.ambiguous {
            entry.fate = Fate::Kept;
            self.note(DriftKind::ChangedType, key);
            return None;
        }
        entry.fate = Fate::Read;
        (entry.raw != "null").then_some(entry.raw)
    }

    /// Whether the key is there, even as null.
    pub fn has(&mut self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// Leaves a field to `extensions` although it was read, because the canonical loan does not hold all of it.
    pub fn keep(&mut self, key: &str) {
        if let Some(entry) = self.find(key) {
            entry.fate = Fate::Kept;
        }
    }

    /// Marks fields about the person: they never become extensions, and leave only with `include=personal`.
    pub fn personal(&mut self, keys: &[&str]) {
        for key in keys {
            if let Some(entry) = self.find(key) {
                entry.fate = Fate::Personal;
            }
        }
    }

    /// A text or an id; providers write ids as strings and as numbers. Unreadable: null and flagged.
    pub fn text(&mut self, field: Field, key: &str) -> Option<String> {
        match self.filled(key) {
            Token::Absent | Token::Null => None,
            Token::Text(text) => Some(text.into_owned()),
            Token::Number(number) => Some(number.to_owned()),
            Token::Bool(_) | Token::Other => self.malformed(field, key),
        }
    }

    /// An id the record cannot do without.
    pub fn id(&mut self, key: &'static str) -> Result<String, Rejected> {
        self.text(Field::ProviderRefs, key)
            .ok_or(Rejected::new(key, Why::NoId))
    }

    /// An id that is filed under the loan's references.
    pub fn reference(&mut self, refs: &mut Named<String>, name: &'static str, key: &str) -> Option<String> {
        let id = self.text(Field::ProviderRefs, key)?;
        refs.push(name, id.clone());
        Some(id)
    }

    /// True or false.
    pub fn boolean(&mut self, field: Field, key: &str) -> Option<bool> {
        match self.filled(key) {
            Token::Absent | Token::Null => None,
            Token::Bool(value) => Some(value),
            Token::Text(_) | Token::Number(_) | Token::Other => self.malformed(field, key),
        }
    }

    /// A count. One with a fraction, a sign, or out of range is unreadable.
    pub fn count(&mut self, field: Field, key: &str) -> Option<u32> {
        match self.number(field, key)? {
            number if number.is_integer() => number
                .to_string()
                .parse()
                .ok()
                .or_else(|| self.malformed(field, key)),
            _ => self.malformed(field, key),
        }
    }

    /// A number that is not money: a count or a rate, as a number or in a string.
    pub fn number(&mut self, field: Field, key: &str) -> Option<Decimal> {
        let parsed = match self.filled(key) {
            Token::Absent | Token::Null => return None,
            Token::Text(text) => decimal::parse(&text),
            Token::Number(number) => decimal::parse(number),
            Token::Bool(_) | Token::Other => return self.malformed(field, key),
        };
        match parsed {
            Ok(number) => Some(number.normalize()),
            Err(_) => self.malformed(field, key),
        }
    }

    /// A rate that the provider writes in percent.
    pub fn percent(&mut self, field: Field, key: &str) -> Option<Percent> {
        self.number(field, key).map(Percent::new)
    }

    /// An amount. Absent and null are `None`; what is not an exact decimal rejects the record; a negative amount
    /// is not an amount and becomes null with a flag.
    pub fn money(&mut self, field: Field, key: &str) -> Result<Option<Money>, Rejected> {
        let (owed, credit) = self.signed(key)?;
        if credit.is_some() {
            return Ok(self.malformed(field, key));
        }
        Ok(owed)
    }

    /// A balance that may go below zero: what is owed, and what the lender owes the borrower instead.
    pub fn balance(&mut self, field: Field, key: &str) -> Result<(Option<Money>, Option<Money>), Rejected> {
        let (owed, credit) = self.signed(key)?;
        if credit.is_some() {
            self.flag(FlagCode::BalanceDerived, field);
            self.flag(FlagCode::BalanceDerived, Field::CreditBalance);
            self.keep(key);
        }
        Ok((owed, credit))
    }

    fn signed(&mut self, key: &str) -> Result<(Option<Money>, Option<Money>), Rejected> {
        let bad = |why| Rejected {
            field: Cow::Owned(key.to_owned()),
            why,
        };
        let parsed = match self.take(key) {
            Token::Absent | Token::Null => return Ok((None, None)),
            Token::Text(text) => decimal::parse(&text),
            Token::Number(number) => decimal::parse(number),
            Token::Bool(_) | Token::Other => return Err(bad(Why::Amount)),
        };
        let currency = self.currency.ok_or_else(|| bad(Why::NoCurrency))?;
        let value = parsed.map_err(|_| bad(Why::Amount))?;
        let major = match self.unit {
            Unit::Major => value,
            Unit::Minor => {
                decimal::shift_left(value, currency.minor_units()).ok_or_else(|| bad(Why::Amount))?
            }
        };
        let zero = Money::new(Decimal::ZERO, currency);
        if major.is_sign_negative() && !major.is_zero() {
            return Ok((Some(zero), Some(Money::new(major.abs(), currency))));
        }
        Ok((Some(Money::new(major, currency)), None))
    }

    /// A calendar date, `YYYY-MM-DD`. An instant is accepted for its date as written, and kept whole in
    /// `extensions`.
    pub fn date(&mut self, field: Field, key: &str) -> Option<NaiveDate> {
        match self.filled(key) {
            Token::Absent | Token::Null => None,
            Token::Text(text) => match (calendar_date(&text), parse_instant(&text)) {
                (Some(date), _) => Some(date),
                (None, Some(instant)) => {
                    self.keep(key);
                    Some(instant.date_naive())
                }
                (None, None) => self.malformed(field, key),
            },
            Token::Number(_) | Token::Bool(_) | Token::Other => self.malformed(field, key),
        }
    }

    /// An instant with its offset.
    pub fn instant(&mut self, field: Field, key: &str) -> Option<DateTime<Utc>> {
        match self.filled(key) {
            Token::Absent | Token::Null => None,
            Token::Text(text) => match parse_instant(&text) {
                Some(instant) => Some(instant.to_utc()),
                None => self.malformed(field, key),
            },
            Token::Number(_) | Token::Bool(_) | Token::Other => self.malformed(field, key),
        }
    }

    /// A word of a documented vocabulary, compared without regard to ASCII case.
    pub fn choice<T: Copy>(&mut self, field: Field, key: &str, table: &[(&str, T)]) -> Choice<T> {
        let word = match self.filled(key) {
            Token::Absent | Token::Null => return Choice::Missing,
            Token::Text(text) => text.into_owned(),
            Token::Number(_) | Token::Bool(_) | Token::Other => {
                self.malformed::<T>(field, key);
                return Choice::Missing;
            }
        };
        match table.iter().find(|(known, _)| known.eq_ignore_ascii_case(&word)) {
            Some((_, value)) => Choice::Known(*value, word),
            None => {
                self.flag(FlagCode::UnknownNativeValue, field);
                self.note(DriftKind::UnknownValue, key);
                Choice::Unknown(word)
            }
        }
    }

    /// Null, flagged, counted, and kept for the reader in `extensions`.
    pub fn malformed<T>(&mut self, field: Field, key: &str) -> Option<T> {
        self.flag(FlagCode::MalformedField, field);
        self.note(DriftKind::ChangedType, key);
        self.keep(key);
        None
    }

    /// Ends the reading: what nobody read goes to `extensions`, and what no document names is reported as drift. The
    /// loan keeps a copy of the record.
    pub fn finish(mut self, documented: &[&str], loan: &mut Loan) -> Vec<Drift> {
        let mut personal = Vec::new();
        for entry in &self.entries {
            match entry.fate {
                Fate::Read => {}
                Fate::Unread | Fate::Kept => {
                    if let Some(json) = token::presentable(entry.raw) {
                        loan.extensions
                            .push(entry.key.replace(char::is_control, "\u{FFFD}"), json);
                    }
                }
                Fate::Personal => {
                    let start = offset(self.text, entry.raw);
                    personal.push((
                        Box::from(entry.key.as_ref()),
                        start..start.saturating_add(entry.raw.len()),
                    ));
                }
            }
            if entry.ambiguous && entry.fate == Fate::Unread {
                self.drift.push(Drift {
                    kind: DriftKind::ChangedType,
                    field: entry.key.replace(char::is_control, "\u{FFFD}"),
                });
            }
            if entry.fate == Fate::Unread && !documented.contains(&entry.key.as_ref()) {
                self.drift.push(Drift {
                    kind: DriftKind::UnknownField,
                    field: entry.key.replace(char::is_control, "\u{FFFD}"),
                });
            }
        }
        for flag in std::mem::take(&mut self.flags) {
            loan.flag(flag.code, flag.field);
        }
        loan.received = Received::new(self.text, personal);
        self.drift
    }

    fn note(&mut self, kind: DriftKind, key: &str) {
        self.drift.push(Drift {
            kind,
            field: key.to_owned(),
        });
    }

    fn take(&mut self, key: &str) -> Token<'a> {
        match self.find(key) {
            Some(entry) => {
                if entry.fate == Fate::Unread {
                    entry.fate = Fate::Read;
                }
                if entry.ambiguous {
                    Token::Other
                } else {
                    Token::read(entry.raw)
                }
            }
            None => Token::Absent,
        }
    }

    /// The token, with an empty text as null: it says nothing. Not for amounts, of which an empty one is a bad one.
    fn filled(&mut self, key: &str) -> Token<'a> {
        match self.take(key) {
            Token::Text(text) if text.is_empty() => Token::Null,
            token => token,
        }
    }

    /// Adapters read in the order of the provider's page, so the next entry is usually the one.
    fn find(&mut self, key: &str) -> Option<&mut Entry<'a>> {
        let at = match self.entries.get(self.next) {
            Some(entry) if entry.key == key => self.next,
            _ => self.entries.iter().position(|entry| entry.key == key)?,
        };
        self.next = at.saturating_add(1);
        self.entries.get_mut(at)
    }
}

/// Where a part of a text begins in it.
fn offset(whole: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(whole.as_ptr().addr())
}
