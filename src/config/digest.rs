//! What tells one table from another: for gateways that share what they fetched with it.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use toml::Value;

use super::document::{Branch, Node};
use super::problem;
use super::section::Section;

/// The secrets of a document that were read, by their keys, as hashes.
pub(super) type Secrets = BTreeMap<String, [u8; 32]>;

impl Section<'_> {
    /// A digest of all that this table says, the secrets read so far included. It is the same wherever a value stands: in
    /// the file, in a variable or, a secret, in a file of its own.
    pub fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        if let Some(branch) = self.branch {
            absorb(&mut digest, branch, &self.path, &self.ledger.secrets);
        }
        let mine = problem::join(&self.path, "x");
        let mine = mine.strip_suffix('x').unwrap_or_default();
        for (key, secret) in self
            .ledger
            .secrets
            .iter()
            .filter(|(key, _)| key.starts_with(mine))
        {
            put(&mut digest, key.as_bytes());
            put(&mut digest, secret);
        }
        digest.finalize().into()
    }
}

fn absorb(digest: &mut Sha256, branch: &Branch, path: &str, secrets: &Secrets) {
    for (key, node) in &branch.entries {
        let key = problem::join(path, key);
        // A secret counts by what it is, and not by where it was found.
        let secret = ["", "_file", "_env"]
            .iter()
            .filter_map(|form| key.strip_suffix(form))
            .any(|key| secrets.contains_key(key));
        if secret {
            continue;
        }
        match node {
            Node::Branch(below) | Node::List(below) => absorb(digest, below, &key, secrets),
            Node::Value(value) => {
                put(digest, key.as_bytes());
                put(digest, text(value).as_bytes());
            }
            Node::Override { text, .. } => {
                put(digest, key.as_bytes());
                put(digest, text.as_bytes());
            }
        }
    }
}

/// As a variable would have it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of_item).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn text_of_item(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// With its length, so that no two values run together.
fn put(digest: &mut Sha256, bytes: &[u8]) {
    digest.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    digest.update(bytes);
}
