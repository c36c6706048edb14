//! JSON into one buffer, in one pass, with a digest of the facts in it.
//!
//! Answers are large and nearly all of their bytes are names that the compiler knows. `serde_json` looks at each of these
//! for characters to escape, every time; [`Writer`] copies them. What it does not know it leaves to `serde_json`.

use serde::ser::{self, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple};
use serde::{Serialize, Serializer};
use serde_json::Error;
use xxhash_rust::xxh3::Xxh3;

use super::buffer::Buffer;
use super::plain::is_plain;
use crate::loan::{AS_OF, RAW};

/// What an answer says, as opposed to what it says about itself: the digest is of this.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<T>(pub(super) T);

/// The name of [`Facts`] to a serializer.
const FACTS: &str = "Facts";

impl<T: Serialize> Serialize for Facts<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(FACTS, &self.0)
    }
}

/// JSON that is being written.
pub(super) struct Writer {
    out: Buffer,
    facts: Xxh3,
    /// From where on what was written counts as facts, and was not added to the digest.
    counted: Option<usize>,
    /// The next text is JSON already.
    verbatim: bool,
}

impl Writer {
    /// A buffer with room for as many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            out: Buffer::with_capacity(bytes),
            facts: Xxh3::new(),
            counted: None,
            verbatim: false,
        }
    }

    /// Writes a document that is one line. What a provider sent is written as it came, line breaks between its tokens
    /// included; in JSON they stand nowhere else, so each may be a space.
    pub(super) fn line(&mut self, document: &impl Serialize) -> Result<(), Error> {
        let from = self.out.len();
        document.serialize(&mut *self)?;
        for byte in self.out.since_mut(from) {
            // Without a branch, so that many bytes are looked at at once.
            *byte = if matches!(byte, b'\n' | b'\r') {
                b' '
            } else {
                *byte
            };
        }
        self.out.push(b"\n");
        Ok(())
    }

    /// What was written, and the state of a digest of the facts in it.
    pub(super) fn finish(mut self) -> (Vec<u8>, Xxh3) {
        self.count();
        (self.out.into_bytes(), self.facts)
    }

    /// Adds to the digest what counts and was not added.
    fn count(&mut self) {
        if let Some(from) = self.counted.take() {
            self.facts.update(self.out.since(from));
        }
    }

    #[inline]
    fn text(&mut self, text: &str) -> Result<(), Error> {
        if self.verbatim {
            self.out.push(text.as_bytes());
            return Ok(());
        }
        if !is_plain(text.as_bytes()) {
            return serde_json::to_writer(&mut self.out, text);
        }
        self.out.quote(text);
        Ok(())
    }

    /// Ends what began at `from`, whose members each have a comma before them.
    #[inline]
    fn close(&mut self, from: usize, brackets: [u8; 2]) {
        let [open, close] = brackets;
        match self.out.since_mut(from).first_mut() {
            Some(comma) => *comma = open,
            None => self.out.push(&[open]),
        }
        self.out.push(&[close]);
    }

    #[inline]
    fn begin(&mut self) -> Members<'_> {
        let from = self.out.len();
        Members { writer: self, from }
    }
}

/// `,"name":` with room for every name that there is; longer ones are put together where they are written.
const PIECE: usize = 40;

/// Members of an array or an object.
pub(super) struct Members<'a> {
    writer: &'a mut Writer,
    from: usize,
}

/// Whole numbers of every size.
macro_rules! whole_numbers {
    ($($method:ident($type:ty)),+ $(,)?) => {
        $(#[inline]
        fn $method(self, value: $type) -> Result<(), Error> {
            self.out.push(itoa::Buffer::new().format(value).as_bytes());
            Ok(())
        })+
    };
}

/// Values whose shape is told apart nowhere here.
macro_rules! as_serde_json_does {
    ($($method:ident($type:ty)),+ $(,)?) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            serde_json::to_writer(&mut self.out, &value)
        })+
    };
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Members<'a>;
    type SerializeTuple = Members<'a>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Impossible<(), Error>;

    whole_numbers! {
        serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64), serialize_i128(i128),
        serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64), serialize_u128(u128),
    }

    as_serde_json_does! { serialize_char(char), serialize_bytes(&[u8]) }

    #[expect(clippy::disallowed_types, reason = "serde's signature; no answer has one")]
    fn serialize_f32(self, _: f32) -> Result<(), Error> {
        Err(shapeless())
    }

    #[expect(clippy::disallowed_types, reason = "serde's signature; no answer has one")]
    fn serialize_f64(self, _: f64) -> Result<(), Error> {
        Err(shapeless())
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.out.push(if value { b"true" } else { b"false" });
        Ok(())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.text(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Error> {
        self.out.push(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    /// A word of ours, or the name of a variant: nothing in it has to be escaped.
    #[inline]
    fn serialize_unit_variant(self, _: &'static str, _: u32, word: &'static str) -> Result<(), Error> {
        self.out.quote(word);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        match name {
            FACTS => {
                self.counted = Some(self.out.len());
                value.serialize(&mut *self)?;
                self.count();
                Ok(())
            }
            // When it was fetched is no fact of a loan: the same facts have the same tag.
            AS_OF => {
                let counts = self.counted.is_some();
                self.count();
                value.serialize(&mut *self)?;
                self.counted = counts.then_some(self.out.len());
                Ok(())
            }
            _ => value.serialize(self),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        Err(shapeless())
    }

    #[inline]
    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'a>, Error> {
        Ok(self.begin())
    }

    fn serialize_tuple(self, _: usize) -> Result<Members<'a>, Error> {
        Ok(self.begin())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Impossible<(), Error>, Error> {
        Err(shapeless())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<(), Error>, Error> {
        Err(shapeless())
    }

    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>, Error> {
        Ok(self.begin())
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Members<'a>, Error> {
        self.verbatim = name == RAW;
        Ok(self.begin())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<(), Error>, Error> {
        Err(shapeless())
    }
}

/// Floats, and enums that hold something, have no place in an answer.
fn shapeless() -> Error {
    ser::Error::custom("a shape that no answer has")
}

impl SerializeSeq for Members<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.writer.out.push(b",");
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn end(self) -> Result<(), Error> {
        self.writer.close(self.from, *b"[]");
        Ok(())
    }
}

impl SerializeTuple for Members<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<(), Error> {
        SerializeSeq::end(self)
    }
}

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.writer.out.push(b",");
        let from = self.writer.out.len();
        key.serialize(&mut *self.writer)?;
        if self.writer.out.since(from).first() == Some(&b'"') {
            return Ok(());
        }
        Err(ser::Error::custom("a name that is no text"))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.writer.out.push(b":");
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Error> {
        self.writer.close(self.from, *b"{}");
        Ok(())
    }
}

impl SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = Error;

    /// Inlined, so that the name is a constant: the piece is then made when the program is, and copied at once.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it halves the cost of an answer")]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        if name == RAW {
            return value.serialize(&mut *self.writer);
        }
        let out = &mut self.writer.out;
        let mut piece = [0; PIECE];
        let length = name.len().saturating_add(4);
        match piece.get_mut(..length) {
            Some([comma, open, place @ .., close, colon]) => {
                (*comma, *open, *close, *colon) = (b',', b'"', b'"', b':');
                place.copy_from_slice(name.as_bytes());
                out.piece(&piece, length);
            }
            _ => {
                out.push(b",");
                out.quote(name);
                out.push(b":");
            }
        }
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn end(self) -> Result<(), Error> {
        if std::mem::take(&mut self.writer.verbatim) {
            return Ok(());
        }
        self.writer.close(self.from, *b"{}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    fn written(value: &impl Serialize) -> (String, u64) {
        let mut writer = Writer::with_capacity(0);
        value.serialize(&mut writer).unwrap();
        let (out, facts) = writer.finish();
        (String::from_utf8(out).unwrap(), facts.digest())
    }

    #[derive(Serialize)]
    struct Sample<'a> {
        text: &'a str,
        none: Option<u8>,
        some: Option<i64>,
        flags: Vec<bool>,
        empty: [u8; 0],
        nothing: (),
        pair: (u8, &'a str),
        raw: &'a RawValue,
        #[serde(skip_serializing_if = "Option::is_none")]
        left_out: Option<u8>,
        inner: Inner,
        last: Option<Inner>,
    }

    #[derive(Serialize)]
    struct Inner {}

    proptest! {
        #[test]
        fn it_writes_what_serde_json_writes(text in "\\PC{0,12}|[\\x00-\\x7f]{0,12}", some in any::<Option<i64>>(), flags in any::<Vec<bool>>()) {
            let raw = r#"{"a" : [1, "\n"]}"#;
            let sample = Sample {
                text: &text,
                none: None,
                some,
                flags,
                empty: [],
                nothing: (),
                pair: (7, &text),
                raw: serde_json::from_str(raw).unwrap(),
                left_out: None,
                inner: Inner {},
                last: Some(Inner {}),
            };
            prop_assert_eq!(written(&sample).0, serde_json::to_string(&sample).unwrap());
            let map = std::collections::BTreeMap::from([(text.as_str(), sample)]);
            prop_assert_eq!(written(&map).0, serde_json::to_string(&map).unwrap());
        }
    }

    #[test]
    fn the_digest_is_of_the_facts_without_their_moment() {
        #[derive(Serialize)]
        struct Answer {
            data: Facts<[(AsOf, u8); 1]>,
            other: u8,
        }
        struct AsOf(u8);
        impl Serialize for AsOf {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_newtype_struct(AS_OF, &self.0)
            }
        }
        let digest = |as_of, fact, other| {
            let data = Facts([(AsOf(as_of), fact)]);
            written(&Answer { data, other }).1
        };
        assert_eq!(digest(1, 2, 3), digest(9, 2, 9));
        assert_ne!(digest(1, 2, 3), digest(1, 9, 3));
    }
}
