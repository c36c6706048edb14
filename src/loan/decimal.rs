//! Exact decimals: from the provider's characters to ours without a float in between.
//!
//! `rust_decimal` stores the value; the grammar and the arithmetic here are stricter than its own, because its
//! parser accepts `1_000` and rounds a 29th digit, and its operators panic or drop digits
//! (`docs/decisions/0002-money-from-raw-tokens.md`).

use std::fmt;

use arrayvec::ArrayString;
use rust_decimal::Decimal;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// Significant digits an amount may have. Beyond this a value is refused, never rounded.
pub const MAX_DIGITS: usize = 28;

/// Longest text worth looking at; a longer one cannot be an exact decimal of [`MAX_DIGITS`] digits anyone meant.
const MAX_TEXT: usize = 96;

/// Why a text is not a decimal we can keep exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Inexact {
    /// Not a number in JSON's grammar (`NaN`, `1_000`, `+1`, ` 1`, an empty text).
    #[error("is not a decimal number")]
    NotANumber,
    /// More than [`MAX_DIGITS`] digits, or an exponent that needs as many.
    #[error("has more than 28 digits")]
    TooManyDigits,
}

/// Reads a decimal in JSON's number grammar, exactly or not at all.
///
/// Trailing zeros of a fraction are not digits of the value: `833.330000` has five.
pub fn parse(text: &str) -> Result<Decimal, Inexact> {
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.len() > MAX_TEXT {
        return Err(if bytes.is_empty() {
            Inexact::NotANumber
        } else {
            Inexact::TooManyDigits
        });
    }
    let (negative, rest) = match bytes.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, bytes),
    };
    let (whole, rest) = digits(rest);
    if whole.is_empty() || (whole.len() > 1 && whole.first() == Some(&b'0')) {
        return Err(Inexact::NotANumber);
    }
    let (fraction, rest) = match rest.split_first() {
        Some((b'.', rest)) => {
            let (fraction, rest) = digits(rest);
            if fraction.is_empty() {
                return Err(Inexact::NotANumber);
            }
            (fraction, rest)
        }
        _ => (&[][..], rest),
    };
    let exponent = exponent(rest)?;
    assemble(negative, whole, fraction, exponent)
}

fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(bytes.len());
    bytes.split_at(end)
}

/// The exponent of `e+3`, 0 when there is none. One that no 28-digit value can have is refused before any shift.
fn exponent(bytes: &[u8]) -> Result<i32, Inexact> {
    let Some((b'e' | b'E', rest)) = bytes.split_first() else {
        return if bytes.is_empty() {
            Ok(0)
        } else {
            Err(Inexact::NotANumber)
        };
    };
    let (negative, rest) = match rest.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, rest),
    };
    let (number, tail) = digits(rest);
    if number.is_empty() || !tail.is_empty() {
        return Err(Inexact::NotANumber);
    }
    let mut value = 0_i32;
    for digit in number {
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(i32::from(digit.wrapping_sub(b'0'))))
            .filter(|value| *value <= 1_000)
            .ok_or(Inexact::TooManyDigits)?;
    }
    Ok(if negative { value.wrapping_neg() } else { value })
}

fn assemble(negative: bool, whole: &[u8], fraction: &[u8], exponent: i32) -> Result<Decimal, Inexact> {
    let fraction_end = fraction
        .iter()
        .rposition(|digit| *digit != b'0')
        .map_or(0, |last| last.saturating_add(1));
    let fraction = fraction.get(..fraction_end).unwrap_or_default();
    let (mut coefficient, mut count) = coefficient(whole, fraction)?;
    if coefficient == 0 {
        return Ok(Decimal::ZERO);
    }
    let places = i32::try_from(fraction.len()).map_err(|_| Inexact::TooManyDigits)?;
    let mut scale = places.checked_sub(exponent).ok_or(Inexact::TooManyDigits)?;
    while scale < 0 {
        count = count.saturating_add(1);
        if count > MAX_DIGITS {
            return Err(Inexact::TooManyDigits);
        }
        coefficient = coefficient.checked_mul(10).ok_or(Inexact::TooManyDigits)?;
        scale = scale.saturating_add(1);
    }
    let signed = if negative {
        coefficient.checked_neg().ok_or(Inexact::TooManyDigits)?
    } else {
        coefficient
    };
    exact(signed, u32::try_from(scale).map_err(|_| Inexact::TooManyDigits)?).ok_or(Inexact::TooManyDigits)
}

/// The number that the digits make, and how many of them count. Nearly every amount fits 64 bits, where each step takes a
/// fraction of the time.
fn coefficient(whole: &[u8], fraction: &[u8]) -> Result<(i128, usize), Inexact> {
    let mut small = 0_u64;
    let mut large = None;
    let mut count = 0_usize;
    for digit in whole.iter().chain(fraction) {
        if count > 0 || *digit != b'0' {
            count = count.saturating_add(1);
        }
        if count > MAX_DIGITS {
            return Err(Inexact::TooManyDigits);
        }
        let digit = digit.wrapping_sub(b'0');
        let next = small
            .checked_mul(10)
            .and_then(|value| value.checked_add(u64::from(digit)))
            .filter(|_| large.is_none());
        match next {
            Some(next) => small = next,
            None => {
                let value = large.unwrap_or(i128::from(small));
                let next = value
                    .checked_mul(10)
                    .and_then(|value| value.checked_add(i128::from(digit)));
                large = Some(next.ok_or(Inexact::TooManyDigits)?);
            }
        }
    }
    Ok((large.unwrap_or(i128::from(small)), count))
}

/// A decimal from coefficient and scale, without trailing zeros; `None` when it does not fit exactly.
fn exact(mut coefficient: i128, mut scale: u32) -> Option<Decimal> {
    while scale > 0 && ends_in_zero(coefficient) {
        coefficient = coefficient.checked_div(10)?;
        scale = scale.checked_sub(1)?;
    }
    Decimal::try_from_i128_with_scale(coefficient, scale).ok()
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
        let factor = 10_i128.checked_pow(scale.checked_sub(value.scale())?)?;
        value.mantissa().checked_mul(factor)
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
        let mantissa = self.value.mantissa().unsigned_abs();
        let digits = match u64::try_from(mantissa) {
            Ok(small) => digits.format(small),
            Err(_) => digits.format(mantissa),
        };
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

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text().ok_or(fmt::Error)?)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
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
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = parse(&text);
        }
    }
}
