//! Keys of clients: how a new one is made, what makes one too weak, and the hash that a config holds instead of it.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

/// How every key that is made here begins, so that people and scanners of leaked secrets recognise one.
const PREFIX: &str = "lgk_";
/// How every hash begins, so that another function can follow one day.
const FUNCTION: &str = "sha256:";

/// 128 random bits take as many letters and digits.
const SHORTEST: usize = 22;
/// Longer ones are not looked at.
const LONGEST: usize = 256;
/// A random key of any length allowed has more different characters than these.
const LEAST_VARIETY: usize = 6;

/// The hash of a key.
///
/// SHA-256 without salt and without iterations is enough, because a key is no password: nobody chose it, and among
/// 2^256 equally likely ones there is no list to try and no table to look it up in. A slow function would only make
/// every request slow. That holds for random keys only, so weak ones are refused where hashes are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of this key.
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key).into())
    }

    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(FUNCTION)?;
        if digits.len() != 64 || !digits.is_ascii() {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).ok()?;
            // A sign in front would count as a digit.
            if !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self(hash))
    }

    /// Its bytes.
    pub const fn bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FUNCTION)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Nothing can be done with a hash, and still it has no business in a log.
impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}

/// A new key of 256 random bits; `None` if the system has none to give.
pub fn new_key() -> Option<SecretString> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).ok()?;
    Some(SecretString::from(format!(
        "{PREFIX}{}",
        URL_SAFE_NO_PAD.encode(random)
    )))
}

/// Why this text must not be a key; `None` if it may. Whether it is random nobody can see, only that it is not.
pub fn weakness(key: &str) -> Option<&'static str> {
    let sendable = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    let different: BTreeSet<u8> = key.bytes().collect();
    if key.is_empty() {
        Some("there is no key")
    } else if !key.bytes().all(sendable) {
        Some("a key must be of letters, digits and -._~+/= alone, because it is sent in a header")
    } else if key.len() < SHORTEST {
        Some("the key is too short: it must have at least 22 characters, all of them random")
    } else if key.len() > LONGEST {
        Some("the key is too long: it may have at most 256 characters")
    } else if different.len() < LEAST_VARIETY {
        Some("the key repeats too few characters to be random")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_new_key_is_recognisable_strong_and_another_every_time() {
        let (one, other) = (new_key().unwrap(), new_key().unwrap());
        for key in [&one, &other] {
            assert!(key.expose_secret().starts_with("lgk_"));
            assert_eq!(key.expose_secret().len(), 47);
            assert_eq!(weakness(key.expose_secret()), None);
        }
        assert_ne!(one.expose_secret(), other.expose_secret());
    }

    #[test]
    fn a_hash_is_read_back_and_nothing_else_is() {
        let hash = KeyHash::of("abc");
        let text = hash.to_string();
        // The example of FIPS 180-4.
        assert_eq!(
            text,
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(KeyHash::parse(&text), Some(hash));
        let upper = format!("sha256:{}", text[7..].to_uppercase());
        assert_eq!(KeyHash::parse(&upper), Some(hash));
        assert_eq!(format!("{hash:?}"), "KeyHash(..)");
        for wrong in [
            String::new(),
            text[7..].to_owned(),
            text[..70].to_owned(),
            format!("{text}0"),
            text.replace("ba", "+a"),
            text.replace("ba", "é"),
            text.replace("sha256", "md5"),
            "lgk_7Jq3nUuFv7uJm4oO4uXl0eHkq1GJw0m1mXH4m4m1nXo".to_owned(),
        ] {
            assert_eq!(KeyHash::parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn weak_keys_are_known_as_far_as_can_be_seen() {
        for (key, word) in [
            ("", "no key"),
            ("hunter2", "too short"),
            ("123456789012345678901", "too short"),
            ("abababababababababababababab", "too few"),
            ("correct horse battery staple", "header"),
            ("clé-clé-clé-clé-clé-clé", "header"),
        ] {
            assert!(weakness(key).unwrap().contains(word), "{key}");
        }
        assert!(weakness(&"abcdefgh".repeat(33)).unwrap().contains("too long"));
        for key in [
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "9f86d081884c7d659a2feaa0c55ad015",
            "q83vEjRWeJCrze8SNFZ4kA==",
        ] {
            assert_eq!(weakness(key), None, "{key}");
        }
    }
}
