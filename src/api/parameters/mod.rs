//! The parameters of the list: read all, report every problem, ignore none.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::problem::{Code, ParameterError, Problem};
use crate::gather::{Asker, Client, Gateway, Query};
use crate::providers::{self, Reference};
use crate::record::Want;

/// Default and largest `limit`.
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;

/// Largest `max_age`: a year.
const MAX_AGE: u64 = 365 * 24 * 60 * 60;

/// Parameters of the contract that this version does not have yet. Refused, because ignoring a filter would give
/// wrong answers.
const LATER: &[&str] = &[
    "customer",
    "purpose",
    "record_type",
    "kind",
    "status",
    "phase",
    "payment_status",
    "currency",
    "overdue",
    "opened_from",
    "opened_to",
    "due_from",
    "due_to",
    "defaulted_from",
    "defaulted_to",
    "outstanding_min",
    "outstanding_max",
    "sort",
    "cursor",
];
const LATER_INCLUDES: &[&str] = &["schedule", "transactions", "provenance"];

const LIST: &[&str] = &[
    "connection",
    "provider",
    "ref",
    "limit",
    "max_age",
    "include",
    "require",
];
const SINGLE: &[&str] = &["max_age", "include"];

/// Parameters as they came: names and values in order, repeated ones included.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    pairs: Vec<(String, String)>,
    errors: Vec<ParameterError>,
}

impl Pairs {
    /// Reads a query string.
    pub(super) fn from_query(query: Option<&str>) -> Self {
        let raw = query.unwrap_or_default();
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            read.pairs.push((name.into_owned(), value.into_owned()));
        }
        let literal = raw.to_ascii_uppercase().matches("%EF%BF%BD").count();
        let replaced: usize = read
            .pairs
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
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Scalars {
            One(Scalar),
            Many(Vec<Scalar>),
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Scalar {
            Text(String),
            Number(u64),
            Bool(bool),
        }
        let text = |scalar| match scalar {
            Scalar::Text(text) => text,
            Scalar::Number(number) => number.to_string(),
            Scalar::Bool(value) => value.to_string(),
        };
        let not_an_object = |_| {
            Problem::invalid(vec![ParameterError {
                parameter: "(body)".to_owned(),
                detail: "must be a JSON object with the parameters of `GET /loans`, each once".to_owned(),
            }])
        };
        let members: Members<'_> = serde_json::from_slice(body).map_err(not_an_object)?;
        let mut read = Self::default();
        for (name, raw) in members.0 {
            match serde_json::from_str::<Scalars>(raw.get()) {
                Ok(Scalars::One(value)) => read.pairs.push((name, text(value))),
                Ok(Scalars::Many(values)) => {
                    for value in values {
                        read.pairs.push((name.clone(), text(value)));
                    }
                }
                Err(_) => read.problem(
                    &name,
                    "must be a string, a whole number, true, false, or an array of those",
                ),
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
        self.pairs
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
        if values.len() > 1 {
            self.problem(name, "must be given once");
            return None;
        }
        values.pop()
    }

    fn refuse_others(&mut self, known: &[&str]) {
        let names: BTreeSet<String> = self.pairs.iter().map(|(name, _)| name.clone()).collect();
        for name in names {
            if known.contains(&name.as_str()) {
                continue;
            }
            if LATER.contains(&name.as_str()) && known == LIST {
                self.problem(&name, "is not available in this version");
            } else if known.is_empty() {
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
                "personal" => want.personal = true,
                later if LATER_INCLUDES.contains(&later) => {
                    self.problem("include", format!("`{later}` is not available in this version"));
                }
                _ => self.problem("include", "knows raw and personal"),
            }
        }
        want
    }

    /// Who asks, and how many seconds old the answer may be.
    fn asker(&mut self) -> Asker {
        let mut asker = Asker {
            client: Client::anonymous(),
            max_age: None,
        };
        if let Some(value) = self.single("max_age") {
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
        if self.errors.is_empty() {
            Ok(value)
        } else {
            Err(Problem::invalid(self.errors))
        }
    }

    /// Refuses any parameter.
    pub(super) fn none(mut self) -> Result<(), Problem> {
        self.refuse_others(&[]);
        self.finish(())
    }

    /// Reads the parameters of one loan.
    pub(super) fn single_loan(mut self, personal_allowed: bool) -> Result<(Want, Asker), Problem> {
        self.refuse_others(SINGLE);
        let asker = self.asker();
        let want = self.include();
        let want = self.finish(want)?;
        permitted(want, personal_allowed)?;
        Ok((want, asker))
    }

    /// Reads the parameters of the list.
    pub(super) fn loan_list(
        mut self,
        gateway: &Gateway,
        personal_allowed: bool,
    ) -> Result<(Query, Want), Problem> {
        self.refuse_others(LIST);
        let asker = self.asker();
        let want = self.include();
        let limit = self.limit();
        let connections = self.connections(gateway);
        let references = self.references(gateway, &connections);
        let required = self.required(gateway, &connections);
        let query = self.finish(Query {
            connections,
            references,
            limit,
            required,
            asker,
        })?;
        permitted(want, personal_allowed)?;
        Ok((query, want))
    }

    fn limit(&mut self) -> usize {
        let Some(value) = self.single("limit") else {
            return DEFAULT_LIMIT;
        };
        match whole_number(&value).and_then(|limit| usize::try_from(limit).ok()) {
            Some(limit) if (1..=MAX_LIMIT).contains(&limit) => limit,
            _ => {
                self.problem("limit", format!("must be a whole number, 1 to {MAX_LIMIT}"));
                DEFAULT_LIMIT
            }
        }
    }

    fn connections(&mut self, gateway: &Gateway) -> Vec<Arc<str>> {
        let ids = self.list("connection");
        let names = self.list("provider");
        for id in ids.iter().flatten() {
            if gateway.connection(id).is_none() {
                self.problem(
                    "connection",
                    format!("knows no `{}`; there are {}", shown(id), connection_ids(gateway)),
                );
            }
        }
        for name in names.iter().flatten() {
            if providers::find(name).is_none() {
                let known: Vec<&str> = providers::ALL.iter().map(|descriptor| descriptor.name).collect();
                self.problem(
                    "provider",
                    format!("knows no `{}`; there are {}", shown(name), known.join(", ")),
                );
            }
        }
        let wanted = |list: &Option<Vec<String>>, name: &str| {
            list.as_ref()
                .is_none_or(|list| list.iter().any(|item| item == name))
        };
        gateway
            .connections()
            .filter(|connection| wanted(&ids, &connection.id) && wanted(&names, connection.descriptor.name))
            .map(|connection| Arc::clone(&connection.id))
            .collect()
    }

    /// Connections of which a gap is an error: `all`, or some of the selected ones.
    fn required(&mut self, gateway: &Gateway, selected: &[Arc<str>]) -> Vec<Arc<str>> {
        let named = self.list("require").unwrap_or_default();
        if named.iter().any(|id| id == "all") {
            if named.len() > 1 {
                self.problem("require", "must be `all` alone, or a list of connections");
            }
            return selected.to_vec();
        }
        let mut required = Vec::new();
        for id in named {
            match selected.iter().find(|known| ***known == *id) {
                Some(id) => required.push(Arc::clone(id)),
                None if gateway.connection(&id).is_some() => {
                    self.problem(
                        "require",
                        format!("names `{id}`, which `connection` or `provider` leaves out"),
                    );
                }
                None => {
                    let known = connection_ids(gateway);
                    self.problem(
                        "require",
                        format!("knows no `{}`; there are all, {known}", shown(&id)),
                    );
                }
            }
        }
        required
    }

    fn references(&mut self, gateway: &Gateway, selected: &[Arc<str>]) -> Vec<(Arc<str>, Reference)> {
        let mut references = Vec::new();
        for text in self.values("ref") {
            match reference(&text, gateway, selected) {
                Ok(reference) if references.contains(&reference) => {}
                Ok(reference) => references.push(reference),
                Err(detail) => self.problem("ref", detail),
            }
        }
        references
    }
}

/// The value of a reference never comes back in an error: it names a person.
fn reference(text: &str, gateway: &Gateway, selected: &[Arc<str>]) -> Result<(Arc<str>, Reference), String> {
    let (id, rest) = text
        .split_once(':')
        .ok_or("must be `<connection>:<type>:<value>`")?;
    let connection = gateway
        .connection(id)
        .ok_or_else(|| format!("names no connection; there are {}", connection_ids(gateway)))?;
    if !selected.contains(&connection.id) {
        return Err(format!(
            "is for `{}`, which `connection` or `provider` leaves out",
            connection.id
        ));
    }
    let reference = connection
        .descriptor
        .reference(rest)
        .map_err(|problem| format!("for `{}` {problem}", connection.id))?;
    Ok((Arc::clone(&connection.id), reference))
}

fn connection_ids(gateway: &Gateway) -> String {
    let ids: Vec<&str> = gateway.connections().map(|connection| &*connection.id).collect();
    ids.join(", ")
}

/// What a caller wrote, short and printable.
fn shown(text: &str) -> String {
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

fn permitted(want: Want, personal_allowed: bool) -> Result<(), Problem> {
    if want.personal && !personal_allowed {
        let why = "`include=personal` needs the scope `personal:read`; without authentication it is served on a loopback address only.";
        return Err(Problem::because(Code::Forbidden, why));
    }
    Ok(())
}

/// The members of a JSON object, in order, each name once.
struct Members<'a>(Vec<(String, &'a RawValue)>);

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
