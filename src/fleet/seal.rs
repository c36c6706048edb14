//! What Redis gets to see: names that say nothing, and values that say nothing.
//!
//! Every name has an AES-256-GCM key of its own, derived from the fleet's and the name. So random nonces never come near
//! the number at which they could repeat, however many values a fleet writes; and a value that is moved to another name
//! does not open. The name, with the version of the format in it, is the associated data besides.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::FORMAT;

/// What our derived keys have in common with nobody else's.
const SALT: &[u8] = b"loangate fleet";

/// The name of a value in Redis: under the key that encrypts, and under the others for what was written before.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(Vec<String>);

impl Name {
    /// The name under which things are written.
    pub(super) fn first(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// All names under which it may be found.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Makes names and values unreadable.
pub(super) struct Seal {
    keys: Vec<Key>,
}

struct Key {
    names: hmac::Key,
    values: Prk,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// With these keys: the first seals, all open.
    pub(super) fn new<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let derive = |key: &str| {
            let root = Salt::new(HKDF_SHA256, SALT).extract(key.as_bytes());
            let names = root.expand(&[b"names"], hmac::HMAC_SHA256).ok()?;
            let values = root.expand(&[b"values"], HKDF_SHA256).ok()?;
            Some(Key {
                names: names.into(),
                values: values.into(),
            })
        };
        Self {
            keys: keys.filter_map(derive).collect(),
        }
    }

    /// The name of what these parts tell from everything else. Each goes in with its length, so that no two lists of
    /// parts run together.
    pub(super) fn name(&self, kind: &'static str, parts: &[&[u8]]) -> Name {
        let names = self.keys.iter().map(|key| {
            let mut mac = hmac::Context::with_key(&key.names);
            for part in std::iter::once(&kind.as_bytes()).chain(parts) {
                mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                mac.update(part);
            }
            let tag = URL_SAFE_NO_PAD.encode(mac.sign());
            format!("loangate:{FORMAT}:{kind}:{tag}")
        });
        Name(names.collect())
    }

    /// A value as it may lie about under a name.
    pub(super) fn seal(&self, name: &Name, mut value: Vec<u8>) -> Option<Vec<u8>> {
        let key = self.keys.first()?.of(name.first())?;
        let nonce = key
            .seal_in_place_append_tag(Aad::from(name.first().as_bytes()), &mut value)
            .ok()?;
        value.extend(nonce.as_ref());
        Some(value)
    }

    /// The value again; `None` if it was not sealed by us, under this name.
    pub(super) fn open(&self, name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        self.keys.iter().find_map(|key| {
            let mut value = sealed.to_vec();
            let nonce = value.split_off(value.len().checked_sub(NONCE_LEN)?);
            let nonce = Nonce::try_assume_unique_for_key(&nonce).ok()?;
            let opened = key.of(name)?;
            let length = opened
                .open_in_place(nonce, Aad::from(name.as_bytes()), &mut value)
                .ok()?
                .len();
            value.truncate(length);
            Some(value)
        })
    }
}

impl Key {
    /// The key of one name.
    fn of(&self, name: &str) -> Option<RandomizedNonceKey> {
        /// As many bytes as the cipher takes.
        struct Length;
        impl KeyType for Length {
            fn len(&self) -> usize {
                AES_256_GCM.key_len()
            }
        }
        let mut bytes = [0; 32];
        let parts = [name.as_bytes()];
        self.values.expand(&parts, Length).ok()?.fill(&mut bytes).ok()?;
        RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(keys: &[&str]) -> Seal {
        Seal::new(keys.iter().copied())
    }

    #[test]
    fn a_value_opens_under_its_own_name_only() {
        let seal = seal(&["a key"]);
        let name = seal.name("entry", &[b"a", b"bc"]);
        let other = seal.name("entry", &[b"ab", b"c"]);
        assert_ne!(name, other);
        assert_ne!(seal.name("set", &[b"a", b"bc"]), name);
        let sealed = seal.seal(&name, b"owes 100".to_vec()).unwrap();
        assert_eq!(seal.open(name.first(), &sealed).unwrap(), b"owes 100");
        assert!(seal.open(other.first(), &sealed).is_none());
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert!(seal.open(name.first(), &bent).is_none(), "byte {at}");
        }
        for cut in 0..sealed.len() {
            assert!(seal.open(name.first(), &sealed[..cut]).is_none());
        }
    }

    #[test]
    fn nothing_can_be_read() {
        let seal = seal(&["a key"]);
        let name = seal.name("entry", &[b"consent-6915ab"]);
        assert!(!name.first().contains("6915"), "{name:?}");
        let value = b"somebody owes 100".repeat(100);
        let (one, other) = (
            seal.seal(&name, value.clone()).unwrap(),
            seal.seal(&name, value.clone()).unwrap(),
        );
        assert_ne!(one, other, "the nonce is another every time");
        for sealed in [one, other] {
            assert!(!sealed.windows(8).any(|part| part == b"somebody"));
        }
        assert_eq!(format!("{seal:?}"), "Seal");
    }

    #[test]
    fn keys_are_changed_one_by_one() {
        let (old, both, new) = (seal(&["old"]), seal(&["new", "old"]), seal(&["new"]));
        let parts: &[&[u8]] = &[b"a"];
        let sealed = old.seal(&old.name("entry", parts), b"1".to_vec()).unwrap();
        let names = both.name("entry", parts);
        assert_eq!(names.all().nth(1), Some(old.name("entry", parts).first()));
        assert_eq!(names.first(), new.name("entry", parts).first());
        let found = names.all().find_map(|name| both.open(name, &sealed));
        assert_eq!(found.unwrap(), b"1");
        assert!(new.open(old.name("entry", parts).first(), &sealed).is_none());
    }
}
