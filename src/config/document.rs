//! The document: parsed TOML with the environment laid over it.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fmt, fs, io};

use super::problem::{self, Origin, Problem, Problems};
use super::section::{Ledger, Section};

const PREFIX: &str = "LOANGATE__";

/// A configuration document. Holds secrets, so its `Debug` shows nothing.
pub struct Document {
    root: Branch,
    environment: BTreeMap<String, String>,
    /// Overrides that could not be laid over the document; reported together with what readers find.
    misplaced: Vec<Problem>,
}

/// A table.
#[derive(Default)]
pub(super) struct Branch {
    pub(super) entries: BTreeMap<String, Node>,
    /// False for a table that only environment variables brought into being.
    in_file: bool,
}

/// One entry of a table.
pub(super) enum Node {
    Branch(Branch),
    /// An array of tables: they are numbered from 0, so that every one of them has a key.
    List(Branch),
    Value(toml::Value),
    Override {
        text: String,
        variable: String,
    },
}

impl Document {
    /// Reads a file (`None`: an empty document) and lays `env` over it.
    pub fn load(
        path: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Problems> {
        let Some(path) = path else {
            return Self::parse("", env);
        };
        let shown = path.display();
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(Problems::of_document(format!("{shown}: is not UTF-8 text")));
            }
            Err(error) => {
                return Err(Problems::of_document(format!(
                    "{shown}: cannot be read: {}",
                    error.kind()
                )));
            }
        };
        Self::parse(&text, env).map_err(|Problems(problems)| {
            Problems(
                problems
                    .into_iter()
                    .map(|problem| Problem {
                        detail: format!("{shown}: {}", problem.detail),
                        ..problem
                    })
                    .collect(),
            )
        })
    }

    /// Parses TOML text and lays `env` over it.
    pub fn parse(text: &str, env: impl IntoIterator<Item = (String, String)>) -> Result<Self, Problems> {
        let table: toml::Table = toml::from_str(text).map_err(|error| {
            // The error's own Display quotes the line, and the line may hold a secret.
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            Problems::of_document(format!("line {line}, column {column}: {}", error.message()))
        })?;
        let mut document = Self {
            root: Branch::from(table),
            environment: env.into_iter().collect(),
            misplaced: Vec::new(),
        };
        document.overlay();
        Ok(document)
    }

    /// Reads the root table; `Err` holds everything that was wrong, unknown keys included.
    pub fn with_root<T>(&self, read: impl FnOnce(&mut Section<'_>) -> T) -> Result<T, Problems> {
        let (value, ledger) = self.run(read);
        if ledger.problems.is_empty() {
            Ok(value)
        } else {
            Err(Problems::new(ledger.problems))
        }
    }

    pub(super) fn run<T>(&self, read: impl FnOnce(&mut Section<'_>) -> T) -> (T, Ledger) {
        let mut ledger = Ledger {
            problems: self.misplaced.clone(),
            ..Ledger::default()
        };
        let mut root = Section::new(String::new(), Some(&self.root), &self.environment, &mut ledger);
        let value = read(&mut root);
        root.finish();
        (value, ledger)
    }

    fn overlay(&mut self) {
        for (variable, text) in &self.environment {
            let Some(name) = variable.strip_prefix(PREFIX) else {
                continue;
            };
            let name = name.to_lowercase();
            let path: Vec<&str> = name.split("__").collect();
            let placed = if text.contains(char::REPLACEMENT_CHARACTER) {
                Err("is not UTF-8 text")
            } else {
                self.root.place(&path, text, variable)
            };
            if let Err(detail) = placed {
                self.misplaced.push(Problem {
                    key: path
                        .iter()
                        .fold(String::new(), |parent, key| problem::join(&parent, key)),
                    detail: detail.to_owned(),
                    origin: Origin::Environment(variable.clone()),
                });
            }
        }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").finish_non_exhaustive()
    }
}

impl Branch {
    /// Puts an override where its name says, creating the tables on the way.
    fn place(&mut self, path: &[&str], text: &str, variable: &str) -> Result<(), &'static str> {
        let Some((last, parents)) = path.split_last() else {
            return Err("names no key");
        };
        if path.iter().any(|key| key.is_empty()) {
            return Err("names no key");
        }
        let mut branch = self;
        for key in parents {
            let node = branch
                .entries
                .entry((*key).to_owned())
                .or_insert_with(|| Node::Branch(Self::default()));
            match node {
                Node::Branch(next) | Node::List(next) => branch = next,
                Node::Value(_) | Node::Override { .. } => {
                    return Err("names a key below one that is not a table");
                }
            }
        }
        match branch.entries.get(*last) {
            Some(Node::Branch(_) | Node::List(_)) => {
                return Err("names a table: override its keys one by one");
            }
            // Possible because names are compared in lower case.
            Some(Node::Override { .. }) => return Err("is overridden by another variable as well"),
            Some(Node::Value(_)) | None => {}
        }
        let node = Node::Override {
            text: text.to_owned(),
            variable: variable.to_owned(),
        };
        branch.entries.insert((*last).to_owned(), node);
        Ok(())
    }

    /// Whether the file has this table; if not, variables brought it into being.
    pub(super) fn in_file(&self) -> bool {
        self.in_file
    }

    /// Which input this table comes from.
    pub(super) fn origin(&self) -> Origin {
        match self.entries.values().next() {
            Some(first) if !self.in_file => first.origin(),
            _ => Origin::File,
        }
    }
}

impl From<toml::Table> for Branch {
    fn from(table: toml::Table) -> Self {
        let entries = table
            .into_iter()
            .map(|(key, value)| {
                let node = match value {
                    toml::Value::Table(table) => Node::Branch(Self::from(table)),
                    toml::Value::Array(items) => tables(items).map_or_else(Node::Value, Node::List),
                    value => Node::Value(value),
                };
                (key, node)
            })
            .collect();
        Self {
            entries,
            in_file: true,
        }
    }
}

/// An array of nothing but tables, by number; any other array as it was.
fn tables(items: Vec<toml::Value>) -> Result<Branch, toml::Value> {
    if items.is_empty() || !items.iter().all(toml::Value::is_table) {
        return Err(toml::Value::Array(items));
    }
    let numbered = items
        .into_iter()
        .enumerate()
        .map(|(number, table)| (number.to_string(), table));
    Ok(Branch::from(numbered.collect::<toml::Table>()))
}

impl Node {
    /// Which input this entry comes from.
    pub(super) fn origin(&self) -> Origin {
        match self {
            Self::Branch(branch) | Self::List(branch) => branch.origin(),
            Self::Value(_) => Origin::File,
            Self::Override { variable, .. } => Origin::Environment(variable.clone()),
        }
    }

    /// Calls `found` with the full key and the name of every variable in or below this entry.
    pub(super) fn overrides(&self, key: &str, found: &mut impl FnMut(&str, &str)) {
        match self {
            Self::Branch(branch) | Self::List(branch) => {
                for (name, node) in &branch.entries {
                    node.overrides(&problem::join(key, name), found);
                }
            }
            Self::Value(_) => {}
            Self::Override { variable, .. } => found(key, variable),
        }
    }
}

/// The variables of this process. A name or value that is not UTF-8 keeps a replacement character,
/// which whoever reads it refuses: leaving it out would ignore an override silently.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| {
        (
            name.to_string_lossy().into_owned(),
            value.to_string_lossy().into_owned(),
        )
    })
}

/// Line and column, both from 1 and counted in characters, of a byte offset.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        .saturating_add(1);
    (line, column)
}
