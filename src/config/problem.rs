//! What is wrong with a configuration, said so that it can be fixed in one pass.

use std::fmt;

/// Where a wrong value comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The document itself.
    File,
    /// The named environment variable.
    Environment(String),
}

/// One thing to fix. Never holds a value, because any value may turn out to be a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The full key, such as `connections.bsa.password_file`; empty when the document as a whole is meant.
    pub key: String,
    /// What is wrong with it.
    pub detail: String,
    /// Which input has to be changed.
    pub origin: Origin,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.detail)?;
        match &self.origin {
            Origin::File => Ok(()),
            Origin::Environment(variable) => write!(f, " (from {variable})"),
        }
    }
}

/// Every problem of a configuration; one line each when displayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Sorts by key and drops repetitions: two readers may ask for the same bad key.
    pub fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort();
        problems.dedup();
        Self(problems)
    }

    /// A config that would be right, but not for a gateway that already listens where everybody reaches it.
    pub(crate) fn exposed() -> Self {
        Self(vec![Problem {
            key: "auth.mode".to_owned(),
            detail: "\"none\" lets everyone in, and this gateway listens beyond loopback until it is started again"
                .to_owned(),
            origin: Origin::File,
        }])
    }

    /// A problem of the document as a whole.
    pub(super) fn of_document(detail: String) -> Self {
        Self(vec![Problem {
            key: String::new(),
            detail,
            origin: Origin::File,
        }])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// `parent.key`, quoting a key that TOML would have to quote so that a message stays on one line.
pub(super) fn join(parent: &str, key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    match (parent.is_empty(), bare) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{key:?}"),
        (false, true) => format!("{parent}.{key}"),
        (false, false) => format!("{parent}.{key:?}"),
    }
}

/// The known key that was probably meant, if one is at most two edits away.
pub(super) fn nearest<'k>(key: &str, known: impl IntoIterator<Item = &'k String>) -> Option<&'k str> {
    const FARTHEST: usize = 2;
    let key = key.to_lowercase();
    known
        .into_iter()
        // Two edits turn any two-letter key into any other: that is no likeness.
        .filter(|candidate| candidate.len() > FARTHEST)
        .map(|candidate| (distance(&key, candidate), candidate.as_str()))
        .filter(|(edits, _)| *edits <= FARTHEST)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, one row at a time.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, ours) in from.chars().enumerate() {
        let mut diagonal = index;
        let mut left = index.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, theirs) in row.iter_mut().skip(1).zip(&to) {
            let above = *cell;
            let replaced = diagonal.saturating_add(usize::from(ours != *theirs));
            left = replaced.min(above.saturating_add(1)).min(left.saturating_add(1));
            diagonal = above;
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (from, to, edits) in [
            ("", "", 0),
            ("", "ab", 2),
            ("ab", "", 2),
            ("listen", "listne", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(from, to), edits, "{from} -> {to}");
        }
    }

    #[test]
    fn nearest_is_a_likeness_not_an_accident() {
        let known = ["id".to_owned(), "listen".to_owned(), "deadline".to_owned()];
        assert_eq!(nearest("Listen", &known), Some("listen"));
        assert_eq!(nearest("dead_line", &known), Some("deadline"));
        assert_eq!(nearest("xy", &known), None);
    }

    #[test]
    fn hostile_keys_stay_on_one_line() {
        assert_eq!(join("connections", "a\nb"), r#"connections."a\nb""#);
        assert_eq!(join("", "server"), "server");
    }
}
