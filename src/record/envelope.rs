//! Reading what stands around records, into types that derive `Deserialize`, as `serde_json` would. Raw values, which records
//! are until they are read, are passed over once, by [`Grammar`].

use serde::de::value::{BorrowedStrDeserializer, Error, MapDeserializer, StringDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_json::value::RawValue;

use super::grammar::Grammar;
use super::outline::Outline;
use crate::loan::RAW;

/// The value that a body holds and nothing beside it, and the outline of the raw values in it. `None` where it is no JSON in
/// UTF-8, or not what `T` expects.
pub fn envelope<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<(T, Outline<'a>)> {
    let mut grammar = Grammar::marking(std::str::from_utf8(body).ok()?);
    let value = read(&mut grammar)?;
    Some((value, grammar.outline()))
}

/// What a raw value of an envelope holds in turn, as far as its own raw values go.
pub fn within<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    read(&mut Grammar::of(raw.get()))
}

fn read<'a, T: Deserialize<'a>>(grammar: &mut Grammar<'a>) -> Option<T> {
    let value = T::deserialize(Value(grammar)).ok()?;
    grammar.is_over().then_some(value)
}

/// Upstream text stays out of errors, and nobody looks at them.
fn wrong() -> Error {
    Error::custom("is not the JSON that was expected")
}

/// The value that comes next.
struct Value<'g, 'a>(&'g mut Grammar<'a>);

impl<'a> Value<'_, 'a> {
    fn text(self) -> Result<&'a str, Error> {
        self.0.value().ok_or_else(wrong)
    }
}

impl<'de> Deserializer<'de> for Value<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let grammar = self.0;
        match grammar.peek() {
            Some(b'{') => {
                let mut members = Items::of(grammar, b'}');
                let value = visitor.visit_map(&mut members)?;
                members.end()?;
                Ok(value)
            }
            Some(b'[') => {
                let mut elements = Items::of(grammar, b']');
                let value = visitor.visit_seq(&mut elements)?;
                elements.end()?;
                Ok(value)
            }
            Some(b'"') => {
                grammar.next();
                match string(grammar)? {
                    Text::Plain(text) => visitor.visit_borrowed_str(text),
                    Text::Escaped(text) => visitor.visit_string(text),
                }
            }
            _ => {
                // Words and numbers.
                let text = Value(grammar).text()?;
                let mut scalar = serde_json::Deserializer::from_str(text);
                scalar.deserialize_any(visitor).map_err(|_| wrong())
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.peek() == Some(b'n') {
            self.text()?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name != RAW {
            return visitor.visit_newtype_struct(self);
        }
        let raw = (
            BorrowedStrDeserializer::new(RAW),
            BorrowedStrDeserializer::new(self.text()?),
        );
        visitor.visit_map(MapDeserializer::new(std::iter::once(raw)))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier
    }
}

/// A string without its quotes.
enum Text<'a> {
    Plain(&'a str),
    Escaped(String),
}

/// The rest of a string whose first quote was taken.
fn string<'a>(grammar: &mut Grammar<'a>) -> Result<Text<'a>, Error> {
    match grammar.string().ok_or_else(wrong)? {
        (text, false) => Ok(Text::Plain(text)),
        (text, true) => {
            let decoded = serde_json::from_str(&format!("\"{text}\""));
            decoded.map(Text::Escaped).map_err(|_| wrong())
        }
    }
}

/// The members of an object, or the elements of an array.
struct Items<'g, 'a> {
    grammar: &'g mut Grammar<'a>,
    closing: u8,
    first: bool,
    closed: bool,
}

impl<'g, 'a> Items<'g, 'a> {
    /// Takes the bracket that comes next.
    fn of(grammar: &'g mut Grammar<'a>, closing: u8) -> Self {
        grammar.next();
        Self {
            grammar,
            closing,
            first: true,
            closed: false,
        }
    }

    /// Whether there is another one, whose comma is then taken.
    fn another(&mut self) -> Result<bool, Error> {
        if self.closed {
            return Ok(false);
        }
        let first = std::mem::take(&mut self.first);
        match self.grammar.peek().ok_or_else(wrong)? {
            byte if byte == self.closing => {
                self.grammar.next();
                self.closed = true;
                Ok(false)
            }
            _ if first => Ok(true),
            b',' => {
                self.grammar.next();
                // None comes behind the last one.
                let more = self.grammar.peek() != Some(self.closing);
                more.then_some(true).ok_or_else(wrong)
            }
            _ => Err(wrong()),
        }
    }

    /// Nothing is left of it.
    fn end(&mut self) -> Result<(), Error> {
        if self.another()? { Err(wrong()) } else { Ok(()) }
    }
}

impl<'a> MapAccess<'a> for &mut Items<'_, 'a> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if !self.another()? {
            return Ok(None);
        }
        if self.grammar.next() != Some(b'"') {
            return Err(wrong());
        }
        let name = string(self.grammar)?;
        if self.grammar.next() != Some(b':') {
            return Err(wrong());
        }
        match name {
            Text::Plain(name) => seed.deserialize(BorrowedStrDeserializer::new(name)),
            Text::Escaped(name) => {
                let name: StringDeserializer<Error> = name.into_deserializer();
                seed.deserialize(name)
            }
        }
        .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Value(self.grammar))
    }
}

impl<'a> SeqAccess<'a> for &mut Items<'_, 'a> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if !self.another()? {
            return Ok(None);
        }
        seed.deserialize(Value(self.grammar)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::samples::{any_json, mutated};

    /// Shaped like the envelopes of providers.
    #[derive(Debug, Deserialize)]
    struct Page<'a> {
        #[serde(borrow)]
        items: Option<Vec<&'a RawValue>>,
        #[serde(borrow)]
        error: Option<Failure<'a>>,
        status: Option<String>,
        total: Option<u64>,
        last: Option<bool>,
        #[serde(borrow)]
        data: Option<&'a RawValue>,
    }

    #[derive(Debug, Deserialize)]
    struct Failure<'a> {
        code: Option<&'a str>,
    }

    fn shown(page: &Page<'_>) -> String {
        let raw = |raw: &&RawValue| raw.get().to_owned();
        let items = page
            .items
            .as_ref()
            .map(|items| items.iter().map(raw).collect::<Vec<_>>());
        let code = page.error.as_ref().map(|error| error.code);
        let data = page.data.as_ref().map(raw);
        format!(
            "{items:?} {code:?} {:?} {:?} {:?} {data:?}",
            page.status, page.total, page.last
        )
    }

    fn assert_alike(text: &str) {
        let ours = envelope::<Page<'_>>(text.as_bytes()).map(|(page, _)| page);
        let theirs = serde_json::from_slice::<Page<'_>>(text.as_bytes()).ok();
        assert_eq!(ours.as_ref().map(shown), theirs.as_ref().map(shown), "{text}");
        let raw: Option<&RawValue> = serde_json::from_str(text).ok();
        let again = raw.and_then(within::<Page<'_>>);
        assert_eq!(again.as_ref().map(shown), theirs.as_ref().map(shown), "{text}");
    }

    #[test]
    fn envelopes_are_read_as_serde_json_reads_them() {
        for text in [
            "{}",
            " { } ",
            "[]",
            "null",
            "1",
            "\"a\"",
            "",
            "{",
            "{} {}",
            r#"{"items":[1, {"a":[2,{}]} ,"x"],"total":3,"last":true,"status":"done","data":{"b" : 1}}"#,
            r#"{"items":null,"data":null,"status":null,"error":null,"total":null}"#,
            r#"{"items":[],"more":{"deep":[[[{}]]]},"data":[]}"#,
            r#"{"items":[1,]}"#,
            r#"{"items":[,1]}"#,
            r#"{"items":[1 2]}"#,
            r#"{"items":{}}"#,
            r#"{"items":[1}"#,
            r#"{"total":-1}"#,
            r#"{"total":1.5}"#,
            r#"{"total":18446744073709551616}"#,
            r#"{"total":"1"}"#,
            r#"{"total":nul}"#,
            r#"{"last":tru}"#,
            r#"{"last":1}"#,
            r#"{"other":tru}"#,
            r#"{"status":"a\u0062\n"}"#,
            r#"{"status":"\ud800"}"#,
            r#"{"other":"\ud800"}"#,
            r#"{"data":"\ud800"}"#,
            r#"{"\ud800":1}"#,
            r#"{"stat\u0075s":"x"}"#,
            r#"{"status":1}"#,
            r#"{"status":"a","status":"b"}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"error":{"code":"X","more":1}}"#,
            r#"{"error":{"code":"\u0058"}}"#,
            r#"{"error":[]}"#,
            r#"{"error":["X"]}"#,
            r#"{"error":["X",1]}"#,
            r#"[[1],null,"a",1,true,2]"#,
            r#"[[1],null,"a",1,true,2,3]"#,
            r#"{"total":1,}"#,
            r#"{,"total":1}"#,
            r#"{"total" 1}"#,
            r#"{"total":1 "last":true}"#,
            "{total:1}",
        ] {
            assert_alike(text);
        }
    }

    #[test]
    fn a_body_that_is_not_utf_8_is_none() {
        assert!(envelope::<&RawValue>(b"\"\xff\"").is_none());
        assert!(envelope::<Page<'_>>(b"{\"other\":\"\xff\"}").is_none());
    }

    proptest! {
        #[test]
        fn any_envelope_is_read_as_serde_json_reads_it(
            members in proptest::collection::vec(("items|error|status|total|last|data|other|code", any_json()), 0..6),
        ) {
            let members: Vec<String> = members.iter().map(|(name, value)| format!(" \"{name}\" :{value}")).collect();
            assert_alike(&format!("{{{}}}", members.join(",")));
        }

        #[test]
        fn what_is_no_envelope_is_refused_as_serde_json_refuses_it(text in mutated()) {
            assert_alike(&text);
            assert_alike(&format!("{{\"items\":[{text}]}}"));
            assert_alike(&format!("{{\"data\":{text}}}"));
            assert_alike(&format!("{{\"other\":{text},\"status\":{text}}}"));
        }
    }
}
