//! Exact decimals: from the provider's characters to ours without a float in between.
//!
//! `rust_decimal` stores the value; the grammar and the arithmetic here are stricter than its own, because its
//! parser accepts `1_000` and rounds a 29th digit, and its operators panic or drop digits
//! (`docs/decisions/0002-money-from-raw-tokens.md`).

mod number;

use std::fmt;

use arrayvec::ArrayString;
use rust_decimal::Decimal;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

pub use number::{Inexact, MAX_DIGITS, parse};

/// A decimal from coefficient and scale, without trailing zeros; `None` when it does not fit exactly.
fn exact(mut coefficient: i128, mut scale: u32) -> Option<Decimal> {
    if let Ok(value) = u64::try_from(coefficient.unsigned_abs()) {
        return small(coefficient.is_negative(), value, scale);
    }
    while scale > 0 && ends_in_zero(coefficient) {
        coefficient = coefficient.checked_div(10)?;
        scale = scale.checked_sub(1)?;
    }
    Decimal::try_from_i128_with_scale(coefficient, scale).ok()
}

/// The same in 64 bits, which nearly every amount fits, and where each step takes a fraction of the time.
fn small(negative: bool, mut value: u64, mut scale: u32) -> Option<Decimal> {
    while scale > 0 && value.checked_rem(10) == Some(0) {
        value = value.checked_div(10)?;
        scale = scale.checked_sub(1)?;
    }
    if scale > Decimal::MAX_SCALE {
        return None;
    }
    let low = u32::try_from(value & u64::from(u32::MAX)).ok()?;
    let middle = u32::try_from(value >> 32).ok()?;
    Some(Decimal::from_parts(low, middle, 0, negative, scale))
}

/// Whether the last digit is nought, told in 64 bits where that is possible.
fn ends_in_zero(coefficient: i128) -> bool {
    match i64::try_from(coefficient) {
        Ok(small) => small.checked_rem(10) == Some(0),
        Err(_) => coefficient.checked_rem(10) == Some(0),
    }
}

/// The same number without trailing zeros.
fn plain(value: Decimal) -> Decimal {
    if value.scale() == 0 || !ends_in_zero(value.mantissa()) {
        value
    } else {
        value.normalize()
    }
}

/// The exact sum, or `None` when it does not fit: no digit is ever dropped.
pub fn checked_sum(left: Decimal, right: Decimal) -> Option<Decimal> {
    let scale = left.scale().max(right.scale());
    let aligned = |value: Decimal| {
        let (mantissa, places) = (value.mantissa(), scale.checked_sub(value.scale())?);
        let small = i64::try_from(mantissa).ok().zip(10_i64.checked_pow(places));
        if let Some(aligned) = small.and_then(|(mantissa, factor)| mantissa.checked_mul(factor)) {
            return Some(i128::from(aligned));
        }
        mantissa.checked_mul(10_i128.checked_pow(places)?)
    };
    exact(aligned(left)?.checked_add(aligned(right)?)?, scale)
}

/// The exact sum of all; `None` where one is not known or it does not fit.
pub fn checked_total(parts: impl IntoIterator<Item = Option<Decimal>>) -> Option<Decimal> {
    let mut parts = parts.into_iter();
    parts.try_fold(Decimal::ZERO, |sum, part| checked_sum(sum, part?))
}

/// Moves the decimal point `places` to the left: minor units to major units, exactly or not at all.
pub fn shift_left(value: Decimal, places: u32) -> Option<Decimal> {
    exact(value.mantissa(), value.scale().checked_add(places)?)
}

/// An ISO 4217 currency code and the digits of its minor unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    code: [u8; 3],
    minor_units: u8,
}

impl Currency {
    /// Reads a three-letter code in any case; `None` for anything else.
    ///
    /// A well-formed code that ISO 4217 does not list is kept, with no minor unit: its amounts get no padding.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 3] = text.as_bytes().try_into().ok()?;
        let code = bytes.map(|byte| byte.to_ascii_uppercase());
        if !code.iter().all(u8::is_ascii_uppercase) {
            return None;
        }
        let minor_units = std::str::from_utf8(&code)
            .ok()
            .and_then(iso_currency::Currency::from_code)
            .and_then(iso_currency::Currency::exponent)
            .and_then(|exponent| u8::try_from(exponent).ok())
            .unwrap_or(0);
        Some(Self { code, minor_units })
    }

    /// The code in upper case.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("XXX")
    }

    /// Digits after the decimal point of the smallest unit: 2 for NGN, 0 for JPY.
    pub fn minor_units(&self) -> u32 {
        u32::from(self.minor_units)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// An amount in major units of a loan's currency. On the wire: a decimal string padded to the currency's minor
/// unit and never cut (`"5000.00"`, `"38.505"`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    value: Decimal,
    minor_units: u8,
}

impl Money {
    /// An amount of `currency`.
    pub fn new(value: Decimal, currency: Currency) -> Self {
        Self {
            value: plain(value),
            minor_units: currency.minor_units,
        }
    }

    /// The number itself.
    pub fn value(&self) -> Decimal {
        self.value
    }

    /// As text; `None` never happens, because no decimal is that long.
    fn text(&self) -> Option<ArrayString<96>> {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(self.value.mantissa().unsigned_abs());
        let scale = usize::try_from(self.value.scale()).ok()?;
        let (whole, fraction) = match digits.len().checked_sub(scale) {
            None | Some(0) => ("0", digits),
            Some(whole) => digits.split_at_checked(whole)?,
        };
        let zeros = |count: usize| "0000000000000000000000000000".get(..count);
        let mut text = ArrayString::new();
        if self.value.is_sign_negative() {
            text.try_push('-').ok()?;
        }
        text.try_push_str(whole).ok()?;
        if scale > 0 || self.minor_units > 0 {
            text.try_push('.').ok()?;
        }
        text.try_push_str(zeros(scale.saturating_sub(fraction.len()))?)
            .ok()?;
        text.try_push_str(fraction).ok()?;
        text.try_push_str(zeros(usize::from(self.minor_units).saturating_sub(scale))?)
            .ok()?;
        Some(text)
    }
}

/// Room for an amount of 64 bits: its digits, as many noughts, a point and a sign.
const SHORT: usize = 64;

/// The place of an amount in its room, where its digits fit 64 bits as nearly all do: they are written from the last one on,
/// with no piece put together of others.
fn short(money: Money, room: &mut [u8; SHORT]) -> Option<&str> {
    let mut left = u64::try_from(money.value.mantissa().unsigned_abs()).ok()?;
    let scale = usize::try_from(money.value.scale()).ok()?;
    let places = scale.max(usize::from(money.minor_units));
    let mut free = room.iter_mut().rev();
    for _ in scale..places {
        *free.next()? = b'0';
    }
    let mut digit = || {
        let [last, ..] = (left % 10).to_le_bytes();
        left /= 10;
        (b'0'.wrapping_add(last), left > 0)
    };
    for _ in 0..scale {
        *free.next()? = digit().0;
    }
    if places > 0 {
        *free.next()? = b'.';
    }
    loop {
        let (character, more) = digit();
        *free.next()? = character;
        if !more {
            break;
        }
    }
    if money.value.is_sign_negative() {
        *free.next()? = b'-';
    }
    let begin = free.len();
    std::str::from_utf8(room.get(begin..)?).ok()
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text().ok_or(fmt::Error)?)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(text) = short(*self, &mut [b'0'; SHORT]) {
            return serializer.serialize_str(text);
        }
        serializer.serialize_str(&self.text().ok_or_else(|| S::Error::custom("no decimal"))?)
    }
}

/// A rate in percent: `21.62` means 21.62 %. A decimal string on the wire, without trailing zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Percent(Decimal);

impl Percent {
    /// A rate that is already in percent.
    pub fn new(value: Decimal) -> Self {
        Self(plain(value))
    }

    /// The number itself.
    pub fn value(&self) -> Decimal {
        self.0
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

binary! {
    Money { value, minor_units }
    Currency { code, minor_units }
}

/// The schema of a text that matches a pattern.
fn text(pattern: &str, description: &str, example: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .description(Some(description))
        .examples([example])
        .into()
}

impl PartialSchema for Currency {
    fn schema() -> RefOr<Schema> {
        text("^[A-Z]{3}$", "ISO 4217 code of a currency.", "NGN")
    }
}

impl ToSchema for Currency {}

impl PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        let description = "A decimal number in major units of the currency beside it: exact, never rounded, at most 28 \
                           digits, with at least the digits of the currency's minor unit.";
        text(r"^-?\d{1,28}(\.\d{1,28})?$", description, "5038.50")
    }
}

impl ToSchema for Money {}

impl PartialSchema for Percent {
    fn schema() -> RefOr<Schema> {
        let description = "A decimal number in percent: `21.62` means 21.62 %.";
        text(r"^-?\d{1,28}(\.\d{1,28})?$", description, "21.62")
    }
}

impl ToSchema for Percent {}

#[cfg(test)]
mod tests {
    use super::number::{long, short};
    use super::*;
    use proptest::prelude::*;

    fn money(text: &str, currency: &str) -> String {
        Money::new(parse(text).unwrap(), Currency::parse(currency).unwrap()).to_string()
    }

    #[test]
    fn every_digit_survives() {
        for (text, currency, printed) in [
            ("99999999999999.99", "NGN", "99999999999999.99"),
            ("123456789012345678.91", "NGN", "123456789012345678.91"),
            ("833.330000", "NGN", "833.33"),
            ("5000", "TZS", "5000.00"),
            ("38.505", "TZS", "38.505"),
            ("1e3", "NOK", "1000.00"),
            ("1E+3", "NOK", "1000.00"),
            ("0E-7", "NOK", "0.00"),
            ("0.10", "NOK", "0.10"),
            ("-0.5", "NOK", "-0.50"),
            ("5000.00", "JPY", "5000"),
            (
                "9999999999999999999999999999",
                "TZS",
                "9999999999999999999999999999.00",
            ),
            (
                "0.9999999999999999999999999999",
                "TZS",
                "0.9999999999999999999999999999",
            ),
            ("1e27", "JPY", "1000000000000000000000000000"),
        ] {
            assert_eq!(money(text, currency), printed, "{text} {currency}");
        }
    }

    #[test]
    fn what_cannot_be_kept_exactly_is_refused() {
        for text in [
            "12345678901234567890123456789",
            "1.2345678901234567890123456789",
            "1e28",
            "1e400",
            "1e-29",
            "1e99999999999",
        ] {
            assert_eq!(parse(text), Err(Inexact::TooManyDigits), "{text}");
        }
        for text in [
            "", "NaN", "Infinity", "1_000", "+1", ".5", "1.", " 1", "1 ", "01", "1e", "--1", "0x10", "١",
        ] {
            assert_eq!(parse(text), Err(Inexact::NotANumber), "{text}");
        }
    }

    #[test]
    fn sums_are_exact_or_nothing() {
        let one = |text| parse(text).unwrap();
        assert_eq!(checked_sum(one("5000"), one("38.5")), Some(one("5038.5")));
        assert_eq!(checked_sum(one("1e27"), one("0.123456")), None);
        assert_eq!(checked_sum(one("0.1"), one("-0.1")), Some(Decimal::ZERO));
    }

    #[test]
    fn unlisted_currencies_are_kept_without_padding() {
        assert_eq!(money("5.10", "QQQ"), "5.1");
        assert_eq!(Currency::parse("tzs").unwrap().code(), "TZS");
        assert!(
            Currency::parse("TZ").is_none()
                && Currency::parse("T1S").is_none()
                && Currency::parse("").is_none()
        );
    }

    proptest! {
        #[test]
        fn a_decimal_comes_back_digit_for_digit(whole in "0|[1-9][0-9]{0,17}", fraction in "[0-9]{0,9}[1-9]") {
            let text = format!("{whole}.{fraction}");
            prop_assert_eq!(parse(&text).unwrap().to_string(), text);
        }

        #[test]
        fn money_is_printed_as_its_decimal_is(mantissa in -9_999_999_999_999_999_999_999_999_999_i128..=9_999_999_999_999_999_999_999_999_999, scale in 0_u32..=28) {
            let value = Decimal::try_from_i128_with_scale(mantissa, scale).unwrap().normalize();
            let text = Money::new(value, Currency::parse("JPY").unwrap()).to_string();
            prop_assert_eq!(text, value.to_string());
        }

        #[test]
        fn minor_units_shift_by_two_places(kobo in 0_u64..) {
            let shifted = shift_left(parse(&kobo.to_string()).unwrap(), 2).unwrap();
            let printed = Money::new(shifted, Currency::parse("NGN").unwrap()).to_string();
            prop_assert_eq!(printed, format!("{}.{:02}", kobo / 100, kobo % 100));
        }

        #[test]
        fn a_short_way_leads_where_the_long_one_does(text in "-?[0-9]{0,12}\\.?[0-9]{0,12}|-?(0|[1-9][0-9]{0,9})(\\.[0-9]{0,5}0{0,3})?") {
            if let Some(short) = short(text.as_bytes()) {
                let long = long(text.as_bytes()).unwrap();
                prop_assert_eq!(short.unpack(), long.unpack());
            }
        }

        #[test]
        fn sums_are_those_of_whole_numbers(left in any::<i64>(), right in any::<i64>(), scales in (0_u32..10, 0_u32..10)) {
            let whole = |value: i64, scale: u32| i128::from(value).checked_mul(10_i128.pow(9_u32.saturating_sub(scale))).unwrap();
            let sum = whole(left, scales.0).checked_add(whole(right, scales.1)).unwrap();
            let decimal = |value: i64, scale: u32| Decimal::try_from_i128_with_scale(value.into(), scale).unwrap();
            let expected = Decimal::try_from_i128_with_scale(sum, 9).ok().map(|sum| sum.normalize());
            prop_assert_eq!(checked_sum(decimal(left, scales.0), decimal(right, scales.1)), expected);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = parse(&text);
        }
    }
}
