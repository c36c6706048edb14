//! The keys that a provider publishes: a JSON Web Key Set, RFC 7517.

use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The algorithms that are taken.
pub(super) const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// Most keys of a set. Providers have two or three; all that have no name may have to be tried.
pub(super) const MOST: usize = 64;

/// A set as it is written. One key that cannot be read costs no other.
#[derive(Deserialize)]
pub(super) struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

/// Keys that tokens can be checked with.
#[derive(Clone, Default)]
pub(super) struct KeySet(Vec<Key>);

#[derive(Clone)]
struct Key {
    kid: Option<String>,
    algorithm: Algorithm,
    public: DecodingKey,
}

/// How many there are; public keys fill pages.
impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeySet").field(&self.0.len()).finish()
    }
}

impl Document<'_> {
    /// Keys in it, whether they are of use here or not.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }
}

impl KeySet {
    /// The keys of a document that are of use here.
    pub(super) fn of(document: &Document<'_>) -> Self {
        let keys = document.keys.iter().filter_map(|text| key(text.get()));
        Self(keys.take(MOST).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What its keys are called.
    pub(super) fn names(&self) -> Vec<Option<&str>> {
        self.0.iter().map(|key| key.kid.as_deref()).collect()
    }

    /// Whether it has such a key.
    pub(super) fn has(&self, kid: Option<&str>, algorithm: Algorithm) -> bool {
        self.matching(kid, algorithm).next().is_some()
    }

    /// The keys of this name, or without one, that are for this algorithm and no other.
    pub(super) fn matching<'a>(
        &'a self,
        kid: Option<&'a str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'a DecodingKey> {
        let fits = move |key: &&Key| key.kid.as_deref() == kid && key.algorithm == algorithm;
        self.0.iter().filter(fits).map(|key| &key.public)
    }
}

/// A key, if it is for signatures and of an algorithm that is taken. The algorithm follows from the type of the key,
/// never from a token; a key that names another one is left out.
fn key(text: &str) -> Option<Key> {
    let jwk: Jwk = serde_json::from_str(text).ok()?;
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    let public = DecodingKey::from_jwk(&jwk).ok()?;
    let common = jwk.common;
    let verifies = |operations: Vec<KeyOperations>| operations.contains(&KeyOperations::Verify);
    let fits = common
        .public_key_use
        .is_none_or(|it| it == PublicKeyUse::Signature)
        && common.key_operations.is_none_or(verifies)
        && common.key_algorithm.is_none_or(|it| it == named)
        && is_sound(&public, algorithm);
    fits.then_some(Key {
        kid: common.key_id,
        algorithm,
        public,
    })
}

/// Whether its numbers have the sizes that the algorithm takes; 2,048 to 8,192 bits for RSA.
fn is_sound(key: &DecodingKey, algorithm: Algorithm) -> bool {
    match (key.kind(), algorithm) {
        (DecodingKeyKind::RsaModulusExponent { n, .. }, _) => (256..=1024).contains(&n.len()),
        (DecodingKeyKind::SecretOrDer(point), Algorithm::ES256) => point.len() == 65,
        (DecodingKeyKind::SecretOrDer(point), _) => point.len() == 32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of RFC 7517 appendix A.1 and RFC 8037 appendix A.2.
    const RSA: &str = r#""kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB""#;
    const EC: &str = r#""kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM""#;
    const ED: &str = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

    fn set(keys: &[String]) -> KeySet {
        let text = format!(r#"{{"keys":[{}],"more":1}}"#, keys.join(","));
        KeySet::of(&serde_json::from_str(&text).unwrap())
    }

    fn one(members: &str) -> KeySet {
        set(&[format!("{{{members}}}")])
    }

    #[test]
    fn a_key_has_the_algorithm_of_its_type_and_no_other() {
        for (members, algorithm) in [
            (RSA, Algorithm::RS256),
            (EC, Algorithm::ES256),
            (ED, Algorithm::EdDSA),
        ] {
            let named = format!("{algorithm:?}");
            for more in [
                String::new(),
                r#","use":"sig","x5c":["MII"],"x5t":"a""#.to_owned(),
                format!(r#","alg":"{named}","key_ops":["verify"]"#),
            ] {
                let set = one(&format!(r#"{members},"kid":"a"{more}"#));
                assert_eq!(set.names(), [Some("a")]);
                for other in [
                    Algorithm::RS256,
                    Algorithm::RS512,
                    Algorithm::PS256,
                    Algorithm::HS256,
                    Algorithm::ES256,
                    Algorithm::EdDSA,
                ] {
                    assert_eq!(set.has(Some("a"), other), other == algorithm, "{other:?}");
                }
                assert!(!set.has(Some("b"), algorithm) && !set.has(None, algorithm));
            }
            assert!(one(members).has(None, algorithm));
        }
    }

    #[test]
    fn what_is_of_no_use_is_left_out_and_costs_no_other() {
        let short = RSA.replace("0vx7agoebGcQSuuPiLJXZptN", "");
        let off = EC.replace(
            "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "MKBCTNIcKUSDii11ySs352",
        );
        let mut keys: Vec<String> = [
            "1",
            "null",
            "{}",
            r#"{"kty":"oct","k":"c2VjcmV0","kid":"a","alg":"HS256"}"#,
            r#"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#,
            r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#,
            r#"{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            r#"{"kty":"RSA","n":"!!","e":"AQAB"}"#,
            r#"{"kty":"RSA","e":"AQAB"}"#,
            r#"{"kty":"new","x":{"y":[1]}}"#,
        ]
        .map(str::to_owned)
        .into();
        for members in [
            &format!(r#"{RSA},"use":"enc""#),
            &format!(r#"{RSA},"use":1"#),
            &format!(r#"{RSA},"alg":"PS256""#),
            &format!(r#"{RSA},"alg":"RSA-OAEP""#),
            &format!(r#"{EC},"alg":"new""#),
            &format!(r#"{EC},"key_ops":["deriveKey"]"#),
            &format!(r#"{ED},"kid":5"#),
            &short,
            &off,
        ] {
            keys.push(format!("{{{members}}}"));
        }
        assert_eq!(set(&keys).names(), Vec::<Option<&str>>::new());
        keys.push(format!(r#"{{{ED},"kid":"good"}}"#));
        assert_eq!(set(&keys).names(), [Some("good")]);
        let many: Vec<String> = (0..1000).map(|n| format!(r#"{{{ED},"kid":"{n}"}}"#)).collect();
        assert_eq!(set(&many).len(), MOST);
    }

    #[test]
    fn a_document_without_a_list_of_keys_is_none() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"keys":{}}"#,
            r#"{"keys":null}"#,
            "<html>",
            r#"{"keys":[]"#,
        ] {
            assert!(serde_json::from_str::<Document<'_>>(text).is_err(), "{text}");
        }
    }
}
