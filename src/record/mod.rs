//! A provider's record that remembers being read.
//!
//! An adapter reads a record field by field, over the raw tokens. The reader therefore knows for free what was
//! unreadable (flags), which words nobody knew (drift), what nobody read (`extensions`), what is personal and held
//! back, and the untouched bytes (`raw`). One mechanism instead of five features.
//!
//! It knows the canonical loan's fields, and no provider.

#![warn(missing_docs)]

mod token;

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::loan::{Currency, Field, Flag, FlagCode, Json, Loan, Money, Named, Percent, decimal};
use token::Token;

/// What a caller asked to have beside the canonical fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Want {
    /// The upstream record as received.
    pub raw: bool,
    /// Fields about the person. Only ever true for a caller who may see them.
    pub personal: bool,
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
    /// The same key twice: nobody can say which one counts.
    #[error("is there twice")]
    DuplicateKey,
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

/// What a [`Drift`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DriftKind {
    /// A field no document mentions.
    UnknownField,
    /// A word outside a documented vocabulary.
    UnknownValue,
    /// A documented field of another type, or unreadable.
    ChangedType,
}

impl DriftKind {
    /// The word in answers and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownField => "unknown_field",
            Self::UnknownValue => "unknown_value",
            Self::ChangedType => "changed_type",
        }
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

#[derive(Debug)]
struct Entry<'a> {
    key: Cow<'a, str>,
    raw: &'a str,
    fate: Fate,
}

/// What became of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nobody asked for it.
    Unread,
    /// It is in the canonical loan.
    Read,
    /// It was read, and the loan does not hold all of it: it stays in `extensions` too.
    Kept,
    /// It is about the person.
    Personal,
}

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
        let Entries { list, duplicate } =
            serde_json::from_str(text).map_err(|_| Rejected::new("(record)", Why::NotAnObject))?;
        if let Some(key) = duplicate {
            return Err(Rejected {
                field: Cow::Owned(key),
                why: Why::DuplicateKey,
            });
        }
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

    /// A text or an id; providers write ids as strings and as numbers. An empty text says nothing and is null.
    /// Unreadable: null and flagged.
    pub fn text(&mut self, field: Field, key: &str) -> Option<String> {
        match self.take(key) {
            Token::Absent | Token::Null => None,
            Token::Text(text) if text.is_empty() => None,
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
        match self.take(key) {
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
        let parsed = match self.take(key) {
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
        match self.take(key) {
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
        match self.take(key) {
            Token::Absent | Token::Null => None,
            Token::Text(text) => match parse_instant(&text) {
                Some(instant) => Some(instant.to_utc()),
                None => self.malformed(field, key),
            },
            Token::Number(_) | Token::Bool(_) | Token::Other => self.malformed(field, key),
        }
    }

    /// A word of a documented vocabulary, compared without regard to ASCII case. An empty text is no word.
    pub fn choice<T: Copy>(&mut self, field: Field, key: &str, table: &[(&str, T)]) -> Choice<T> {
        let word = match self.take(key) {
            Token::Absent | Token::Null => return Choice::Missing,
            Token::Text(text) if text.is_empty() => return Choice::Missing,
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

    /// Ends the reading: what nobody read goes to `extensions`, and what no document names is reported as drift.
    pub fn finish(mut self, documented: &[&str], want: Want, loan: &mut Loan) -> Vec<Drift> {
        let mut personal = Named::default();
        for entry in &self.entries {
            match entry.fate {
                Fate::Read => {}
                Fate::Unread | Fate::Kept => {
                    if let Some(json) = json(token::for_extensions(entry.raw)) {
                        loan.extensions
                            .push(entry.key.replace(char::is_control, "\u{FFFD}"), json);
                    }
                }
                Fate::Personal => {
                    if want.personal
                        && let Some(json) = json(token::for_extensions(entry.raw))
                    {
                        personal.push(entry.key.as_ref(), json);
                    }
                }
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
        if want.personal {
            loan.personal = Some(personal);
        }
        if want.raw {
            loan.raw = json(if want.personal {
                self.text.to_owned()
            } else {
                self.redacted()
            });
        }
        self.drift
    }

    /// The record with the values of personal fields replaced and every other byte as received.
    fn redacted(&self) -> String {
        let mut out = String::with_capacity(self.text.len());
        let mut from = 0;
        for entry in &self.entries {
            if entry.fate != Fate::Personal || entry.raw == "null" {
                continue;
            }
            let start = entry
                .raw
                .as_ptr()
                .addr()
                .saturating_sub(self.text.as_ptr().addr());
            out.push_str(self.text.get(from..start).unwrap_or_default());
            out.push_str("\"[redacted]\"");
            from = start.saturating_add(entry.raw.len());
        }
        out.push_str(self.text.get(from..).unwrap_or_default());
        out
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
                Token::read(entry.raw)
            }
            None => Token::Absent,
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

/// A JSON text that goes out as it is; `None` when it is not JSON.
fn json(text: String) -> Option<Json> {
    RawValue::from_string(text).ok().map(Json)
}

/// A calendar date written `YYYY-MM-DD`, exactly.
pub fn calendar_date(text: &str) -> Option<NaiveDate> {
    if text.len() != 10 {
        return None;
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .filter(|date| date.year() >= 1)
}

/// An instant in RFC 3339, or with an offset without its colon as some providers write it.
fn parse_instant(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()
        .filter(|instant| {
            let years = 1..=9999;
            years.contains(&instant.year()) && years.contains(&instant.to_utc().year())
        })
}

struct Entries<'a> {
    list: Vec<Entry<'a>>,
    duplicate: Option<String>,
}

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut list: Vec<Entry<'de>> = Vec::with_capacity(32);
                let mut duplicate = None;
                let mut seen = 0_u64;
                while let Some(key) = map.next_key_seed(Key)? {
                    let raw: &RawValue = map.next_value()?;
                    let bit = 1_u64.checked_shl(shape(&key)).unwrap_or_default();
                    if seen & bit != 0 && list.iter().any(|entry| entry.key == key) {
                        duplicate = Some(key.to_string());
                    }
                    seen |= bit;
                    list.push(Entry {
                        key,
                        raw: raw.get(),
                        fate: Fate::Unread,
                    });
                }
                Ok(Entries { list, duplicate })
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// Spreads keys over 64 bits, so that most are known to be new without comparing them with all others.
fn shape(key: &str) -> u32 {
    let bytes = key.as_bytes();
    let sum = [bytes.first(), bytes.get(bytes.len() / 2), bytes.last()]
        .into_iter()
        .flatten()
        .fold(bytes.len(), |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(usize::from(*byte))
        });
    u32::try_from(sum % 64).unwrap_or_default()
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        if text.len() > 4096 {
            return Err(E::custom("key too long"));
        }
        Ok(Cow::Owned(text.to_owned()))
    }
}
