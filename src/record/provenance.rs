//! Where every value of a loan came from, and why there is none where there is none.
//!
//! Made on request from what the reader noted (`loan::Note`). Nothing is guessed here: a value nobody noted has no
//! origin, and a test over every fixture fails.

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::Want;
use super::entries::{Entries, Entry};
use crate::loan::{AsOfBasis, Field, Finding, FlagCode, Json, Loan, Missing, Origin, Record};

/// Decided by the config of the gateway.
const CONFIG: &str = "(config)";
/// The same for every loan of the provider.
const PROVIDER: &str = "(provider)";
/// Known from the fetch itself.
const FETCH: &str = "(fetch)";
/// Named by whoever asked.
const REQUEST: &str = "(request)";

/// A place of the canonical loan, what stands there, and how that came about.
#[derive(Debug)]
pub struct Account {
    /// The path in the answer.
    pub path: Cow<'static, str>,
    /// The canonical value, as it is in the answer; null included.
    pub value: Json,
    /// How it was come by, or why there is none.
    pub finding: Option<Finding>,
    /// The path in the upstream records, or what else decided, in parentheses; empty where no record was looked at.
    pub source: String,
    /// The record and the name of the field there.
    place: Option<(&'static str, &'static str)>,
}

impl Account {
    /// What the upstream sent under the name that decided this place; `None` where that is no single field of a record.
    pub fn received(&self, sent: &Sent<'_>) -> Option<Json> {
        let (record, name) = self.place?;
        let (_, members) = sent.0.iter().find(|(known, _)| *known == record)?;
        let (first, inner) = name
            .split_once('.')
            .map_or((name, None), |(first, rest)| (first, Some(rest)));
        let found = named(members, first)?;
        let found = inner
            .into_iter()
            .flat_map(|rest| rest.split('.'))
            .try_fold(found, |object, key| named(&self::members(object), key));
        found.map(|raw| Json(raw.to_owned()))
    }
}

/// The records of a loan as they are shown, taken apart once for all that is looked up in them.
#[derive(Debug)]
pub struct Sent<'a>(Vec<(&'static str, Members<'a>)>);

type Members<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

impl<'a> Sent<'a> {
    /// `records`: their names, and their texts as [`shown`].
    pub fn of(records: &'a [(&'static str, Option<Json>)]) -> Self {
        let taken_apart = records
            .iter()
            .filter_map(|(name, text)| Some((*name, members(&text.as_ref()?.0))));
        Self(taken_apart.collect())
    }
}

fn named<'a>(members: &Members<'a>, key: &str) -> Option<&'a RawValue> {
    let found = members.iter().find(|(known, _)| *known == key);
    found.map(|(_, raw)| *raw)
}

/// A record as received, without what is about the person unless the caller may see it.
pub fn shown(record: &Record, want: Want) -> Option<Json> {
    let text = if want.personal {
        record.text().to_owned()
    } else {
        record.redacted()
    };
    RawValue::from_string(text).ok().map(Json)
}

/// `include=provenance`.
#[derive(Debug)]
pub(super) struct Provenance(Vec<Account>);

impl Provenance {
    pub(super) fn of(loan: &Loan) -> Self {
        Self(account(loan))
    }
}

#[derive(Serialize)]
struct Known<'a> {
    origin: Origin,
    source: &'a str,
}

impl Serialize for Provenance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Reasons<'a>(&'a [Account]);

        impl Serialize for Reasons<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let reasons = self.0.iter().filter_map(|account| match account.finding {
                    Some(Finding::Missing(why)) => Some((&account.path, why)),
                    Some(Finding::Is(_)) | None => None,
                });
                serializer.collect_map(reasons)
            }
        }

        let mut map = serializer.serialize_map(None)?;
        for account in &self.0 {
            if let Some(Finding::Is(origin)) = account.finding {
                let source = account.source.as_str();
                map.serialize_entry(&account.path, &Known { origin, source })?;
            }
        }
        map.serialize_entry("missing", &Reasons(&self.0))?;
        map.end()
    }
}

/// Every place of a loan with what stands there, in the order of the answer; `provider_refs` by their names.
pub fn account(loan: &Loan) -> Vec<Account> {
    let Ok(text) = to_raw_value(loan) else {
        return Vec::new();
    };
    let mut list = Vec::with_capacity(Field::ALL.len());
    for (key, raw) in members(&text) {
        if let Some(field) = of_path(&key) {
            list.push(of_field(loan, field, raw));
        } else if key == Field::ProviderRefs.path() {
            list.extend(
                members(raw)
                    .into_iter()
                    .map(|(name, raw)| of_reference(loan, &name, raw)),
            );
        } else if Field::ALL.iter().any(|field| within(field.path(), &key)) {
            let inner = members(raw).into_iter().filter_map(|(name, raw)| {
                let field = of_path(&format!("{key}.{name}"))?;
                Some(of_field(loan, field, raw))
            });
            list.extend(inner);
        }
    }
    list
}

/// The field of this path, if its value is a leaf of the loan.
fn of_path(path: &str) -> Option<Field> {
    let apart = [Field::ProviderRefs, Field::Schedule, Field::Transactions];
    let field = Field::ALL.iter().find(|field| field.path() == path).copied();
    field.filter(|field| !apart.contains(field))
}

/// Whether a path leads through a key.
fn within(path: &str, key: &str) -> bool {
    path.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'))
}

fn of_field(loan: &Loan, field: Field, raw: &RawValue) -> Account {
    let found = if raw.get() == "null" {
        Some(reason(loan, field))
    } else {
        origin(loan, field, raw.get())
    };
    made(Cow::Borrowed(field.path()), raw, found)
}

fn of_reference(loan: &Loan, name: &str, raw: &RawValue) -> Account {
    let found = loan.received.referred(name).map(|(record, source)| {
        // What was asked for is not the provider's word.
        let origin = if source == REQUEST {
            Origin::Derived
        } else {
            Origin::Reported
        };
        Found {
            record,
            ..Found::is(origin, source)
        }
    });
    made(Cow::Owned(format!("provider_refs.{name}")), raw, found)
}

/// The members of a JSON object in order.
fn members(object: &RawValue) -> Members<'_> {
    let entries = Entries::of(object.get()).unwrap_or_default();
    entries.list.into_iter().filter_map(member).collect()
}

fn member(entry: Entry<'_>) -> Option<(Cow<'_, str>, &RawValue)> {
    let value = serde_json::from_str(entry.raw).ok()?;
    Some((entry.key, value))
}

/// What was found, in which record, under which name.
#[derive(Debug, Clone, Copy)]
struct Found {
    finding: Finding,
    record: &'static str,
    source: &'static str,
}

impl Found {
    fn is(origin: Origin, source: &'static str) -> Self {
        Self {
            finding: Finding::Is(origin),
            record: "",
            source,
        }
    }

    fn as_origin(self, origin: Origin) -> Self {
        Self {
            finding: Finding::Is(origin),
            ..self
        }
    }
}

fn made(path: Cow<'static, str>, value: &RawValue, found: Option<Found>) -> Account {
    let source = found.map_or_else(String::new, |found| match found.record {
        "" => found.source.to_owned(),
        record => format!("{record}.{}", found.source),
    });
    Account {
        path,
        value: Json(value.to_owned()),
        finding: found.map(|found| found.finding),
        source,
        place: found.map(|found| (found.record, found.source)),
    }
}

/// The last note of a field that says it has a value, or that it has none.
fn last(loan: &Loan, field: Field, has_value: bool) -> Option<Found> {
    let (record, note) = loan.received.noted(field, has_value)?;
    Some(Found {
        finding: note.finding,
        record,
        source: note.source,
    })
}

/// How a field came by its value. `None` is a gap in a mapping.
fn origin(loan: &Loan, field: Field, value: &str) -> Option<Found> {
    let flagged = |code| {
        loan.flags
            .iter()
            .any(|flag| flag.code == code && flag.field == field)
    };
    if flagged(FlagCode::CurrencyAssumed) {
        return Some(Found::is(Origin::Assumed, CONFIG));
    }
    let found = last(loan, field, true).or_else(|| by_definition(loan, field, value))?;
    Some(match found.finding {
        Finding::Is(Origin::Reported) if flagged(FlagCode::StatusInferred) => {
            found.as_origin(Origin::Inferred)
        }
        Finding::Is(Origin::Reported) if flagged(FlagCode::BalanceDerived) => {
            found.as_origin(Origin::Derived)
        }
        Finding::Is(_) | Finding::Missing(_) => found,
    })
}

/// Fields that follow from others, from the config, or from the fetch.
fn by_definition(loan: &Loan, field: Field, value: &str) -> Option<Found> {
    let from = |other, origin| last(loan, other, true).map(|found| found.as_origin(origin));
    let unknown = (value == r#""unknown""#).then(|| Found::is(Origin::Assumed, PROVIDER));
    match field {
        Field::Connection | Field::Provider => Some(Found::is(Origin::Assumed, CONFIG)),
        Field::Stale => Some(Found::is(Origin::Derived, FETCH)),
        Field::AsOf | Field::AsOfBasis if loan.as_of_basis == AsOfBasis::Fetched => {
            Some(Found::is(Origin::Derived, FETCH))
        }
        Field::AsOfBasis => from(Field::AsOf, Origin::Derived),
        Field::IdStability => from(Field::Id, Origin::Derived),
        Field::RecordType => Some(Found::is(Origin::Inferred, PROVIDER)),
        Field::NativeStatus => from(Field::Status, Origin::Reported),
        Field::NativeKind => from(Field::Kind, Origin::Reported),
        Field::Phase => from(Field::Status, Origin::Derived).or(unknown),
        // What decided the word was looked for, and is not there.
        _ => unknown
            .map(|unknown| last(loan, field, false).map_or(unknown, |seen| seen.as_origin(Origin::Assumed))),
    }
}

/// The fields without which this one has no value either, for the reason that they have none.
fn leaders(loan: &Loan, field: Field) -> &'static [Field] {
    match field {
        Field::NativeStatus => &[Field::Status],
        Field::NativeKind => &[Field::Kind],
        Field::RatePeriod if loan.rate.percent.is_none() => &[Field::RatePercent],
        Field::TermUnit if loan.term.count.or(loan.term.remaining_count).is_none() => {
            &[Field::TermCount, Field::TermRemainingCount]
        }
        _ => &[],
    }
}

/// Why a field has no value: exactly one reason.
fn reason(loan: &Loan, field: Field) -> Found {
    let leaders = leaders(loan, field);
    let followed = leaders.iter().find_map(|leader| last(loan, *leader, false));
    let found = last(loan, field, false).or(followed);
    found.unwrap_or_else(|| {
        let read =
            |leader: &Field| last(loan, *leader, true).is_some_and(|found| !found.source.starts_with('('));
        let why = if last(loan, field, true).is_some() || leaders.iter().any(read) {
            // It was there, and does not apply after all.
            Missing::NotApplicable
        } else {
            Missing::NotInProviderSchema
        };
        Found {
            finding: Finding::Missing(why),
            record: "",
            source: "",
        }
    })
}
