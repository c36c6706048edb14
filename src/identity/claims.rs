//! What a token says of who sends it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::Refusal;

/// Longest name of a client, as the token has it.
const LONGEST_NAME: usize = 128;

/// The names of the claims that are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Names the client.
    pub client: String,
    /// Its scopes.
    pub scopes: String,
    /// The connections it may see.
    pub connections: String,
}

/// Who sends a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The name of the client: letters, digits and `*-._`, anything else as `%XX`, so that it can stand in a log and no
    /// two names become one.
    pub client: String,
    /// The words in its scopes, known to us or not.
    pub scopes: Vec<String>,
    /// Which connections it may see.
    pub connections: Seen,
}

/// Which connections a client may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// All there are and will be.
    All,
    /// These, if there are such.
    Only(Vec<String>),
}

/// The claims of a token, as they are written. One that is there twice makes the token unreadable: who else reads it
/// might believe the other one.
#[derive(Debug)]
pub(super) struct Claims(BTreeMap<String, Box<RawValue>>);

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Claims;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("claims")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
                let mut claims = BTreeMap::new();
                while let Some((name, value)) = map.next_entry()? {
                    if claims.insert(name, value).is_some() {
                        return Err(A::Error::custom("a claim is there twice"));
                    }
                }
                Ok(Claims(claims))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

/// A list: words with spaces between them (RFC 8693 section 4.2), or an array.
#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    Text(String),
    List(Vec<String>),
}

impl Claims {
    fn read<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    /// Whether a claim is one text.
    pub(super) fn is_text(&self, name: &str) -> bool {
        self.read::<String>(name).is_some()
    }

    /// The words of a claim. One that is absent, or not a list of words, has none: what cannot be read grants nothing.
    fn words(&self, name: &str) -> Vec<String> {
        match self.read(name) {
            Some(Words::Text(text)) => text.split_ascii_whitespace().map(str::to_owned).collect(),
            Some(Words::List(words)) => words,
            None => Vec::new(),
        }
    }
}

impl Names {
    /// Who sends these claims.
    pub(super) fn holder(&self, claims: &Claims) -> Result<Holder, Refusal> {
        let name: String = claims.read(&self.client).ok_or(Refusal::Nameless)?;
        if !(1..=LONGEST_NAME).contains(&name.len()) {
            return Err(Refusal::Nameless);
        }
        let connections = claims.words(&self.connections);
        Ok(Holder {
            client: form_urlencoded::byte_serialize(name.as_bytes()).collect(),
            scopes: claims.words(&self.scopes),
            connections: if connections.iter().any(|word| word == "*") {
                Seen::All
            } else {
                Seen::Only(connections)
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(claims: &str) -> Result<Holder, Refusal> {
        let names = Names {
            client: "client_id".to_owned(),
            scopes: "scope".to_owned(),
            connections: "https://example.com/connections".to_owned(),
        };
        names.holder(&serde_json::from_str(claims).unwrap())
    }

    fn scopes(claim: &str) -> Vec<String> {
        let claims = format!(r#"{{"client_id":"a","scope":{claim},"scp":"x"}}"#);
        holder(&claims).unwrap().scopes
    }

    fn seen(claim: &str) -> Seen {
        let claims = format!(r#"{{"client_id":"a","https://example.com/connections":{claim}}}"#);
        holder(&claims).unwrap().connections
    }

    #[test]
    fn scopes_are_text_or_an_array() {
        let two = ["loans:read", "metrics:read"];
        for claim in [
            r#""loans:read metrics:read""#,
            r#""  loans:read   metrics:read ""#,
            r#"["loans:read", "metrics:read"]"#,
            r#""loans:read\u0020metrics:read""#,
        ] {
            assert_eq!(scopes(claim), two, "{claim}");
        }
    }

    #[test]
    fn what_cannot_be_read_grants_nothing() {
        for claim in [
            "null",
            "1",
            "true",
            "{}",
            r#"{"0":"loans:read"}"#,
            "[1]",
            r#"["*",1]"#,
            r#"[["*"]]"#,
            r#""""#,
            "[]",
        ] {
            assert_eq!(scopes(claim), Vec::<String>::new(), "{claim}");
            assert_eq!(seen(claim), Seen::Only(vec![]), "{claim}");
        }
        let bare = holder(r#"{"client_id":"a"}"#).unwrap();
        assert_eq!((bare.scopes.len(), bare.connections), (0, Seen::Only(vec![])));
    }

    #[test]
    fn connections_are_some_or_all_and_never_all_by_accident() {
        let only = |ids: &[&str]| Seen::Only(ids.iter().map(|id| (*id).to_owned()).collect());
        assert_eq!(seen(r#"["bsa","carbon"]"#), only(&["bsa", "carbon"]));
        assert_eq!(seen(r#""bsa carbon""#), only(&["bsa", "carbon"]));
        for all in [r#""*""#, r#"["*"]"#, r#""bsa *""#] {
            assert_eq!(seen(all), Seen::All);
        }
        assert_eq!(
            seen(r#"["**", "* ", "bsa,carbon"]"#),
            only(&["**", "* ", "bsa,carbon"])
        );
    }

    #[test]
    fn names_can_stand_in_a_log_and_stay_apart() {
        let name = |text: &str| {
            let text = serde_json::to_string(text).unwrap();
            holder(&format!(r#"{{"client_id":{text}}}"#)).map(|holder| holder.client)
        };
        for (text, shown) in [
            ("underwriting", "underwriting"),
            ("0oa1-B_c.d", "0oa1-B_c.d"),
            ("app@clients", "app%40clients"),
            ("app%40clients", "app%2540clients"),
            ("a b", "a+b"),
            ("a+b", "a%2Bb"),
            ("(owner)", "%28owner%29"),
            ("a\nclient=b\u{1b}[0m", "a%0Aclient%3Db%1B%5B0m"),
            ("é\u{202e}", "%C3%A9%E2%80%AE"),
        ] {
            assert_eq!(name(text).unwrap(), shown);
        }
        assert_eq!(name(&"n".repeat(128)).unwrap().len(), 128);
        for refused in ["", &"n".repeat(129)] {
            assert_eq!(name(refused), Err(Refusal::Nameless));
        }
        for claims in [
            "{}",
            r#"{"client_id":null}"#,
            r#"{"client_id":1}"#,
            r#"{"client_id":["a"]}"#,
            r#"{"sub":"a"}"#,
        ] {
            assert_eq!(holder(claims), Err(Refusal::Nameless), "{claims}");
        }
    }

    #[test]
    fn a_claim_that_is_there_twice_is_none() {
        for claims in [
            r#"{"client_id":"a","client_id":"b"}"#,
            r#"{"scope":"a","\u0073cope":"b"}"#,
            "[]",
            r#""client_id""#,
        ] {
            assert!(serde_json::from_str::<Claims>(claims).is_err(), "{claims}");
        }
    }
}
