//! Secrets: given as themselves, in a file, or in a variable.

use std::fs::File;
use std::io::{self, Read};

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::document::Node;
use super::problem;
use super::section::{Given, Section};

/// No secret is longer; a path such as `/dev/zero` must not be read to its end.
const LONGEST: u64 = 64 * 1024;

impl Section<'_> {
    /// A secret, if given: exactly one of `key`, `key_file` and `key_env`.
    ///
    /// An override from the environment wins over every form in the file. Trailing newlines of a file
    /// are dropped; a relative path starts at the working directory.
    pub fn secret(&mut self, key: &str) -> Option<SecretString> {
        let (in_file, in_variable) = (format!("{key}_file"), format!("{key}_env"));
        let mut given: Vec<(&str, &Node)> = [key, &in_file, &in_variable]
            .into_iter()
            .filter_map(|form| Some((form, self.ask(form)?)))
            .collect();
        let overridden = |(_, node): &(&str, &Node)| matches!(node, Node::Override { .. });
        if given.iter().any(overridden) {
            given.retain(overridden);
        }
        let [(form, _)] = given.as_slice() else {
            if !given.is_empty() {
                self.problem(
                    key,
                    format!("give only one of {key}, {in_file} and {in_variable}"),
                );
            }
            return None;
        };
        let text = self.value(form, "a string that is not empty", |given: Given<'_>| {
            given.text().filter(|text| !text.is_empty()).map(str::to_owned)
        })?;
        // Neither the path nor the name is repeated: people put the secret itself there.
        let secret = if *form == in_file {
            read_file(&text)
        } else if *form == in_variable {
            match self.variable(&text) {
                None => Err("names an environment variable that is not set".to_owned()),
                Some("") => Err("names an environment variable that is empty".to_owned()),
                Some(value) if value.contains(char::REPLACEMENT_CHARACTER) => {
                    Err("names an environment variable that is not UTF-8 text".to_owned())
                }
                Some(value) => Ok(SecretString::from(value)),
            }
        } else {
            Ok(SecretString::from(text))
        };
        let secret = secret.map_err(|detail| self.problem(form, detail)).ok()?;
        let hash = Sha256::digest(secret.expose_secret()).into();
        self.ledger.secrets.insert(problem::join(&self.path, key), hash);
        Some(secret)
    }

    /// Several secrets: an array of strings in the file, or a comma list in `key_file`, `key_env` or an override.
    pub fn secrets(&mut self, key: &str) -> Vec<SecretString> {
        if matches!(self.ask(key), Some(Node::Value(toml::Value::Array(_)))) {
            return self.strings(key).into_iter().map(SecretString::from).collect();
        }
        let Some(list) = self.secret(key) else {
            return Vec::new();
        };
        let items = list
            .expose_secret()
            .split([',', '\n'])
            .map(str::trim)
            .filter(|item| !item.is_empty());
        items.map(SecretString::from).collect()
    }

    /// A secret that must be given; an empty one when it is not.
    pub fn require_secret(&mut self, key: &str) -> SecretString {
        if !self.has(key) {
            self.problem(key, format!("is required (give {key}, {key}_file or {key}_env)"));
        }
        self.secret(key).unwrap_or_else(|| SecretString::from(""))
    }
}

fn read_file(path: &str) -> Result<SecretString, String> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData => "names a file that is not UTF-8 text".to_owned(),
        kind => format!("names a file that cannot be read: {kind}"),
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut content = String::new();
    let length = file
        .take(LONGEST.saturating_add(1))
        .read_to_string(&mut content)
        .map_err(unreadable)?;
    if u64::try_from(length).is_ok_and(|length| length > LONGEST) {
        return Err(format!("names a file of more than {LONGEST} bytes"));
    }
    match content.trim_end_matches(['\r', '\n']) {
        "" => Err("names a file that is empty".to_owned()),
        secret => Ok(SecretString::from(secret)),
    }
}
