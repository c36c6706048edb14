//! `loangate hash-key`

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::process::ExitCode;

use loangate::config::{KeyHash, new_key, weakness};
use secrecy::{ExposeSecret as _, SecretString};

/// More than any key has; a stream without an end must not be read to it.
const MOST: u64 = 64 * 1024;

pub(super) fn run(new: bool) -> ExitCode {
    let printed = if new { fresh() } else { hashed() };
    match printed {
        Ok(text) => {
            super::say(&text);
            ExitCode::SUCCESS
        }
        Err(problem) => super::fail(&problem),
    }
}

/// A new key, which is shown this once, and its hash.
fn fresh() -> Result<String, String> {
    let key = new_key().ok_or("the system has no random numbers")?;
    let key = key.expose_secret();
    Ok(format!("key = \"{key}\"\nkey_hash = \"{}\"", KeyHash::of(key)))
}

/// The hash of the key on standard input, and nothing else: the key is not repeated.
fn hashed() -> Result<String, String> {
    let mut text = String::new();
    if std::io::stdin().is_terminal() {
        let _ = writeln!(std::io::stderr(), "Type the key, Enter and Ctrl-D:");
    }
    std::io::stdin()
        .take(MOST)
        .read_to_string(&mut text)
        .map_err(|error| format!("standard input cannot be read: {}", error.kind()))?;
    let text = SecretString::from(text);
    let key = text.expose_secret().trim_end_matches(['\r', '\n']);
    match weakness(key) {
        Some(why) => Err(format!(
            "{why}. `loangate hash-key --new` makes one of 256 random bits."
        )),
        None => Ok(KeyHash::of(key).to_string()),
    }
}
