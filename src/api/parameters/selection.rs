//! What the list is asked for: which connections, which references, which loans of them, in what order.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::known::{CUSTOMERS, EXPORT, PAGE, SELECTION};
use super::{MAX_LIMIT, Pairs, permitted, shown, whole_number};
use crate::api::Api;
use crate::api::access::Caller;
use crate::api::cursor::Binding;
use crate::api::customers::Person;
use crate::api::problem::Problem;
use crate::gather::{Filter, LeftOut, Query, Range, Sort, SortKey, Whose};
use crate::loan::{Currency, Kind, PaymentStatus, Phase, RecordType, Status, decimal};
use crate::record::{Want, calendar_date};
use crate::store::Purpose;

/// `limit` without a word about it.
const DEFAULT_LIMIT: usize = 50;

/// What may change from page to page of one list, and so does not make it another one.
const UNBOUND: &[&str] = &["limit", "max_age", "include", "cursor"];

/// What a list is asked for.
#[derive(Debug)]
pub(in crate::api) struct ListRequest {
    pub(in crate::api) query: Query,
    pub(in crate::api) person: Person,
    pub(in crate::api) want: Want,
    pub(in crate::api) limit: usize,
    pub(in crate::api) cursor: Option<String>,
    /// Names the query, for its cursors.
    pub(in crate::api) binding: Binding,
}

/// What an export is asked for.
#[derive(Debug)]
pub(in crate::api) struct ExportRequest {
    pub(in crate::api) query: Query,
    pub(in crate::api) person: Person,
    pub(in crate::api) want: Want,
}

impl Pairs {
    /// Reads the parameters of the list.
    pub(in crate::api) fn list_request(mut self, api: &Api, caller: &Caller) -> Result<ListRequest, Problem> {
        self.refuse_others(&[SELECTION, EXPORT, PAGE]);
        let want = self.include();
        let limit = self.limit();
        let cursor = self.single("cursor");
        let binding = self.binding(caller, &[]);
        let (query, person) = self.query(api, caller);
        self.embedded(&api.gateway, &query, want);
        let request = self.finish(ListRequest {
            query,
            person,
            want,
            limit,
            cursor,
            binding,
        })?;
        permitted(want, caller)?;
        record(&request.query, caller);
        Ok(request)
    }

    /// Reads the parameters of an export, which has no pages.
    pub(in crate::api) fn export_request(
        mut self,
        api: &Api,
        caller: &Caller,
    ) -> Result<ExportRequest, Problem> {
        self.refuse_others(&[SELECTION, EXPORT]);
        let want = self.include();
        let (query, person) = self.query(api, caller);
        self.embedded(&api.gateway, &query, want);
        let request = self.finish(ExportRequest { query, person, want })?;
        permitted(want, caller)?;
        record(&request.query, caller);
        Ok(request)
    }

    /// Reads the parameters of the totals.
    pub(in crate::api) fn summary_request(
        mut self,
        api: &Api,
        caller: &Caller,
    ) -> Result<(Query, Person), Problem> {
        self.refuse_others(&[SELECTION]);
        let (query, person) = self.query(api, caller);
        let (query, person) = self.finish((query, person))?;
        record(&query, caller);
        Ok((query, person))
    }

    /// Reads the parameters of the list of customers: how many, and where to go on.
    pub(in crate::api) fn customers_request(
        mut self,
        caller: &Caller,
    ) -> Result<(usize, Option<String>, Binding), Problem> {
        self.refuse_others(&[CUSTOMERS]);
        let limit = self.limit();
        let cursor = self.single("cursor");
        let binding = self.binding(caller, &[("(list)", "customers")]);
        self.finish((limit, cursor, binding))
    }

    /// A hash of what makes this list this one: who asks, and every parameter that may not change, however it was
    /// written. `of` is what the path names.
    pub(super) fn binding(&self, caller: &Caller, of: &[(&str, &str)]) -> Binding {
        let mut parts: Vec<(&str, &str)> = self
            .given
            .iter()
            .filter(|(name, _)| !UNBOUND.contains(&name.as_str()))
            .flat_map(|(name, value)| {
                let members: Vec<&str> = if ["ref", "customer"].contains(&name.as_str()) {
                    vec![value]
                } else {
                    value.split(',').collect()
                };
                members
                    .into_iter()
                    .map(move |member| (name.as_str(), member.trim()))
            })
            .collect();
        parts.extend(of);
        parts.extend(caller.bound());
        parts.sort_unstable();
        parts.dedup();
        Binding::of(parts.into_iter().flat_map(|(name, value)| [name, value]))
    }

    fn query(&mut self, api: &Api, caller: &Caller) -> (Query, Person) {
        let gateway = &api.gateway;
        let asker = self.asker(caller);
        let connections = self.connections(gateway, caller);
        let references = self.references(gateway, caller, &connections);
        let required = self.required(gateway, caller, &connections);
        let person = self.person(api);
        let filter = self.filter();
        let sort = self.sort(&filter);
        let whose = if references.is_empty() && person.customer.is_none() {
            Whose::everybody()
        } else {
            Whose::Of(references)
        };
        let query = Query {
            connections,
            whose,
            left_out: LeftOut::new(),
            unread: BTreeMap::new(),
            filter,
            sort,
            required,
            asker,
        };
        (query, person)
    }

    /// Whom it is about, and what for.
    fn person(&mut self, api: &Api) -> Person {
        let customer = self.single("customer");
        if customer.is_some() && api.store().is_err() {
            self.problem("customer", "needs a store, and this gateway has none configured");
        }
        let purpose = self.single("purpose").and_then(|word| {
            let purpose = Purpose::parse(&word);
            if purpose.is_none() {
                let words: Vec<&str> = Purpose::ALL.iter().map(|purpose| purpose.as_str()).collect();
                self.problem("purpose", format!("must be one of {}", words.join(", ")));
            }
            purpose
        });
        Person {
            customer,
            purpose,
            chooses: ["connection", "provider"]
                .iter()
                .any(|name| !self.values(name).is_empty()),
        }
    }

    fn filter(&mut self) -> Filter {
        let filter = Filter {
            record_type: self.words("record_type", RecordType::ALL, RecordType::as_str),
            kind: self.words("kind", Kind::ALL, Kind::as_str),
            status: self.words("status", Status::ALL, Status::as_str),
            phase: self.words("phase", Phase::ALL, Phase::as_str),
            payment_status: self.words("payment_status", PaymentStatus::ALL, PaymentStatus::as_str),
            currency: self.currencies(),
            overdue: self.flag("overdue"),
            opened: self.range(["opened_from", "opened_to"], DATE, calendar_date),
            due: self.range(["due_from", "due_to"], DATE, calendar_date),
            defaulted: self.range(["defaulted_from", "defaulted_to"], DATE, calendar_date),
            outstanding: self.range(["outstanding_min", "outstanding_max"], AMOUNT, amount),
        };
        if !filter.outstanding.is_open() && filter.currency.len() != 1 {
            for name in ["outstanding_min", "outstanding_max"] {
                if !self.values(name).is_empty() {
                    self.problem(
                        name,
                        "needs exactly one `currency`: amounts of two cannot be compared",
                    );
                }
            }
        }
        filter
    }

    /// A comma list of words of one of our vocabularies.
    pub(super) fn words<T: Copy + PartialEq>(
        &mut self,
        name: &str,
        all: &[T],
        word: fn(T) -> &'static str,
    ) -> Vec<T> {
        let mut values = Vec::new();
        for item in self.list(name).unwrap_or_default() {
            match all.iter().find(|value| word(**value) == item) {
                Some(value) if values.contains(value) => {}
                Some(value) => values.push(*value),
                None => {
                    let known: Vec<&str> = all.iter().map(|value| word(*value)).collect();
                    self.problem(
                        name,
                        format!("knows no `{}`; there are {}", shown(&item), known.join(", ")),
                    );
                }
            }
        }
        values
    }

    fn currencies(&mut self) -> Vec<Currency> {
        let mut currencies = Vec::new();
        for item in self.list("currency").unwrap_or_default() {
            match Currency::parse(&item) {
                Some(currency) if currencies.contains(&currency) => {}
                Some(currency) => currencies.push(currency),
                None => self.problem("currency", "must be three-letter ISO 4217 codes"),
            }
        }
        currencies
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        match self.bare(name)?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                self.problem(name, "must be true or false");
                None
            }
        }
    }

    pub(super) fn range<T: PartialOrd>(
        &mut self,
        names: [&str; 2],
        rule: &str,
        read: fn(&str) -> Option<T>,
    ) -> Range<T> {
        let [from, to] = names.map(|name| {
            let text = self.single(name)?;
            let value = read(&text);
            if value.is_none() {
                self.problem(name, rule);
            }
            value
        });
        if let (Some(from), Some(to)) = (&from, &to)
            && from > to
        {
            let [first, second] = names;
            self.problem(first, format!("must not be beyond `{second}`"));
        }
        Range { from, to }
    }

    fn sort(&mut self, filter: &Filter) -> Option<Sort> {
        let text = self.single("sort")?;
        let (word, descending) = match text.strip_prefix('-') {
            Some(word) => (word, true),
            None => (text.as_str(), false),
        };
        let Some((_, key)) = SortKey::ALL.iter().find(|(known, _)| *known == word) else {
            let known: Vec<&str> = SortKey::ALL.iter().map(|(word, _)| *word).collect();
            self.problem(
                "sort",
                format!(
                    "must be one of {}, with `-` in front for descending",
                    known.join(", ")
                ),
            );
            return None;
        };
        if *key == SortKey::Outstanding && filter.currency.len() != 1 {
            self.problem(
                "sort",
                "by outstanding needs exactly one `currency`: amounts of two cannot be compared",
            );
        }
        Some(Sort {
            key: *key,
            descending,
        })
    }

    pub(super) fn limit(&mut self) -> usize {
        let Some(value) = self.bare("limit") else {
            return DEFAULT_LIMIT;
        };
        let limit = whole_number(&value).filter(|limit| (1..=MAX_LIMIT).contains(limit));
        match limit.and_then(|limit| usize::try_from(limit).ok()) {
            Some(limit) => limit,
            None => {
                self.problem("limit", format!("must be a whole number, 1 to {MAX_LIMIT}"));
                DEFAULT_LIMIT
            }
        }
    }
}

/// Writes down which connections are going to be asked.
pub(in crate::api) fn record(query: &Query, caller: &Caller) {
    match &query.whose {
        Whose::Everybody { .. } => caller.audit().asks(&query.connections),
        Whose::Of(named) => caller.audit().asks(named.iter().map(|(id, _)| id)),
    }
}

pub(super) const DATE: &str = "must be a date written YYYY-MM-DD";
const AMOUNT: &str = "must be a decimal number of at most 28 digits";

fn amount(text: &str) -> Option<Decimal> {
    decimal::parse(text).ok()
}
