//! Reading a record field by field.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::calendar::{calendar_date, parse_instant};
use super::entries::{Entries, Entry, Fate};
use super::outline::Members;
use super::part::Part;
use super::token::Token;
use super::{Choice, Drift, DriftKind, Rejected, Unit, Why};
use crate::loan::{
    Accounted, Currency, Field, Finding, Flag, FlagCode, Missing, Money, Note, Origin, Percent, decimal,
};

/// One record being read.
#[derive(Debug)]
pub struct Reader<'a, F = Field> {
    pub(super) text: &'a str,
    /// The record's name beside others of the same loan; empty for the one the loan itself is made from.
    pub(super) name: &'static str,
    /// Where in the record this object is, with a dot behind it; empty for the record itself.
    pub(super) prefix: &'static str,
    pub(super) entries: Entries<'a>,
    pub(super) parts: Vec<Part>,
    /// Nobody will look at what is left.
    pub(super) brief: bool,
    /// There was something in its place that is no object: what is not found in it is unreadable, not absent.
    pub(super) unreadable: bool,
    pub(super) next: usize,
    pub(super) currency: Option<Currency>,
    pub(super) unit: Unit,
    pub(super) flags: Vec<Flag<F>>,
    pub(super) found: Vec<Note<F>>,
    /// The loan's references, and where they came from.
    pub(super) references: Vec<(&'static str, &'static str)>,
    pub(super) drift: Vec<Drift>,
}

impl<'a, F: Accounted> Reader<'a, F> {
    /// Starts reading a record.
    pub fn new(record: &'a RawValue) -> Result<Self, Rejected> {
        Self::named("", record)
    }

    /// Starts reading a record that stands beside the one the loan itself is made from.
    pub fn named(name: &'static str, record: &'a RawValue) -> Result<Self, Rejected> {
        let entries = Entries::of(record.get()).ok_or(Rejected::new("(record)", Why::NotAnObject))?;
        Ok(Self::over(record.get(), name, entries).noting())
    }

    /// Starts on a record that is no object: it is kept as received, and nothing can be read from it.
    pub fn unreadable(name: &'static str, record: &'a RawValue) -> Self {
        Self::over(record.get(), name, Entries::default())
    }

    /// With room for what will be noted: what is derived and what is not there is noted too.
    pub(super) fn noting(mut self) -> Self {
        if F::NOTED {
            self.found
                .reserve_exact(self.entries.list.len().saturating_mul(2));
        }
        self
    }

    pub(super) fn over(text: &'a str, name: &'static str, entries: Entries<'a>) -> Self {
        Self {
            text,
            name,
            prefix: "",
            entries,
            parts: Vec::new(),
            brief: false,
            unreadable: false,
            next: 0,
            currency: None,
            unit: Unit::Major,
            flags: Vec::new(),
            found: Vec::new(),
            references: Vec::new(),
            drift: Vec::new(),
        }
    }

    /// Says what the amounts of this record are in. Before it, no amount can be read.
    pub fn amounts_are_in(&mut self, currency: Currency, unit: Unit) {
        self.currency = Some(currency);
        self.unit = unit;
    }

    /// Adds a flag.
    pub fn flag(&mut self, code: FlagCode, field: F) {
        let flag = Flag { code, field };
        if !self.flags.contains(&flag) {
            self.flags.push(flag);
        }
    }

    /// Whether there is such a flag.
    pub fn is_flagged(&self, code: FlagCode, field: F) -> bool {
        self.flags.contains(&Flag { code, field })
    }

    /// Notes how a field that was not simply read came by its value: from this name of the provider, or from what
    /// stands in parentheses.
    pub fn is(&mut self, field: F, origin: Origin, source: &'static str) {
        self.note_found(field, Finding::Is(origin), source);
    }

    /// Notes why a field has no value.
    pub fn lacks(&mut self, field: F, why: Missing, source: &'static str) {
        let why = match why {
            Missing::AbsentInResponse if self.unreadable => Missing::Unparseable,
            why => why,
        };
        self.note_found(field, Finding::Missing(why), source);
    }

    fn note_found(&mut self, field: F, finding: Finding, source: &'static str) {
        if !F::NOTED {
            return;
        }
        self.found.push(Note {
            field,
            finding,
            source,
        });
    }

    /// The raw JSON text of a field, which is then read; `None` when it is absent or null.
    pub fn raw(&mut self, key: &str) -> Option<&'a str> {
        self.nested(key).map(|(raw, _)| raw)
    }

    /// The same, and the members within, as far as they are known.
    pub(super) fn nested(&mut self, key: &str) -> Option<(&'a str, Members<'a>)> {
        let entry = self.find(key)?;
        if entry.ambiguous {
            entry.fate = Fate::Kept;
            self.note(DriftKind::ChangedType, key);
            return None;
        }
        entry.fate = Fate::Read;
        (entry.raw != "null").then_some((entry.raw, entry.inside))
    }

    /// Whether the key is there, even as null.
    pub fn has(&mut self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// Leaves a field to `extensions` although it was read, because the canonical record does not hold all of it.
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
    pub fn text(&mut self, field: F, key: &'static str) -> Option<String> {
        self.read(field, key, |token| match token {
            Token::Text(text) => Some(text.into_owned()),
            Token::Number(number) => Some(number.to_owned()),
            _ => None,
        })
    }

    /// True or false.
    pub fn boolean(&mut self, field: F, key: &'static str) -> Option<bool> {
        self.read(field, key, |token| match token {
            Token::Bool(value) => Some(value),
            _ => None,
        })
    }

    /// A count. One with a fraction, a sign, or out of range is unreadable.
    pub fn count(&mut self, field: F, key: &'static str) -> Option<u32> {
        self.read(field, key, |token| {
            let number = decimal_of(&token)?;
            (number.scale() == 0)
                .then(|| u32::try_from(number.mantissa()).ok())
                .flatten()
        })
    }

    /// A number that is not money: a count or a rate, as a number or in a string.
    pub fn number(&mut self, field: F, key: &'static str) -> Option<Decimal> {
        self.read(field, key, |token| decimal_of(&token))
    }

    /// A rate that the provider writes in percent.
    pub fn percent(&mut self, field: F, key: &'static str) -> Option<Percent> {
        self.number(field, key).map(Percent::new)
    }

    /// An amount. Absent and null are `None`; what is not an exact decimal rejects the record; a negative amount
    /// is not an amount and becomes null with a flag.
    pub fn money(&mut self, field: F, key: &'static str) -> Result<Option<Money>, Rejected> {
        let (owed, credit) = self.signed(field, key)?;
        if credit.is_some() {
            return Ok(self.malformed(field, key));
        }
        Ok(owed)
    }

    /// A balance that may go below zero: what is owed, and what the lender owes the borrower instead.
    pub fn signed(
        &mut self,
        field: F,
        key: &'static str,
    ) -> Result<(Option<Money>, Option<Money>), Rejected> {
        let bad = |why| Rejected {
            field: Cow::Borrowed(key),
            why,
        };
        let parsed = match self.take(key) {
            Token::Absent => {
                self.lacks(field, Missing::AbsentInResponse, key);
                return Ok((None, None));
            }
            Token::Null => {
                self.lacks(field, Missing::NullInResponse, key);
                return Ok((None, None));
            }
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
        self.is(field, Origin::Reported, key);
        let zero = Money::new(Decimal::ZERO, currency);
        if major.is_sign_negative() && !major.is_zero() {
            return Ok((Some(zero), Some(Money::new(major.abs(), currency))));
        }
        Ok((Some(Money::new(major, currency)), None))
    }

    /// A calendar date, `YYYY-MM-DD`. An instant is accepted for its date as written, and kept whole in
    /// `extensions`.
    pub fn date(&mut self, field: F, key: &'static str) -> Option<NaiveDate> {
        let mut shortened = false;
        let date = self.read(field, key, |token| match token {
            Token::Text(text) => calendar_date(&text).or_else(|| {
                shortened = true;
                parse_instant(&text).map(|instant| instant.date_naive())
            }),
            _ => None,
        });
        if shortened {
            self.keep(key);
        }
        date
    }

    /// An instant with its offset.
    pub fn instant(&mut self, field: F, key: &'static str) -> Option<DateTime<Utc>> {
        self.read(field, key, |token| match token {
            Token::Text(text) => parse_instant(&text).map(|instant| instant.to_utc()),
            _ => None,
        })
    }

    /// A word of a documented vocabulary, compared without regard to ASCII case.
    pub fn choice<T: Copy>(&mut self, field: F, key: &'static str, table: &[(&str, T)]) -> Choice<T> {
        let word = self.read(field, key, |token| match token {
            Token::Text(text) => Some(text.into_owned()),
            _ => None,
        });
        let Some(word) = word else {
            return Choice::Missing;
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
    pub fn malformed<T>(&mut self, field: F, key: &'static str) -> Option<T> {
        self.flag(FlagCode::MalformedField, field);
        self.note(DriftKind::ChangedType, key);
        self.lacks(field, Missing::Unparseable, key);
        self.keep(key);
        None
    }

    /// A documented field whose value is outside its vocabulary: counted, and no value of ours.
    pub fn unknown(&mut self, field: F, key: &'static str) {
        self.note(DriftKind::UnknownValue, key);
        self.lacks(field, Missing::Unparseable, key);
    }

    /// Counts a documented field of another type that is no field of ours.
    pub fn changed_type(&mut self, key: &'static str) {
        self.note(DriftKind::ChangedType, key);
    }

    /// A field that is not money: absent, null, a value, or something unreadable.
    fn read<T>(
        &mut self,
        field: F,
        key: &'static str,
        parse: impl FnOnce(Token<'a>) -> Option<T>,
    ) -> Option<T> {
        let why = match self.filled(key) {
            Token::Absent => Missing::AbsentInResponse,
            Token::Null => Missing::NullInResponse,
            token => {
                let Some(value) = parse(token) else {
                    return self.malformed(field, key);
                };
                self.is(field, Origin::Reported, key);
                return Some(value);
            }
        };
        self.lacks(field, why, key);
        None
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
    pub(super) fn find(&mut self, key: &str) -> Option<&mut Entry<'a>> {
        // Comparing with an empty text is not free: its address is none, and some processors take hundreds of cycles over
        // reading nothing from it.
        let key = if self.prefix.is_empty() {
            key
        } else {
            key.strip_prefix(self.prefix)?
        };
        let at = self.entries.position(key, self.next)?;
        self.next = at.saturating_add(1);
        self.entries.list.get_mut(at)
    }
}

/// A number without trailing zeros, or a text that holds one.
fn decimal_of(token: &Token<'_>) -> Option<Decimal> {
    let parsed = match token {
        Token::Text(text) => decimal::parse(text),
        Token::Number(number) => decimal::parse(number),
        _ => return None,
    };
    parsed.ok()
}
