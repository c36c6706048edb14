//! Cursors: opaque, signed, bound to the client and the query they were given for.
//!
//! A cursor names a set or a walk that this gateway holds, and a place in it. It holds no data of anybody.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::problem::{Code, Problem};
use crate::gather::{Followed, Place};

/// The layout; the first byte of every cursor.
const VERSION: u8 = 1;
/// Longest cursor worth looking at.
pub(super) const LONGEST: usize = 2 * 1024;
const SIGNATURE: usize = 16;

/// What a query is, for the purpose of telling whether a cursor belongs to it: a hash over the client and every
/// parameter but those that may change from page to page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding([u8; 16]);

impl Binding {
    /// Hashes the parts, each with its length, so that no two lists of parts run together.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(part);
        }
        Self::short(hasher)
    }

    /// The same, of one customer: who it is, beside what it is called. The same name can be another person's later.
    #[must_use]
    pub fn of_customer(self, created_at: Option<DateTime<Utc>>) -> Self {
        let Some(created_at) = created_at else {
            return self;
        };
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        hasher.update(created_at.timestamp_millis().to_be_bytes());
        Self::short(hasher)
    }

    fn short(hasher: Sha256) -> Self {
        let mut short = [0; 16];
        for (to, from) in short.iter_mut().zip(hasher.finalize()) {
            *to = from;
        }
        Self(short)
    }
}

/// Signs and reads cursors. The first key signs; all verify, so that keys can be changed one by one.
#[derive(Debug)]
pub struct Cursors {
    keys: Vec<[u8; 32]>,
    ttl: Duration,
}

impl Cursors {
    /// With these keys; without any, no cursor of this process is read by another.
    pub fn new(keys: &[SecretString], ttl: Duration) -> Self {
        let keys = keys
            .iter()
            .map(|key| Sha256::digest(key.expose_secret()).into())
            .collect();
        Self { keys, ttl }
    }

    /// A key nobody has, for a process whose config names none.
    pub fn random_key() -> SecretString {
        let random = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
        SecretString::from(random.map(|id| id.to_string()).concat())
    }

    /// A cursor for the next page of this query.
    pub fn issue(&self, place: Place, binding: Binding) -> String {
        let expires = seconds(SystemTime::now()).saturating_add(self.ttl.as_secs());
        let mut bytes = vec![VERSION];
        bytes.extend(place.id.to_be_bytes());
        bytes.extend(place.position.to_be_bytes());
        bytes.extend(expires.to_be_bytes());
        bytes.extend(binding.0);
        let signature = self.keys.first().map(|key| sign(key, &bytes)).unwrap_or_default();
        bytes.extend(signature);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor of this query. Whatever is wrong with a forged or foreign one, the answer is the same.
    pub fn read(&self, text: &str, binding: Binding) -> Result<Followed, Problem> {
        let invalid = || Problem::new(Code::InvalidCursor);
        if text.len() > LONGEST {
            return Err(invalid());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let signed = bytes
            .len()
            .checked_sub(SIGNATURE)
            .and_then(|at| bytes.split_at_checked(at));
        let (payload, signature) = signed.ok_or_else(invalid)?;
        if !self.keys.iter().any(|key| verified(key, payload, signature)) {
            return Err(invalid());
        }
        let mut fields = Fields(payload);
        let version = fields.take::<1>().ok_or_else(invalid)?;
        let id = fields.take().map(u128::from_be_bytes).ok_or_else(invalid)?;
        let position = fields.take().map(u64::from_be_bytes).ok_or_else(invalid)?;
        let expires = fields.take().map(u64::from_be_bytes).ok_or_else(invalid)?;
        let bound = fields.take::<16>().ok_or_else(invalid)?;
        if version != [VERSION] || bound != binding.0 || !fields.0.is_empty() {
            return Err(invalid());
        }
        let left = expires.saturating_sub(seconds(SystemTime::now()));
        if left == 0 {
            return Err(Problem::new(Code::CursorExpired));
        }
        Ok(Followed {
            place: Place { id, position },
            age: self.ttl.saturating_sub(Duration::from_secs(left)),
        })
    }
}

/// Fixed-size fields, front to back.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }
}

fn mac(key: &[u8; 32], payload: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(payload);
    Some(mac)
}

fn sign(key: &[u8; 32], payload: &[u8]) -> Vec<u8> {
    mac(key, payload)
        .map(|mac| {
            mac.finalize()
                .into_bytes()
                .iter()
                .take(SIGNATURE)
                .copied()
                .collect()
        })
        .unwrap_or_default()
}

/// In constant time.
fn verified(key: &[u8; 32], payload: &[u8], signature: &[u8]) -> bool {
    signature.len() == SIGNATURE
        && mac(key, payload).is_some_and(|mac| mac.verify_truncated_left(signature).is_ok())
}

fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH)
        .map(|since| since.as_secs())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLACE: Place = Place { id: 7, position: 150 };

    fn cursors() -> Cursors {
        Cursors::new(&[Cursors::random_key()], Duration::from_mins(15))
    }

    fn query() -> Binding {
        Binding::of(["underwriting", "connection=bsa"])
    }

    #[test]
    fn a_cursor_comes_back_for_its_own_query_only() {
        let cursors = cursors();
        let text = cursors.issue(PLACE, query());
        assert_eq!(cursors.read(&text, query()).unwrap().place, PLACE);
        assert!(
            text.len() <= 120
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
        for other in [
            ["collections", "connection=bsa"],
            ["underwriting", "connection=carbon"],
        ] {
            assert_eq!(
                cursors.read(&text, Binding::of(other)).unwrap_err().code,
                Code::InvalidCursor
            );
        }
        assert_ne!(Binding::of(["ab", "c"]), Binding::of(["a", "bc"]));
    }

    #[test]
    fn an_expired_cursor_says_so() {
        let cursors = Cursors::new(&[Cursors::random_key()], Duration::ZERO);
        let text = cursors.issue(PLACE, query());
        assert_eq!(
            cursors.read(&text, query()).unwrap_err().code,
            Code::CursorExpired
        );
    }

    #[test]
    fn keys_are_changed_one_by_one() {
        let key = |text: &str| SecretString::from(text.to_owned());
        let old = Cursors::new(&[key("old key")], Duration::from_mins(1));
        let both = Cursors::new(&[key("new key"), key("old key")], Duration::from_mins(1));
        let new = Cursors::new(&[key("new key")], Duration::from_mins(1));
        let text = old.issue(PLACE, query());
        assert_eq!(both.read(&text, query()).unwrap().place, PLACE);
        assert_eq!(
            new.read(&both.issue(PLACE, query()), query()).unwrap().place,
            PLACE
        );
        assert_eq!(new.read(&text, query()).unwrap_err().code, Code::InvalidCursor);
    }

    #[test]
    fn no_flipped_bit_is_accepted() {
        let cursors = cursors();
        let text = cursors.issue(PLACE, query());
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for at in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[at / 8] ^= 1 << (at % 8);
            assert!(
                cursors.read(&URL_SAFE_NO_PAD.encode(forged), query()).is_err(),
                "bit {at}"
            );
        }
        for cut in 0..text.len() {
            assert!(cursors.read(&text[..cut], query()).is_err());
        }
        assert!(cursors.read(&"A".repeat(4096), query()).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,300}") {
            prop_assert!(cursors().read(&text, query()).is_err());
        }
    }
}
