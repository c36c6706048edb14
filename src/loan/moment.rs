//! Days and instants as text, in the forms that chrono writes, without its detour over format descriptions.

use arrayvec::ArrayString;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, SecondsFormat, Timelike, Utc};
use serde::Serializer;

/// `2026-05-02`.
#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
pub(super) fn day<S: Serializer>(day: &Option<NaiveDate>, serializer: S) -> Result<S::Ok, S::Error> {
    let Some(day) = day else {
        return serializer.serialize_none();
    };
    match day_text(*day).as_ref().and_then(|text| str::from_utf8(text).ok()) {
        Some(text) => serializer.serialize_str(text),
        None => serializer.collect_str(day),
    }
}

/// `2026-05-02T09:00:00.250Z`: as many digits of a second as it has, in threes.
pub(super) fn instant<S: Serializer>(instant: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    match instant_text(instant.naive_utc()) {
        Some(text) => serializer.serialize_str(&text),
        None => serializer.serialize_str(&instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
    }
}

/// The same, or null.
pub fn instant_or_null<S: Serializer>(at: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => instant(at, serializer),
        None => serializer.serialize_none(),
    }
}

/// `None` for years that are not written with four digits.
fn day_text(day: NaiveDate) -> Option<[u8; 10]> {
    let year = u32::try_from(day.year()).ok().filter(|year| *year <= 9999)?;
    let ([thousands, hundreds], [tens, ones]) = (two(year / 100), two(year % 100));
    let ([month, of_month], [day, of_day]) = (two(day.month()), two(day.day()));
    Some([
        thousands, hundreds, tens, ones, b'-', month, of_month, b'-', day, of_day,
    ])
}

fn instant_text(instant: NaiveDateTime) -> Option<ArrayString<32>> {
    let mut text = ArrayString::new();
    text.try_push_str(str::from_utf8(&day_text(instant.date())?).ok()?)
        .ok()?;
    let ([h, hours], [m, minutes]) = (two(instant.hour()), two(instant.minute()));
    let [s, seconds] = two(instant.second());
    let time = [b'T', h, hours, b':', m, minutes, b':', s, seconds];
    text.try_push_str(str::from_utf8(&time).ok()?).ok()?;
    let nanos = instant.nanosecond();
    if nanos != 0 {
        let (fraction, digits) = match nanos {
            // A leap second is not 60 seconds here.
            1_000_000_000.. => return None,
            _ if nanos.is_multiple_of(1_000_000) => (nanos / 1_000_000, 3),
            _ if nanos.is_multiple_of(1_000) => (nanos / 1_000, 6),
            _ => (nanos, 9),
        };
        text.try_push('.').ok()?;
        push(&mut text, fraction, digits)?;
    }
    text.try_push('Z').ok()?;
    Some(text)
}

/// Two digits.
fn two(number: u32) -> [u8; 2] {
    let number = u8::try_from(number % 100).unwrap_or_default();
    [b'0'.wrapping_add(number / 10), b'0'.wrapping_add(number % 10)]
}

/// A number with zeros in front of it.
fn push(text: &mut ArrayString<32>, number: u32, width: usize) -> Option<()> {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(number);
    let zeros = width.saturating_sub(digits.len());
    text.try_push_str("000000000".get(..zeros)?).ok()?;
    text.try_push_str(digits).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(serde::Serialize)]
    struct Moments {
        #[serde(serialize_with = "day")]
        day: Option<NaiveDate>,
        #[serde(serialize_with = "instant")]
        instant: DateTime<Utc>,
        #[serde(serialize_with = "instant_or_null")]
        again: Option<DateTime<Utc>>,
        #[serde(serialize_with = "instant_or_null")]
        none: Option<DateTime<Utc>>,
    }

    proptest! {
        #[test]
        fn moments_are_written_as_chrono_writes_them(
            seconds in -70_000_000_000_i64..300_000_000_000,
            nanos in prop_oneof![Just(0_u32), (0..1000_u32).prop_map(|n| n.saturating_mul(1_000_000)), (0..1_000_000_u32).prop_map(|n| n.saturating_mul(1000)), 0..2_000_000_000_u32],
        ) {
            let instant = DateTime::from_timestamp(seconds, nanos);
            prop_assume!(instant.is_some());
            let instant = instant.unwrap();
            let moments = Moments {
                day: Some(instant.date_naive()),
                instant,
                again: Some(instant),
                none: None,
            };
            let theirs = (instant.date_naive(), instant);
            let ours = serde_json::to_value(&moments).unwrap();
            let theirs = serde_json::to_value(theirs).unwrap();
            prop_assert_eq!(&ours["day"], &theirs[0]);
            prop_assert_eq!(&ours["instant"], &theirs[1]);
            prop_assert_eq!(&ours["again"], &theirs[1]);
            prop_assert!(ours["none"].is_null());
        }
    }
}
