//! One table being read, key by key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Value;

use super::digest::Secrets;
use super::document::{Branch, Node};
use super::problem::{self, Origin, Problem};
use super::quantity;

/// One TOML table being read; remembers which keys were read and collects every problem.
///
/// A reader that meets a bad value records a [`Problem`] and returns the default, so that the caller
/// reads on and everything wrong is reported together.
pub struct Section<'a> {
    pub(super) path: String,
    /// `None` when the document has no such table.
    pub(super) branch: Option<&'a Branch>,
    environment: &'a BTreeMap<String, String>,
    pub(super) ledger: &'a mut Ledger,
    known: BTreeSet<String>,
    rest_ignored: bool,
}

/// What all sections of one document write to.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) problems: Vec<Problem>,
    /// Every key that was asked for, given or not.
    pub(super) asked: BTreeSet<String>,
    /// What the secrets were.
    pub(super) secrets: Secrets,
}

/// A value as it was given: typed in the file, text in the environment.
#[derive(Clone, Copy)]
pub(super) enum Given<'n> {
    File(&'n Value),
    Environment(&'n str),
}

impl<'n> Given<'n> {
    /// The text of a value that is written as a string in both places.
    pub(super) fn text(self) -> Option<&'n str> {
        match self {
            Self::File(value) => value.as_str(),
            Self::Environment(text) => Some(text),
        }
    }
}

impl<'a> Section<'a> {
    pub(super) fn new(
        path: String,
        branch: Option<&'a Branch>,
        environment: &'a BTreeMap<String, String>,
        ledger: &'a mut Ledger,
    ) -> Self {
        Self {
            path,
            branch,
            environment,
            ledger,
            known: BTreeSet::new(),
            rest_ignored: false,
        }
    }

    /// The full key of this table, such as `connections.bsa`; empty for the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Every key of this table, in order.
    pub fn keys(&self) -> Vec<String> {
        self.branch
            .map(|branch| branch.entries.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// Whether `key` is given, as itself or, for a secret, as `key_file` or `key_env`.
    pub fn has(&self, key: &str) -> bool {
        ["", "_file", "_env"]
            .iter()
            .any(|form| self.node(&format!("{key}{form}")).is_some())
    }

    /// A string, if given.
    pub fn string(&mut self, key: &str) -> Option<String> {
        self.value(key, "a string", |given| given.text().map(str::to_owned))
    }

    /// A string that must be given and not be empty; `""` when it is not.
    pub fn require_string(&mut self, key: &str) -> String {
        if self.ask(key).is_none() {
            self.problem(key, "is required");
        }
        let read = |given: Given<'_>| given.text().filter(|text| !text.is_empty()).map(str::to_owned);
        self.value(key, "a string that is not empty", read)
            .unwrap_or_default()
    }

    /// A string, or `default`.
    pub fn string_or(&mut self, key: &str, default: &str) -> String {
        self.string(key).unwrap_or_else(|| default.to_owned())
    }

    /// One of a few words, or `default`.
    pub fn choice<T: Copy>(&mut self, key: &str, default: T, choices: &[(&str, T)]) -> T {
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("{word:?}")).collect();
        let expected = match words.as_slice() {
            [only] => only.clone(),
            _ => format!("one of {}", words.join(", ")),
        };
        let read = |given: Given<'_>| {
            let text = given.text()?;
            choices
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, choice)| *choice)
        };
        self.value(key, &expected, read).unwrap_or(default)
    }

    /// `true` or `false`, or `default`.
    pub fn bool_or(&mut self, key: &str, default: bool) -> bool {
        let read = |given: Given<'_>| match given {
            Given::File(value) => value.as_bool(),
            Given::Environment(text) => text.parse().ok(),
        };
        self.value(key, "true or false", read).unwrap_or(default)
    }

    /// A whole number within `range`, or `default`.
    pub fn integer_or(&mut self, key: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        self.integer(key, range).unwrap_or(default)
    }

    /// A whole number within `range`, in the type its user counts with.
    pub(super) fn count_or<T: TryFrom<u64>>(
        &mut self,
        key: &str,
        default: T,
        range: RangeInclusive<u64>,
    ) -> T {
        self.integer(key, range)
            .and_then(|count| T::try_from(count).ok())
            .unwrap_or(default)
    }

    /// A whole number within `range`, if given.
    pub fn integer(&mut self, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let (low, high) = range.into_inner();
        let expected = format!("a whole number from {low} to {high}");
        self.value(key, &expected, |given| {
            let number = match given {
                Given::File(value) => u64::try_from(value.as_integer()?).ok(),
                Given::Environment(text) => text.parse().ok(),
            };
            number.filter(|number| (low..=high).contains(number))
        })
    }

    /// A duration such as `"10s"` within `range`, or `default`.
    pub fn duration_or(&mut self, key: &str, default: Duration, range: RangeInclusive<Duration>) -> Duration {
        let (low, high) = range.into_inner();
        let (from, to) = (quantity::show_duration(low), quantity::show_duration(high));
        let expected = format!("a duration from \"{from}\" to \"{to}\" (a whole number and ms, s, m or h)");
        let read = |given: Given<'_>| {
            given
                .text()
                .and_then(quantity::duration)
                .filter(|time| (low..=high).contains(time))
        };
        self.value(key, &expected, read).unwrap_or(default)
    }

    /// A size such as `"8MiB"` within `range`, or `default`; a bare number is bytes.
    pub fn bytes_or(&mut self, key: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = range.into_inner();
        let (from, to) = (quantity::show_bytes(low), quantity::show_bytes(high));
        let expected = format!("a size from \"{from}\" to \"{to}\" (a whole number and B, KiB, MiB or GiB)");
        let read = |given: Given<'_>| {
            let size = match given {
                Given::File(Value::Integer(bytes)) => u64::try_from(*bytes).ok(),
                given => given.text().and_then(quantity::bytes),
            };
            size.filter(|size| (low..=high).contains(size))
        };
        self.value(key, &expected, read).unwrap_or(default)
    }

    /// A list of strings, none of them empty; a comma list in the environment.
    pub fn strings(&mut self, key: &str) -> Vec<String> {
        let read = |given: Given<'_>| -> Option<Vec<String>> {
            let items: Vec<&str> = match given {
                Given::File(value) => value
                    .as_array()?
                    .iter()
                    .map(Value::as_str)
                    .collect::<Option<_>>()?,
                Given::Environment("") => Vec::new(),
                Given::Environment(text) => text.split(',').map(str::trim).collect(),
            };
            items
                .into_iter()
                .map(|item| (!item.is_empty()).then(|| item.to_owned()))
                .collect()
        };
        self.value(key, "a list of strings, none of them empty", read)
            .unwrap_or_default()
    }

    /// Reads the table below `key`, an empty one when it is absent.
    pub fn table<R>(&mut self, key: &str, read: impl FnOnce(&mut Section<'_>) -> R) -> R {
        let path = problem::join(&self.path, key);
        let node = self.ask(key);
        let branch = match node {
            Some(Node::Branch(branch)) => Some(branch),
            Some(_) | None => None,
        };
        // What a table that is none lacks would only bury the one problem that counts.
        let mut unheard = Ledger::default();
        let ledger = if node.is_some() && branch.is_none() {
            self.problem(key, "must be a table");
            &mut unheard
        } else {
            &mut *self.ledger
        };
        let mut section = Section::new(path, branch, self.environment, ledger);
        let value = read(&mut section);
        section.finish();
        value
    }

    /// Reads every table of the array below `key`, in order; `None` where it is something else.
    ///
    /// A table of the array has its number for a key, from 0, in problems and in the names of variables.
    pub fn tables<R>(&mut self, key: &str, mut read: impl FnMut(&mut Section<'_>) -> R) -> Option<Vec<R>> {
        let path = problem::join(&self.path, key);
        let branch = match self.ask(key) {
            None => return Some(Vec::new()),
            Some(Node::Value(Value::Array(items))) if items.is_empty() => return Some(Vec::new()),
            Some(Node::List(branch)) => branch,
            // All of the array may be in variables.
            Some(Node::Branch(branch)) if !branch.in_file() => branch,
            Some(_) => {
                self.problem(
                    key,
                    format!("must be an array of tables, each beginning with [[{path}]]"),
                );
                return None;
            }
        };
        let number = |name: &String| name.parse().ok().filter(|n: &usize| n.to_string() == *name);
        let mut numbers: Vec<usize> = branch.entries.keys().filter_map(number).collect();
        numbers.sort_unstable();
        let mut section = Section::new(path, Some(branch), self.environment, &mut *self.ledger);
        let rows = numbers
            .iter()
            .map(|number| section.table(&number.to_string(), &mut read))
            .collect();
        // What has no number is an unknown key.
        section.finish();
        Some(rows)
    }

    /// Records a problem that only the caller can know of.
    pub fn problem(&mut self, key: &str, what: impl Into<String>) {
        let origin = match (self.node(key), self.branch) {
            (Some(node), _) => node.origin(),
            (None, Some(branch)) => branch.origin(),
            (None, None) => Origin::File,
        };
        let key = problem::join(&self.path, key);
        self.ledger.problems.push(Problem {
            key,
            detail: what.into(),
            origin,
        });
    }

    /// Takes the keys not read so far for known: for a table whose kind could not be told, where each
    /// of them would be reported although only the kind is wrong.
    pub fn ignore_rest(&mut self) {
        self.rest_ignored = true;
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(self) {
        let Some(branch) = self.branch.filter(|_| !self.rest_ignored) else {
            return;
        };
        for (key, node) in &branch.entries {
            if self.known.contains(key) {
                continue;
            }
            let detail = problem::nearest(key, &self.known).map_or_else(
                || "unknown key".to_owned(),
                |meant| format!("unknown key (did you mean {}?)", problem::join(&self.path, meant)),
            );
            let key = problem::join(&self.path, key);
            let problems = &mut self.ledger.problems;
            node.overrides(&key, &mut |key, variable| {
                let origin = Origin::Environment(variable.to_owned());
                problems.push(Problem {
                    key: key.to_owned(),
                    detail: detail.clone(),
                    origin,
                });
            });
            if node.origin() == Origin::File {
                problems.push(Problem {
                    key,
                    detail,
                    origin: Origin::File,
                });
            }
        }
    }

    /// Looks `key` up and makes it a known key.
    pub(super) fn ask(&mut self, key: &str) -> Option<&'a Node> {
        if self.known.insert(key.to_owned()) {
            self.ledger.asked.insert(problem::join(&self.path, key));
        }
        self.node(key)
    }

    /// Reads `key` with `read`, recording that it "must be `expected`" where that gives nothing.
    pub(super) fn value<T>(
        &mut self,
        key: &str,
        expected: &str,
        read: impl FnOnce(Given<'_>) -> Option<T>,
    ) -> Option<T> {
        let value = match self.ask(key)? {
            Node::Value(value) => read(Given::File(value)),
            Node::Override { text, .. } => read(Given::Environment(text)),
            Node::Branch(_) | Node::List(_) => None,
        };
        if value.is_none() {
            self.problem(key, format!("must be {expected}"));
        }
        value
    }

    /// A variable of the environment the document was loaded with.
    pub(super) fn variable(&self, name: &str) -> Option<&'a str> {
        self.environment.get(name).map(String::as_str)
    }

    fn node(&self, key: &str) -> Option<&'a Node> {
        self.branch?.entries.get(key)
    }
}

impl fmt::Debug for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Section")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
