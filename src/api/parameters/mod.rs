//! Parameters: read all, report every problem, ignore none.

mod known;
mod rows;
mod selection;
mod sources;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::access::{Caller, Need, Scope};
use super::problem::{Code, ParameterError, Problem};
use crate::gather::Asker;
use crate::record::Want;

pub(super) use known::{
    CUSTOMERS, EXPLANATION, EXPORT, FILTERS, Known, PAGE, REFERENCE, ROWS, SELECTION, SINGLE, Value,
};

pub(super) use rows::{RowsRequest, TransactionFilter, not_embedded};
pub(super) use selection::{ExportRequest, ListRequest, record};
pub(super) use sources::named_reference;

/// Largest `max_age`: a year.
const MAX_AGE: u64 = 365 * 24 * 60 * 60;

/// Largest `limit`.
const MAX_LIMIT: u64 = 200;

/// What `include` adds.
pub(super) const INCLUDE: [&str; 5] = ["schedule", "transactions", "raw", "provenance", PERSONAL];
const PERSONAL: &str = "personal";

/// Parameters as they came: names and values in order, repeated ones included.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    given: Vec<(String, String)>,
    /// Names whose values came as an array.
    arrays: BTreeSet<String>,
    /// Names whose values came as JSON text.
    texts: BTreeSet<String>,
    errors: Vec<ParameterError>,
    /// A connection is named that the caller may not name.
    forbidden: bool,
}

impl<S: Sync> FromRequestParts<S> for Pairs {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::from_query(parts.uri.query()))
    }
}

impl Pairs {
    /// Reads a query string.
    fn from_query(query: Option<&str>) -> Self {
        let raw = query.unwrap_or_default();
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            read.given.push((name.into_owned(), value.into_owned()));
        }
        let literal = raw.to_ascii_uppercase().matches("%EF%BF%BD").count();
        let replaced: usize = read
            .given
            .iter()
            .map(|(n, v)| {
                n.matches('\u{FFFD}')
                    .count()
                    .saturating_add(v.matches('\u{FFFD}').count())
            })
            .sum();
        if replaced > literal && !raw.contains('\u{FFFD}') {
            read.problem("(query)", "must be percent-encoded UTF-8");
        }
        read
    }

    /// Reads a JSON object: strings, numbers and booleans, and arrays of them for lists.
    pub(super) fn from_json(body: &[u8]) -> Result<Self, Problem> {
        let not_an_object = |_| {
            Problem::invalid(vec![ParameterError {
                parameter: "(body)".to_owned(),
                detail: "must be a JSON object with the parameters of `GET /loans`, each once".to_owned(),
            }])
        };
        let members: Members<'_> = serde_json::from_slice(body).map_err(not_an_object)?;
        let mut read = Self::default();
        for (name, raw) in members.0 {
            let list = serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok();
            let values = list.as_deref().unwrap_or(std::slice::from_ref(&raw));
            if values.is_empty() {
                read.problem(&name, "must not be an empty array; leave it out instead");
            }
            for value in values {
                match scalar(value.get()) {
                    Some(text) => read.given.push((name.clone(), text)),
                    None => read.problem(
                        &name,
                        "must be a string, a whole number, true, false, or an array of those",
                    ),
                }
            }
            if list.is_some() {
                read.arrays.insert(name);
            } else if raw.get().starts_with('"') {
                read.texts.insert(name);
            }
        }
        Ok(read)
    }

    fn problem(&mut self, parameter: &str, detail: impl Into<String>) {
        let error = ParameterError {
            parameter: parameter.to_owned(),
            detail: detail.into(),
        };
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    fn values(&self, name: &str) -> Vec<String> {
        self.given
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
            .collect()
    }

    /// A comma list that may be repeated. An empty member is a mistake.
    fn list(&mut self, name: &str) -> Option<Vec<String>> {
        let values = self.values(name);
        if values.is_empty() {
            return None;
        }
        let items: Vec<String> = values
            .iter()
            .flat_map(|value| value.split(','))
            .map(|item| item.trim().to_owned())
            .collect();
        if items.iter().any(String::is_empty) {
            self.problem(name, "must be a comma-separated list without empty members");
        }
        Some(items.into_iter().filter(|item| !item.is_empty()).collect())
    }

    fn single(&mut self, name: &str) -> Option<String> {
        let mut values = self.values(name);
        if self.arrays.contains(name) {
            self.problem(name, "must be one value, not an array");
            return None;
        }
        if values.len() > 1 {
            self.problem(name, "must be given once");
            return None;
        }
        values.pop()
    }

    /// A number or a flag, which in JSON is not text.
    fn bare(&mut self, name: &str) -> Option<String> {
        let value = self.single(name)?;
        if self.texts.contains(name) {
            self.problem(name, "must be a JSON number or a JSON boolean, not text");
            return None;
        }
        Some(value)
    }

    /// Every name must be in one of these tables.
    fn refuse_others(&mut self, tables: &[&[Known]]) {
        let known = || tables.iter().copied().flatten().map(|known| known.name);
        if self
            .given
            .iter()
            .all(|(name, _)| known().any(|known| known == name))
        {
            return;
        }
        let known: Vec<&str> = known().collect();
        let names: BTreeSet<String> = self.given.iter().map(|(name, _)| name.clone()).collect();
        for name in names {
            if known.contains(&name.as_str()) {
                continue;
            }
            if known.is_empty() {
                self.problem(&name, "is not a parameter here; there are none");
            } else {
                self.problem(
                    &name,
                    format!("is not a parameter here; there are {}", known.join(", ")),
                );
            }
        }
    }

    fn include(&mut self) -> Want {
        let mut want = Want::default();
        for item in self.list("include").unwrap_or_default() {
            match item.as_str() {
                "raw" => want.raw = true,
                PERSONAL => want.personal = true,
                "provenance" => want.provenance = true,
                "schedule" => want.schedule = true,
                "transactions" => want.transactions = true,
                _ => self.problem("include", format!("knows {}", INCLUDE.join(", "))),
            }
        }
        want
    }

    /// Who asks, and how many seconds old the answer may be.
    fn asker(&mut self, caller: &Caller) -> Asker {
        let mut asker = Asker {
            client: caller.name(),
            max_age: None,
        };
        if let Some(value) = self.bare("max_age") {
            asker.max_age = whole_number(&value)
                .filter(|seconds| *seconds <= MAX_AGE)
                .map(Duration::from_secs);
            if asker.max_age.is_none() {
                self.problem(
                    "max_age",
                    format!("must be a whole number of seconds, 0 to {MAX_AGE}"),
                );
            }
        }
        asker
    }

    fn finish<T>(self, value: T) -> Result<T, Problem> {
        // Before all that is wrong: that says which names there are.
        if self.forbidden {
            return Err(Problem::new(Code::Forbidden));
        }
        if self.errors.is_empty() {
            Ok(value)
        } else {
            Err(Problem::invalid(self.errors))
        }
    }

    /// Reads the parameters of one loan.
    pub(super) fn single_loan(mut self, caller: &Caller) -> Result<(Want, Asker), Problem> {
        self.refuse_others(&[SINGLE]);
        let asker = self.asker(caller);
        let want = self.include();
        let want = self.finish(want)?;
        permitted(want, caller)?;
        Ok((want, asker))
    }

    /// Reads the parameters of one loan's explanation.
    pub(super) fn explanation(mut self, caller: &Caller) -> Result<(Want, Asker), Problem> {
        self.refuse_others(&[EXPLANATION]);
        let asker = self.asker(caller);
        let want = self.include();
        let only_personal = Want {
            personal: want.personal,
            ..Want::default()
        };
        if want != only_personal {
            self.problem("include", "knows personal here; the rest is there already");
        }
        let want = self.finish(want)?;
        permitted(want, caller)?;
        Ok((want, asker))
    }

    /// Refuses any parameter.
    pub(super) fn none(mut self) -> Result<(), Problem> {
        self.refuse_others(&[]);
        self.finish(())
    }
}

/// The text of a JSON string, or the characters of a whole number, `true` or `false`; `None` for anything else. A number
/// with a fraction has been a float somewhere, so amounts that need one are text.
fn scalar(json: &str) -> Option<String> {
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str(json).ok(),
        b'0'..=b'9' | b'-' => {
            let (whole, fraction) = json.split_once('.').unwrap_or((json, ""));
            let is_whole = !whole.contains(['e', 'E']) && fraction.bytes().all(|digit| digit == b'0');
            is_whole.then(|| whole.to_owned())
        }
        b't' | b'f' => Some(json.to_owned()),
        _ => None,
    }
}

/// What a caller wrote, short and printable.
pub(super) fn shown(text: &str) -> String {
    text.chars()
        .take(40)
        .map(|c| if c.is_control() || c == '`' { '\u{FFFD}' } else { c })
        .collect()
}

fn whole_number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

fn permitted(want: Want, caller: &Caller) -> Result<(), Problem> {
    if want.personal && !caller.sees_personal() {
        caller.may(Need::Scope(Scope::PersonalRead))?;
        let why = "Without authentication `include=personal` is served on a loopback address only.";
        return Err(Problem::because(Code::Forbidden, why));
    }
    if want.personal {
        caller.audit().shows_personal();
    }
    Ok(())
}

/// The members of a JSON object, in order, each name once.
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> serde::de::Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(String, &'de RawValue)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if members.iter().any(|(known, _)| *known == name) {
                        return Err(serde::de::Error::custom("the same name twice"));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}
