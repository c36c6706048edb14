//! The binary form of what gateways of a fleet share: each value after the other, without names. What it is read with is
//! what it was written with: `fleet::FORMAT` is part of every name in Redis, and changes when anything here does.
//!
//! A trait of our own, because it is for types of others too (dates, shared texts) and for words that live as long as the
//! program; and because reading must take whatever bytes there are without a panic, a loop or much memory.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use rust_decimal::Decimal;

/// Has a binary form.
pub(crate) trait Binary: Sized {
    /// Appends it.
    fn write(&self, out: &mut Vec<u8>);
    /// Takes one from the front; `None` if there is none.
    fn read(from: &mut &[u8]) -> Option<Self>;
}

/// Gives structs the binary form of their fields, one after the other.
macro_rules! binary {
    ($($name:ty { $($field:ident),+ $(,)? })+) => {$(
        impl $crate::binary::Binary for $name {
            fn write(&self, out: &mut Vec<u8>) {
                let Self { $($field),+ } = self;
                $($crate::binary::Binary::write($field, out);)+
            }

            fn read(from: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: $crate::binary::Binary::read(from)?),+ })
            }
        }
    )+};
}

/// Gives enums without fields, which list all their values, the form of a number.
macro_rules! binary_words {
    ($($name:ty),+ $(,)?) => {$(
        impl $crate::binary::Binary for $name {
            fn write(&self, out: &mut Vec<u8>) {
                let place = Self::ALL.iter().position(|known| known == self);
                out.push(place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX));
            }

            fn read(from: &mut &[u8]) -> Option<Self> {
                let place = <u8 as $crate::binary::Binary>::read(from)?;
                Self::ALL.get(usize::from(place)).copied()
            }
        }
    )+};
}

/// The next bytes.
fn take<'a>(from: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(count)?;
    *from = rest;
    Some(taken)
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl Binary for $number {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend(self.to_le_bytes());
            }

            fn read(from: &mut &[u8]) -> Option<Self> {
                let (bytes, rest) = from.split_first_chunk()?;
                *from = rest;
                Some(Self::from_le_bytes(*bytes))
            }
        }
    )+};
}

numbers!(u8, u16, u32, u64, u128, i32, i64, i128);

impl Binary for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        match u8::read(from)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Binary for usize {
    fn write(&self, out: &mut Vec<u8>) {
        u64::try_from(*self).unwrap_or(u64::MAX).write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Self::try_from(u64::read(from)?).ok()
    }
}

impl<T: Binary> Binary for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.is_some().write(out);
        if let Some(value) = self {
            value.write(out);
        }
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Some(if bool::read(from)? {
            Some(T::read(from)?)
        } else {
            None
        })
    }
}

impl<const N: usize> Binary for [u8; N] {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let (bytes, rest) = from.split_first_chunk()?;
        *from = rest;
        Some(*bytes)
    }
}

/// How many follow. No more than there are bytes: nothing takes less than one.
fn count(from: &mut &[u8]) -> Option<usize> {
    let count = usize::try_from(u32::read(from)?).ok()?;
    (count <= from.len()).then_some(count)
}

fn write_count(count: usize, out: &mut Vec<u8>) {
    u32::try_from(count).unwrap_or(u32::MAX).write(out);
}

macro_rules! many {
    ($($many:ident),+) => {$(
        impl<T: Binary> Binary for $many<T> {
            fn write(&self, out: &mut Vec<u8>) {
                write_count(self.len(), out);
                for one in self {
                    one.write(out);
                }
            }

            fn read(from: &mut &[u8]) -> Option<Self> {
                let count = count(from)?;
                (0..count).map(|_| T::read(from)).collect()
            }
        }
    )+};
}

type Slice<T> = Box<[T]>;
many!(Vec, VecDeque, Slice);

impl<T: Binary + Eq + Hash, S: BuildHasher + Default> Binary for HashSet<T, S> {
    fn write(&self, out: &mut Vec<u8>) {
        write_count(self.len(), out);
        for one in self {
            one.write(out);
        }
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let count = count(from)?;
        (0..count).map(|_| T::read(from)).collect()
    }
}

fn write_pairs<'a, K: Binary + 'a, V: Binary + 'a>(
    pairs: impl ExactSizeIterator<Item = (&'a K, &'a V)>,
    out: &mut Vec<u8>,
) {
    write_count(pairs.len(), out);
    for (key, value) in pairs {
        key.write(out);
        value.write(out);
    }
}

fn read_pairs<K: Binary, V: Binary, Map: FromIterator<(K, V)>>(from: &mut &[u8]) -> Option<Map> {
    let count = count(from)?;
    (0..count).map(|_| <(K, V)>::read(from)).collect()
}

impl<K: Binary + Eq + Hash, V: Binary, S: BuildHasher + Default> Binary for HashMap<K, V, S> {
    fn write(&self, out: &mut Vec<u8>) {
        write_pairs(self.iter(), out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        read_pairs(from)
    }
}

impl<K: Binary + Ord, V: Binary> Binary for BTreeMap<K, V> {
    fn write(&self, out: &mut Vec<u8>) {
        write_pairs(self.iter(), out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        read_pairs(from)
    }
}

impl<A: Binary, B: Binary> Binary for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Some((A::read(from)?, B::read(from)?))
    }
}

/// The next text.
fn text<'a>(from: &mut &'a [u8]) -> Option<&'a str> {
    let count = count(from)?;
    std::str::from_utf8(take(from, count)?).ok()
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_count(text.len(), out);
    out.extend(text.as_bytes());
}

macro_rules! texts {
    ($($text:ty),+) => {$(
        impl Binary for $text {
            fn write(&self, out: &mut Vec<u8>) {
                write_text(self, out);
            }

            fn read(from: &mut &[u8]) -> Option<Self> {
                text(from).map(Self::from)
            }
        }
    )+};
}

texts!(String, Arc<str>, Box<str>);

/// A word of the program, or a name that an adapter gives. What was read comes from a program like this one, so there are
/// only so many.
impl Binary for &'static str {
    fn write(&self, out: &mut Vec<u8>) {
        write_text(self, out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        lasting(text(from)?)
    }
}

impl Binary for Cow<'static, str> {
    fn write(&self, out: &mut Vec<u8>) {
        write_text(self, out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        text(from).map(|text| Cow::Owned(text.to_owned()))
    }
}

/// Most words that are kept for ever.
const MOST_WORDS: usize = 4096;
/// The longest of them.
const LONGEST_WORD: usize = 256;

/// The same word, for as long as the program lives. Each is kept once, and no more than there can be.
fn lasting(word: &str) -> Option<&'static str> {
    static WORDS: RwLock<BTreeSet<&'static str>> = RwLock::new(BTreeSet::new());
    let known = WORDS
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(word)
        .copied();
    if known.is_some() {
        return known;
    }
    let mut words = WORDS.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = words.get(word) {
        return Some(known);
    }
    if words.len() >= MOST_WORDS || word.len() > LONGEST_WORD {
        return None;
    }
    let kept: &'static str = Box::leak(Box::from(word));
    words.insert(kept);
    Some(kept)
}

impl<T: Binary> Binary for Arc<T> {
    fn write(&self, out: &mut Vec<u8>) {
        T::write(self, out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        T::read(from).map(Self::new)
    }
}

impl Binary for Range<usize> {
    fn write(&self, out: &mut Vec<u8>) {
        (self.start, self.end).write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let (start, end) = Binary::read(from)?;
        Some(start..end)
    }
}

impl Binary for Duration {
    fn write(&self, out: &mut Vec<u8>) {
        (self.as_secs(), self.subsec_nanos()).write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let (seconds, nanos) = <(u64, u32)>::read(from)?;
        Self::from_secs(seconds).checked_add(Self::from_nanos(u64::from(nanos)))
    }
}

impl Binary for DateTime<Utc> {
    fn write(&self, out: &mut Vec<u8>) {
        (self.timestamp(), self.timestamp_subsec_nanos()).write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let (seconds, nanos) = Binary::read(from)?;
        Self::from_timestamp(seconds, nanos)
    }
}

impl Binary for NaiveDate {
    fn write(&self, out: &mut Vec<u8>) {
        self.num_days_from_ce().write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Self::from_num_days_from_ce_opt(i32::read(from)?)
    }
}

impl Binary for Decimal {
    fn write(&self, out: &mut Vec<u8>) {
        self.mantissa().write(out);
        self.scale().write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let (mantissa, scale) = Binary::read(from)?;
        Self::try_from_i128_with_scale(mantissa, scale).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Mixed = (
        (Option<String>, Vec<(u32, bool)>),
        (HashMap<u64, u32>, (Duration, Option<i128>)),
    );

    fn bytes(value: &impl Binary) -> Vec<u8> {
        let mut out = Vec::new();
        value.write(&mut out);
        out
    }

    fn comes_back<T: Binary + PartialEq + std::fmt::Debug>(value: &T) {
        let written = bytes(value);
        let mut from = &*written;
        assert_eq!(T::read(&mut from).as_ref(), Some(value));
        assert!(from.is_empty());
        for cut in 0..written.len() {
            assert_eq!(T::read(&mut &written[..cut]), None);
        }
    }

    #[test]
    fn a_word_is_kept_once_and_not_without_end() {
        let read = |word: &str| <&'static str>::read(&mut &*bytes(&word.to_owned()));
        let one = read("principalOutstanding").unwrap();
        assert!(std::ptr::eq(one, read("principalOutstanding").unwrap()));
        assert_eq!(read(&"x".repeat(LONGEST_WORD + 1)), None);
    }

    #[test]
    fn nothing_is_made_of_what_is_not_there() {
        // Four thousand million members, and one byte.
        assert_eq!(Vec::<u8>::read(&mut &[0xff, 0xff, 0xff, 0xff, 1][..]), None);
        assert_eq!(Option::<u8>::read(&mut &[2, 1][..]), None);
        assert_eq!(String::read(&mut &[1, 0, 0, 0, 0xff][..]), None);
    }

    proptest! {
        #[test]
        fn whatever_is_written_comes_back(
            text in proptest::option::of("\\PC{0,9}"),
            list in proptest::collection::vec(any::<(u32, bool)>(), 0..5),
            map in proptest::collection::hash_map(any::<u64>(), any::<u32>(), 0..5),
            number in proptest::option::of(any::<i128>()),
            (seconds, nanos) in (0_u64..1 << 40, 0_u32..1_000_000_000),
            days in -700_000_i32..3_000_000,
            (mantissa, scale) in (-(1_i128 << 95)..1 << 95, 0_u32..=28),
        ) {
            let mixed: Mixed = ((text, list), (map, (Duration::new(seconds, nanos), number)));
            comes_back(&mixed);
            comes_back(&NaiveDate::from_num_days_from_ce_opt(days).unwrap());
            comes_back(&Decimal::try_from_i128_with_scale(mantissa, scale).unwrap());
            comes_back(&DateTime::from_timestamp(i64::try_from(seconds).unwrap(), nanos).unwrap());
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Mixed::read(&mut &*bytes);
            let _ = <(DateTime<Utc>, NaiveDate)>::read(&mut &*bytes);
            let _ = <(Decimal, Duration)>::read(&mut &*bytes);
        }
    }
}
